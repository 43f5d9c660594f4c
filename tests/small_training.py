"""A dataset and a training output small enough to make in a test: real steps, a tiny encoder."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet

from thce.files import read_jsonl
from thce.registry.dataset import DatasetConfig, read_split
from thce.registry.dataset import run as build_dataset
from thce.registry.hydrated import list_column
from thce.registry.labels import FALSE, Tier, cells_from_names

VOCABULARY = 600
"""Word pieces of every small tokenizer, and rows of every tiny encoder's embedding."""


@dataclass(frozen=True)
class Exported:
    """One small export that the tests of a session share; nobody writes into it."""

    folder: TemporaryDirectory[str]
    dataset: str
    trained: str
    bundle: str
    report: dict[str, Any]


@cache
def exported(registry_data: Path) -> Exported:
    """Dataset, training output and bundle, made once per session."""
    from thce.registry.export import ExportConfig, run

    folder = TemporaryDirectory(prefix="thce-small-")
    root = Path(folder.name)
    dataset = write_dataset(root / "data", registry_data)
    trained = train_small(root / "trained", dataset)
    report = run(ExportConfig(model=trained, dataset=dataset, output=str(root / "bundle")))
    return Exported(folder, dataset, trained, report["path"], report)


def shipped_notes(
    registry_data: Path, authors: str = "ab", each: int | None = None
) -> list[dict[str, Any]]:
    """Rows of the shipped notes, the first `each` (all of them without) of every author."""
    paths = [registry_data / f"registry_notes_{author}.jsonl" for author in authors]
    return [row for path in paths for row in read_jsonl(path)[:each]]


def write_dataset(folder: Path, registry_data: Path) -> str:
    """The shipped labelled notes, their gold labels as human ones, split as ever."""
    paths = sorted(registry_data.glob("registry_notes_*.jsonl"))
    notes = [row for path in paths for row in read_jsonl(path)]
    label = np.stack([cells_from_names(note["accept"], default=FALSE) for note in notes])
    table = pa.table(
        {
            "encounter_id": [note["id"] for note in notes],
            "text": [note["text"] for note in notes],
            "label": list_column(label, pa.int8()),
            "tier": list_column(np.full_like(label, Tier.HUMAN), pa.int8()),
            "confidence": list_column(np.ones(label.shape, np.float32), pa.float32()),
        }
    )
    folder.mkdir(parents=True, exist_ok=True)
    parquet.write_table(table, folder / "hydrated.parquet")
    output = str(folder / "dataset")
    build_dataset(DatasetConfig(hydrated=str(folder / "hydrated.parquet"), output=output))
    return output


def small_tokenizer(texts: list[str]) -> Any:
    """A WordPiece tokenizer of VOCABULARY pieces learnt on the texts."""
    from tokenizers import BertWordPieceTokenizer
    from transformers import PreTrainedTokenizerFast

    learnt = BertWordPieceTokenizer()
    learnt.train_from_iterator(texts, vocab_size=VOCABULARY, show_progress=False)
    return PreTrainedTokenizerFast(
        tokenizer_object=learnt._tokenizer,
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        pad_token="[PAD]",
        mask_token="[MASK]",
    )


def tiny_encoder(positions: int = 96, **fields: Any) -> Any:
    """A BERT of two layers with random weights.

    Args:
        positions: the most tokens that it takes.
        fields: of its configuration, where they shall be other than here.
    """
    from transformers import BertConfig, BertModel

    given = {
        "vocab_size": VOCABULARY,
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 64,
        "max_position_embeddings": positions,
    }
    return BertModel(BertConfig(**(given | fields)), add_pooling_layer=False)


def small_base(folder: Path, texts: list[str]) -> str:
    """A folder with a tiny encoder and a tokenizer learnt on the texts, as training takes it."""
    import torch

    torch.manual_seed(0)
    tiny_encoder().save_pretrained(folder)
    small_tokenizer(texts).save_pretrained(folder)
    return str(folder)


def train_small(folder: Path, dataset: str, seed: int = 0) -> str:
    """What training writes, for an untrained encoder of two layers with loud random weights."""
    import torch
    import yaml

    from thce.registry.encode import NoteEncoder
    from thce.registry.model import FlagClassifier
    from thce.registry.onnx_session import sigmoid

    validation = read_split(dataset, "val")
    encoder = NoteEncoder(small_tokenizer(read_split(dataset, "train").texts), 96, 32)
    torch.manual_seed(seed)
    model = FlagClassifier(tiny_encoder(positions=128)).eval()
    with torch.inference_mode():
        model.head.weight.mul_(8.0)
        rows = [torch.from_numpy(ids)[None] for ids in encoder.encode(validation.texts)]
        logits = np.concatenate([model(row, torch.ones_like(row)).numpy() for row in rows])
    model.save(folder / "model")
    encoder.save(folder / "tokenizer")
    settings = {"model_name": "tiny", "init_from": None, "head_tokens": 96, "tail_tokens": 32}
    (folder / "config.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    np.savez(
        folder / "validation.npz",
        encounter_ids=np.asarray(validation.encounter_ids),
        label=validation.label,
        probabilities=sigmoid(logits),
    )
    return str(folder)
