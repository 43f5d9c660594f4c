"""Which graph the coder serves: a bundle's, an export's, or the base model's, converted once."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from thce.bundles.load import open_bundle
from thce.bundles.manifest import MANIFEST_FILE
from thce.bundles.storage import exists
from thce.coder.bundle_files import graph_folder
from thce.coder.export_graph import export_graph
from thce.errors import InputError
from thce.files import sha256_file
from thce.paths import home, resolve
from thce.serving.config import Precision

BASE = "smollm2"
CARD = "A base model that was not trained to code: its answers are valid codes and no more."


@dataclass(frozen=True)
class CoderGraph:
    """What `Generator.load` wants, and what is said of it.

    Attributes:
        graph: folder of the graph.
        tokenizer: folder of the tokenizer.
        version: of the bundle, or of what stands in for one.
        card: its model card.
    """

    graph: Path
    tokenizer: Path
    version: str
    card: str


def coder_graph(model: str | None, precision: Precision) -> CoderGraph:
    """Finds the graph, and makes it where only the base weights are here.

    Raises:
        InputError: no graph lies there, or the base weights were not fetched.
    """
    if model is None:
        return _base(precision)
    path = resolve(model)
    if exists(f"{path}/{MANIFEST_FILE}"):
        bundle = open_bundle(path, kind="coder")
        card = bundle.path("README.md").read_text(encoding="utf-8")
        return _there(bundle.folder, precision, bundle.version, card)
    graph = graph_folder(Path(path), precision) / "model.onnx"
    version = f"export-{sha256_file(graph)[:16]}" if graph.is_file() else ""
    return _there(Path(path), precision, version, "An export without a model card.")


def _there(folder: Path, precision: Precision, version: str, card: str) -> CoderGraph:
    graph = graph_folder(folder, precision)
    if not (graph / "model.onnx").is_file():
        raise InputError(
            f"model: {folder}: no {precision} graph in it; run `thce coder export` on it first"
        )
    return CoderGraph(graph, folder / "tokenizer", version, card)


def _base(precision: Precision) -> CoderGraph:
    from thce.coder.base_model import starting_folders

    model, tokenizer = starting_folders(BASE, None)
    target = home() / "coder" / "served" / f"{model.name}-{precision}"
    if not target.is_dir():
        staging = target.with_name(f".{target.name}.tmp")
        shutil.rmtree(staging, ignore_errors=True)
        export_graph(model, staging, precision)
        staging.rename(target)
    return CoderGraph(target, tokenizer, f"base-{model.name}-{precision}", CARD)
