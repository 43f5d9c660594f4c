"""The keyword rules on sentences as they are dictated: what is found, and what must not be.

Each row is written from clinical usage: a setting, what the note says, and the flags that a
reader would call performed. In the airway setting a bronchoscopy is performed anyway.
"""

import pytest

from thce.registry.keywords import keyword_signal
from thce.registry.labels import Flag, names_from_cells

SETTINGS = {
    "airway": (
        "PROCEDURE NOTE\nIndication: cough and an abnormal chest film.\n"
        "Details: A time-out was done. Sedation was with midazolam and fentanyl, lidocaine to the "
        "airway. The bronchoscope was introduced by mouth. The cords moved well and all segments "
        "were seen on both sides.\n"
    ),
    "pleura": (
        "PROCEDURE NOTE\nIndication: left pleural effusion.\n"
        "Details: A time-out was done. The patient sat upright and the left back was prepped and "
        "draped. Lidocaine was given to skin and periosteum. Vital signs stayed stable the whole "
        "time and the family was updated afterwards.\n"
    ),
    "surgery": (
        "OPERATIVE REPORT\nPREOPERATIVE DIAGNOSIS: Lung mass.\n"
        "DESCRIPTION: Under general anesthesia the patient was positioned, prepped and draped. The "
        "skin incision was made and carried through the subcutaneous tissue and fascia. The lobe "
        "was mobilized and stapled, and the wound was closed in layers.\n"
    ),
}

F = Flag
SCOPE = F.DIAGNOSTIC_BRONCHOSCOPY

PERFORMED = [
    # bronchoscopic sampling, in words, abbreviations and telegraphic form
    ("airway", "Bronchoalveolar lavage was performed in the right middle lobe.", {F.BAL}),
    ("airway", "BAL RML 120 in, 60 out, cloudy.", {F.BAL}),
    ("airway", "Broncho-alveolar lavage of the lingula with 100 cc, 45 cc returned.", {F.BAL}),
    (
        "airway",
        "The scope was wedged in RB4; 150 mL of saline was instilled and 70 mL returned.",
        {F.BAL},
    ),
    ("airway", "A lavage was obtained from the left lower lobe and sent for culture.", {F.BAL}),
    ("airway", "Bronchial washings were sent for cytology and AFB.", {F.BRONCHIAL_WASH}),
    (
        "airway",
        "The right upper lobe was washed with saline and the washings were collected.",
        {F.BRONCHIAL_WASH},
    ),
    ("airway", "Wash x1 from LLL to micro.", {F.BRONCHIAL_WASH}),
    ("airway", "Cytology brushings were taken from the left upper lobe.", {F.BRUSHINGS}),
    ("airway", "The lesion was brushed twice.", {F.BRUSHINGS}),
    ("airway", "A protected specimen brush was passed into the posterior segment.", {F.BRUSHINGS}),
    ("airway", "Endobronchial biopsies x 5 were obtained.", {F.ENDOBRONCHIAL_BIOPSY}),
    (
        "airway",
        "An exophytic mass was seen in the left mainstem and was biopsied with forceps six times.",
        {F.ENDOBRONCHIAL_BIOPSY},
    ),
    ("airway", "EBBx of the carina x4.", {F.ENDOBRONCHIAL_BIOPSY}),
    (
        "airway",
        "Mucosal biopsies were taken from the right upper lobe spur.",
        {F.ENDOBRONCHIAL_BIOPSY},
    ),
    (
        "airway",
        "Transbronchial biopsies of the right lower lobe were performed under fluoroscopy.",
        {F.TRANSBRONCHIAL_BIOPSY},
    ),
    ("airway", "TBBx RLL x 8, floaters.", {F.TRANSBRONCHIAL_BIOPSY}),
    (
        "airway",
        "Transbronchial lung biopsy, RML lateral segment, six pieces.",
        {F.TRANSBRONCHIAL_BIOPSY},
    ),
    (
        "airway",
        "Under fluoroscopic guidance, forceps biopsies of the lateral basal segment were obtained.",
        {F.TRANSBRONCHIAL_BIOPSY},
    ),
    (
        "airway",
        "Transbronchial cryobiopsy was done in RB8 and RB9, four samples.",
        {F.TRANSBRONCHIAL_CRYOBIOPSY},
    ),
    (
        "airway",
        "A 1.9 mm cryoprobe was advanced to 1 cm from the pleura and frozen for 5 s; five "
        "pieces of lung were taken from the posterior basal segment.",
        {F.TRANSBRONCHIAL_CRYOBIOPSY},
    ),
    (
        "airway",
        "Conventional TBNA of the subcarinal node with a 19-gauge Wang needle, four passes.",
        {F.TBNA_CONVENTIONAL},
    ),
    (
        "airway",
        "Transbronchial needle aspiration of the right upper lobe nodule under fluoroscopy x 4.",
        {F.TBNA_CONVENTIONAL},
    ),
    ("airway", "EBUS-TBNA of stations 4R and 7 was performed.", {F.LINEAR_EBUS}),
    (
        "airway",
        "The convex probe EBUS scope was introduced and station 7 was sampled four times.",
        {F.LINEAR_EBUS},
    ),
    (
        "airway",
        "Endobronchial ultrasound guided transbronchial needle aspiration of 11L, three passes.",
        {F.LINEAR_EBUS},
    ),
    ("airway", "Radial EBUS showed a concentric view in LB1+2.", {F.RADIAL_EBUS}),
    (
        "airway",
        "The radial probe was passed through a guide sheath and the lesion was found.",
        {F.RADIAL_EBUS},
    ),
    (
        "airway",
        "Electromagnetic navigation was used to reach the target.",
        {F.NAVIGATIONAL_BRONCHOSCOPY},
    ),
    (
        "airway",
        "The robotic catheter was docked, registered and driven to the nodule.",
        {F.NAVIGATIONAL_BRONCHOSCOPY},
    ),
    (
        "airway",
        "Ion platform: navigated to RB2, tool in lesion on cone-beam CT.",
        {F.NAVIGATIONAL_BRONCHOSCOPY},
    ),
    (
        "airway",
        "Linear EBUS: 4R x3, 7 x4. Radial EBUS: eccentric signal RUL.",
        {F.LINEAR_EBUS, F.RADIAL_EBUS},
    ),
    (
        "airway",
        "BAL, brushings and transbronchial biopsies were obtained from the right lower lobe.",
        {F.BAL, F.BRUSHINGS, F.TRANSBRONCHIAL_BIOPSY},
    ),
    # bronchoscopic therapy
    (
        "airway",
        "Thick tenacious secretions were suctioned from both lower lobes until all were open.",
        {F.THERAPEUTIC_ASPIRATION},
    ),
    (
        "airway",
        "The left main bronchus was occluded by a large mucus plug, removed with suction.",
        {F.THERAPEUTIC_ASPIRATION},
    ),
    (
        "airway",
        "Therapeutic aspiration of the tracheobronchial tree was completed.",
        {F.THERAPEUTIC_ASPIRATION},
    ),
    (
        "airway",
        "Blood clots were evacuated from the right main bronchus.",
        {F.THERAPEUTIC_ASPIRATION},
    ),
    ("airway", "Pulmonary toilet was performed.", {F.THERAPEUTIC_ASPIRATION}),
    (
        "airway",
        "A peanut, a foreign body, was retrieved from the bronchus intermedius with a basket.",
        {F.FOREIGN_BODY_REMOVAL},
    ),
    ("airway", "The foreign body was grasped with forceps and removed.", {F.FOREIGN_BODY_REMOVAL}),
    (
        "airway",
        "He had aspirated a tooth; the tooth was captured in a basket and withdrawn.",
        {F.FOREIGN_BODY_REMOVAL},
    ),
    (
        "airway",
        "The subglottic stenosis was dilated with a 12 mm CRE balloon.",
        {F.AIRWAY_DILATION},
    ),
    ("airway", "Balloon dilation of the left main bronchus to 14 mm.", {F.AIRWAY_DILATION}),
    (
        "airway",
        "Serial bougie dilation of the tracheal stricture was carried out.",
        {F.AIRWAY_DILATION},
    ),
    (
        "airway",
        "A 14 x 40 mm covered metallic stent was deployed in the right mainstem bronchus.",
        {F.AIRWAY_STENT},
    ),
    ("airway", "The silicone Y-stent was grasped and removed en bloc.", {F.AIRWAY_STENT}),
    ("airway", "The tracheal stent had migrated and was repositioned.", {F.AIRWAY_STENT}),
    (
        "airway",
        "Argon plasma coagulation was applied to the tumor in the left main bronchus.",
        {F.THERMAL_ABLATION},
    ),
    (
        "airway",
        "Nd:YAG laser photoresection of the tracheal tumor was performed.",
        {F.THERMAL_ABLATION},
    ),
    (
        "airway",
        "The polyp in the bronchus was resected with an electrocautery snare.",
        {F.THERMAL_ABLATION},
    ),
    ("airway", "APC 30 W to granulation tissue at the distal stent edge.", {F.THERMAL_ABLATION}),
    (
        "airway",
        "Cryodebulking of the left main tumor was carried out in eight freeze-thaw cycles.",
        {F.CRYOTHERAPY},
    ),
    ("airway", "Spray cryotherapy was delivered to the bronchus intermedius.", {F.CRYOTHERAPY}),
    ("airway", "Four Zephyr valves were deployed in the left upper lobe.", {F.BLVR}),
    ("airway", "The endobronchial valve in RB3 was grasped and removed.", {F.BLVR}),
    (
        "airway",
        "Bronchial thermoplasty of the right lower lobe, 58 activations.",
        {F.BRONCHIAL_THERMOPLASTY},
    ),
    (
        "airway",
        "Bronchoscopic microwave ablation of the lung nodule: 90 watts for 8 minutes.",
        {F.PERIPHERAL_ABLATION},
    ),
    (
        "airway",
        "Whole lung lavage of the left lung, 14 liters in and 13.5 liters out.",
        {F.WHOLE_LUNG_LAVAGE},
    ),
    (
        "airway",
        "A 12 mm rigid bronchoscope was inserted under direct vision.",
        {F.RIGID_BRONCHOSCOPY},
    ),
    (
        "airway",
        "The ventilating bronchoscope was passed through the cords.",
        {F.RIGID_BRONCHOSCOPY},
    ),
    # pleura
    (
        "pleura",
        "Ultrasound-guided thoracentesis was performed and 1200 mL of straw fluid removed.",
        {F.THORACENTESIS},
    ),
    ("pleura", "Left thoracentisis, 900 cc out.", {F.THORACENTESIS}),
    (
        "pleura",
        "An 8 Fr catheter over needle was advanced, 1,350 mL of amber fluid was drained, and "
        "the catheter was removed.",
        {F.THORACENTESIS},
    ),
    ("pleura", "L pleural tap: 600 mL serous.", {F.THORACENTESIS}),
    ("pleura", "A 14 Fr pigtail catheter was placed over a wire and sutured.", {F.CHEST_TUBE}),
    ("pleura", "A 28-French chest tube was inserted and connected to suction.", {F.CHEST_TUBE}),
    ("pleura", "Tube thoracostomy was performed in the fifth interspace.", {F.CHEST_TUBE}),
    ("pleura", "12F Seldinger drain, 6th ICS, stitched.", {F.CHEST_TUBE}),
    ("pleura", "A PleurX catheter was tunneled and placed without difficulty.", {F.IPC}),
    (
        "pleura",
        "The indwelling pleural catheter was inserted through the peel-away sheath.",
        {F.IPC},
    ),
    (
        "pleura",
        "Pleuroscopy was performed; the parietal pleura was studded with nodules.",
        {F.MEDICAL_THORACOSCOPY},
    ),
    (
        "pleura",
        "Medical thoracoscopy with parietal pleural biopsies and talc poudrage.",
        {F.MEDICAL_THORACOSCOPY, F.PLEURAL_BIOPSY, F.PLEURODESIS},
    ),
    ("pleura", "Talc slurry, 5 g, was instilled through the chest tube.", {F.PLEURODESIS}),
    (
        "pleura",
        "Doxycycline 500 mg was instilled through the existing chest tube.",
        {F.PLEURODESIS},
    ),
    (
        "pleura",
        "An autologous blood patch, 100 mL, was instilled through the chest drain.",
        {F.PLEURODESIS},
    ),
    ("pleura", "Closed pleural biopsy with an Abrams needle, six pieces.", {F.PLEURAL_BIOPSY}),
    (
        "pleura",
        "tPA 10 mg and DNase 5 mg were instilled through the pigtail.",
        {F.FIBRINOLYTIC_THERAPY},
    ),
    (
        "pleura",
        "Alteplase 4 mg given via the indwelling pleural catheter.",
        {F.FIBRINOLYTIC_THERAPY},
    ),
    (
        "surgery",
        "Two 32-French chest tubes were placed, one anterior and one posterior.",
        {F.CHEST_TUBE},
    ),
    (
        "surgery",
        "The thoracoscope was introduced and the pleural space was explored.",
        {F.MEDICAL_THORACOSCOPY},
    ),
    ("surgery", "Mechanical pleurodesis was performed with a scratch pad.", {F.PLEURODESIS}),
    ("surgery", "Biopsies of the parietal pleura were taken.", {F.PLEURAL_BIOPSY}),
    (
        "surgery",
        "Flexible bronchoscopy was carried out first and showed no endobronchial lesion.",
        {SCOPE},
    ),
    # acts described without their name, and the tools and brands that stand for them
    (
        "airway",
        "Three 50-mL aliquots were put into RB4 with a return of 80 mL, for differential.",
        {F.BAL},
    ),
    ("airway", "Lingula: 100 in / 38 out, sent for galactomannan and cell count.", {F.BAL}),
    ("airway", "Broncho-alveolar washing of the middle lobe was done, 60 mL recovered.", {F.BAL}),
    (
        "airway",
        "I squirted 10 mL of saline into the lingula and sucked it into a Lukens trap for AFB.",
        {F.BRONCHIAL_WASH},
    ),
    (
        "airway",
        "The return of 30 mL of saline put down the left lower lobe was collected for cytology.",
        {F.BRONCHIAL_WASH},
    ),
    (
        "airway",
        "Several pieces of the endobronchial mass were taken for histology.",
        {F.ENDOBRONCHIAL_BIOPSY},
    ),
    (
        "airway",
        "The two largest papillomas in the trachea were nipped with cup forceps.",
        {F.ENDOBRONCHIAL_BIOPSY},
    ),
    (
        "airway",
        "Peripheral biopsies of the left upper lobe were taken under the image intensifier.",
        {F.TRANSBRONCHIAL_BIOPSY},
    ),
    (
        "airway",
        "Four forceps specimens from the lateral basal segment with fluoroscopy.",
        {F.TRANSBRONCHIAL_BIOPSY},
    ),
    (
        "airway",
        "Needle aspirates were taken from the submucosal mass in the trachea.",
        {F.TBNA_CONVENTIONAL},
    ),
    (
        "airway",
        "The steerable catheter reached the nodule; 21G needle, 4 throws into the target.",
        {F.TBNA_CONVENTIONAL, F.NAVIGATIONAL_BRONCHOSCOPY},
    ),
    (
        "airway",
        "Under real-time ultrasound the 22G needle was passed into station 11R four times.",
        {F.LINEAR_EBUS},
    ),
    (
        "airway",
        "The scope was exchanged for the echobronchoscope and node 7 was punctured.",
        {F.LINEAR_EBUS},
    ),
    ("airway", "A 20 MHz probe showed the lesion concentrically.", {F.RADIAL_EBUS}),
    ("airway", "A mini-probe down the sheath lay within the lesion.", {F.RADIAL_EBUS}),
    (
        "airway",
        "Augmented fluoroscopy was used to steer the catheter to the target.",
        {F.NAVIGATIONAL_BRONCHOSCOPY},
    ),
    (
        "airway",
        "The left main was corked by green mucus, which was sucked out until all was open.",
        {F.THERAPEUTIC_ASPIRATION},
    ),
    ("airway", "A dental crown was seen in RB8, grasped and delivered.", {F.FOREIGN_BODY_REMOVAL}),
    (
        "airway",
        "Vegetable matter was removed from the right lower lobe with forceps.",
        {F.FOREIGN_BODY_REMOVAL},
    ),
    ("airway", "The stenosis was stretched with a balloon to 12 mm.", {F.AIRWAY_DILATION}),
    ("airway", "Savary dilators up to 45 Fr were used in the subglottis.", {F.AIRWAY_DILATION}),
    ("airway", "An AERO 14 x 40 was deployed in the left main bronchus.", {F.AIRWAY_STENT}),
    ("airway", "The existing silicone stent was taken out.", {F.AIRWAY_STENT}),
    ("airway", "Cryoablation of the tracheal granulation, 30 s freeze.", {F.CRYOTHERAPY}),
    ("airway", "LB6: 4.0 EBV seated. LB8: 5.5 EBV seated.", {F.BLVR}),
    (
        "airway",
        "Energy was radiofrequency by a bronchoscopic electrode, 50 W for 6 min, to the nodule.",
        {F.PERIPHERAL_ABLATION},
    ),
    (
        "airway",
        "Alveolar proteinosis: the left lung was washed out with 16 L of warm saline.",
        {F.WHOLE_LUNG_LAVAGE},
    ),
    (
        "airway",
        "The 6 mm ventilating tube with a 0 degree rod went to the carina.",
        {F.RIGID_BRONCHOSCOPY},
    ),
    (
        "pleura",
        "A 16 G cannula: 1 litre of straw fluid was let off and the cannula was removed.",
        {F.THORACENTESIS},
    ),
    ("pleura", "Drew off 1.9 L of air by 60 mL syringe through a 16 G cannula.", {F.THORACENTESIS}),
    ("pleura", "A 28 French tube was led out of the lower incision.", {F.CHEST_TUBE}),
    ("pleura", "Thal-Quick 20 Fr placed, left.", {F.CHEST_TUBE}),
    ("pleura", "A 20 Ch drain was sited by blunt dissection, 5th ICS.", {F.CHEST_TUBE}),
    ("pleura", "A long-term tunnelled drain was sited.", {F.IPC}),
    (
        "pleura",
        "A zero degree camera was let into the pleural space through a 7 mm port.",
        {F.MEDICAL_THORACOSCOPY},
    ),
    ("pleura", "The parietal pleura was scoured with a scratch pad until raw.", {F.PLEURODESIS}),
    ("pleura", "A sclerosing agent was instilled.", {F.PLEURODESIS}),
    (
        "pleura",
        "At pleuroscopy eight samples of the costal pleura were removed.",
        {F.PLEURAL_BIOPSY, F.MEDICAL_THORACOSCOPY},
    ),
    ("pleura", "Pleural nodules were biopsied under ultrasound.", {F.PLEURAL_BIOPSY}),
    ("pleura", "First lytic dose given.", {F.FIBRINOLYTIC_THERAPY}),
    ("pleura", "Streptokinase 250,000 units into the pleural space.", {F.FIBRINOLYTIC_THERAPY}),
    # context that affirms in spite of a cue
    (
        "airway",
        "Despite the bleeding risk, we went ahead with endobronchial biopsy of the tumor.",
        {F.ENDOBRONCHIAL_BIOPSY},
    ),
    (
        "airway",
        "After failed conventional TBNA last month, EBUS-TBNA of 7 was done.",
        {F.LINEAR_EBUS},
    ),
    (
        "airway",
        "ADDENDUM: Brushings of the LUL were also taken, omitted from the dictation.",
        {F.BRUSHINGS},
    ),
    ("airway", "EBUS: survey of all stations, none sampled.", {F.LINEAR_EBUS}),
    ("airway", "BAL today [x] yes [ ] no   Brush [ ] yes [x] no", {F.BAL}),
    ("airway", "BAL was done, brush was not.", {F.BAL}),
    ("airway", "BAL \u2713 Brush \u2717", {F.BAL}),
    ("airway", "BAL / brushings (not done).", {F.BAL}),
    (
        "pleura",
        "Plan: lytics continue. Dose 5 of alteplase went in via the drain this morning, by me.",
        {F.FIBRINOLYTIC_THERAPY},
    ),
]

NOT_PERFORMED = [
    # negation, in every position, and enumerations
    ("airway", "No BAL, brushing or biopsy was taken."),
    ("airway", "No BAL/bx/brush."),
    ("airway", "No lavage, wash or brush."),
    ("airway", "BAL was not performed because of hypoxia."),
    ("airway", "Transbronchial biopsies were not attempted."),
    ("airway", "I did not do a lavage or a brushing."),
    ("airway", "Neither brushings nor washings were collected."),
    ("airway", "There was no need for a stent."),
    ("airway", "Balloon dilation was not required."),
    ("airway", "The airways were cleaned without any need for therapeutic aspiration."),
    ("airway", "Biopsies were deferred on account of the platelet count."),
    ("airway", "Stent placement was declined by the patient."),
    ("airway", "EBUS was unavailable."),
    ("airway", "Inspection only rather than biopsy was chosen."),
    ("airway", "Instead of cryotherapy, observation was chosen."),
    ("airway", "Unable to perform endobronchial biopsy."),
    ("airway", "Laser: not used. APC: none."),
    ("airway", "Brushings: No"),
    ("airway", "Scant clear secretions were suctioned."),
    ("airway", "Minimal mucus was easily cleared."),
    ("airway", "No foreign body was found."),
    ("airway", "NOT DONE: EBUS, needle aspiration, cryobiopsy."),
    ("airway", "[ ] Brushings\n[ ] Transbronchial biopsy\n[ ] BAL"),
    # history
    ("airway", "She had a bronchoscopy with BAL and transbronchial biopsies in 2089."),
    ("airway", "PAST PROCEDURES: EBUS-TBNA, thoracentesis, left main stent."),
    ("airway", "Status post left main stent placement at an outside hospital."),
    ("airway", "A BAL two days ago grew Pseudomonas."),
    ("airway", "The tracheal stent, placed last year, was in good position."),
    ("airway", "Previous endobronchial biopsies had been benign."),
    ("airway", "Valves had been placed elsewhere in March."),
    # plan, hypothesis, consent, options
    ("airway", "PLAN: Repeat bronchoscopy with BAL and balloon dilation in six weeks."),
    ("airway", "We will consider cryobiopsy if cultures are negative."),
    ("airway", "If the stenosis recurs, a stent may be needed."),
    (
        "airway",
        "CONSENT: for bronchoscopy, lavage, brushings, biopsy, possible stent and chest tube.",
    ),
    ("airway", "Risks including pneumothorax requiring a chest tube were explained."),
    ("airway", "Options of laser, cryotherapy and stenting were discussed."),
    ("airway", "She is a candidate for endobronchial valves."),
    ("airway", "EBUS-TBNA is scheduled for next week."),
    ("airway", "Thoracic surgery would place a chest tube should a pneumothorax develop."),
    ("airway", "Transbronchial biopsy had been requested by the oncology team."),
    # standby, equipment, other things with the same words
    ("airway", "The rigid bronchoscopy set was available in the room."),
    ("airway", "A chest tube kit was at the bedside, not used."),
    ("airway", "EBV viremia was noted by PCR."),
    ("airway", "He has a mechanical aortic valve and two coronary stents."),
    ("airway", "The esophageal stent was visible through the fistula."),
    ("airway", "His brother had a lung biopsy and a stent."),
    ("airway", "The patient's teeth were brushed before the procedure."),
    ("pleura", "No chest tube was placed."),
    ("pleura", "There was no safe window and thoracentesis was not attempted."),
    ("pleura", "The existing chest tube was flushed with saline."),
    ("pleura", "The chest tube was removed and an occlusive dressing applied."),
    ("pleura", "The PleurX was drained of 400 mL."),
    ("pleura", "The pigtail, placed by radiology yesterday, is draining well."),
    ("pleura", "If fluid recurs we would offer pleurodesis or a tunneled catheter."),
    ("pleura", "She declined pleurodesis."),
    ("pleura", "History of talc pleurodesis on the right."),
    ("pleura", "tPA was not given because of bleeding."),
    ("pleura", "IPC sleeves were applied to both legs for DVT prophylaxis."),
    ("pleura", "He received intravenous tPA for an ischemic stroke."),
    ("pleura", "VATS decortication if no response by Friday."),
    ("pleura", "Two thoracenteses last month were both exudative."),
    ("pleura", "Her mother had a thoracentesis for lung cancer."),
    ("pleura", "Thoracic surgery was consulted regarding VATS."),
    ("surgery", "The electrocautery was used for hemostasis along the muscle and the fascia."),
    ("surgery", "A ureteral stent was placed and left on a string."),
    ("surgery", "The tract was dilated over the wire."),
    ("surgery", "Esophagoscopy was performed with biopsy of the stomach."),
    ("surgery", "The bladder was drained with a pigtail catheter."),
    ("surgery", "The drill hole was tapped and the screw was placed."),
    ("surgery", "A foreign body was removed from the right ear."),
    ("surgery", "Laser treatment was applied to the skin lesion."),
    # look-alikes of the acts above
    ("airway", "Both lungs were ventilated with oxygen to wash out nitrogen."),
    ("airway", "Iced saline washes were given until the bleeding stopped."),
    ("airway", "Saline 10 mL was put down the channel to clear the view."),
    ("airway", "The chest was washed with three litres of warm saline."),
    ("airway", "His mouth was brushed with chlorhexidine."),
    ("airway", "Loosened pieces of tumor were pushed aside and discarded."),
    (
        "airway",
        "Granulation tissue at the carina was removed with forceps until the lumen was wide.",
    ),
    ("airway", "The EBUS balloon had been checked beforehand and EBUS was then not needed."),
    ("airway", "Dilated bronchi with thick walls were seen, in keeping with bronchiectasis."),
    ("airway", "He was intubated over a gum elastic bougie past the subglottic stenosis."),
    ("airway", "The existing stent was in good position, both ends open."),
    ("airway", "A one-way valve was fitted to the drain."),
    ("airway", "Popcorn had been suspected; no kernel and no husk were found."),
    ("airway", "Brought to Bronch 3 for observation only; no needle was needed."),
    ("pleura", "The chest tube was placed to water seal this morning."),
    ("pleura", "A pleural friction rub was heard."),
    ("pleura", "The nodular pleura was photographed."),
    ("pleura", "Lytics are due to start tomorrow."),
    ("pleura", "The endotracheal tube was secured and the nasogastric tube put to suction."),
    # denials, plans and the past in further forms
    ("airway", "Brushing was left out because of the bleeding."),
    ("airway", "Cryotherapy was reserved for a recurrence."),
    ("airway", "BAL had been intended but the saturations would not allow it."),
    ("airway", "I thought better of brushing it."),
    ("airway", "TBBx x 0."),
    ("airway", "The MDT is to decide on cryobiopsy."),
    ("airway", "The consent also covered brushings and laser."),
    ("airway", "EBUS elsewhere had made the diagnosis."),
    ("airway", "Mini-BAL by respiratory therapy had already grown Klebsiella."),
    ("airway", "Radial EBUS at the previous attempt was eccentric."),
    ("airway", "A left main stent, placed 05/29, is being followed."),
    ("airway", "No node was sampled, EBUS having been done by us in the spring."),
    ("airway", "Two weeks after stent placement he developed a cough."),
    (
        "airway",
        "Compared with the bronchoscopy of March, when APC was applied, the lumen is wider.",
    ),
    ("airway", "If it recurs they'd do balloon dilation."),
    (
        "airway",
        "[Prior procedures - carried forward]\nday 3: BAL, endobronchial biopsy\n"
        "day 5: thoracentesis 700 mL",
    ),
    (
        "airway",
        ">> Copied forward from session 1 >>\nBAL RML was sent. A thick plug was suctioned.\n"
        "<< end copied text <<\nNormal today.",
    ),
    (
        "airway",
        "A friable endobronchial mass was seen in the left main bronchus. Samples were obtained "
        "through the biopsy channel by suction for cytology.",
    ),
    ("airway", "Consent: [x] on chart (lavage, brushings, biopsy)"),
    ("airway", "Planned lavage, brushings and biopsies. Inspection only was done."),
    ("airway", "The clot over the right upper lobe was left undisturbed."),
    ("airway", "Op report reviewed: rigid bronchoscopy, laser and silicone stent."),
    ("pleura", "The effusion is to be tapped by the ward team."),
    ("pleura", "Blood patch and pleurodesis were both talked over and neither was done."),
    ("pleura", "ED had put in a chest tube."),
    ("pleura", "The 24 Fr chest tube that had been opened was put back."),
    ("pleura", "L PleurX inserted 02/20 after pleuroscopy."),
]


def _performed(setting: str, statement: str) -> set[Flag]:
    result = keyword_signal(SETTINGS[setting] + statement)
    return {Flag(name) for name in names_from_cells(result.cells)}


@pytest.mark.parametrize("setting,statement,expected", PERFORMED, ids=lambda value: str(value)[:60])
def test_performed(setting: str, statement: str, expected: set[Flag]) -> None:
    given = {SCOPE} if setting == "airway" else set()
    assert _performed(setting, statement) == expected | given


@pytest.mark.parametrize("setting,statement", NOT_PERFORMED, ids=lambda value: str(value)[:60])
def test_not_performed(setting: str, statement: str) -> None:
    assert _performed(setting, statement) == ({SCOPE} if setting == "airway" else set())


@pytest.mark.parametrize(
    ("scope", "airway"),
    [
        ("Bronchoscopy", True),
        ("Microlaryngoscopy", False),
        ("Esophagoscopy", False),
        ("Microlaryngoscopy and bronchoscopy", True),
    ],
)
def test_another_endoscopy_overrules_the_airway_scene_unless_there_was_a_bronchoscopy(
    scope: str, airway: bool
) -> None:
    seen = "The 0-degree telescope was passed to the carina. The visible lesion was biopsied."
    found = keyword_signal(f"PROCEDURE NOTE\n{scope}. {seen}").cells
    assert (Flag.ENDOBRONCHIAL_BIOPSY.value in names_from_cells(found)) is airway
    assert (SCOPE.value in names_from_cells(found)) is airway
