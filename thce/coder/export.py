"""The export step: a trained coder becomes int4 and int8 graphs that answer without torch.

Writes `tokenizer/`, `onnx/int4/`, `onnx/int8/` and `export.json`, which says what each graph loses
against fp32 on answers of examples.
"""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pydantic import Field

from thce.bundles.manifest import WeightsEntry
from thce.coder.examples import Example, read_examples
from thce.coder.export_graph import GRAPH_FILE, Precision, export_graph
from thce.coder.export_loss import Loss, losses
from thce.config import Config
from thce.errors import Finding, InputError
from thce.files import copy_folder, write_json
from thce.paths import resolve

PRECISIONS: tuple[Precision, ...] = ("int4", "int8")
TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja")
REPORT_FILE = "export.json"


class ExportConfig(Config):
    """What is exported and what it may lose.

    Attributes:
        model: a Hugging Face folder, or one with `model/` and `tokenizer/` (a training's output or
            a bundle of the coder).
        output: an absent or empty folder.
        examples: JSONL of examples with reasoning on whose answers the loss is measured.
        examples_used: how many of them, spread over the file.
        stage: in which form they are answered.
        most_loss: the step fails where a graph's nats per token exceed fp32's by more.
    """

    model: str
    output: str
    examples: str = "data/coder/coder_examples.jsonl"
    examples_used: int = Field(default=40, ge=1)
    stage: int = Field(default=2, ge=1, le=3)
    most_loss: float = Field(default=0.5, gt=0)


def run(config: ExportConfig) -> dict[str, Any]:
    """Exports, and measures what was lost.

    Returns:
        The output's path and the loss of each graph.

    Raises:
        InputError: the model, the examples or the output cannot be used.
        Finding: a graph loses more than allowed; what was written stays for a look.
    """
    output = Path(resolve(config.output))
    if output.exists() and any(output.iterdir()):
        raise InputError(f"output: {output} is not empty; give a folder of its own")
    examples = _spread(list(read_examples(resolve(config.examples))), config.examples_used)
    model, tokenizer = _folders(Path(resolve(config.model)))
    export_graphs(model, tokenizer, output)
    found = losses(model, output, examples, config.stage)
    report = {name: loss.to_dict() for name, loss in found.items()}
    write_json(output / REPORT_FILE, {"examples": len(examples), "loss": report})
    _require(found, config.most_loss)
    return {"path": str(output), "loss": report}


def export_graphs(model: Path, tokenizer: Path, output: Path) -> None:
    """Writes `tokenizer/` and both graphs into a folder, for instance a bundle's staging.

    Raises:
        InputError: the builder refuses the model.
    """
    (output / "tokenizer").mkdir(parents=True, exist_ok=True)
    for name in TOKENIZER_FILES:
        if (tokenizer / name).is_file():
            shutil.copyfile(tokenizer / name, output / "tokenizer" / name)
    with _joined(model, tokenizer) as folder:
        for precision in PRECISIONS:
            export_graph(folder, graph_folder(output, precision), precision)


def graph_folder(bundle: Path, precision: str) -> Path:
    """Where a graph lies in a bundle."""
    return bundle / "onnx" / precision


def weights_entries(thresholds: str) -> dict[str, WeightsEntry]:
    """The graphs as a bundle's manifest lists them, all with one file of thresholds."""
    return {
        precision: WeightsEntry(file=f"onnx/{precision}/{GRAPH_FILE}", thresholds=thresholds)
        for precision in PRECISIONS
    }


def _folders(given: Path) -> tuple[Path, Path]:
    """The folders of model and tokenizer."""
    model, tokenizer = given, given
    if (given / "model").is_dir():
        model, tokenizer = given / "model", given / "tokenizer"
    for file in (model / "config.json", model / "model.safetensors", tokenizer / "tokenizer.json"):
        if not file.is_file():
            raise InputError(f"model: {file} is missing; give a trained coder or a model's folder")
    return model, tokenizer


@contextmanager
def _joined(model: Path, tokenizer: Path) -> Iterator[Path]:
    """One folder with the files of both, as the builder wants them."""
    if model == tokenizer:
        yield model
        return
    with TemporaryDirectory(prefix="thce-export-") as folder:
        for source in (tokenizer, model):
            copy_folder(source, Path(folder))
        yield Path(folder)


def _spread(examples: Sequence[Example], count: int) -> list[Example]:
    """So many examples, evenly over the file."""
    if not examples:
        raise InputError("examples: the file has none")
    step = max(1, len(examples) // count)
    return list(examples[::step][:count])


def _require(found: Mapping[str, Loss], most: float) -> None:
    worse = [
        f"{name} loses {loss.lost:.3g} nats per token"
        for name, loss in found.items()
        if loss.lost > most
    ]
    if worse:
        raise Finding(f"export: {'; '.join(worse)}, allowed is {most:g}")
