"""fp32 graph -> int8 graph, with a scale of its own for every token."""

import logging
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from thce.registry.onnx_graph import HEAD_PREFIX


def quantise_int8(fp32: Path, path: Path) -> None:
    """Writes the graph with int8 linear layers, their activations quantised as they come.

    Weights are scaled per channel and kept to 7 bits, because products of full 8-bit values
    saturate on processors without VNNI: the same graph answers alike on old and new machines.
    Activations are scaled per token (`_scale_rows`). The head stays fp32: it is a hundredth of
    the weights, and quantising it tripled the mean difference in probability. The embeddings
    stay fp32 too: they are looked up, not multiplied, so that int8 would save space and no time
    (with one scale for the table, a MiniLM's position embeddings were 35 % off).

    Args:
        fp32: what an exporter wrote: nodes of the head are named `head.`.
        path: the .onnx file to write.
    """
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    model = onnx.load(str(fp32))
    head = [node.name for node in model.graph.node if node.name.startswith(HEAD_PREFIX)]
    _scale_rows(model.graph)
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)
    try:
        with TemporaryDirectory(prefix=".int8.", dir=path.parent) as folder:
            scaled = Path(folder) / "scaled.onnx"
            onnx.save(model, str(scaled))
            quantize_dynamic(
                scaled,
                path,
                op_types_to_quantize=["MatMul"],
                weight_type=QuantType.QInt8,
                per_channel=True,
                reduce_range=True,
                nodes_to_exclude=head,
            )
    finally:
        root.setLevel(level)


def _scale_rows(graph: Any) -> None:
    """Divides what enters a linear layer by its largest value, token by token, and undoes it after.

    onnxruntime quantises activations with one scale for the whole tensor, so that one loud token
    (a [CLS], a full stop) leaves the others a few of the 256 steps. With every row between -1 and
    1 that one scale fits each of them: per-token dynamic quantisation (ZeroQuant, Yao et al.
    2022) in plain operators. x W = s (x / s) W holds row by row, so that the fp32 graph would
    answer as before.
    """
    import numpy as np
    from onnx.helper import make_node
    from onnx.numpy_helper import from_array

    weights = {one.name for one in graph.initializer}
    axes, floor = "rows.axes", "rows.floor"
    graph.initializer.append(from_array(np.array([-1], np.int64), axes))
    graph.initializer.append(from_array(np.array(1e-12, np.float32), floor))
    nodes: list[Any] = []
    scaled: set[str] = set()
    for node in graph.node:
        if not _is_linear(node, weights):
            nodes.append(node)
            continue
        rows, output = node.input[0], node.output[0]
        unit, size = f"{rows}.unit", f"{rows}.size"
        if rows not in scaled:
            scaled.add(rows)
            nodes += [
                make_node("Abs", [rows], [f"{rows}.abs"], name=f"{rows}.abs"),
                make_node("ReduceMax", [f"{rows}.abs", axes], [f"{rows}.max"], f"{rows}.max"),
                make_node("Max", [f"{rows}.max", floor], [size], name=size),
                make_node("Div", [rows, size], [unit], name=unit),
            ]
        node.input[0], node.output[0] = unit, f"{output}.unit"
        nodes += [node, make_node("Mul", [f"{output}.unit", size], [output], f"{output}.sized")]
    del graph.node[:]
    graph.node.extend(nodes)


def _is_linear(node: Any, weights: set[str]) -> bool:
    """Whether the node multiplies by weights outside the head: what is quantised."""
    return (
        node.op_type == "MatMul"
        and node.input[1] in weights
        and not node.name.startswith(HEAD_PREFIX)
    )
