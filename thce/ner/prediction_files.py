"""predictions.parquet and tokens.parquet: what an evaluation leaves for the analysis."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from thce.errors import InputError
from thce.files import write_parquet
from thce.ner.decode import alternative
from thce.ner.documents import Prediction
from thce.ner.predictor import Answer
from thce.ner.tags import TagSet

PREDICTIONS_FILE, TOKENS_FILE = "predictions.parquet", "tokens.parquet"

PREDICTIONS = pa.schema(
    [
        ("document", pa.string()),
        ("type", pa.string()),
        ("start", pa.int64()),
        ("end", pa.int64()),
        ("confidence", pa.float64()),
        ("token_confidences", pa.list_(pa.float64())),
        ("alternative_type", pa.string()),
        ("alternative_confidence", pa.float64()),
    ]
)


def write_predictions(folder: Path, answers: Sequence[Answer], tags: TagSet) -> None:
    """Writes every predicted mention, with the best other type of its span."""
    rows = []
    for answer in answers:
        starts = [start for start, _ in answer.encoded.words.spans]
        first_at = {start: number for number, start in enumerate(starts)}
        for one in answer.mentions:
            first = first_at[one.start]
            last = first + len(one.token_confidences)
            other, confidence = alternative(answer.probabilities, first, last, one.type, tags.types)
            rows.append(
                {
                    "document": one.document,
                    "type": one.type,
                    "start": one.start,
                    "end": one.end,
                    "confidence": one.confidence,
                    "token_confidences": list(one.token_confidences),
                    "alternative_type": other,
                    "alternative_confidence": confidence,
                }
            )
    write_parquet(folder / PREDICTIONS_FILE, pa.Table.from_pylist(rows, schema=PREDICTIONS))


def write_tokens(
    folder: Path,
    ids: Sequence[str],
    gold: Sequence[Sequence[str]],
    answers: Sequence[Answer],
    tags: TagSet,
) -> None:
    """Writes every word with its gold tag, its predicted one, and a probability for each tag.

    The tags stand, in the order of the probabilities, in the schema's metadata under `tags`.

    Args:
        folder: where.
        ids: n documents.
        gold: the tags of the words of each.
        answers: what the model says of each.
        tags: of the model.
    """
    names = np.array(tags.tags)
    columns: dict[str, list] = {name: [] for name in ("document", "word", "start", "end")}
    predicted: list[str] = []
    for name, answer in zip(ids, answers, strict=True):
        spans = answer.encoded.words.spans
        columns["document"] += [name] * len(spans)
        columns["word"] += range(len(spans))
        columns["start"] += [start for start, _ in spans]
        columns["end"] += [end for _, end in spans]
        predicted += names[answer.path].tolist()
    flat = np.concatenate([answer.probabilities for answer in answers]).astype(np.float32)
    table = pa.table(
        {
            "document": pa.array(columns["document"], pa.string()),
            "word": pa.array(columns["word"], pa.int64()),
            "start": pa.array(columns["start"], pa.int64()),
            "end": pa.array(columns["end"], pa.int64()),
            "gold": pa.array([tag for one in gold for tag in one], pa.string()),
            "predicted": pa.array(predicted, pa.string()),
            "probability": pa.FixedSizeListArray.from_arrays(
                pa.array(flat.ravel(), pa.float32()), flat.shape[1]
            ).cast(pa.list_(pa.float32())),
        }
    )
    write_parquet(
        folder / TOKENS_FILE, table.replace_schema_metadata({"tags": "\n".join(tags.tags)})
    )


def read_predictions(folder: Path) -> list[Prediction]:
    """Reads the mentions of predictions.parquet.

    Raises:
        InputError: there is no such file, or it is another.
    """
    path = folder / PREDICTIONS_FILE
    try:
        rows = pq.read_table(path, schema=PREDICTIONS).to_pylist()
    except (OSError, pa.ArrowException):
        raise InputError(f"{path}: not what `thce ner evaluate` writes") from None
    return [
        Prediction(
            row["document"],
            row["type"],
            row["start"],
            row["end"],
            row["confidence"],
            tuple(row["token_confidences"]),
        )
        for row in rows
    ]
