"""Short names, our own, for ICD-10-CM's chapters, HCPCS's letters and CPT's ranges."""

CHAPTERS = {
    "1": "infectious and parasitic diseases",
    "2": "neoplasms",
    "3": "blood and immune mechanism",
    "4": "endocrine, nutritional and metabolic diseases",
    "5": "mental and behavioral disorders",
    "6": "nervous system",
    "7": "eye and adnexa",
    "8": "ear and mastoid process",
    "9": "circulatory system",
    "10": "respiratory system",
    "11": "digestive system",
    "12": "skin and subcutaneous tissue",
    "13": "musculoskeletal system and connective tissue",
    "14": "genitourinary system",
    "15": "pregnancy, childbirth and the puerperium",
    "16": "conditions of the perinatal period",
    "17": "congenital malformations",
    "18": "symptoms, signs and abnormal findings",
    "19": "injury, poisoning and other external consequences",
    "20": "external causes",
    "21": "factors influencing health status",
    "22": "codes for special purposes",
}

HCPCS_LETTERS = {
    "A": "transport, medical and surgical supplies",
    "B": "enteral and parenteral nutrition",
    "C": "hospital outpatient items",
    "D": "dental procedures",
    "E": "durable medical equipment",
    "G": "procedures and professional services under review",
    "H": "behavioral health services",
    "J": "drugs given other than by mouth, and chemotherapy",
    "K": "equipment coded for the contractors",
    "L": "orthoses and prostheses",
    "M": "medical services and quality measures",
    "P": "pathology and laboratory services",
    "Q": "temporary codes for drugs, casts and services",
    "R": "transport of portable diagnostic equipment",
    "S": "codes of private payers",
    "T": "codes of state Medicaid agencies",
    "U": "laboratory tests for an outbreak",
    "V": "vision, hearing and speech",
}

# First code of each range; a code belongs to the last range that starts at or before it.
CPT_RANGES = (
    ("00100", "anesthesia"),
    ("10004", "surgery on skin and breast"),
    ("20005", "surgery on muscles and skeleton"),
    ("30000", "surgery on the respiratory tract"),
    ("33016", "surgery on heart and vessels"),
    ("38100", "surgery on blood-forming organs and lymph"),
    ("39000", "surgery on mediastinum and diaphragm"),
    ("40490", "surgery on the digestive tract"),
    ("50010", "surgery on the urinary tract"),
    ("54000", "surgery on male genital organs"),
    ("56405", "surgery on female genital organs"),
    ("59000", "maternity care"),
    ("60000", "surgery on endocrine glands"),
    ("61000", "surgery on the nervous system"),
    ("65091", "surgery on the eye"),
    ("69000", "surgery on the ear"),
    ("70010", "imaging"),
    ("76506", "ultrasound"),
    ("77046", "breast and bone imaging, radiation treatment"),
    ("78012", "nuclear medicine"),
    ("80047", "laboratory panels and tests"),
    ("88104", "cell and tissue pathology"),
    ("90281", "immune globulins and vaccines"),
    ("90785", "psychiatry"),
    ("90935", "dialysis"),
    ("91010", "tests of stomach and bowel"),
    ("92002", "eye examination"),
    ("92502", "ear, nose, throat and speech tests"),
    ("92920", "heart and vessel tests and catheters"),
    ("94002", "lung function and ventilation"),
    ("95004", "allergy tests and treatment"),
    ("95700", "sleep, brain, nerve and muscle tests"),
    ("96105", "tests of mind and development"),
    ("96360", "infusions and injections"),
    ("97010", "physical medicine and rehabilitation"),
    ("98925", "manipulation, education and remote services"),
    ("99000", "special services"),
    ("99202", "visits and evaluation"),
)


def hcpcs_group(code: str) -> str:
    """What the codes of a HCPCS code's letter are for."""
    return HCPCS_LETTERS.get(code[:1], "other items and services")


def cpt_group(code: str) -> str:
    """Which kind of service a CPT code's range holds."""
    group = CPT_RANGES[0][1]
    for first, name in CPT_RANGES:
        if code < first:
            break
        group = name
    return group
