"""A tagger small enough to train in a test: real steps, a tiny encoder, the shipped corpus."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from small_training import small_tokenizer, tiny_encoder

from thce.ner.corpus import read_corpus
from thce.ner.recipe import TrainConfig

CORPUS = Path(__file__).resolve().parent.parent / "data" / "ner"


@dataclass(frozen=True)
class Exported:
    """One small training and its bundle, which the tests of a session share."""

    folder: TemporaryDirectory[str]
    base: str
    trained: Path
    bundle: Path
    report: dict[str, Any]


@cache
def exported() -> Exported:
    """Base, training output and bundle, made once per session, without Ray."""
    from thce.ner.export import ExportConfig, run

    folder = TemporaryDirectory(prefix="thce-ner-")
    root = Path(folder.name)
    base = small_base(root / "base")
    trained = train_small(root / "trained", base)
    report = run(ExportConfig(model=str(trained), output=str(root / "bundle")))
    return Exported(folder, base, trained, root / "bundle", report)


def small_base(folder: Path) -> str:
    """A folder with a tiny encoder and a tokenizer learnt on the shipped texts."""
    import torch

    torch.manual_seed(0)
    tiny_encoder().save_pretrained(folder)
    bracketed_tokenizer().save_pretrained(folder)
    return str(folder)


def bracketed_tokenizer() -> Any:
    """A tokenizer learnt on the shipped texts that puts [CLS] and [SEP] around a text."""
    from tokenizers.processors import BertProcessing

    tokenizer = small_tokenizer([one.text for one in read_corpus(str(CORPUS)).documents])
    ends = [(name, tokenizer.convert_tokens_to_ids(name)) for name in ("[SEP]", "[CLS]")]
    tokenizer.backend_tokenizer.post_processor = BertProcessing(*ends)
    return tokenizer


def recipe(**given: Any) -> dict[str, Any]:
    """What a small training is told, with what a test wants otherwise."""
    return {
        "max_tokens": 64,
        "stride": 16,
        "epochs": 2,
        "batch_size": 8,
        "learning_rate": 5e-3,
        "head_learning_rate": 2e-2,
        "patience": 0,
        "precision": "fp32",
    } | given


def train_small(output: Path, base: str, **given: Any) -> Path:
    """What `thce ner train` writes, trained in this process."""
    import torch

    from thce.config import dump
    from thce.files import copy_folder, write_text
    from thce.ner.train import train_on_device
    from thce.training.reporters import LocalReporter

    config = TrainConfig(
        output=str(output), model_name=base, **({"input": [str(CORPUS)]} | recipe(**given))
    )
    reporter = LocalReporter(output.with_name(f"{output.name}.checkpoints"))
    settings = config.model_dump(mode="json") | {"threads": 1, "run": "small"}
    train_on_device(settings, reporter, torch.device("cpu"))
    with reporter.resume_folder() as folder:
        assert folder is not None
        copy_folder(folder / "final", output)
    write_text(output / "config.yaml", dump(config))
    return output
