"""Optimum as a second exporter: one graph like the default's, and clear words where it fails."""

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from shutil import copyfile
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx.numpy_helper import from_array, to_array
from small_training import exported

from thce.bundles.load import open_bundle
from thce.config import load
from thce.errors import Finding, InputError
from thce.files import read_json
from thce.registry import export_graphs, optimum_export
from thce.registry.dataset import read_split
from thce.registry.export import ExportConfig, run
from thce.registry.model import FlagClassifier
from thce.registry.onnx_graph import export_head
from thce.registry.onnx_join import join
from thce.registry.onnx_session import OnnxSession
from thce.registry.predict import load_encoder


@dataclass(frozen=True)
class Graphs:
    """What exports of the small model take here instead of exporting it again and again."""

    whole: Path
    encoder: Path
    head: Path


@pytest.fixture(scope="module")
def graphs(tmp_path_factory: pytest.TempPathFactory, registry_data: Path) -> Graphs:
    """The default exporter's graph, and the encoder and the head alone."""
    folder = tmp_path_factory.mktemp("graphs")
    small = exported(registry_data)
    model = FlagClassifier.load(Path(small.trained) / "model").eval()
    encoder_graph(model.encoder, folder / "encoder.onnx")
    export_head(model, folder / "head.onnx")
    whole = open_bundle(small.bundle).path("onnx/model.onnx")
    return Graphs(whole, folder / "encoder.onnx", folder / "head.onnx")


def encoder_graph(encoder: Any, path: Path) -> None:
    """The encoder alone with the inputs and the output that Optimum gives a BERT, by torch."""
    example = torch.ones((2, 16), dtype=torch.int64)
    axes = {0: torch.export.Dim("batch"), 1: torch.export.Dim("sequence")}
    names = ["input_ids", "attention_mask", "token_type_ids"]
    torch.onnx.export(
        LastHidden(encoder),
        (example, torch.ones_like(example), torch.zeros_like(example)),
        str(path),
        dynamo=True,
        opset_version=18,
        input_names=names,
        output_names=["last_hidden_state"],
        dynamic_shapes=dict.fromkeys(names, axes),
        external_data=False,  # one file, which is copied
        verbose=False,
    )


class LastHidden(torch.nn.Module):
    def __init__(self, encoder: Any) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor
    ) -> torch.Tensor:
        found: torch.Tensor = self.encoder(
            input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids
        ).last_hidden_state
        return found


def config(registry_data: Path, output: Path, **changes: Any) -> ExportConfig:
    small = exported(registry_data)
    values = {"model": small.trained, "dataset": small.dataset, "output": str(output)}
    return ExportConfig.model_validate(values | {"exporter": "optimum"} | changes)


def test_an_encoder_and_a_head_become_the_graph_that_the_default_gives(
    graphs: Graphs, registry_data: Path, tmp_path: Path
) -> None:
    paths = [graphs.whole, tmp_path / "joined.onnx"]
    join(graphs.encoder, graphs.head, paths[1])

    loaded = [onnx.load(str(path)).graph for path in paths]
    whole, joined = (([i.name for i in g.input], [o.name for o in g.output]) for g in loaded)
    assert whole == joined == (["input_ids", "attention_mask"], ["logits"])
    heads = [
        sorted(node.op_type for node in graph.node if node.name.startswith("head."))
        for graph in loaded
    ]
    assert heads[0] == heads[1]

    small = exported(registry_data)
    tokens = load_encoder(Path(small.trained)).encode(read_split(small.dataset, "val").texts)
    found = [OnnxSession(path).probabilities(tokens) for path in paths]
    assert np.abs(found[0] - found[1]).max() <= 1e-5


def test_the_comparison_with_the_default_exporter_is_kept_in_the_bundle(
    graphs: Graphs, registry_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        export_graphs, "export_encoder", lambda _, path: copyfile(graphs.encoder, path)
    )
    report = run(config(registry_data, tmp_path / "bundle"))
    assert report["parity"]["default_exporter"]["max_difference"] <= 1e-4
    parity = read_json(tmp_path / "bundle" / "parity.json")
    assert parity["exporter"] == "optimum"
    assert parity["fp32_against_default_exporter"] == report["parity"]["default_exporter"]
    assert "fp32_against_default_exporter" not in read_json(
        Path(exported(registry_data).bundle) / "parity.json"
    )


def test_another_exporter_that_answers_otherwise_is_a_finding(
    graphs: Graphs, registry_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slightly_wrong(_: Any, path: Path) -> None:
        encoder = onnx.load(str(graphs.encoder))
        narrowing = (one for one in encoder.graph.initializer if tuple(one.dims) == (64, 32))
        weights = next(narrowing)  # of the first layer
        weights.CopyFrom(from_array(to_array(weights) * np.float32(1.05), weights.name))
        onnx.save(encoder, str(path))

    monkeypatch.setattr(export_graphs, "export_encoder", slightly_wrong)
    for name, graph in (("export_head", graphs.head), ("export_fp32", graphs.whole)):
        monkeypatch.setattr(export_graphs, name, lambda _, path, graph=graph: copyfile(graph, path))
    output = tmp_path / "out" / "bundle"
    with pytest.raises(Finding, match=r"fp32 differs from torch by .*nothing was published"):
        run(config(registry_data, output))
    assert list(output.parent.iterdir()) == []


def test_an_unknown_exporter_is_refused_by_name() -> None:
    with pytest.raises(InputError, match="exporter: input should be 'torch' or 'optimum'"):
        load(ExportConfig, overrides=["model=m", "dataset=d", "output=o", "exporter=tf"])


def test_what_fails_inside_the_environment_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot export this encoder: No module named 'optimum'"):
        optimum_export._export_folder(str(tmp_path), str(tmp_path / "onnx"))


@pytest.mark.usefixtures("ray_session")
def test_an_environment_that_is_not_ready_in_time_is_one_line(
    registry_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(optimum_export, "SETUP_SECONDS", 1)
    output = tmp_path / "out" / "bundle"
    with pytest.raises(InputError, match="could not be installed on node") as raised:
        run(config(registry_data, output))
    assert "\n" not in str(raised.value)
    assert list(output.parent.iterdir()) == []


@pytest.mark.soak
@pytest.mark.usefixtures("ray_session")
def test_packages_that_no_index_has_are_one_line(
    registry_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(optimum_export, "PACKAGES", ("optimum-onnx==0.0.0.dev0",))
    with pytest.raises(InputError, match=r"could not be installed.*optimum-onnx==0\.0\.0") as error:
        run(config(registry_data, tmp_path / "bundle"))
    assert "\n" not in str(error.value)


@pytest.mark.soak
@pytest.mark.usefixtures("ray_session")
def test_optimum_exports_what_the_default_exports(registry_data: Path, tmp_path: Path) -> None:
    import transformers

    report = run(config(registry_data, tmp_path / "bundle"))
    assert report["parity"]["fp32"]["max_difference"] <= 1e-4
    assert report["parity"]["default_exporter"]["max_difference"] <= 1e-4
    assert report["parity"]["default_exporter"]["flip_rate"] == 0
    bundle = open_bundle(report["path"], kind="registry")
    nodes = onnx.load(str(bundle.path("onnx/model.int8.onnx"))).graph.node
    assert sum(node.op_type == "MatMulInteger" for node in nodes) == 2 * 6
    assert b"site-packages" not in bundle.path("onnx/model.onnx").read_bytes()
    assert transformers.__version__.startswith("5.")
    assert importlib.util.find_spec("optimum") is None
