"""An encoder's graph and a head's graph -> one graph from token ids to logits."""

from pathlib import Path
from typing import Any

from thce.registry.onnx_graph import HEAD_PREFIX

MASK = "head_mask"


def join(encoder: Path, head: Path, path: Path) -> None:
    """Writes one graph with the inputs and the output of `onnx_graph.export_fp32`.

    Args:
        encoder: from `input_ids`, `attention_mask` and possibly `token_type_ids` to
            `last_hidden_state`.
        head: what `onnx_graph.export_head` wrote.
        path: the .onnx file to write.
    """
    import onnx
    from onnx.compose import add_prefix, merge_models

    from thce.registry.onnx_graph import forget_the_machine

    first, second = onnx.load(str(encoder)), onnx.load(str(head))
    _one_kind_of_token(first.graph)
    _hand_on_mask(first.graph)
    first.ir_version = second.ir_version
    joined = merge_models(
        first,
        add_prefix(second, HEAD_PREFIX),
        io_map=[
            ("last_hidden_state", f"{HEAD_PREFIX}tokens"),
            (MASK, f"{HEAD_PREFIX}mask"),
        ],
        outputs=[f"{HEAD_PREFIX}logits"],
    )
    del joined.opset_import[:]  # merging lists the operator set twice, and quantising wants one
    joined.opset_import.extend(second.opset_import)
    _rename_output(joined.graph, "logits")
    forget_the_machine(joined)
    onnx.checker.check_model(joined)
    onnx.save(joined, str(path))


def _one_kind_of_token(graph: Any) -> None:
    """Makes zeros of `token_type_ids`, where the encoder asks for them: a note is one segment."""
    from onnx.helper import make_node

    segments = next((one for one in graph.input if one.name == "token_type_ids"), None)
    if segments is not None:
        graph.input.remove(segments)
        zeros = make_node("Sub", ["input_ids", "input_ids"], [segments.name], name="one_segment")
        graph.node.insert(0, zeros)


def _hand_on_mask(graph: Any) -> None:
    """Gives the graph its attention mask as an output too, for the head to take."""
    from onnx.helper import make_node

    mask = next(one for one in graph.input if one.name == "attention_mask")
    output = graph.output.add()
    output.CopyFrom(mask)
    output.name = MASK
    graph.node.append(make_node("Identity", [mask.name], [MASK], name="hand_on_mask"))


def _rename_output(graph: Any, name: str) -> None:
    output = graph.output[0]
    for node in graph.node:
        for index, edge in enumerate(node.output):
            if edge == output.name:
                node.output[index] = name
    output.name = name
