"""What stands around a term in a made note: patient, place, negated findings, plan."""

import re

from thce.coder.draw import Draw

_FEMALE = re.compile(
    r"\b(female|uter|ovar|cervix uteri|cervical dysplasia|vagin|vulv|breast|pregnan|obstetric"
    r"|labor|deliver|menstru|menopaus|matern|trimester|puerper|fallopian|endometri)"
)
_MALE = re.compile(r"\b(male\b|prostat|testi|penis|penile|scrot|sperm|epididym|foreskin)")
_NEWBORN = re.compile(r"\b(newborn|neonat|liveborn|perinatal|birth injury)")
_CHILD = re.compile(r"\b(juvenile|child|infant|pediatric|adolescen|congenital)")
_OLD = re.compile(r"\b(senile|age-related|alzheimer|dementia|presbyopia)")

_WORD = re.compile(r"[a-z]{4,}")
_FEVER = re.compile(r"fever|febrile|temperature")

PLACES = (
    "Clinic visit",
    "ED",
    "ED note",
    "Urgent care",
    "Ward round",
    "Admission note",
    "Discharge dx",
    "Telehealth",
    "Follow-up visit",
    "Consult",
    "Primary care",
    "Nursing home visit",
    "Observation unit",
    "Pre-op visit",
)
NEGATED = (
    "no fever",
    "afebrile",
    "denies chest pain",
    "no shortness of breath",
    "denies weight loss",
    "no focal weakness",
    "no rash",
    "no red flags",
    "no prior surgery",
    "denies trauma elsewhere",
    "no vomiting",
    "no bleeding",
    "no lymph nodes felt",
    "neuro exam normal",
    "lungs clear",
    "abdomen soft",
    "no leg swelling",
    "denies alcohol",
    "never smoked",
    "no known drug allergies",
    "no urinary complaints",
    "no joint swelling",
    "vision unchanged",
    "no headache",
    "cultures negative",
    "CXR clear",
    "EKG sinus rhythm",
    "troponin negative",
    "no recent travel",
)
# Findings that a chapter's conditions often bring along: never denied there. By first letter.
_EXPECTED = {
    "A": ("fever", "afebrile", "cultures", "vomiting"),
    "B": ("fever", "afebrile", "cultures", "rash"),
    "D": ("bleeding", "lymph"),
    "C": ("weight", "lymph", "bleeding"),
    "F": ("alcohol", "smoked"),
    "G": ("neuro", "weakness", "headache"),
    "H": ("vision", "headache"),
    "I": ("chest", "breath", "swelling", "EKG", "troponin", "weakness", "neuro", "CXR", "lungs"),
    "J": ("fever", "afebrile", "breath", "lungs", "CXR", "smoked", "cultures"),
    "K": ("abdomen", "vomiting", "bleeding", "weight", "alcohol"),
    "L": ("rash", "fever", "afebrile", "cultures"),
    "M": ("joint", "weakness"),
    "N": ("urinary", "bleeding"),
    "O": ("bleeding", "vomiting", "abdomen"),
    "R": NEGATED,
    "S": ("trauma",),
    "T": ("trauma", "rash", "surgery"),
    "Z": ("surgery", "smoked", "alcohol"),
}
PLANS = (
    "Meds adjusted, recheck in 2 weeks.",
    "Continue current plan.",
    "Labs sent, call with results.",
    "Referred to specialist.",
    "Follow up in 3 months.",
    "Discharged home in good condition.",
    "Admit for further care.",
    "Discussed options, patient agrees.",
    "Imaging reviewed with patient.",
    "Return precautions given.",
    "Will observe.",
    "RTC prn.",
)
LEADS = (
    "Assessment: {}",
    "Dx: {}",
    "Impression: {}",
    "A/P: {}",
    "Here for {}",
    "Presents with {}",
    "Being treated for {}",
    "Dx today is {}",
    "Known {}",
    "Problem: {}",
    "Comes in with {}",
    "Final dx {}",
    "Attending documents {}",
    "{}",
)
SERVICES = (
    "Done today: {}",
    "Procedure: {}",
    "Service provided: {}",
    "Performed without complication: {}",
    "Billed item: {}",
    "Ordered and delivered: {}",
    "Which code for: {}",
    "Patient received {}",
    "Charge capture: {}",
    "{}",
)


def patient(description: str, category: str, draw: Draw) -> str:
    """Age and sex that the code allows, in one of several spellings.

    Args:
        description: official wording.
        category: first letter of an ICD-10-CM code, or empty.
        draw: decides.
    """
    said = description.lower()
    if category == "P" or _NEWBORN.search(said):
        return draw.one(("Newborn", "3-day-old", "Term neonate", "Baby girl, day 2", "Baby boy"))
    sex = draw.one(("M", "F"))
    low, high = 19, 88
    if category == "O" or _FEMALE.search(said):
        sex = "F"
    elif _MALE.search(said):
        sex = "M"
    if category == "O":
        low, high = 17, 44
    elif _CHILD.search(said):
        low, high = 2, 17
    elif _OLD.search(said):
        low, high = 66, 93
    age = low + draw.below(high - low + 1)
    man, woman = ("boy", "girl") if age < 18 else ("man", "woman")
    return draw.one(
        (
            f"{age}{sex}",
            f"{age} y/o {sex}",
            f"{age}yo {'male' if sex == 'M' else 'female'}",
            f"{age}-year-old {man if sex == 'M' else woman}",
            f"{sex}, {age}",
            f"Pt is {age}",
        )
    )


def negated(category: str, told: str, draw: Draw) -> str:
    """One to three findings that are not there.

    Args:
        category: first letter of an ICD-10-CM code, or empty.
        told: what the note says is there: nothing of it is denied.
        draw: decides; the result is empty where all draws are to be expected.
    """
    expected = (*_EXPECTED.get(category, ()), *_WORD.findall(told.lower()))
    if _FEVER.search(told.lower()):
        expected = (*expected, "fever", "afebrile")
    found: dict[str, None] = {}
    for _ in range(1 + draw.below(3)):
        one = draw.one(NEGATED)
        if not any(word in one for word in expected):
            found[one] = None
    return ", ".join(found)


def vitals(told: str, draw: Draw) -> str:
    """Unremarkable vital signs; nothing of the temperature where the note tells of fever."""
    systolic, diastolic, pulse = 112 + draw.below(20), 66 + draw.below(14), 64 + draw.below(24)
    options = [f"BP {systolic}/{diastolic}, HR {pulse}", f"P {pulse}, RR {12 + draw.below(6)}"]
    if not _FEVER.search(told.lower()):
        options += [
            f"VS: {systolic}/{diastolic}, P {pulse}, afebrile",
            f"T 36.{5 + draw.below(5)}, sat {96 + draw.below(4)}% RA",
        ]
    return draw.one(options)
