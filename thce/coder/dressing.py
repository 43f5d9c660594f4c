"""Official terms dressed as clinicians write: short forms, lay words, and what stands around.

For training the retriever only: what is added says nothing of the code, or is denied, so that the
encoder learns to look past it. Sentences are written for this project; nothing is copied.
"""

import random
import re
from collections.abc import Mapping, Sequence
from functools import cache

from thce.codes.abbreviations import ITSELF, abbreviations

# Words of the classification that no clinician writes.
_OFFICIAL = re.compile(
    r"\b(?:unspecified|nos|nec|not elsewhere classified|other specified|not specified as \w+|"
    r"encounter for|classified elsewhere|in diseases|organism)\b|\([^()]*\)|\[[^\[\]]*\]",
    re.IGNORECASE,
)
_SIDES = ("right", "left", "bilateral", "R", "L", "right-sided", "left-sided", "both sides")
OPENINGS = (
    "{age}{sex}",
    "{age}-year-old {person}",
    "{age} y/o {sex} here today.",
    "{place}:",
    "Seen in {place}.",
    "{person} in {place},",
    "Pt is a {age} yo {sex}.",
    "Follow-up visit.",
    "Consult note.",
    "Transferred from outside hospital.",
    "Walk-in.",
)
FRAMES = (
    "{term}",
    "{term}.",
    "Assessment: {term}.",
    "Impression: {term}.",
    "Dx {term}.",
    "A/P: {term}, {plan}.",
    "presents with {term}.",
    "admitted for {term}.",
    "{side} {term}",
    "found to have {term}.",
    "workup consistent with {term}.",
    "{term}, {plan}.",
    "{test} shows {term}.",
    "here for {term}.",
    "diagnosed with {term} {time} ago.",
)
CLOSINGS = (
    "No {other}.",
    "Denies {other}.",
    "{test} normal.",
    "Afebrile, vitals stable.",
    "BP {high}/{low}.",
    "{plan}.",
    "Return in {time}.",
    "Symptoms for {time}.",
    "Without {other}.",
    "Family aware.",
    "Plan: {plan}.",
    "Discussed risks and benefits.",
    "No known allergies.",
    "Exam otherwise unremarkable.",
    "{test} pending.",
    "Ruled out {other}.",
)
SLOTS: Mapping[str, Sequence[str]] = {
    "sex": ("M", "F", "male", "female"),
    "person": ("man", "woman", "patient", "gentleman", "lady"),
    "place": ("clinic", "ED", "ward", "urgent care", "ICU", "office", "telehealth", "surgery"),
    "plan": (
        "start treatment",
        "conservative management",
        "referral placed",
        "continue current meds",
        "labs ordered",
        "admit for observation",
        "discharge home",
        "recheck next visit",
        "surgical consult",
        "antibiotics given",
        "physical therapy",
        "imaging ordered",
        "dose increased",
    ),
    "test": ("CT", "MRI", "x-ray", "ultrasound", "labs", "CBC", "ECG", "biopsy", "exam", "BMP"),
    "time": ("2 days", "a week", "3 weeks", "six months", "a year", "since yesterday", "5 hours"),
    "side": _SIDES,
}
_WORD = re.compile(r"[a-z0-9]+")
_SLOT = re.compile(r"\{(\w+)\}")


def dress(term: str, others: Sequence[str], draw: random.Random) -> str:
    """A text that says `term` the way a note may say it.

    Args:
        term: an official term.
        others: terms of other diseases; some are denied in the text.
        draw: where choices come from.
    """
    said = shorten(plain(term), draw)
    if draw.random() < 0.3:
        said = drop_words(said, draw)
    kind = draw.random()
    if kind < 0.2:
        return said
    sentence = _fill(draw.choice(FRAMES), said, others, draw)
    if kind < 0.4:
        return sentence
    before = [_fill(draw.choice(OPENINGS), said, others, draw)] if draw.random() < 0.6 else []
    after = [
        _fill(closing, said, others, draw)
        for closing in draw.sample(CLOSINGS, draw.choice((0, 1, 1, 2, 3)))
    ]
    return " ".join([*before, sentence, *after])


def plain(term: str) -> str:
    """A term without the words that only the classification uses; itself if nothing is left."""
    left = re.sub(r"\s+([,.])", r"\1", re.sub(r"\s+", " ", _OFFICIAL.sub(" ", term))).strip(" ,")
    if not left:
        return term
    return left if left[:2].isupper() else left[0].lower() + left[1:]


def shorten(text: str, draw: random.Random) -> str:
    """With some of its phrases as clinical short forms or lay words."""
    by_first = _shorts()
    for word in dict.fromkeys(_WORD.findall(text.lower())):
        for phrase, shorts in by_first.get(word, ()):
            found = phrase.search(text)
            if found and draw.random() < 0.5:
                text = text[: found.start()] + draw.choice(shorts) + text[found.end() :]
    return text


def drop_words(text: str, draw: random.Random) -> str:
    """Without one or two of its words, where it has enough."""
    words = text.split()
    for _ in range(draw.choice((1, 1, 2))):
        if len(words) > 2:
            del words[draw.randrange(len(words))]
    return " ".join(words)


_Shorts = tuple[re.Pattern[str], tuple[str, ...]]


@cache
def _shorts() -> dict[str, tuple[_Shorts, ...]]:
    """First word of an official phrase -> (phrase, its short forms), the longest phrase first."""
    table: dict[str, list[str]] = {}
    for short, meanings, capital in abbreviations().items():
        for meaning in meanings:
            if meaning != ITSELF:
                table.setdefault(meaning, []).append(short.upper() if capital else short)
    found: dict[str, list[_Shorts]] = {}
    for phrase, shorts in sorted(table.items(), key=lambda item: (-len(item[0]), item[0])):
        pattern = re.compile(rf"(?<!\w){re.escape(phrase)}(?!\w)", re.IGNORECASE)
        found.setdefault(_WORD.findall(phrase)[0], []).append((pattern, tuple(shorts)))
    return {word: tuple(phrases) for word, phrases in found.items()}


def _fill(form: str, term: str, others: Sequence[str], draw: random.Random) -> str:
    def value(slot: re.Match[str]) -> str:
        name = slot[1]
        if name == "term":
            return term
        if name == "other":
            return plain(draw.choice(others))
        if name in SLOTS:
            return draw.choice(SLOTS[name])
        low, high = {"age": (1, 92), "high": (98, 178), "low": (52, 104)}[name]
        return str(draw.randint(low, high))

    return _SLOT.sub(value, form)
