"""Synthetic notes for load only: many, quick to make, and of no use for accuracy.

They are sentences drawn at random, in the vocabulary of real procedure notes so that rules,
de-identification and the tokenizer have their usual work. They contradict themselves, nobody
labelled them, and nothing may be trained or evaluated on them.
"""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_OPENINGS = (
    "PROCEDURE NOTE\nPatient: {name}   MRN: {number}\nDate of procedure: {date}\n",
    "BRONCHOSCOPY REPORT\nDATE: {date}\nOPERATOR: Dr. {name}\n",
    "OPERATIVE REPORT: {name}, seen {date} at {place} Hospital.\n",
    "INTERVENTIONAL PULMONOLOGY PROCEDURE NOTE, {date}.\n",
    "PLEURAL PROCEDURE NOTE\nPatient {name}, phone 555-01{short}.\n",
    "DISCHARGE SUMMARY\nADMITTED: {date}\nSERVICE: Pulmonary, Dr. {name}\n",
    "CLINIC NOTE {date}\nREFERRED BY: Dr. {name}\n",
)
_SECTIONS = ("INDICATION:", "PROCEDURE:", "FINDINGS:", "DESCRIPTION OF PROCEDURE:", "PLAN:")
_SENTENCES = (
    "The bronchoscope was passed through the {tube} and the airways were examined to the {side}.",
    "Bronchoalveolar lavage was performed in the {lobe} with {short} mL instilled and 40 returned.",
    "Linear EBUS was used to sample station {station} with a 21 gauge needle, {few} passes.",
    "Transbronchial biopsies were taken from the {lobe} under fluoroscopy, {few} pieces.",
    "Brushings were not performed.",
    "No endobronchial lesion was seen in the {lobe}.",
    "A {few} mm radial probe showed a concentric view of the nodule in the {lobe}.",
    "Thick secretions were suctioned from the {side} until clear.",
    "The patient has a history of {side} thoracentesis two years ago at {place} Hospital.",
    "Risks of bleeding, infection and pneumothorax were discussed with the patient and {name}.",
    "The {side} chest was prepped and draped and a 14 French pigtail catheter was inserted.",
    "Ultrasound showed a {side} effusion; {short}0 mL of straw colored fluid were removed.",
    "Talc slurry was instilled through the chest tube for pleurodesis.",
    "Medical thoracoscopy with parietal pleural biopsy is planned for {date}.",
    "A covered metal stent was deployed in the {side} main bronchus under direct vision.",
    "Argon plasma coagulation was applied to the tumor at the {lobe} orifice.",
    "Moderate sedation with midazolam and fentanyl was given and vital signs were stable.",
    "The estimated blood loss was less than {few} mL and there were no complications.",
    "A chest radiograph after the procedure showed no pneumothorax.",
    "Specimens were sent for cytology, culture and flow cytometry.",
    "She takes metoprolol, lisinopril and apixaban, the latter held since {date}.",
    "The tunneled pleural catheter placed last month was drained of {short}0 mL.",
    "Electromagnetic navigation was used to reach the target and tool in lesion was confirmed.",
    "Bronchial washings were collected from the {side}.",
    "If cytology is not diagnostic we would consider rigid bronchoscopy with debulking.",
    "Lungs are clear on the {side} with decreased breath sounds at the base.",
    "Blood pressure was 1{short} over {short}, pulse {short} and saturation 96 percent.",
    "The abdomen is soft and there is no edema of the legs.",
    "He worked as a welder for {short} years and stopped smoking in 2071.",
    "She lives with her daughter in {place} and walks with a cane.",
    "Hemoglobin was 11.{few}, creatinine 1.{few} and the platelet count {short}4 thousand.",
    "Allergies: none known, although penicillin gave her a mild rash as a child.",
    "The heart is regular without murmur and the neck veins are flat.",
    "Appetite has been poor and the weight has fallen by {few} kilograms since {date}.",
    "The cough is worse at night and brings up a little clear sputum.",
    "All questions were answered and the family was updated by telephone.",
    "Results will be discussed with {name} at the next visit on {date}.",
    "The patient tolerated everything well and was returned to the ward in stable condition.",
    "Diet may be resumed after two hours and the apixaban tomorrow morning.",
    "Time spent with the patient and in the review of records was {short} minutes.",
)
_FILLS = {
    "name": ("Ellen Marsh", "Jon Abara", "Ruth Okafor", "T. Lindqvist", "Maria Santos", "P. Roy"),
    "place": ("Harbor", "St. Anne", "Northfield", "Lakeview", "Mercy"),
    "date": ("03/14/2091", "June 2, 2090", "2091-01-09", "11/30/2089", "5 May 2091"),
    "lobe": ("right upper lobe", "lingula", "left lower lobe", "right middle lobe", "LUL"),
    "side": ("right", "left", "right side", "left side"),
    "tube": ("laryngeal mask", "endotracheal tube", "mouth", "right naris"),
    "station": ("4R", "4L", "7", "11L", "10R"),
    "few": ("2", "3", "4", "5", "6"),
    "short": ("20", "45", "60", "75", "90"),
    "number": ("4417203", "00981245", "7731902", "5520417"),
}
_CODES = ("31622", "31624", "31628", "31652", "32555", "32551", "32550", "32560")
SHORT_WORDS = (60, 100)
"""Words of a short note, for runs of a million."""
USUAL_WORDS = (60, 400)
"""Words of a note of the length that registries see; the shipped ones have 63 to 600."""


def load_note(rng: random.Random, words: tuple[int, int]) -> str:
    """One note of at least so many words as are drawn from the range, ending with a sentence."""
    wanted = rng.randint(*words)
    fills = {name: rng.choice(options) for name, options in _FILLS.items()}
    parts = [rng.choice(_OPENINGS).format(**fills)]
    count = len(parts[0].split())
    sentences = 0
    while count < wanted:
        if sentences % 6 == 0:
            parts.append("\n" + rng.choice(_SECTIONS))
        fills["lobe"], fills["side"] = rng.choice(_FILLS["lobe"]), rng.choice(_FILLS["side"])
        sentence = rng.choice(_SENTENCES).format(**fills)
        parts.append(sentence)
        count += len(sentence.split())
        sentences += 1
    return " ".join(parts)


def load_rows(count: int, words: tuple[int, int], seed: int = 0) -> Iterator[dict[str, Any]]:
    """Rows as the read step takes them, half of them billed; the same for the same seed."""
    rng = random.Random(seed)
    for number in range(count):
        row: dict[str, Any] = {"id": f"load-{number:08}", "text": load_note(rng, words)}
        if number % 2:
            row["cpt_codes"] = rng.sample(_CODES, 2)
        yield row


def write_load_notes(path: Path, count: int, words: tuple[int, int], seed: int = 0) -> Path:
    """Writes `load_rows` as JSON lines, without holding them in memory."""
    with path.open("w", encoding="utf-8") as handle:
        for row in load_rows(count, words, seed):
            handle.write(json.dumps(row) + "\n")
    return path
