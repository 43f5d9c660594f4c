"""One graph of a language model, by onnxruntime-genai's builder: weights as int4, int8 or fp32."""

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from thce.coder.engine import CONFIG_FILE
from thce.errors import InputError
from thce.files import copy_folder

Precision = Literal["int4", "int8", "fp32"]
GRAPH_FILE = "model.onnx"
# The builder's settings of each precision; docs/generation.md has what each loses.
OPTIONS: dict[Precision, tuple[str, ...]] = {
    "int4": ("algo_config=k_quant_mixed",),  # head and some layers in int8
    "int8": (),
    "fp32": (),
}


def export_graph(model: Path, output: Path, precision: Precision) -> None:
    """Writes `model.onnx` and `genai_config.json`.

    Weights lie inside the one file, so that a bundle holds no format that it does not know. The
    builder runs in a process of its own: it is a program and changes logging and import paths.

    Args:
        model: a Hugging Face folder: config.json, model.safetensors, tokenizer.
        output: an absent folder.
        precision: of the weights.

    Raises:
        InputError: the builder refuses the model.
    """
    with TemporaryDirectory(prefix="thce-export-") as temporary:
        built = Path(temporary) / "built"
        _build(model, built, precision, Path(temporary))
        whole = Path(temporary) / "whole"
        whole.mkdir()
        _join_weights(built / GRAPH_FILE, whole / GRAPH_FILE)
        (built / CONFIG_FILE).rename(whole / CONFIG_FILE)
        output.parent.mkdir(parents=True, exist_ok=True)
        copy_folder(whole, output)


def _build(model: Path, output: Path, precision: Precision, cache: Path) -> None:
    command = [sys.executable, "-m", "onnxruntime_genai.models.builder"]
    command += ["-i", str(model), "-o", str(output), "-p", precision, "-e", "cpu"]
    command += ["-c", str(cache)]
    if OPTIONS[precision]:
        command += ["--extra_options", *OPTIONS[precision]]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1][:300]
        raise InputError(f"{model}: onnxruntime-genai's builder failed: {reason}")


def _join_weights(source: Path, target: Path) -> None:
    """The graph with its weights inside the same file (they must be under 2 GB)."""
    import onnx

    try:
        onnx.save(onnx.load(source), target)
    except ValueError as error:  # protobuf's limit
        raise InputError(
            f"{source}: {str(error)[:200]}; the model is too large for one file"
        ) from None
