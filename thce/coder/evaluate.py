"""`thce coder evaluate`: every figure of answers against labelled narratives, with intervals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from thce.coder.coded_rows import Narrative, match_rows, read_coded, read_narratives
from thce.coder.metrics import (
    Catalogues,
    Pair,
    by_code_type,
    contributions,
    error_counts,
    figures,
    macro_f1_over_codes,
)
from thce.coder.predict import SystemConfig, code_all
from thce.codes.code_types import CodeType
from thce.codes.load import load_catalogue
from thce.errors import InputError
from thce.evaluation.intervals import Interval
from thce.evaluation.results import Provenance
from thce.files import write_text
from thce.paths import resolve


class EvaluateConfig(SystemConfig):
    """What to score against what.

    Attributes:
        input: JSONL of narratives with their right codes.
        predictions: JSONL that `thce coder predict` wrote; None codes the narratives now.
        report: HTML file to write, or None.
        ids: file with one id a line; only these rows are scored.
        fictional: whether the narratives are made up, for the report.
        reviewed_by_clinician: whether a clinician reviewed the codes, for the report.
    """

    input: str
    predictions: str | None = None
    report: str | None = None
    ids: str | None = None
    fictional: bool = False
    reviewed_by_clinician: bool = False


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
    narratives = chosen_rows(read_narratives(config.input), config.ids)
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

        provenance = Provenance(
            gold="the codes in the input",
            corpus=Path(config.input).name,
            fictional=config.fictional,
            reviewed_by_clinician=config.reviewed_by_clinician,
        )
        write_text(
            resolve(config.report),
            evaluation_page(measured, by_type, found["latency"], ceiling, provenance),
        )
        found["report"] = resolve(config.report)
    return found


def measure(pairs: Sequence[Pair], catalogues: Catalogues) -> Measured:
    """All figures of some rows."""
    macro, codes = macro_f1_over_codes(pairs)
    found = figures(contributions(pairs, catalogues))
    return Measured(
        len(pairs), {**found, "macro_f1": macro}, codes, error_counts(pairs, catalogues)
    )


def chosen_rows(narratives: Sequence[Narrative], ids: str | None) -> list[Narrative]:
    """The rows with the ids of a file; all where there is none.

    Raises:
        InputError: the file cannot be read, or no row has such an id.
    """
    if ids is None:
        return list(narratives)
    try:
        with open(ids, encoding="utf-8") as file:
            wanted = {line.strip() for line in file}
    except OSError as error:
        raise InputError(f"{ids}: {error.strerror}") from None
    chosen = [one for one in narratives if one.id in wanted]
    if not chosen:
        raise InputError(f"{ids}: none of these ids is in the input")
    return chosen


def load_catalogues(pairs: Sequence[Pair]) -> dict[CodeType, Any]:
    """The catalogues of all code types asked and answered."""
    kinds = {kind for narrative, _ in pairs for kind, _ in narrative.gold or ()}
    kinds |= {code.type for _, coded in pairs for code in coded.codes}
    return {kind: load_catalogue(kind) for kind in sorted(kinds)}


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
