"""The graphs of a bundle, and what they and the model they were made from answer."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from thce.registry.encode import TokenIds
from thce.registry.model import FlagClassifier
from thce.registry.onnx_graph import export_fp32, export_head
from thce.registry.onnx_int8 import quantise_int8
from thce.registry.onnx_join import join
from thce.registry.onnx_session import OnnxSession, Probabilities, sigmoid
from thce.registry.optimum_export import export_encoder


def write_graphs(model: FlagClassifier, exporter: str, fp32: Path, int8: Path) -> None:
    """Writes the fp32 graph by the exporter's way, and the int8 graph made of it.

    Args:
        model: in evaluation mode, on the CPU.
        exporter: `torch` exports the whole model; `optimum` the encoder, to which torch's export
            of the head is joined: Optimum knows transformers' architectures, not this head.
        fp32: the .onnx file to write.
        int8: the .onnx file to write.

    Raises:
        InputError: Optimum cannot be set up on this node, or does not take this encoder.
    """
    if exporter == "torch":
        export_fp32(model, fp32)
    else:
        with TemporaryDirectory(prefix=".graphs.", dir=fp32.parent) as folder:
            encoder, head = Path(folder) / "encoder.onnx", Path(folder) / "head.onnx"
            export_encoder(model.encoder, encoder)
            export_head(model, head)
            join(encoder, head, fp32)
    quantise_int8(fp32, int8)


def graph_probabilities(
    paths: Mapping[str, Path], tokens: list[TokenIds]
) -> dict[str, Probabilities]:
    """Each graph over the notes, the graphs side by side: a session is one thread."""
    with ThreadPoolExecutor(len(paths)) as pool:
        found = pool.map(lambda path: OnnxSession(path).probabilities(tokens), paths.values())
        return dict(zip(paths, found, strict=True))


def torch_probabilities(model: FlagClassifier, tokens: list[TokenIds]) -> Probabilities:
    """What the model itself answers, note by note."""
    import torch

    with torch.inference_mode():
        logits: list[NDArray[np.float32]] = []
        for ids in tokens:
            row = torch.from_numpy(ids).unsqueeze(0)
            logits.append(model(row, torch.ones_like(row)).numpy())
    return sigmoid(np.concatenate(logits))


def default_probabilities(
    model: FlagClassifier, tokens: list[TokenIds], folder: Path
) -> Probabilities:
    """What the graph of the default exporter answers; it is made in `folder` and goes again."""
    with TemporaryDirectory(prefix=".default.", dir=folder) as there:
        path = Path(there) / "model.onnx"
        export_fp32(model, path)
        return OnnxSession(path).probabilities(tokens)


def spread_rows(tokens: list[TokenIds], rows: int) -> list[int]:
    """At most so many notes: the longest, the shortest and evenly between by length."""
    by_length = sorted(range(len(tokens)), key=lambda row: len(tokens[row]))
    spread = np.linspace(0, len(tokens) - 1, min(rows, len(tokens)))
    return [by_length[position] for position in spread.astype(int)]
