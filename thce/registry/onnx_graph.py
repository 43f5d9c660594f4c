"""torch -> ONNX: one fp32 graph with free batch and sequence axes."""

import ast
import logging
import warnings
from pathlib import Path
from typing import Any

from torch import nn

from thce.registry.model import FlagClassifier

OPSET = 18
HEAD_PREFIX = "head."
SCOPES = "pkg.torch.onnx.name_scopes"


def export_fp32(model: nn.Module, path: Path, head: str = "head") -> None:
    """Writes the model as an fp32 graph from `input_ids`, `attention_mask` to `logits`.

    Both inputs are int64 (batch, sequence) with both axes free. Attention is exported in its
    plain form, because the fused one adds a NaN check over every attention matrix that costs a
    CPU a tenth of the time. What the exporter notes down of the machine (source lines, paths)
    is removed, so that the same weights give the same bytes.

    Args:
        model: with an encoder of transformers as `encoder`; in evaluation mode, on the CPU.
        path: the .onnx file to write.
        head: the module whose nodes are marked as the head.
    """
    import torch

    example = torch.ones((2, 16), dtype=torch.int64)
    axes = {0: torch.export.Dim("batch"), 1: torch.export.Dim("sequence")}
    encoder: Any = model.encoder
    kept = encoder.config._attn_implementation
    encoder.set_attn_implementation("eager")
    try:
        proto = _to_onnx(
            model,
            {"input_ids": example, "attention_mask": torch.ones_like(example)},
            {"input_ids": axes, "attention_mask": axes},
        )
    finally:
        encoder.set_attn_implementation(kept)
    _mark_head(proto, head)
    _save(proto, path)


def export_head(model: FlagClassifier, path: Path) -> None:
    """Writes the head alone, from `tokens` and `mask` to `logits`; see `onnx_join`.

    Args:
        model: in evaluation mode, on the CPU.
        path: the .onnx file to write.
    """
    import torch

    encoder: Any = model.encoder
    hidden = int(encoder.config.hidden_size)
    axes = {0: torch.export.Dim("batch"), 1: torch.export.Dim("sequence")}
    proto = _to_onnx(
        model.head,
        {"tokens": torch.ones((2, 16, hidden)), "mask": torch.ones((2, 16), dtype=torch.int64)},
        {"tokens": axes, "mask": axes},
    )
    _save(proto, path)


def _to_onnx(module: Any, inputs: dict[str, Any], axes: dict[str, Any]) -> Any:
    """The module's graph from these named inputs to `logits`."""
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        program: Any = torch.onnx.export(
            module,
            tuple(inputs.values()),
            dynamo=True,
            opset_version=OPSET,
            input_names=list(inputs),
            output_names=["logits"],
            dynamic_shapes=axes,
            verbose=False,
        )
    return program.model_proto


def _save(proto: Any, path: Path) -> None:
    import onnx

    forget_the_machine(proto)
    onnx.save(proto, str(path))


def _mark_head(proto: Any, head: str) -> None:
    """Gives the nodes of the model's head names that say so."""
    for node in proto.graph.node:
        scopes = next((one.value for one in node.metadata_props if one.key == SCOPES), "[]")
        if any(head in scope.split(".") for scope in ast.literal_eval(scopes)):
            node.name = f"{HEAD_PREFIX}{node.name}"


def forget_the_machine(proto: Any) -> None:
    """Drops annotations; with stale shapes among them quantisation's inference would fail."""
    del proto.graph.value_info[:]
    del proto.metadata_props[:]
    del proto.graph.metadata_props[:]
    proto.doc_string = proto.graph.doc_string = ""
    for item in (
        *proto.graph.node,
        *proto.graph.input,
        *proto.graph.output,
        *proto.graph.initializer,
    ):
        del item.metadata_props[:]
        item.doc_string = ""
