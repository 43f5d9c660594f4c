"""`thce coder compare`: two runs on the same rows, McNemar's test and paired differences."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thce.coder.coded_rows import match_rows, read_coded
from thce.coder.labelled import LabelledConfig, load_catalogues
from thce.coder.metrics import PLACE, STATISTICS, contributions
from thce.evaluation.comparison import Comparison, holm, randomisation_test
from thce.evaluation.intervals import Statistic, bootstrap
from thce.evaluation.multilabel import nan_to_none

COMPARED = ("top_1", "top_5", "mean_average_precision", "micro_f1", "partial_credit")
MCNEMAR = ("exact", "top_1", "top_5")


class CompareConfig(LabelledConfig):
    """Which runs on which rows.

    Attributes:
        a: predictions of one run.
        b: predictions of the other.
        names: what the two are called.
    """

    a: str
    b: str
    names: tuple[str, str] = ("a", "b")


@dataclass(frozen=True)
class McNemar:
    """McNemar's exact test on rows that both runs saw.

    Attributes:
        figure: which yes or no of a row is compared.
        only_a: rows that only the first run got right.
        only_b: rows that only the second one did.
        both: rows that both did.
        neither: rows that neither did.
        p_value: two-sided, of the two being right equally often.
    """

    figure: str
    only_a: int
    only_b: int
    both: int
    neither: int
    p_value: float


def run(config: CompareConfig) -> dict[str, Any]:
    """Compares the runs; writes the report where asked."""
    narratives = config.rows()
    pairs = [match_rows(narratives, read_coded(path), path) for path in (config.a, config.b)]
    catalogues = load_catalogues([*pairs[0], *pairs[1]])
    rows = np.stack([contributions(one, catalogues) for one in pairs], axis=1)
    tests = [mcnemar(rows, figure) for figure in MCNEMAR]
    differences = paired_differences(rows, config.names)
    found: dict[str, Any] = {
        "rows": len(narratives),
        "names": list(config.names),
        "mcnemar": [asdict(test) for test in tests],
        "differences": [one.to_dict() for one in differences],
    }
    if config.report is not None:
        from thce.coder.evaluation_report import comparison_page

        count, names = len(narratives), config.names
        found |= config.write_report(
            comparison_page(count, names, tests, differences, config.provenance())
        )
    return nan_to_none(found)


def mcnemar(rows: NDArray[np.float64], figure: str) -> McNemar:
    """McNemar's test, exact by the binomial distribution (McNemar 1947).

    Args:
        rows: (rows, 2, columns) of `metrics.contributions`.
        figure: a column that is 0 or 1.
    """
    from scipy.stats import binomtest

    a, b = (rows[:, system, PLACE[figure]] > 0 for system in (0, 1))
    only_a, only_b = int((a & ~b).sum()), int((b & ~a).sum())
    differing = only_a + only_b
    p_value = binomtest(only_a, differing).pvalue if differing else 1.0
    return McNemar(figure, only_a, only_b, int((a & b).sum()), int((~a & ~b).sum()), float(p_value))


def paired_differences(
    rows: NDArray[np.float64], names: Sequence[str], figures: Sequence[str] = COMPARED
) -> list[Comparison]:
    """First run less second, with paired bootstrap intervals and randomisation tests.

    The p-values are corrected after Holm over the figures.
    """
    chosen = {name: STATISTICS[name] for name in figures}
    differences = bootstrap(rows, {name: _less(one) for name, one in chosen.items()})
    p_values = randomisation_test(rows, chosen)
    corrected = holm([p_values[name] for name in figures])
    return [
        Comparison(name, names[0], names[1], differences[name], p_values[name], adjusted)
        for name, adjusted in zip(figures, corrected, strict=True)
    ]


def _less(statistic: Statistic) -> Statistic:
    return lambda sums: statistic(sums[:, 0]) - statistic(sums[:, 1])
