"""An entity bundle of full size whose head was never trained: as fast as a trained one."""

from pathlib import Path

import numpy as np

from thce.bundles.build import BundleSpec, build
from thce.bundles.manifest import BaseWeights
from thce.files import write_json, write_text
from thce.ner.export_weights import FILES, FP32, INT8, THRESHOLDS_FILE
from thce.ner.predictor import TRANSITIONS_FILE
from thce.ner.tags import TagSet
from thce.ner.transitions import Transitions

TYPES = 41
"""As many as MACCROBAT has."""
MOST_TOKENS = 256
"""Of a window, where the encoder reads as many; a quarter of them is shared with the one before."""


def build_untrained_tagger(base: str, folder: Path) -> Path:
    """Exports base weights under a fresh layer for 41 types, as the export step does.

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

    from thce.ner.model import Tagger
    from thce.registry.onnx_graph import export_fp32
    from thce.registry.onnx_int8 import quantise_int8
    from thce.training import weights

    source = weights.resolve(base)
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    torch.manual_seed(0)
    tags = TagSet.of(f"Type_{number:02}" for number in range(TYPES))
    model = Tagger.from_base(source, tags, 0.1).eval()
    (folder / "onnx").mkdir(parents=True)
    model.save(folder / "model")
    AutoTokenizer.from_pretrained(source).save_pretrained(str(folder / "tokenizer"))
    export_fp32(model, folder / FILES[FP32].file, head="classifier")
    quantise_int8(folder / FILES[FP32].file, folder / FILES[INT8].file)
    counts = dict.fromkeys(tags.types, 0)
    mapping = {name: name for name in tags.types}
    write_json(
        folder / "tags.json", tags.to_dict() | {"mapping": mapping, "train_mentions": counts}
    )
    untold = Transitions(np.zeros((len(tags.tags),) * 2, dtype=np.int64), weight=0.0)
    write_json(folder / TRANSITIONS_FILE, untold.to_dict())
    write_json(folder / THRESHOLDS_FILE, {"auto_code_from": None})
    write_json(folder / "splits.json", {"assignment": {}, "leaks": []})
    write_json(folder / "training.json", {})
    write_json(folder / "parity.json", {"default_weights": INT8})
    window = min(MOST_TOKENS, model.positions)
    write_text(folder / "config.yaml", f"max_tokens: {window}\nstride: {window // 4}\n")
    write_text(folder / "README.md", "An untrained model for benches. Its answers mean nothing.\n")
    build(
        folder,
        BundleSpec(
            kind="ner",
            code_set={},
            data_fingerprint="0" * 64,
            base=BaseWeights(model=base, sha256=None),
            parent=None,
            weights=FILES,
            default_weights=INT8,
        ),
    )
    return folder
