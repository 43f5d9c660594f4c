"""Gates on a stage's rows: what was counted, shard by shard, and whether it may be trained on."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from thce.coder.chat import read_answer
from thce.coder.draw import stable_hash
from thce.coder.language import language_of
from thce.codes.code_types import CodeType
from thce.codes.load import load_catalogue
from thce.config import Config

LANGUAGE_SAMPLE = 10  # one row in so many is read for its language


class GateLimits(Config):
    """From where a gate fails.

    Attributes:
        max_characters: of a row's messages together; 4,096 tokens hold about as many.
        too_long: the largest share of longer rows.
        duplicates: the largest share of rows that repeat another's messages.
        other_language: the largest share of sampled rows in another language than English.
    """

    max_characters: int = 12_000
    too_long: float = 0.01
    duplicates: float = 0.005
    other_language: float = 0.01


@dataclass
class GateCounts:
    """What the gates count in some rows; counts of shards add up in any order.

    Attributes:
        rows: rows seen.
        by_source: rows of each source.
        invalid: rows whose answer is not one billable code, the one of the metadata.
        empty: rows with an empty message.
        too_long: rows longer than the limit.
        without_reasoning: rows of stages 2 and 3 without a step between the think tags.
        inconsistent: preference rows that prefer nothing: the same code, or the same text.
        sampled: rows read for their language.
        languages: languages found in those.
        hashes: 64 bits of each row's messages.
    """

    rows: int = 0
    by_source: Counter[str] = field(default_factory=Counter)
    invalid: int = 0
    empty: int = 0
    too_long: int = 0
    without_reasoning: int = 0
    inconsistent: int = 0
    sampled: int = 0
    languages: Counter[str] = field(default_factory=Counter)
    hashes: list[NDArray[np.uint64]] = field(default_factory=list)

    def add(self, other: "GateCounts") -> None:
        """Adds another part's counts."""
        for name in ("rows", "invalid", "empty", "too_long", "without_reasoning", "inconsistent"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.sampled += other.sampled
        self.by_source.update(other.by_source)
        self.languages.update(other.languages)
        self.hashes += other.hashes

    def duplicates(self) -> int:
        """Rows whose messages another row has as well, all but the first."""
        return self.rows - len(np.unique(np.concatenate(self.hashes))) if self.hashes else 0


def count(stage: int, table: pa.Table, limits: GateLimits) -> GateCounts:
    """Counts over rows of a stage; see `thce.coder.rows` for the columns."""
    columns = ["messages"] if stage < 3 else ["prompt", "chosen", "rejected"]
    texts = {name: _contents(table.column(name)) for name in columns}
    last = texts["messages" if stage < 3 else "chosen"]
    answers = [row[-1] if row else "" for row in last]
    metadata = table.column("_metadata").combine_chunks()
    joined = ["\x1f".join(part for name in columns for part in texts[name][row])
              for row in range(len(table))]  # fmt: skip
    found = GateCounts(rows=len(table))
    found.by_source.update(pc.fill_null(metadata.field("source"), "not stated").to_pylist())
    found.invalid = _invalid(answers, metadata)
    found.empty = sum(
        not all(part.strip() for name in columns for part in texts[name][row]) or not answers[row]
        for row in range(len(table))
    )
    found.too_long = sum(len(text) > limits.max_characters for text in joined)
    if stage > 1:
        found.without_reasoning = sum(not _has_reasoning(answer) for answer in answers)
    if stage == 3:
        found.inconsistent = _inconsistent(texts, metadata)
    hashes = [stable_hash(text) for text in joined]
    found.hashes = [np.array(hashes, np.uint64)]
    prompts = texts["messages" if stage < 3 else "prompt"]
    for row in range(len(table)):
        # The text decides whether it is sampled, so that the order of rows does not.
        if hashes[row] % LANGUAGE_SAMPLE == 0:
            found.sampled += 1
            found.languages[language_of(prompts[row][1] if len(prompts[row]) > 1 else "")] += 1
    return found


def verdict(stage: int, counts: GateCounts, limits: GateLimits) -> dict[str, dict[str, Any]]:
    """Each gate with its count, its limit and whether it holds."""
    rows = max(counts.rows, 1)
    other = counts.sampled - counts.languages["english"]
    gates: dict[str, tuple[int, float, float]] = {
        "rows present": (int(counts.rows == 0), float(counts.rows == 0), 0),
        "code validity": (counts.invalid, counts.invalid / rows, 0),
        "no empty message": (counts.empty, counts.empty / rows, 0),
        "length": (counts.too_long, counts.too_long / rows, limits.too_long),
        "duplicates": (counts.duplicates(), counts.duplicates() / rows, limits.duplicates),
        "language (function-word share, sampled)": (
            other,
            other / max(counts.sampled, 1),
            limits.other_language,
        ),
    }
    if stage > 1:
        missing = counts.without_reasoning
        gates["reasoning present"] = (missing, missing / rows, 0)
    if stage == 3:
        gates["preference consistent"] = (counts.inconsistent, counts.inconsistent / rows, 0)
    return {
        name: {"failing": failing, "share": share, "limit": limit, "passed": share <= limit}
        for name, (failing, share, limit) in gates.items()
    }


def _contents(column: pa.ChunkedArray) -> list[list[str]]:
    """The messages' texts of each row; a null row or text counts as empty."""
    array = column.combine_chunks()
    if not len(array):
        return []
    texts = pc.fill_null(pc.struct_field(pc.list_flatten(array), "content"), "").to_pylist()
    lengths = pc.fill_null(pc.list_value_length(array), 0).to_pylist()
    rows, at = [], 0
    for length in lengths:
        rows.append(texts[at : at + length])
        at += length
    return rows


def _has_reasoning(answer: str) -> bool:
    reasoning = read_answer(answer).reasoning
    return bool(reasoning)


def _invalid(answers: Sequence[str], metadata: pa.StructArray) -> int:
    """Rows whose answer is not exactly the metadata's code, or whose code is not billable."""
    told = zip(metadata.field("code_type").to_pylist(), metadata.field("code").to_pylist(),
               strict=True)  # fmt: skip
    codes: dict[CodeType, list[str]] = {}
    wrong = 0
    for answer, (code_type, code) in zip(answers, told, strict=True):
        lines = read_answer(answer).codes
        if [(line.code_type.value, line.code) for line in lines] != [(code_type, code)]:
            wrong += 1
        else:
            codes.setdefault(lines[0].code_type, []).append(code)
    for kind, of_kind in codes.items():
        wrong += int((~load_catalogue(kind).validate(of_kind)).sum())
    return wrong


def _inconsistent(texts: dict[str, list[list[str]]], metadata: pa.StructArray) -> int:
    right = metadata.field("code").to_pylist()
    wrong = 0
    for chosen, rejected, code in zip(texts["chosen"], texts["rejected"], right, strict=True):
        told = read_answer(rejected[-1]) if rejected else None
        if told is None or not told.codes or chosen == rejected or told.codes[0].code == code:
            wrong += 1
    return wrong
