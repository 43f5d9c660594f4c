"""The predict step: a folder of texts -> a folder of brat files."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from thce.config import Config
from thce.errors import InputError
from thce.files import write_text
from thce.ner.brat import annotations_of, files_of, read_document_text
from thce.ner.documents import Entity, Prediction
from thce.ner.predictor import Predictor
from thce.paths import is_remote, resolve
from thce.progress import say

AT_ONCE = 64
"""Documents that are in memory with their probabilities."""


class PredictConfig(Config):
    """What is read, and how much of it is written.

    Attributes:
        model: bundle folder, URL or `champion:CHANNEL`.
        input: folder of .txt files; .ann files in it are not read.
        output: folder for the .ann files.
        weights: fp32 or int8; None takes the bundle's default.
        min_confidence: mentions below it are left out.
        confidence: writes each mention's confidence as a note of brat's.
        sessions: threads that share the work; None takes one a core.
    """

    model: str
    input: str
    output: str
    weights: str | None = None
    min_confidence: float = Field(0.0, ge=0, le=1)
    confidence: bool = False
    sessions: int | None = Field(None, ge=1)


def run(config: PredictConfig) -> dict[str, Any]:
    """Writes an .ann file for every .txt file.

    A text that is empty or not UTF-8 is named on standard error and gets no .ann file; the others
    are answered.

    Returns:
        Documents, mentions, mentions per type, and the files that were left out.

    Raises:
        InputError: there is no text that can be read, or the output is the input.
    """
    if is_remote(config.input) or is_remote(config.output):
        raise InputError("input and output: brat files lie in local folders")
    source, target = Path(resolve(config.input)), Path(resolve(config.output))
    paths = files_of(source, ".txt")
    if not paths:
        raise InputError(f"{source}: no .txt file in it; give a folder of texts")
    if target.resolve() == source.resolve():
        raise InputError(
            f"output: {target} is the input, whose annotations would be lost; give another folder"
        )
    predictor = Predictor.open(config.model, config.weights, config.sessions or usable_cores())
    counts: dict[str, int] = {}
    refused: list[str] = []
    written = 0
    for part in _batches(paths):
        ids, texts = _read(part, refused)
        for name, text, answer in zip(ids, texts, predictor.predict(ids, texts), strict=True):
            kept = [one for one in answer.mentions if one.confidence >= config.min_confidence]
            write_text(target / f"{name}.ann", _annotations(text, kept, config.confidence))
            written += 1
            for one in kept:
                counts[one.type] = counts.get(one.type, 0) + 1
    for reason in refused:
        say("predict", reason)
    if not written:
        raise InputError(f"{source}: no text in it can be read; the first: {refused[0]}")
    return {
        "model": predictor.bundle.version,
        "weights": predictor.weights,
        "documents": written,
        "mentions": sum(counts.values()),
        "types": dict(sorted(counts.items(), key=lambda item: (-item[1], item[0]))),
        "left_out": refused,
        "output": str(target),
    }


def usable_cores() -> int:
    """The cores that this process may use."""
    return max(1, len(os.sched_getaffinity(0)))


def entities_of(text: str, mentions: Sequence[Prediction]) -> list[Entity]:
    """Predicted mentions as brat has them, numbered in order."""
    return [
        Entity(
            f"T{number}",
            one.type,
            ((one.start, one.end),),
            text[one.start : one.end].replace("\n", " "),
        )
        for number, one in enumerate(mentions, start=1)
    ]


def _annotations(text: str, mentions: Sequence[Prediction], confidence: bool) -> str:
    lines = annotations_of(entities_of(text, mentions))
    if not confidence:
        return lines
    notes = (
        f"#{number}\tAnnotatorNotes T{number}\tconfidence {one.confidence:.4f}\n"
        for number, one in enumerate(mentions, start=1)
    )
    return lines + "".join(notes)


def _batches(paths: Sequence[Path]) -> Iterator[Sequence[Path]]:
    for start in range(0, len(paths), AT_ONCE):
        yield paths[start : start + AT_ONCE]


def _read(paths: Sequence[Path], refused: list[str]) -> tuple[list[str], list[str]]:
    ids, texts = [], []
    for path in paths:
        try:
            texts.append(read_document_text(path))
        except InputError as error:
            refused.append(str(error))
            continue
        ids.append(path.stem)
    return ids, texts
