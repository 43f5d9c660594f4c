"""What a narrative says about the axes: which side, which encounter, open or closed, how far gone.

Each axis is answered by words of its own, wherever the disease stands in the text. The answer is
a weight for every position, between 0 and 1 and adding up to 1 over the positions a code can have;
where nothing is said, the weights say what is coded then (active treatment: initial encounter; a
fracture not said to be open: closed, by the classification's own rule at chapter 19).
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from thce.coder.axes import UNSAID, UNSPECIFIED, Axes

REACH = 60.0  # letters over which a side's hold on a word falls to a third
FAR = 0.15  # what a side counts that stands far from every word of the disease
UNSURE = 0.05  # what every answer keeps
_OPEN_CUES = (
    r"\bopen (?:\w+ ){0,3}(?:fracture|fx|break)",
    r"\bcompound fracture",
    r"\bbone (?:was |is )?(?:showing|exposed|visible|protruding)",
    r"\b(?:exposed|protruding) bone",
    r"\bgustilo\b",
    r"\bskin (?:was )?pierced",
)
_SUBSEQUENT_CUES = (
    r"\bfollow[- ]?up\b",
    r"\bf/u\b",
    r"\brecheck\b",
    r"\bpost-?op (?:visit|check)",
    r"\bheal(?:ing|ed)\b",
    r"\bcast (?:off|removal|removed|change)",
    r"\b(?:weeks?|months?) (?:after|post|out|since|s/p)",
    r"\bcallus\b",
    r"\baftercare\b",
    r"\brehab",
    r"\bsubsequent\b",
    r"\b(?:stitches|sutures) out\b",
    r"\bsuture removal",
)
_SEQUELA_CUES = (
    r"\bsequela",
    r"\blate effects?\b",
    r"\bresiduals?\b",
    r"\byears? (?:after|post|out|ago|since)",
    r"\blong after\b",
    r"\bold (?:injury|fracture|burn)",
    r"\bchronic \w+ (?:from|after|due to) (?:an? |the )?(?:old|prior|previous)",
)
_INITIAL_CUES = (
    r"\binitial\b",
    r"\bfirst visit\b",
    r"\btoday\b",
    r"\bthis (?:morning|afternoon|evening)",
    r"\b(?:tonight|yesterday|last night)\b",
    r"\b(?:ED|ER)\b",
    r"\bjust now\b",
    r"\b(?:hours?|minutes?) ago\b",
    r"\btaken (?:for|to)\b",
    r"\bnew\b",
)


def _any(cues: Sequence[str]) -> re.Pattern[str]:
    return re.compile("|".join(cues), re.IGNORECASE)


_OPEN, _SUBSEQUENT, _SEQUELA, _INITIAL = map(
    _any, (_OPEN_CUES, _SUBSEQUENT_CUES, _SEQUELA_CUES, _INITIAL_CUES)
)
_CLOSED = re.compile(r"\bskin (?:is )?intact|\bclosed\b|\bno open\b|\bnot open\b", re.IGNORECASE)
_SEVERE = re.compile(r"\b(?:type|grade|gustilo)\s*(?:III|3)\s*[ABC]?\b", re.IGNORECASE)
_HEALING = {
    "nonunion": re.compile(r"\bnon-?union\b|\bnot united\b|\bfailed to (?:unite|heal)", re.I),
    "malunion": re.compile(r"\bmal-?union\b|\bmal-?united\b|\bhealed crooked", re.I),
    "delayed healing": re.compile(r"\bdelayed (?:healing|union)\b|\bslow to heal\b", re.I),
}
_SIDES = {
    "right": re.compile(r"\bright\b|\brt\b|\bR\b(?!\d)|\bO\.?D\b|\bRLE\b|\bRUE\b|\bRLQ\b"),
    "left": re.compile(r"\bleft\b|\blt\b|\bL\b(?!\d)|\bO\.?S\b|\bLLE\b|\bLUE\b|\bLLQ\b"),
    "bilateral": re.compile(
        r"\bbilat\w*|\bboth\b|\bO\.?U\b|\beach (?:eye|ear|knee|hip|hand|foot|side)\b|\bB/L\b"
    ),
}
_WEEKS = re.compile(
    r"\b(\d{1,2})\s*(?:w(?:eeks?|ks?)?)\s*(?:\+?\s*(\d)\s*d?(?:ays?)?)?(?=\W|$)"
    r"(?!\s*(?:ago|after|post|old|later))|\b(\d{1,2})\s*\+\s*(\d)\b",
    re.IGNORECASE,
)
_TRIMESTER = re.compile(r"\b(first|second|third|1st|2nd|3rd) trimester", re.IGNORECASE)
_ORDINALS = {"1st": "first", "2nd": "second", "3rd": "third"}
_TWIN = re.compile(r"\b(?:twin|fetus|baby) ([A-E1-5])\b")


@dataclass(frozen=True)
class Cues:
    """What a narrative says, read once.

    Attributes:
        sides: (position in the text, right, left or bilateral) of every mention.
        phases: weight of initial, subsequent and sequela.
        wounds: weight of closed, open and severe.
        healing: weight of each course of healing.
        trimester: first, second, third, or unspecified where nothing is said.
        fetus: 1 to 5, or unspecified.
    """

    sides: tuple[tuple[int, str], ...]
    phases: Mapping[str, float]
    wounds: Mapping[str, float]
    healing: Mapping[str, float]
    trimester: str
    fetus: str


def read_cues(narrative: str) -> Cues:
    """Reads all axes from a text in its original case."""
    text = _lower_words(narrative)
    found = [
        (match.start(), side)
        for side, pattern in _SIDES.items()
        for match in pattern.finditer(text)
    ]
    return Cues(
        sides=tuple(sorted(found)),
        phases=_phases(narrative),
        wounds=_wounds(narrative),
        healing=_healing(narrative),
        trimester=_trimester(narrative),
        fetus=_fetus(narrative),
    )


def axes_likelihood(cues: Cues, axes: Axes, among: Sequence[Axes], near: Iterable[int]) -> float:
    """How well a code's position agrees with the narrative, beside the concept's other codes.

    Args:
        cues: of the narrative.
        axes: the code's.
        among: those of all codes of the concept.
        near: positions in the text of the words that tell of the disease.

    Returns:
        A probability: over the codes of a concept with all combinations they add up to 1.
    """
    likelihood = 1.0
    if axes.side:
        likelihood *= _share(side_weights(cues, near), axes.side, (one.side for one in among))
    if axes.phase:
        likelihood *= _share(cues.phases, axes.phase, (one.phase for one in among))
    same_phase = [one for one in among if one.phase == axes.phase]
    if axes.wound:
        likelihood *= _share(cues.wounds, axes.wound, (one.wound for one in same_phase))
    if axes.healing:
        likelihood *= _share(cues.healing, axes.healing, (one.healing for one in same_phase))
    if axes.trimester:
        weights = _told(cues.trimester)
        likelihood *= _share(weights, axes.trimester, (one.trimester for one in among))
    if axes.fetus:
        likelihood *= _share(_told(cues.fetus), axes.fetus, (one.fetus for one in among))
    return likelihood


def side_weights(cues: Cues, near: Iterable[int]) -> dict[str, float]:
    """Weight of each side: mentions count by how near they stand to the words of the disease."""
    places = list(near)
    weights = dict.fromkeys(("right", "left", "bilateral"), 0.0)
    for position, side in cues.sides:
        distance = min((abs(position - place) for place in places), default=0)
        weights[side] += FAR + math.exp(-distance / REACH)
    weights[UNSPECIFIED] = 0.0 if cues.sides else 1.0
    if weights["right"] and weights["left"] and not weights["bilateral"]:
        weights["bilateral"] = 0.3 * min(weights["right"], weights["left"])
    return weights


def _share(weights: Mapping[str, float], position: str, positions: Iterable[str]) -> float:
    """The weight of a position among those that exist; every one keeps a little."""
    there = {one for one in positions if one != UNSAID}
    total = sum(weights.get(one, 0.0) + UNSURE for one in there)
    return (weights.get(position, 0.0) + UNSURE) / total


def _told(position: str) -> dict[str, float]:
    return {position: 1.0}


def _lower_words(text: str) -> str:
    """The text in lower case, words written in capitals left as they are."""
    return re.sub(r"\w+", lambda word: word[0] if word[0].isupper() else word[0].lower(), text)


def _phases(text: str) -> dict[str, float]:
    initial = 1.0 + len(_INITIAL.findall(text))
    subsequent = 1.2 * len(_SUBSEQUENT.findall(text))
    sequela = 1.5 * len(_SEQUELA.findall(text))
    total = initial + subsequent + sequela
    return {
        "initial": initial / total,
        "subsequent": subsequent / total,
        "sequela": sequela / total,
    }


def _wounds(text: str) -> dict[str, float]:
    if _OPEN.search(text) and not _CLOSED.search(text):
        severe = 0.9 if _SEVERE.search(text) else 0.1
        return {"closed": 0.05, "open": 0.95 * (1 - severe), "severe": 0.95 * severe}
    return {"closed": 0.95, "open": 0.04, "severe": 0.01}


def _healing(text: str) -> dict[str, float]:
    for course, pattern in _HEALING.items():
        if pattern.search(text):
            return {course: 1.0}
    return {"routine healing": 1.0}


def _trimester(text: str) -> str:
    """By name, or by completed weeks: below 14, below 28, from 28 on (chapter 15)."""
    if said := _TRIMESTER.search(text):
        return _ORDINALS.get(said[1].lower(), said[1].lower())
    weeks = [int(match[1] or match[3]) for match in _WEEKS.finditer(text)]
    plausible = [week for week in weeks if 4 <= week <= 43]
    if not plausible:
        return UNSPECIFIED
    week = max(plausible)
    return "first" if week < 14 else "second" if week < 28 else "third"


def _fetus(text: str) -> str:
    found = _TWIN.search(text)
    if not found:
        return UNSPECIFIED
    return found[1] if found[1].isdigit() else str("ABCDE".index(found[1]) + 1)
