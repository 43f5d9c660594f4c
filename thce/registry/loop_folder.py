"""The folder of a run of the loop: what lies where, and which rounds are done."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

from thce.files import read_json, write_json
from thce.registry.gold import gold_cells
from thce.registry.labels import Cells
from thce.registry.stopping import RoundScores, reason_to_stop

if TYPE_CHECKING:
    from thce.registry.loop import LoopConfig


@dataclass(frozen=True)
class Round:
    """A finished round, as round.json holds it.

    Attributes:
        number: 0 is the first model, before anybody answered.
        labels_spent: notes answered so far in train and validation.
        training_notes: notes in the train split.
        scores: micro and macro F1 with intervals on the frozen test, of the joint decision and
            of the model alone, or None where nobody has labelled test notes yet.
        rare_f1: mean F1 of the rare flags there.
        disagreeing: open pool notes with a counted disagreement.
        compared: open pool notes.
        version: of the round's bundle.
        fingerprint: of the data it was trained on.
    """

    number: int
    labels_spent: int
    training_notes: int
    scores: dict[str, list[float]] | None
    rare_f1: float | None
    disagreeing: int
    compared: int
    version: str
    fingerprint: str

    @property
    def disagreement_rate(self) -> float:
        """Share of open pool notes in dispute; 0 once none is open."""
        return self.disagreeing / self.compared if self.compared else 0.0

    def summary(self) -> dict[str, Any]:
        """As JSON holds it."""
        return asdict(self) | {"disagreement_rate": round(self.disagreement_rate, 4)}


class LoopFolder:
    """Paths of one run."""

    def __init__(self, path: Path) -> None:
        """Names the parts under `path`; creates nothing."""
        self.path = path
        self.config = path / "loop.yaml"
        self.notes = path / "notes.parquet"
        self.frozen = path / "frozen.json"
        self.hydrated = path / "hydrated"
        self.hydrated_done = path / "hydrated.json"
        self.store = path / "annotations.sqlite"
        self.pending = path / "pending.json"
        self.batch = path / "batch.jsonl"
        self.report = path / "report.html"

    def round(self, number: int) -> Path:
        """The folder of a round."""
        return self.path / "rounds" / str(number)

    def asked(self, number: int) -> Path:
        """Present once the batches of a round are drawn and answered."""
        return self.round(number) / "asked.json"

    def rounds(self) -> list[Round]:
        """The finished rounds in order, without their evaluations."""
        found: list[Round] = []
        while (self.round(len(found)) / "round.json").is_file():
            content = read_json(self.round(len(found)) / "round.json")
            content.pop("disagreement_rate")
            found.append(Round(**content))
        return found

    def gold(self) -> dict[str, Cells]:
        """The gold cells (29,) that the input carried, by encounter."""
        table = pq.read_table(self.notes, columns=["encounter_id", "accept", "uncertain"])
        return dict(zip(table["encounter_id"].to_pylist(), gold_cells(table), strict=True))

    def finish(self, done: Round) -> None:
        """Marks a round as done."""
        write_json(self.round(done.number) / "round.json", done.summary())

    def stop_reason(self, config: "LoopConfig", rounds: list[Round]) -> str | None:
        """Why no further round should run, or None."""
        if not rounds:
            return None
        if rounds[-1].compared == 0:
            return "no note of the pool is left to ask about"
        scored = [
            RoundScores(one.scores["macro_f1"][0], one.rare_f1, one.disagreement_rate)
            for one in rounds
            if one.scores is not None
        ]
        reason = reason_to_stop(config.stopping, scored) if scored else None
        if reason is None and len(rounds) > config.rounds:
            return f"all {config.rounds} rounds are done"
        return reason
