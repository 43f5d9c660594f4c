"""A bundle of full size whose head was never trained: as fast as a trained one, and as slow."""

from pathlib import Path

from thce.bundles.build import BundleSpec, build
from thce.bundles.manifest import BaseWeights
from thce.files import sha256_file, write_json, write_text
from thce.registry.code_set import code_versions
from thce.registry.export_weights import FILES, FP32, INT8
from thce.registry.fuse import Fusion
from thce.registry.labels import Flag
from thce.registry.threshold_file import (
    LABEL_FIELDS_FILE,
    LabelThreshold,
    Thresholds,
    save_label_fields,
)

MOST_TOKENS = 512


def build_untrained_bundle(base: str, folder: Path) -> Path:
    """Exports base weights under a fresh head, as the export step does, with flat thresholds.

    Notes are cut after their first 512 tokens, which is how `transformers.pipeline` cuts them.

    Args:
        base: a name that `thce weights list` shows, a folder, or a hub's name.
        folder: an absent folder of its own.

    Returns:
        The folder.

    Raises:
        InputError: the base weights are not here.
    """
    import torch
    from transformers import AutoTokenizer
    from transformers.utils import logging

    from thce.registry.encode import NoteEncoder
    from thce.registry.export_graphs import write_graphs
    from thce.registry.model import FlagClassifier
    from thce.training import weights

    source = weights.resolve(base)
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(source)
    model = FlagClassifier.from_base(source, tokenizer, "label_attention", 0.1).eval()
    (folder / "onnx").mkdir(parents=True)
    model.save(folder / "model")
    NoteEncoder(tokenizer, MOST_TOKENS, 0).save(folder / "tokenizer")
    write_graphs(model, "torch", folder / FILES[FP32].file, folder / FILES[INT8].file)
    for name, entry in FILES.items():
        _flat_thresholds(name).save(folder / entry.thresholds)
    write_text(folder / "config.yaml", f"head_tokens: {MOST_TOKENS}\ntail_tokens: 0\n")
    write_text(folder / "README.md", "An untrained model for benches. Its answers mean nothing.\n")
    write_json(folder / "parity.json", {"default_weights": INT8})
    save_label_fields(folder / LABEL_FIELDS_FILE)
    Fusion().save(folder / "fusion.json")
    weights_file = Path(source) / "model.safetensors"
    build(
        folder,
        BundleSpec(
            kind="registry",
            code_set=code_versions(),
            data_fingerprint="0" * 64,
            base=BaseWeights(
                model=base, sha256=sha256_file(weights_file) if weights_file.is_file() else None
            ),
            parent=None,
            weights=FILES,
            default_weights=INT8,
        ),
    )
    return folder


def _flat_thresholds(weights: str) -> Thresholds:
    label = LabelThreshold(0.5, None, 1, "exact")
    return Thresholds(weights, "f1", None, dict.fromkeys(Flag, label))
