"""The labelled rows that evaluating and comparing score against, and what a report says of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from thce.coder.coded_rows import Narrative, read_narratives
from thce.coder.metrics import Pair
from thce.codes.code_types import CodeType
from thce.codes.load import load_catalogue
from thce.config import Config
from thce.errors import InputError
from thce.evaluation.results import Provenance
from thce.files import write_text
from thce.paths import resolve


class LabelledConfig(Config):
    """What is scored against, and where the report goes.

    Attributes:
        input: JSONL of narratives with their right codes.
        ids: file with one id a line; only these rows count.
        report: HTML file to write, or None.
        fictional: whether the narratives are made up, for the report.
        reviewed_by_clinician: whether a clinician reviewed the codes, for the report.
    """

    input: str
    ids: str | None = None
    report: str | None = None
    fictional: bool = False
    reviewed_by_clinician: bool = False

    def rows(self) -> list[Narrative]:
        """The rows that count."""
        return chosen_rows(read_narratives(self.input), self.ids)

    def provenance(self) -> Provenance:
        """What a report says of them."""
        return Provenance(
            gold="the codes in the input",
            corpus=Path(self.input).name,
            fictional=self.fictional,
            reviewed_by_clinician=self.reviewed_by_clinician,
        )

    def write_report(self, page: str) -> dict[str, str]:
        """Writes the report and returns where it lies, as a step's own report says it."""
        assert self.report is not None
        write_text(resolve(self.report), page)
        return {"report": resolve(self.report)}


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
