"""The coder's figures: what every row adds, and what follows from the sums.

Every figure is a function of sums over rows, so one bootstrap over rows gives all the intervals.
Exact match asks for the whole answer; top-k, average precision and partial credit look at the
ranking; precision, recall and F1 at the accepted codes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from thce.coder.coded_rows import Coded, Narrative, TypedCode
from thce.coder.metrics_hierarchy import KINDS, credit, error_kind
from thce.coder.reasoning_quality import consistent, grounded, structure
from thce.codes.catalogue import Catalogue
from thce.codes.code_types import CodeType
from thce.evaluation.intervals import Interval, Statistic, bootstrap
from thce.evaluation.multilabel import Counts, f1, macro_f1, precision, ratio, recall

Pair = tuple[Narrative, Coded]
Catalogues = Mapping[CodeType, Catalogue]

TOP = (1, 3, 5, 10)
COLUMNS = (
    "rows",
    "exact",
    *(f"top_{k}" for k in TOP),
    "average_precision",
    "credit",
    "category_top_1",
    "tp",
    "fp",
    "fn",
    "answered",
    "right_when_answered",
    "codes",
    "valid",
    "reasoned",
    "structure",
    "grounded",
    "consistent",
    "reasoning_length",
    "seconds",
    "timed",
)
PLACE = {name: number for number, name in enumerate(COLUMNS)}


@dataclass(frozen=True)
class Figure:
    """A figure's name, and how it follows from sums over rows."""

    name: str
    statistic: Statistic


def _ratio(above: str, below: str = "rows") -> Statistic:
    return lambda sums: ratio(sums[:, PLACE[above]], sums[:, PLACE[below]])


def _over_codes(figure: Callable[[Counts], NDArray[np.float64]]) -> Statistic:
    """A figure of one label, all codes counted together."""
    places = [PLACE[name] for name in ("tp", "fp", "fn")]
    return lambda sums: figure(sums[:, places, None])[:, 0]


FIGURES = (
    Figure("exact_match", _ratio("exact")),
    *(Figure(f"top_{k}", _ratio(f"top_{k}")) for k in TOP),
    Figure("mean_average_precision", _ratio("average_precision")),
    Figure("micro_precision", _over_codes(precision)),
    Figure("micro_recall", _over_codes(recall)),
    Figure("micro_f1", _over_codes(f1)),
    Figure("partial_credit", _ratio("credit")),
    Figure("category_top_1", _ratio("category_top_1")),
    Figure("answered", _ratio("answered")),
    Figure("right_when_answered", _ratio("right_when_answered", "answered")),
    Figure("valid", _ratio("valid", "codes")),
    Figure("reasoned", _ratio("reasoned")),
    Figure("reasoning_structure", _ratio("structure", "reasoned")),
    Figure("reasoning_grounded", _ratio("grounded", "reasoned")),
    Figure("reasoning_consistent", _ratio("consistent", "reasoned")),
    Figure("reasoning_words", _ratio("reasoning_length", "reasoned")),
    Figure("seconds", _ratio("seconds", "timed")),
)
STATISTICS: Mapping[str, Statistic] = {one.name: one.statistic for one in FIGURES}


def contributions(pairs: Sequence[Pair], catalogues: Catalogues) -> NDArray[np.float64]:
    """(rows, len(COLUMNS)): what every row adds to the sums."""
    return np.array([_row(narrative, coded, catalogues) for narrative, coded in pairs])


def figures(rows: NDArray[np.float64]) -> dict[str, Interval]:
    """Every figure with its interval, by bootstrap over rows; NaN where undefined."""
    return bootstrap(rows, STATISTICS)


def macro_f1_over_codes(pairs: Sequence[Pair]) -> tuple[Interval, int]:
    """Mean F1 over the codes that are right somewhere, and how many these are."""
    counts = code_outcomes(pairs)
    supported = int((counts[:, 0] + counts[:, 2]).sum(axis=0).astype(bool).sum())
    return bootstrap(counts, {"macro_f1": macro_f1})["macro_f1"], supported


def code_outcomes(pairs: Sequence[Pair]) -> NDArray[np.int16]:
    """(rows, 3, codes) true positives, false positives, false negatives of every code seen."""
    answers = [(set(one.gold or ()), _accepted(coded)) for one, coded in pairs]
    seen = sorted(set().union(*(gold | given for gold, given in answers)))
    place = {code: number for number, code in enumerate(seen)}
    counts = np.zeros((len(pairs), 3, len(seen)), np.int16)
    for row, (gold, given) in enumerate(answers):
        for kind, codes in enumerate((gold & given, given - gold, gold - given)):
            for code in codes:
                counts[row, kind, place[code]] = 1
    return counts


def error_counts(pairs: Sequence[Pair], catalogues: Catalogues) -> dict[str, int]:
    """How many gold codes were answered how: each against the nearest accepted code."""
    counts = dict.fromkeys(KINDS, 0)
    for narrative, coded in pairs:
        for kind, code in narrative.gold or ():
            given = [one.code for one in coded.accepted if one.type is kind]
            found = [error_kind(catalogues[kind], code, one) for one in given]
            counts[min(found, key=KINDS.index, default="abstained")] += 1
    return counts


def average_precision(gold: set[TypedCode], ranked: Sequence[TypedCode]) -> float:
    """Mean over the gold codes of the precision at each one's place; 0 for one not ranked."""
    hits, total = 0, 0.0
    for place, code in enumerate(ranked, start=1):
        if code in gold:
            hits += 1
            total += hits / place
    return total / len(gold) if gold else 0.0


def _accepted(coded: Coded) -> set[TypedCode]:
    return {(one.type, one.code) for one in coded.accepted}


def _row(narrative: Narrative, coded: Coded, catalogues: Catalogues) -> list[float]:
    gold = set(narrative.gold or ())
    ranked = list(dict.fromkeys((one.type, one.code) for one in coded.codes))
    given = _accepted(coded)
    first = ranked[0] if ranked else None
    valid = [catalogues[kind].is_billable(code) for kind, code in ranked]
    reasoned = bool(coded.reasoning)
    top = [float(bool(gold & set(ranked[:k]))) for k in TOP]
    return [
        1.0,
        float(given == gold),
        *top,
        average_precision(gold, ranked),
        _credit(gold, first, catalogues),
        float(first is not None and any(_same_category(first, code) for code in gold)),
        float(len(gold & given)),
        float(len(given - gold)),
        float(len(gold - given)),
        float(bool(given)),
        float(bool(given & gold) and first in gold),
        float(len(ranked)),
        float(sum(valid)),
        float(reasoned),
        *(_reasoning_parts(narrative.text, coded, catalogues) if reasoned else (0.0, 0.0, 0.0)),
        float(sum(len(step.split()) for step in coded.reasoning)),
        coded.seconds or 0.0,
        float(coded.seconds is not None),
    ]


def _reasoning_parts(text: str, coded: Coded, catalogues: Catalogues) -> tuple[float, float, float]:
    """Structure, grounded, consistent; reasoning without an answer is neither of the last two."""
    steps = coded.reasoning
    if not coded.codes:
        return structure(steps), 0.0, 0.0
    kind, code = coded.codes[0].type, coded.codes[0].code
    return (
        structure(steps),
        grounded(text, steps, code, catalogues[kind]),
        consistent(steps, kind, code),
    )


def _credit(gold: set[TypedCode], first: TypedCode | None, catalogues: Catalogues) -> float:
    if first is None:
        return 0.0
    kind, code = first
    near = (credit(catalogues[kind], right, code) for other, right in gold if other is kind)
    return max(near, default=0.0)


def _same_category(one: TypedCode, other: TypedCode) -> bool:
    if one[0] is not other[0]:
        return False
    return one[1][:3] == other[1][:3] if one[0] is CodeType.ICD10 else one == other


def by_code_type(pairs: Sequence[Pair]) -> dict[CodeType, list[Pair]]:
    """Pairs by the code type of their gold codes; a row with several types is in each."""
    return {
        kind: chosen
        for kind in CodeType
        if (chosen := [pair for pair in pairs if any(t is kind for t, _ in pair[0].gold or ())])
    }
