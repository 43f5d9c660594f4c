"""Several models on the same documents: scores, cost, and which one to take for what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from thce.evaluation import comparison
from thce.evaluation.comparison import Comparison, holm, randomisation_test
from thce.evaluation.intervals import SEED, Interval, bootstrap
from thce.evaluation.multilabel import f1
from thce.ner.counts import OverallScore, contributions, overall_score, type_of
from thce.ner.documents import Document
from thce.ner.matching import Outcome


@dataclass(frozen=True)
class Cost:
    """What a model costs; None where it was not measured.

    Attributes:
        training_seconds: of its training.
        milliseconds: median time of one document, alone.
        memory_mib: largest resident memory of a process that answers with it.
        disk_mib: of its default weights.
    """

    training_seconds: float | None
    milliseconds: float | None
    memory_mib: float | None
    disk_mib: float | None


@dataclass(frozen=True)
class Contestant:
    """One model: what it made of the documents, and what it costs."""

    name: str
    outcomes: Sequence[Outcome]
    cost: Cost


@dataclass(frozen=True)
class TypeWinner:
    """The model that finds one type best.

    Attributes:
        type: name.
        support: annotated mentions.
        f1: of each model, in the order of the models.
        best: name of the model with the highest F1.
        difference: its F1 less that of the model that is best overall, paired.
        p_adjusted: of no difference, after Holm's correction over the types; 1 where both are one.
    """

    type: str
    support: int
    f1: tuple[float, ...]
    best: str
    difference: Interval
    p_adjusted: float


@dataclass(frozen=True)
class ModelComparison:
    """Models on the same documents.

    Attributes:
        names: the models, in the order given.
        costs: of each.
        scores: of each, against the annotations as they are.
        best: the model with the highest micro F1.
        pairs: the best less each other model, in micro and macro F1.
        types: the best model of each annotated type, the most frequent first.
    """

    names: tuple[str, ...]
    costs: tuple[Cost, ...]
    scores: tuple[OverallScore, ...]
    best: str
    pairs: tuple[Comparison, ...]
    types: tuple[TypeWinner, ...]


def compare_models(
    documents: Sequence[Document], contestants: Sequence[Contestant], seed: int = SEED
) -> ModelComparison:
    """Compares models, all on the same documents.

    Args:
        documents: with their annotations.
        contestants: at least two, with outcomes on these documents.
        seed: of resampling and swapping.
    """
    types = _types(documents, contestants)
    counts = {
        one.name: contributions(one.outcomes, documents, types, type_of) for one in contestants
    }
    scores = [overall_score(one.outcomes, documents, types, seed) for one in contestants]
    order = max(range(len(scores)), key=lambda at: (scores[at].micro_f1.estimate, -at))
    best = contestants[order].name
    others = [(best, one.name) for one in contestants if one.name != best]
    return ModelComparison(
        names=tuple(one.name for one in contestants),
        costs=tuple(one.cost for one in contestants),
        scores=tuple(scores),
        best=best,
        pairs=tuple(comparison.compare(counts, others, seed=seed)),
        types=tuple(_winners(documents, counts, types, best, seed)),
    )


def _types(documents: Sequence[Document], contestants: Sequence[Contestant]) -> tuple[str, ...]:
    """Every type that is annotated or predicted, the most frequent first."""
    support: dict[str, int] = {}
    for document in documents:
        for entity in document.entities:
            support[entity.type] = support.get(entity.type, 0) + 1
    for one in contestants:
        for outcome in one.outcomes:
            if outcome.prediction is not None:
                support.setdefault(outcome.prediction.type, 0)
    return tuple(sorted(support, key=lambda name: (-support[name], name)))


def _winners(
    documents: Sequence[Document],
    counts: Mapping[str, NDArray[np.int32]],
    types: Sequence[str],
    best_overall: str,
    seed: int,
) -> list[TypeWinner]:
    totals = {name: f1(one.sum(axis=0)) for name, one in counts.items()}
    support = next(iter(counts.values()))[:, [0, 2]].sum(axis=(0, 1))
    found = []
    for column, kind in enumerate(types):
        if not support[column]:
            continue
        values = {name: float(of_model[column]) for name, of_model in totals.items()}
        top = max(values.values())
        best = best_overall if values[best_overall] == top else max(values, key=lambda n: values[n])
        both = np.stack([counts[best], counts[best_overall]], axis=1)[..., [column]]
        difference = bootstrap(both, {"f1": _difference}, seed=seed)["f1"]
        p_value = randomisation_test(both, {"f1": _f1}, seed=seed)["f1"]
        found.append(
            TypeWinner(
                kind, int(support[column]), tuple(values.values()), best, difference, p_value
            )
        )
    return _adjusted(found)


def _adjusted(winners: Sequence[TypeWinner]) -> list[TypeWinner]:
    corrected = holm([one.p_adjusted for one in winners])
    return [replace(one, p_adjusted=p) for one, p in zip(winners, corrected, strict=True)]


def _f1(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    return f1(sums)[..., 0]


def _difference(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    return _f1(sums[:, 0]) - _f1(sums[:, 1])
