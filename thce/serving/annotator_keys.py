"""The key that toggles each flag on the page: the same in every note, so that hands learn it.

Digits for the commonest, then a letter of the name. X, I, Z, E, D and J, K are commands.
"""

from thce.registry.labels import Flag

COMMANDS = frozenset("xizedjk")

KEYS: dict[Flag, str] = {
    Flag.DIAGNOSTIC_BRONCHOSCOPY: "1",
    Flag.BAL: "2",
    Flag.BRONCHIAL_WASH: "3",
    Flag.BRUSHINGS: "4",
    Flag.ENDOBRONCHIAL_BIOPSY: "5",
    Flag.TBNA_CONVENTIONAL: "6",
    Flag.LINEAR_EBUS: "7",
    Flag.RADIAL_EBUS: "8",
    Flag.NAVIGATIONAL_BRONCHOSCOPY: "9",
    Flag.TRANSBRONCHIAL_BIOPSY: "0",
    Flag.TRANSBRONCHIAL_CRYOBIOPSY: "c",
    Flag.THERAPEUTIC_ASPIRATION: "a",
    Flag.FOREIGN_BODY_REMOVAL: "f",
    Flag.AIRWAY_DILATION: "l",
    Flag.AIRWAY_STENT: "s",
    Flag.THERMAL_ABLATION: "h",
    Flag.CRYOTHERAPY: "y",
    Flag.BLVR: "v",
    Flag.PERIPHERAL_ABLATION: "p",
    Flag.BRONCHIAL_THERMOPLASTY: "o",
    Flag.WHOLE_LUNG_LAVAGE: "w",
    Flag.RIGID_BRONCHOSCOPY: "r",
    Flag.THORACENTESIS: "t",
    Flag.CHEST_TUBE: "u",
    Flag.IPC: "n",
    Flag.MEDICAL_THORACOSCOPY: "m",
    Flag.PLEURODESIS: "g",
    Flag.PLEURAL_BIOPSY: "b",
    Flag.FIBRINOLYTIC_THERAPY: "q",
}
