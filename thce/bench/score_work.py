"""The notes that scoring and its rivals go over, as many as a run of the wanted length takes."""

import itertools
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from thce.bench.load_notes import USUAL_WORDS, load_rows
from thce.registry.predict import Predictor

PIPELINE_SHARE = 10
"""The pipeline's sample takes it about this part of the time of a run of ours."""


@dataclass(frozen=True)
class Work:
    """The notes of one timed run, raw on disk for ours and prepared for the rivals.

    The pipeline, some times slower, goes over one note in `every`.
    """

    notes: Path
    texts: list[str]
    every: int

    @property
    def sample(self) -> list[str]:
        """The pipeline's notes."""
        return self.texts[:: self.every]


def source_rows(path: str | None) -> Iterator[dict[str, Any]]:
    """The rows that are repeated: the user's, or synthetic ones."""
    from thce.notes.read import read_notes

    if path is None:
        yield from load_rows(1000, USUAL_WORDS)
        return
    for row in read_notes(path, quarantine=None).to_pylist():
        forms = {name: row[name] for name in ("cpt_codes", "structured")}
        yield {"text": row["note_text"], **forms}


def make_work(
    predictor: Predictor,
    source: list[dict[str, Any]],
    seconds: float,
    cores: int,
    slower: float,
    folder: Path,
) -> Work:
    """As many notes as all cores score in the wanted time, each under an id of its own.

    Args:
        predictor: what they are scored with; it is timed on a few of them.
        source: rows to repeat.
        seconds: the wanted time.
        cores: as many sessions will run.
        slower: how many times slower the pipeline is at least.
        folder: gets the file.
    """
    from thce.notes.prepare import prepare

    trial = [prepare(row["text"]).text for row in source[:24]]
    predictor.predict(trial[:4])
    started = time.perf_counter()
    predictor.predict(trial)
    rate = cores * len(trial) / (time.perf_counter() - started)
    count = max(cores * 4, round(seconds * rate))
    notes, texts = folder / "notes.jsonl", []
    with notes.open("w", encoding="utf-8") as handle:
        for number, row in enumerate(itertools.islice(itertools.cycle(source), count)):
            handle.write(json.dumps(row | {"id": f"load-{number:08}"}) + "\n")
            texts.append(prepare(row["text"]).text)
    return Work(notes, texts, max(1, min(round(PIPELINE_SHARE * slower), count // 8)))
