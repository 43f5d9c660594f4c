"""The 29 procedure flags of the registry: the only place where a flag is named.

Canonical order, titles and definitions. A flag is true if and only if the procedure was
performed in the encounter that the note documents: not history, not a plan, not a consent list,
not declined, not abandoned before it began, not negated.

Everything else refers to a flag as `Flag.BAL`, to a row of flags as an int8 array of `N_FLAGS`
cells in this order holding TRUE, FALSE or UNKNOWN, and to where a cell came from as a `Tier`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum

import numpy as np
from numpy.typing import NDArray

from thce.errors import InputError

TRUE, FALSE, UNKNOWN = 1, 0, -1

Cells = NDArray[np.int8]
"""29 cells of TRUE, FALSE or UNKNOWN; or (n, 29) of them."""


class Tier(IntEnum):
    """Where a cell's value came from; a lower tier overrules a higher one."""

    NONE = -1
    HUMAN = 0
    STRUCTURED = 1
    CPT = 2
    KEYWORD = 3


class Flag(StrEnum):
    """One procedure flag; its value is the column name."""

    DIAGNOSTIC_BRONCHOSCOPY = "diagnostic_bronchoscopy"
    BAL = "bal"
    BRONCHIAL_WASH = "bronchial_wash"
    BRUSHINGS = "brushings"
    ENDOBRONCHIAL_BIOPSY = "endobronchial_biopsy"
    TBNA_CONVENTIONAL = "tbna_conventional"
    LINEAR_EBUS = "linear_ebus"
    RADIAL_EBUS = "radial_ebus"
    NAVIGATIONAL_BRONCHOSCOPY = "navigational_bronchoscopy"
    TRANSBRONCHIAL_BIOPSY = "transbronchial_biopsy"
    TRANSBRONCHIAL_CRYOBIOPSY = "transbronchial_cryobiopsy"
    THERAPEUTIC_ASPIRATION = "therapeutic_aspiration"
    FOREIGN_BODY_REMOVAL = "foreign_body_removal"
    AIRWAY_DILATION = "airway_dilation"
    AIRWAY_STENT = "airway_stent"
    THERMAL_ABLATION = "thermal_ablation"
    CRYOTHERAPY = "cryotherapy"
    BLVR = "blvr"
    PERIPHERAL_ABLATION = "peripheral_ablation"
    BRONCHIAL_THERMOPLASTY = "bronchial_thermoplasty"
    WHOLE_LUNG_LAVAGE = "whole_lung_lavage"
    RIGID_BRONCHOSCOPY = "rigid_bronchoscopy"
    THORACENTESIS = "thoracentesis"
    CHEST_TUBE = "chest_tube"
    IPC = "ipc"
    MEDICAL_THORACOSCOPY = "medical_thoracoscopy"
    PLEURODESIS = "pleurodesis"
    PLEURAL_BIOPSY = "pleural_biopsy"
    FIBRINOLYTIC_THERAPY = "fibrinolytic_therapy"

    @property
    def position(self) -> int:
        """Position in the canonical order, from 0."""
        return INDEX[self]

    @property
    def detail(self) -> "Detail":
        """Title, definition and group."""
        return DETAILS[self]


@dataclass(frozen=True)
class Detail:
    """What a person needs to know of a flag."""

    title: str
    definition: str
    group: str


_SAMPLING, _IMAGING, _THERAPY, _PLEURA = (
    "Bronchoscopic sampling",
    "Bronchoscopic imaging and guidance",
    "Bronchoscopic therapy",
    "Pleura",
)

DETAILS: dict[Flag, Detail] = {
    Flag.DIAGNOSTIC_BRONCHOSCOPY: Detail(
        "Diagnostic Bronchoscopy",
        "A bronchoscope was passed and the airway inspected, whatever else was done.",
        _IMAGING,
    ),
    Flag.BAL: Detail("BAL", "Bronchoalveolar lavage for diagnosis.", _SAMPLING),
    Flag.BRONCHIAL_WASH: Detail(
        "Bronchial Wash", "Washings collected without a formal lavage.", _SAMPLING
    ),
    Flag.BRUSHINGS: Detail("Brushings", "Cytology or protected brush.", _SAMPLING),
    Flag.ENDOBRONCHIAL_BIOPSY: Detail(
        "Endobronchial Biopsy",
        "Forceps biopsy of a visible airway lesion or mucosa.",
        _SAMPLING,
    ),
    Flag.TBNA_CONVENTIONAL: Detail(
        "TBNA (Conventional)",
        "Needle aspiration through the airway wall without EBUS guidance of that pass.",
        _SAMPLING,
    ),
    Flag.LINEAR_EBUS: Detail(
        "Linear EBUS", "Convex-probe EBUS of nodes or central lesions.", _IMAGING
    ),
    Flag.RADIAL_EBUS: Detail("Radial EBUS", "Radial probe to a peripheral lesion.", _IMAGING),
    Flag.NAVIGATIONAL_BRONCHOSCOPY: Detail(
        "Navigational Bronchoscopy",
        "Electromagnetic, robotic or CT-guided navigation.",
        _IMAGING,
    ),
    Flag.TRANSBRONCHIAL_BIOPSY: Detail(
        "Transbronchial Biopsy", "Forceps biopsy of lung through the bronchoscope.", _SAMPLING
    ),
    Flag.TRANSBRONCHIAL_CRYOBIOPSY: Detail(
        "Transbronchial Cryobiopsy", "Cryoprobe biopsy of lung.", _SAMPLING
    ),
    Flag.THERAPEUTIC_ASPIRATION: Detail(
        "Therapeutic Aspiration",
        "Obstructing secretions, mucus or blood cleared as treatment.",
        _THERAPY,
    ),
    Flag.FOREIGN_BODY_REMOVAL: Detail(
        "Foreign Body Removal", "Foreign body taken out through the bronchoscope.", _THERAPY
    ),
    Flag.AIRWAY_DILATION: Detail("Airway Dilation", "Balloon, bougie or rigid dilation.", _THERAPY),
    Flag.AIRWAY_STENT: Detail("Airway Stent", "Stent placed, revised or removed.", _THERAPY),
    Flag.THERMAL_ABLATION: Detail(
        "Thermal Ablation",
        "Laser, argon plasma or electrocautery in the airway.",
        _THERAPY,
    ),
    Flag.CRYOTHERAPY: Detail(
        "Cryotherapy", "Cryo debulking, spray or extraction in the airway.", _THERAPY
    ),
    Flag.BLVR: Detail("BLVR", "Endobronchial valve placed or removed.", _THERAPY),
    Flag.PERIPHERAL_ABLATION: Detail(
        "Peripheral Ablation",
        "Bronchoscopic microwave, RF or cryo ablation of a lung lesion.",
        _THERAPY,
    ),
    Flag.BRONCHIAL_THERMOPLASTY: Detail(
        "Bronchial Thermoplasty", "Thermoplasty for asthma.", _THERAPY
    ),
    Flag.WHOLE_LUNG_LAVAGE: Detail(
        "Whole Lung Lavage", "Lavage of a whole lung as treatment.", _THERAPY
    ),
    Flag.RIGID_BRONCHOSCOPY: Detail("Rigid Bronchoscopy", "Rigid scope used.", _IMAGING),
    Flag.THORACENTESIS: Detail(
        "Thoracentesis", "Needle or catheter drainage, nothing left in place.", _PLEURA
    ),
    Flag.CHEST_TUBE: Detail("Chest Tube", "Non-tunneled pleural drain left in place.", _PLEURA),
    Flag.IPC: Detail("IPC", "Tunneled indwelling pleural catheter placed.", _PLEURA),
    Flag.MEDICAL_THORACOSCOPY: Detail(
        "Medical Thoracoscopy", "Pleuroscopy, or thoracoscopic exploration.", _PLEURA
    ),
    Flag.PLEURODESIS: Detail("Pleurodesis", "Chemical or mechanical pleurodesis.", _PLEURA),
    Flag.PLEURAL_BIOPSY: Detail("Pleural Biopsy", "Any biopsy of pleura.", _PLEURA),
    Flag.FIBRINOLYTIC_THERAPY: Detail(
        "Fibrinolytic Therapy",
        "tPA, DNase, streptokinase or urokinase into the pleural space.",
        _PLEURA,
    ),
}

FLAGS: tuple[Flag, ...] = tuple(Flag)
FLAG_NAMES: tuple[str, ...] = tuple(flag.value for flag in FLAGS)
INDEX: dict[str, int] = {flag.value: position for position, flag in enumerate(FLAGS)}
N_FLAGS = len(FLAGS)


def parse_flag(name: str, *, from_data: bool = False) -> Flag:
    """The flag of that name.

    Args:
        name: as it was given.
        from_data: it comes from a row of data and may be a piece of a note: it is not repeated.

    Raises:
        InputError: there is none; the message has the nearest spelling.
    """
    try:
        return Flag(name)
    except ValueError:
        from difflib import get_close_matches

        near = get_close_matches(name, FLAG_NAMES, n=1)
        hint = f"did you mean {near[0]!r}?" if near else "see `thce registry labels`"
        given = "an item is not a flag of" if from_data else f"flag {name!r} is not in"
        raise InputError(f"{given} the registry; {hint}") from None


def cells_from_names(
    true: Iterable[str], false: Iterable[str] = (), default: int = UNKNOWN
) -> Cells:
    """One row of 29 cells, with the named flags set and the others `default`.

    Raises:
        InputError: a name is not a flag; the message does not repeat it.
    """
    cells = np.full(N_FLAGS, default, dtype=np.int8)
    for name in false:
        cells[parse_flag(name, from_data=True).position] = FALSE
    for name in true:
        cells[parse_flag(name, from_data=True).position] = TRUE
    return cells


def names_from_cells(cells: Sequence[int] | Cells) -> list[str]:
    """The names of the true flags of one row, in canonical order."""
    return [name for name, cell in zip(FLAG_NAMES, cells, strict=True) if cell == TRUE]


def prodigy_options() -> list[dict[str, str]]:
    """The 29 options of a Prodigy choice task, in canonical order."""
    return [{"id": flag.value, "text": flag.detail.title} for flag in FLAGS]


def validate_schema(columns: Sequence[str]) -> None:
    """Checks that the flag columns are all 29, in canonical order; other columns may surround.

    Raises:
        InputError: a flag column is missing, doubled or out of order.
    """
    missing = [name for name in FLAG_NAMES if name not in columns]
    if missing:
        raise InputError(f"flag columns missing: {', '.join(missing)}; write all {N_FLAGS}")
    present = [name for name in columns if name in INDEX]
    if len(present) != N_FLAGS:
        doubled = sorted({name for name in present if present.count(name) > 1})
        raise InputError(f"flag columns given more than once: {', '.join(doubled)}")
    if present != list(FLAG_NAMES):
        raise InputError("flag columns are out of order; use `thce registry labels` order")
