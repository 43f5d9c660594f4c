"""The export step: a trained coder becomes int4 and int8 graphs that answer without torch.

Writes `tokenizer/`, `onnx/int4/`, `onnx/int8/` and `export.json`, which says what each graph loses
against fp32 on answers of examples.
"""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from pydantic import Field

from thce.bundles.manifest import WeightsEntry
from thce.coder.bundle_files import EXPORT_FILE, TRAINING_FILE, graph_folder
from thce.coder.chat import STAGES
from thce.coder.examples import Example, read_examples
from thce.coder.export_graph import GRAPH_FILE, Precision, export_graph
from thce.coder.export_loss import Loss, losses
from thce.config import Config
from thce.errors import Finding, InputError
from thce.files import copy_folder, read_json, write_json
from thce.paths import resolve

PRECISIONS: tuple[Precision, ...] = ("int4", "int8")
TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja")


class ExportSettings(Config):
    """What the graphs may lose, and on what that is measured.

    Attributes:
        examples: JSONL of examples with reasoning on whose answers the loss is measured.
        examples_used: how many of them, spread over the file.
        most_loss: the step fails where a graph's nats per token exceed fp32's by more.
    """

    examples: str = "data/coder/coder_examples.jsonl"
    examples_used: int = Field(default=40, ge=1)
    most_loss: float = Field(default=0.5, gt=0)


class ExportConfig(ExportSettings):
    """What is exported.

    Attributes:
        model: a Hugging Face folder, or one with `model/` and `tokenizer/` (a training's output or
            a bundle of the coder).
        output: an absent or empty folder.
        stage: in which form it answers; None takes what a training or bundle says of itself, of
            a model's folder stage 2.
    """

    model: str
    output: str
    stage: Literal[1, 2, 3] | None = None


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
    given = Path(resolve(config.model))
    stage = config.stage or (trained_stage(given) if (given / TRAINING_FILE).is_file() else 2)
    return {"path": str(output), "loss": export(given, output, stage, config)}


def trained_stage(folder: Path) -> int:
    """The stage that a training or a bundle says it is of.

    Raises:
        InputError: it says none.
    """
    training = read_json(folder / TRAINING_FILE)
    if not isinstance(training, dict) or training.get("stage") not in STAGES:
        raise InputError(f"model: {folder / TRAINING_FILE}: not of a training of the coder")
    return int(training["stage"])


def export(given: Path, output: Path, stage: int, settings: ExportSettings) -> dict[str, Any]:
    """Writes tokenizer, graphs and `export.json`, for instance into a bundle's staging folder.

    Returns:
        The loss of each graph.

    Raises:
        InputError: the model or the examples cannot be used.
        Finding: a graph loses more than allowed; what was written stays for a look.
    """
    examples = _spread(list(read_examples(resolve(settings.examples))), settings.examples_used)
    model, tokenizer = _folders(given)
    export_graphs(model, tokenizer, output)
    found = losses(model, output, examples, stage)
    report = {name: loss.to_dict() for name, loss in found.items()}
    write_json(output / EXPORT_FILE, {"stage": stage, "examples": len(examples), "loss": report})
    _require(found, settings.most_loss)
    return report


def export_graphs(model: Path, tokenizer: Path, output: Path) -> None:
    """Writes `tokenizer/` and both graphs into a folder.

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
