"""What each recognizer takes, and above all what it leaves to the coder."""

import pytest

from thce.notes.deidentify import deidentify, find


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # names
        ("Dr. Osei-Bonsu's plan", "Dr. [NAME]'s plan"),
        ("seen by Dr. X. The scope was passed", "seen by Dr. [NAME]. The scope was passed"),
        ("Drs. Mumford and Squill agree", "Drs. [NAME] and [NAME] agree"),
        ("Attending: B. Wrenfeather, MD   Fellow: T. Lantern, DO", "Attending: [NAME], MD   "
         "Fellow: [NAME], DO"),
        ("Patient: Figment, Orla Q.   MRN: FAKE-00001", "Patient: [NAME]   MRN: [ID]"),
        ("pt: doe, janey", "pt: [NAME]"),
        ("R. Saltmarsh PA-C", "[NAME] PA-C"),
        ("electronically signed by Rowan Applegarth, MD", "electronically signed by [NAME], MD"),
        ("Yours sincerely,\nAda Quill", "Yours sincerely,\n[NAME]"),
        ("Dr. Whittle came. Later Whittle left.", "Dr. [NAME] came. Later [NAME] left."),
        # facilities and addresses
        ("seen at Marram Point Regional Medical Center", "seen at [FACILITY]"),
        ("LAKE NOWHERE UNIVERSITY HOSPITAL\nREPORT", "[FACILITY]\nREPORT"),
        ("418 Gooseberry Lane, Upper Haddow, OH 44999", "[ADDRESS] [ZIP]"),
        ("P.O. Box 1187, Kettlewick, ME 04999", "[ADDRESS] [ZIP]"),
        ("Zip code 45999", "Zip code [ZIP]"),
        # numbers
        ("Chart # ZZ-2208, Acct 9-D-NOVEL", "Chart # [ID], Acct [ID]"),
        ("MRN FAKE-00417 SSN 900-12-3456", "MRN [ID] SSN [SSN]"),
        ("lot 88A412X, NPI 1999999984", "lot [ID], NPI [ID]"),
        ("call (555) 555-0119 or 555-0143", "call [PHONE] or [PHONE]"),
        ("ring +44 20 7946 0018", "ring [PHONE]"),
        ("mail a.b@c.example.org, https://x.example/pt?id=3.", "mail [EMAIL], [URL]."),
        ("host 192.0.2.45", "host [URL]"),
        # ages
        ("a 93-year-old man; his 101 yo sister; aged 98", "a [AGE>89]-year-old man; his [AGE>89] "
         "yo sister; aged [AGE>89]"),
        ("Mrs. Oakenfold, 97F, ninety-two years old", "Mrs. [NAME], [AGE>89]F, [AGE>89] years old"),
        # dates
        ("on 03/14/2091 and 2091-03-14", "on [DATE 2091] and [DATE 2091]"),
        ("Monday, April 7, 2091; 12 Feb 2094; 08JUN2091", "[DATE 2091]; [DATE 2094]; [DATE 2091]"),
        ("05/14/91, 5.14.92, 06/2090, March of 2090", "[DATE 91], [DATE 92], [DATE 2090], "
         "[DATE 2090]"),
        ("scan on 3/14, stent out Feb 13", "scan on [DATE], stent out [DATE]"),
        ("DOB: 04/19/1931", "DOB: [DATE]"),
    ],
)  # fmt: skip
def test_replaces(text: str, expected: str) -> None:
    assert deidentify(text)[0] == expected


@pytest.mark.parametrize(
    "text",
    [
        "CPT 31653, 31624-59 and 31628; ICD-10 C34.11, R59.0; HCPCS C9751",
        "Stations 4R, 7, 11L and 11Rs; 22 G x 5 passes each",
        "12 Fr Pigtail, 14 French, 8.0 ETT, 2.4 mm cryoprobe, 14 x 40 mm stent",
        "Y-stent 15-12-12 mm; balloon CRE 10/11/12 mm; 47 activations",
        "BP 120/80, HR 92, RR 16-20, SpO2 91% on 2 L, T 101.2 F, FiO2 0.40, PEEP 8",
        "the 3/4 stenosis, 1/2 tab, 5/5 strength, pain 3/10, BiPAP on 12/5",
        "midazolam 3 mg, fentanyl 75 mcg, tPA 10 mg / DNase 5 mg, heparin 5000000 units",
        "Output 900 mL, then 200-1000 mL; ratio 3:1; epi 1:20,000; D-dimer 1,250",
        "A Wang needle, Kelly clamp, Dumon stent, Foley 16 Fr, Heimlich valve, Montgomery T-tube",
        "Light's criteria; Gram stain; Trendelenburg position; Seldinger technique; Fogarty 4 Fr",
        "took 95 minutes; weight 98 kg; lived with COPD for 91 months; 92 pack-years; fever 101F",
        "PD-L1 60%, CK5/6 positive, WT-1, D2-40, T2aN2M0, SUV 9.1, CK7+/CK20-",
        "Time out at 0347; 09:15:22; procedure day 3; dose 4 of 6",
        "may ambulate; the patient was last seen well; march in place",
        "PULMONARY CLINIC - FOLLOW UP\nHospital course: Bronchoscopy was performed.",
        "Left PA normal. CXR PA and lateral. MR. Mitral inflow. We DO not biopsy.",
        "PATIENT: The patient is intubated. SURGEON: None. CC: Cough. ID: consulted.",
        "A lot of 40 mL clots; case 2 of 3; visit 4; group 3 hypertension",
    ],
)
def test_leaves_what_a_coder_needs(text: str) -> None:
    assert deidentify(text)[0] == text


def test_an_eponym_stays_where_a_person_bears_the_name() -> None:
    text = "Dr. Wang used a Wang needle; Dr. Kelly clamped with a Kelly clamp."
    expected = "Dr. [NAME] used a Wang needle; Dr. [NAME] clamped with a Kelly clamp."
    assert deidentify(text)[0] == expected


def test_counts_each_kind() -> None:
    counts = deidentify("Dr. Ray, Dr. Roe: MRN 4471, seen 03/14/2091")[1]
    assert counts == {"name": 2, "id": 1, "date": 1}


def test_overlapping_finds_become_one_span() -> None:
    spans = find("MRN 03/14/2091-A")
    assert [(span.start, span.end) for span in spans] == [(4, 16)]


def test_placeholders_are_left_alone() -> None:
    text = "Dr. [NAME] on [DATE 2091], MRN [ID], [AGE>89]-year-old, [FACILITY] Hospital"
    assert deidentify(text)[0] == text
