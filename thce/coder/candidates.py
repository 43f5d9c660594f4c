"""Candidate concepts of a narrative, by words and by vectors, each with what speaks for it.

The whole narrative and every segment of it are searched: a diagnosis is often one sentence of
many. What is found anywhere is a candidate; its features say how well the whole and its best
segment fit, and whether its chapter is one that the narrative calls for at all.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from thce.coder.concept_index import ConceptIndex
from thce.coder.concepts import Concept
from thce.coder.encoder import QUERY_TOKENS, Encoder
from thce.coder.narration import without_narration
from thce.coder.official_wording import in_official_words
from thce.coder.segments import Segment, segments
from thce.codes.code_types import CodeType
from thce.codes.words import index_words

WHOLE, PER_SEGMENT = 60, 12  # concepts kept of a search over the whole, and over one segment
FEATURES = (
    "words_whole",
    "words_segment",
    "vectors_whole",
    "vectors_segment",
    "assessed",
    "unspecified",
    "other",
    "pregnancy",
    "newborn",
    "external_cause",
    "status",
    "common",
    "findings",
)
_ASSESSED = re.compile(
    r"\b(?:assessment|impression|diagnos\w+|dx|a/p|attending|surgeon|final|consistent with|"
    r"diagnosed|labels? it|path(?:ology)?|c/w)\b",
    re.IGNORECASE,
)
_PREGNANT = re.compile(
    r"\bpregnan|\bgravid|\bG\d+ ?P\d|\b(?:ante|pre)natal|\bpost-?partum|\bpuerper|\blabou?r\b|"
    r"\bdeliver(?:y|ed)\b|\bobstetric|\btrimester|\bgestation|\bfetal|\bfetus|\bc-?section|"
    r"\bcesarean|\b\d{1,2}w\d?d?\b|\bmiscarr|\babortion|\bectopic|\b(?:pre)?eclamp",
    re.IGNORECASE,
)
_NEWBORN = re.compile(
    r"\bnewborn|\bneonat|\bNICU\b|\bday[- ]old|\bhours? old\b|\bborn at\b|\bapgar|\bday of life\b|"
    r"\bpre(?:term|mature) infant|\bDOL\b",
    re.IGNORECASE,
)
_STATUS = re.compile(
    r"\bscreen|\broutine\b|\bcheck-?up\b|\bphysical\b|\b(?:annual|yearly)\b|\bhistory of\b|\bh/o\b|"
    r"\bstatus\b|\baftercare\b|\bs/p\b|\bfollow-?up\b|\bvaccin|\bimmuni[sz]|\bencounter for\b|"
    r"\bno evidence of|\bcounsel|\bdonor\b|\bchemo|\bdialysis\b|\b(?:weeks?|months?) after\b|"
    r"\bwell[- ]child|\bsupervision\b|\bexpos|\bcontact with\b|\btransplant|\bpacemaker|"
    r"\bin remission\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Candidate:
    """A concept that a narrative may mean.

    Attributes:
        number: of the concept in its index.
        features: (len(FEATURES),) float32.
        segment: number of the segment that fits it best.
        near: places in the narrative of words that the concept's terms share.
    """

    number: int
    features: NDArray[np.float32]
    segment: int
    near: tuple[int, ...]


def find_candidates(
    index: ConceptIndex,
    encoder: Encoder | None,
    narrative: str,
    common: frozenset[str] = frozenset(),
) -> list[Candidate]:
    """All concepts that any search finds, in the order of their numbers.

    Args:
        index: of the code type that is asked for.
        encoder: the one that the index was built with; None searches by words alone.
        narrative: its text.
        common: codes of the shipped list of common ones.
    """
    parts = segments(narrative) or [Segment(0, narrative)]
    texts = [narrative, *(part.text for part in parts)]
    counts = [WHOLE] + [PER_SEGMENT] * len(parts)
    words = _by_words(index, texts, counts)
    found = set().union(*words)
    similar = queries = None
    if encoder is not None and index.vectors is not None:
        queries = _encoded(encoder, texts)
        similar = index.dense(queries)
        for row, count in zip(similar, counts, strict=True):
            count = min(count, len(row))
            found.update(np.argpartition(-row, count - 1)[:count].tolist())
    said = frozenset(index_words(narrative))
    strengths = index.findings.strengths(said, queries)
    found |= index.findings.candidates(strengths)
    called_for = _called_for(narrative)
    places = _word_places(narrative)
    return [
        _candidate(index, number, words, similar, parts, called_for, places, common, strengths)
        for number in sorted(found)
    ]


def _by_words(
    index: ConceptIndex, texts: Sequence[str], counts: Sequence[int]
) -> list[dict[int, float]]:
    """What each text finds by words, as it stands and in official wording; once if repeated."""
    found: dict[str, dict[int, float]] = {}
    for text, count in zip(texts, counts, strict=True):
        if text not in found:
            found[text] = _searched(index, text, count)
    return [found[text] for text in texts]


def _searched(index: ConceptIndex, text: str, count: int) -> dict[int, float]:
    if index.catalogue.code_type is CodeType.ICD10:
        text = without_narration(text)
    best = index.lexical(text, count)
    official = in_official_words(text)
    if official != text:
        for number, score in index.lexical(official, count).items():
            best[number] = max(score, best.get(number, 0.0))
    return best


def _encoded(encoder: Encoder, texts: Sequence[str]) -> NDArray[np.float32]:
    """(texts, width) unit vectors; equal texts are encoded once."""
    distinct = list(dict.fromkeys(texts))
    return encoder.encode(distinct, QUERY_TOKENS)[[distinct.index(text) for text in texts]]


def _candidate(
    index: ConceptIndex,
    number: int,
    words: Sequence[dict[int, float]],
    similar: NDArray[np.float32] | None,
    parts: Sequence[Segment],
    called_for: dict[str, bool],
    places: Sequence[tuple[str, int]],
    common: frozenset[str],
    strengths: NDArray[np.float32],
) -> Candidate:
    concept = index.concepts[number]
    by_words = np.array([found.get(number, 0.0) for found in words], np.float32)
    by_vectors = similar[:, number] if similar is not None else np.zeros_like(by_words)
    best = int(np.argmax(by_words[1:] + by_vectors[1:]))
    lower = concept.name.lower()
    codes = [index.catalogue.code_at(row) for row in concept.rows]
    features = [
        by_words[0],
        by_words[1:].max(),
        by_vectors[0],
        by_vectors[1:].max(),
        float(bool(_ASSESSED.search(parts[best].text))),
        float("unspecified" in lower),
        float(lower.startswith("other ") or "other specified" in lower),
        *_misplaced(index.catalogue.code_type, concept, called_for),
        float(any(code in common for code in codes)),
        index.findings.strongest(number, strengths),
    ]
    return Candidate(number, np.array(features, np.float32), best, _near(concept, places))


def _called_for(narrative: str) -> dict[str, bool]:
    return {
        "pregnancy": bool(_PREGNANT.search(narrative)),
        "newborn": bool(_NEWBORN.search(narrative)),
        "status": bool(_STATUS.search(narrative)),
    }


def _misplaced(
    kind: CodeType, concept: Concept, called_for: dict[str, bool]
) -> tuple[float, float, float, float]:
    """Chapters that need something in the narrative that is not there: 1 for each.

    Pregnancy (O) and perinatal (P) codes, external causes (V to Y, never the first diagnosis),
    and factors influencing health status (Z).
    """
    chapter = concept.category[0] if kind is CodeType.ICD10 else ""
    return (
        float(chapter == "O" and not called_for["pregnancy"]),
        float(chapter == "P" and not called_for["newborn"]),
        float(chapter in ("V", "W", "X", "Y")),
        float(chapter == "Z" and not called_for["status"]),
    )


def _word_places(narrative: str) -> list[tuple[str, int]]:
    return [
        (stemmed, match.start())
        for match in re.finditer(r"[A-Za-z][A-Za-z'-]+", narrative)
        for stemmed in index_words(match.group())
    ]


def _near(concept: Concept, places: Iterable[tuple[str, int]]) -> tuple[int, ...]:
    own = set(index_words(" ".join(concept.terms[:8])))
    return tuple(place for word, place in places if word in own)
