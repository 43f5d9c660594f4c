"""What the text of a note says of each flag: a cell and a confidence, with the mentions behind it.

Rules (`data/rules.yaml`) propose mentions, context (`thce.registry.context`) decides what is
asserted of each, and the note-level decision here weighs them: a correction in an addendum
overrules the body, an act that was described overrules a denial elsewhere, a denial overrules a
bare name or a heading. The rules are patterns written from clinical usage, not a model; their
confidence is capped below that of a billing code.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from thce.registry.context import Assertion
from thce.registry.headers import Section
from thce.registry.labels import FALSE, FLAGS, N_FLAGS, TRUE, UNKNOWN, Cells, Flag
from thce.registry.lexicon import load_lexicon
from thce.registry.mentions import (
    CLUE,
    DENIED,
    NAMED,
    SILENT,
    Candidate,
    Mention,
    find_candidates,
)
from thce.registry.note_kind import NoteKind, note_kind
from thce.registry.scanned import scan_note

MINIMUM_WORDS = 40
"""A shorter note says too little for silence to mean anything (registry definition of false)."""

BRONCHOSCOPIC = frozenset(FLAGS[: FLAGS.index(Flag.THORACENTESIS)]) - {Flag.WHOLE_LUNG_LAVAGE}
"""Flags whose procedure cannot be done without a bronchoscope."""

_SPEAKS_OF_NOW = frozenset(Section) - {
    Section.PLAN,
    Section.HISTORY,
    Section.INDICATION,
    Section.CONSENT,
    Section.FAMILY,
}
"""Sections whose denials concern this encounter."""

_REPORTS = frozenset({Section.PROCEDURE, Section.ADDENDUM})


@dataclass(frozen=True)
class KeywordResult:
    """The keyword signal of one note.

    Attributes:
        cells: int8, (29,).
        confidence: float32, (29,); 0 where unknown.
        mentions: every mention, in order of position.
        procedure_note: whether silence in this note means that a procedure was not done.
    """

    cells: Cells
    confidence: NDArray[np.float32]
    mentions: list[Mention]
    procedure_note: bool


def find_mentions(text: str) -> list[Mention]:
    """Every mention of a registry procedure in the text, in order of position."""
    return keyword_signal(text).mentions


def keyword_signal(text: str) -> KeywordResult:
    """What the text says of each flag.

    True where a mention is affirmed. False only in a readable procedure note: at 0.50 where the
    procedure is explicitly negated, at 0.30 otherwise. Unknown in any other note, except for
    procedures that it reports as done (a discharge summary's course, an office procedure).
    """
    lexicon = load_lexicon()
    kind = note_kind(text)
    readable = _is_readable(text, kind)
    note = scan_note(text, lexicon)
    candidates = find_candidates(note, lexicon, kind)
    cells = np.full(N_FLAGS, FALSE if readable else UNKNOWN, dtype=np.int8)
    confidence = np.full(N_FLAGS, SILENT if readable else 0.0, dtype=np.float32)
    if "nothing_done" not in note.spots:
        support = _support_by_flag(candidates, kind, "cancelled_note" in note.spots)
        for flag, value in support.items():
            if value > 0:
                cells[flag.position], confidence[flag.position] = TRUE, value
            elif readable and value < 0:
                confidence[flag.position] = DENIED
        _imply_bronchoscopy(cells, confidence)
    mentions = [candidate.mention for candidate in candidates]
    return KeywordResult(cells, confidence, mentions, readable)


def _is_readable(text: str, kind: NoteKind) -> bool:
    return kind is NoteKind.PROCEDURE and len(text.split()) >= MINIMUM_WORDS


def _imply_bronchoscopy(cells: Cells, confidence: NDArray[np.float32]) -> None:
    """Whatever was done through a bronchoscope, a bronchoscope was passed."""
    scope = Flag.DIAGNOSTIC_BRONCHOSCOPY.position
    done = [flag.position for flag in BRONCHOSCOPIC if cells[flag.position] == TRUE]
    if done:
        cells[scope] = TRUE
        confidence[scope] = max(confidence[position] for position in done)


def _support_by_flag(
    candidates: list[Candidate], kind: NoteKind, cancelled: bool
) -> dict[Flag, float]:
    """Per mentioned flag: the confidence that it was done, -1 if explicitly not, 0 if not said.

    A flag that a clue alone suggests is dropped where a procedure that explains it is found.
    """
    by_flag: dict[Flag, list[Candidate]] = {}
    for candidate in candidates:
        by_flag.setdefault(candidate.mention.flag, []).append(candidate)
    support = {flag: _support(group, kind, cancelled) for flag, group in by_flag.items()}
    for flag, group in by_flag.items():
        rivals = frozenset[Flag]().union(*(candidate.yields for candidate in group))
        if support[flag] == CLUE and any(support.get(rival, 0.0) > 0 for rival in rivals):
            support[flag] = 0.0
    return support


def _support(group: list[Candidate], kind: NoteKind, cancelled: bool) -> float:
    """The support of one flag by its mentions.

    Args:
        group: the mentions of one flag.
        kind: of the note.
        cancelled: whether the note says that its procedure did not take place.
    """
    corrections = [c for c in group if c.section is Section.ADDENDUM and _decides(c)]
    if corrections:
        acts = [c for c in corrections if c.is_act and c.mention.confidence > NAMED]
        last = (acts or corrections)[-1].mention
        return last.confidence if last.assertion is Assertion.AFFIRMED else -1.0
    done = [c for c in group if c.mention.assertion is Assertion.AFFIRMED and _counts(c, kind)]
    if cancelled:
        done = [c for c in done if c.is_act]
    denied = any(
        c.mention.assertion is Assertion.NEGATED and c.section in _SPEAKS_OF_NOW for c in group
    )
    best = max((c.mention.confidence for c in done), default=0.0)
    return -1.0 if denied and best <= NAMED else best


def _counts(candidate: Candidate, kind: NoteKind) -> bool:
    """Whether an affirmed mention says in a note of this kind that it was done.

    A procedure note may name it; the account of a stay must tell that it was done; any other note
    must do so under a procedure header, or say that it was today or by the writer.
    """
    if kind is NoteKind.PROCEDURE or candidate.section is Section.TITLE:
        return True
    told = candidate.is_act or candidate.has_verb
    if kind is NoteKind.STAY:
        return told
    return told and (candidate.section in _REPORTS or candidate.is_now)


def _decides(candidate: Candidate) -> bool:
    """Whether a mention in an addendum states that something was done, or was not."""
    if candidate.mention.assertion is Assertion.AFFIRMED:
        return candidate.is_act or candidate.has_verb
    return candidate.mention.assertion is Assertion.NEGATED
