"""Several systems scored on the same notes, each with intervals, and compared in pairs."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from thce.errors import InputError
from thce.evaluation.comparison import METRICS, compare
from thce.evaluation.intervals import RESAMPLES, SEED, Groups, bootstrap, f1_interval
from thce.evaluation.multilabel import outcomes, score
from thce.evaluation.results import Evaluation, SystemScore


def evaluate_systems(
    label: NDArray[np.int8],
    predictions: Mapping[str, NDArray[np.bool_]],
    names: Sequence[str],
    *,
    groups: Groups | None = None,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Evaluation:
    """Scores every system and compares the first with each other one.

    Args:
        label: (n, L) of 1, 0, -1; unknown cells are not scored.
        predictions: (n, L) per system; the first is the one the report is about.
        names: L label names.
        groups: n group names (near-duplicate notes); they are resampled together.
        resamples: bootstrap resamples.
        seed: of everything random.

    Raises:
        InputError: no note has a known label.
    """
    if not (label >= 0).any():
        raise InputError("no note has a known label to score against; give labelled notes")
    added = {name: outcomes(label, predicted) for name, predicted in predictions.items()}
    systems = []
    for name, predicted in predictions.items():
        found = score(label, predicted, names)
        overall = bootstrap(added[name], METRICS, groups=groups, resamples=resamples, seed=seed)
        systems.append(
            SystemScore(
                name=name,
                score=found,
                micro_f1=overall["micro_f1"],
                macro_f1=overall["macro_f1"],
                label_f1=tuple(f1_interval(one.tp, one.fp, one.fn) for one in found.labels),
            )
        )
    main, *others = predictions
    comparisons = compare(
        added, [(main, other) for other in others], groups=groups, resamples=resamples, seed=seed
    )
    return Evaluation(tuple(systems), tuple(comparisons))
