"""Opening a coder that can answer: a bundle, or what `thce coder export` wrote."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from thce.coder.bundle_files import CONFIDENCE_FILE, EXPORT_FILE, RANKER_FILE, graph_folder
from thce.codes.load import catalogue_versions
from thce.errors import InputError
from thce.files import read_json
from thce.progress import say

GraphName = Literal["int4", "int8"]


@dataclass(frozen=True)
class OpenedCoder:
    """What of a coder answers.

    Attributes:
        graph: folder of the graph.
        tokenizer: folder of its tokenizer.
        stage: of its training, which decides prompts and answers.
        ranker: weights of the ranker, or None where it brings none.
        confidence: below which a code is not accepted, or None where it does not say.
    """

    graph: Path
    tokenizer: Path
    stage: int
    ranker: Path | None = None
    confidence: float | None = None


def open_coder(model: str, graph: GraphName | None = None) -> OpenedCoder:
    """Opens a bundle, every hash checked first, or the folder of an export.

    A bundle made with other catalogues than those here still answers, with the codes of those
    here; a line says so.

    Args:
        model: a bundle's folder, URL or channel, or an export's folder.
        graph: int4 or int8; None takes the bundle's default, of an export int4.

    Raises:
        InputError: it is neither, or not whole.
    """
    from thce.bundles.load import open_bundle
    from thce.bundles.manifest import MANIFEST_FILE

    folder = Path(model)
    if ":" not in model and not (folder / MANIFEST_FILE).is_file():
        return _exported(folder, graph or "int4")
    bundle = open_bundle(model, "coder")
    name, entry = bundle.weights(graph)
    if Path(entry.file).suffix != ".onnx":
        raise InputError(f"{model}: weights {name!r} are no graph; give --set graph=int4 or int8")
    _compare_catalogues(model, bundle.manifest.code_set)
    return OpenedCoder(
        graph=bundle.path(entry.file).parent,
        tokenizer=bundle.path("tokenizer"),
        stage=int(read_json(bundle.path(EXPORT_FILE))["stage"]),
        ranker=bundle.path(RANKER_FILE),
        confidence=float(read_json(bundle.path(CONFIDENCE_FILE))["abstain_below"]),
    )


def _exported(folder: Path, graph: str) -> OpenedCoder:
    if not (folder / EXPORT_FILE).is_file():
        raise InputError(
            f"model: {folder}: neither a bundle nor an exported coder; make one with "
            "`thce coder bundle`, or `thce coder export` for weights that were not trained here"
        )
    stage = int(read_json(folder / EXPORT_FILE)["stage"])
    return OpenedCoder(graph_folder(folder, graph), folder / "tokenizer", stage)


def _compare_catalogues(model: str, made_with: Mapping[str, str]) -> None:
    for name, version in catalogue_versions().items():
        if made_with.get(name) != version:
            say(
                "predict",
                f"{model} was made with {name} {made_with.get(name)}, answers are from {version}",
            )
