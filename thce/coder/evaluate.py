"""`thce coder evaluate`: every figure of answers against labelled narratives, with intervals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from thce.coder.coded_rows import Narrative, match_rows, read_coded
from thce.coder.labelled import LabelledConfig, load_catalogues
from thce.coder.metrics import (
    Catalogues,
    Pair,
    by_code_type,
    contributions,
    error_counts,
    figures,
    macro_f1_over_codes,
)
from thce.coder.predict import code_all
from thce.coder.systems import SystemConfig
from thce.evaluation.intervals import Interval


class EvaluateConfig(SystemConfig, LabelledConfig):
    """What to score against what.

    Attributes:
        predictions: JSONL that `thce coder predict` wrote; None codes the narratives now.
    """

    predictions: str | None = None


@dataclass(frozen=True)
class Measured:
    """Figures of one set of rows.

    Attributes:
        rows: how many.
        figures: by name, macro_f1 among them.
        macro_codes: codes that macro F1 is the mean of.
        errors: gold codes by how they were answered.
    """

    rows: int
    figures: Mapping[str, Interval]
    macro_codes: int
    errors: Mapping[str, int]

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it, null where undefined."""
        return {
            "rows": self.rows,
            "macro_codes": self.macro_codes,
            **{name: one.to_dict() for name, one in self.figures.items()},
            "errors": dict(self.errors),
        }


def run(config: EvaluateConfig) -> dict[str, Any]:
    """Scores the answers, over all rows and by code type; writes the report where asked."""
    narratives = config.rows()
    if config.predictions is None:
        pairs = match_rows(narratives, code_all(narratives, config), "the answers")
    else:
        pairs = match_rows(narratives, read_coded(config.predictions), config.predictions)
    catalogues = load_catalogues(pairs)
    measured = measure(pairs, catalogues)
    by_type = {kind: measure(some, catalogues) for kind, some in by_code_type(pairs).items()}
    ceiling = billable_ceiling(narratives, catalogues)
    found: dict[str, Any] = {
        **measured.to_dict(),
        "by_code_type": {str(kind): one.to_dict() for kind, one in by_type.items()},
        "latency": latency(pairs),
        **ceiling,
    }
    if config.report is not None:
        from thce.coder.evaluation_report import evaluation_page

        latencies = found["latency"]
        found |= config.write_report(
            evaluation_page(measured, by_type, latencies, ceiling, config.provenance())
        )
    return found


def measure(pairs: Sequence[Pair], catalogues: Catalogues) -> Measured:
    """All figures of some rows."""
    macro, codes = macro_f1_over_codes(pairs)
    found = figures(contributions(pairs, catalogues))
    return Measured(
        len(pairs), {**found, "macro_f1": macro}, codes, error_counts(pairs, catalogues)
    )


def billable_ceiling(narratives: Sequence[Narrative], catalogues: Catalogues) -> dict[str, Any]:
    """What a system can reach that answers billable codes only.

    Micro F1 of an answer with every billable gold code and no other; MAP of the same, ranked
    first.
    """
    gold = [one.gold or () for one in narratives]
    reachable = [sum(catalogues[kind].is_billable(code) for kind, code in codes) for codes in gold]
    total, found = sum(map(len, gold)), sum(reachable)
    shares = [hit / len(codes) for hit, codes in zip(reachable, gold, strict=True) if codes]
    return {
        "gold_codes": total,
        "billable_gold_codes": found,
        "ceiling_micro_f1": round(2 * found / (found + total), 4) if total else None,
        "ceiling_map": round(float(np.mean(shares)), 4) if shares else None,
    }


def latency(pairs: Sequence[Pair]) -> dict[str, float]:
    """Seconds per narrative: median, 95th percentile; empty where the answers carry no times."""
    times = [coded.seconds for _, coded in pairs if coded.seconds is not None]
    if not times:
        return {}
    median, slow = np.quantile(times, [0.5, 0.95])
    return {"p50": round(float(median), 4), "p95": round(float(slow), 4)}
