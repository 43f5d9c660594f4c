"""Procedure notes, accounts of a stay, and the rest."""

import pytest

from thce.registry.keywords import keyword_signal
from thce.registry.note_kind import NoteKind, note_kind


@pytest.mark.parametrize(
    "opening,kind",
    [
        ("OPERATIVE REPORT\nPatient: Nemo", NoteKind.PROCEDURE),
        ("Bronchoscopy note, bed 4", NoteKind.PROCEDURE),
        (
            "PREOPERATIVE DIAGNOSIS:, Knee pain.,PROCEDURE PERFORMED:, Arthroscopy.",
            NoteKind.PROCEDURE,
        ),
        ("PULMONARY CONSULT PROCEDURE NOTE", NoteKind.PROCEDURE),
        ("Scope via ETT, propofol, lidocaine, no complications.", NoteKind.PROCEDURE),
        ("DISCHARGE SUMMARY\nAdmitted 3/1", NoteKind.STAY),
        ("Admitted for cough.\nHOSPITAL COURSE: He improved.", NoteKind.STAY),
        ("EMERGENCY DEPARTMENT NOTE\n22 M", NoteKind.STAY),
        ("CT CHEST WITH CONTRAST\nFindings: nodule.", NoteKind.OTHER),
        ("PULMONARY CLINIC - NEW PATIENT CONSULTATION", NoteKind.OTHER),
        ("SURGICAL PATHOLOGY - FINAL REPORT\nSpecimens: lung, biopsy", NoteKind.OTHER),
        ("Tumor board summary, thoracic", NoteKind.OTHER),
        ("Patient called about refills.", NoteKind.OTHER),
    ],
)
def test_kind_by_opening(opening: str, kind: NoteKind) -> None:
    assert note_kind(opening) is kind


def test_a_short_note_is_not_read_for_silence() -> None:
    assert not keyword_signal(
        "Operative report. Knee arthroscopy. No complications."
    ).procedure_note
    long = "Operative report. Knee arthroscopy. " + "The wound was closed. " * 12
    assert keyword_signal(long).procedure_note


def test_a_procedure_note_need_not_be_of_the_lungs() -> None:
    note = "COLONOSCOPY REPORT\nSedation: propofol. " + "The colonoscope was withdrawn slowly. " * 8
    assert keyword_signal(note).procedure_note
