"""Where a trained model comes from: its base weights, and the bundle it continues."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from thce.bundles.manifest import MANIFEST_FILE, BaseWeights, parse_manifest
from thce.errors import InputError
from thce.files import sha256_file
from thce.training.weights import PACKAGES


@dataclass(frozen=True)
class Lineage:
    """The descent of one training.

    Attributes:
        base: the pretrained weights at the start of the line.
        parent: version of the bundle that training warm-started from, if any.
    """

    base: BaseWeights
    parent: str | None


def read_lineage(trained: Path, parent: str | None = None) -> Lineage:
    """Reads the descent from the configuration that training left in its output.

    A warm start from a bundle inherits that bundle's base and makes it the parent.

    Args:
        trained: a folder that training wrote.
        parent: the parent's version, where the caller knows it.

    Raises:
        InputError: the folder holds no training configuration.
    """
    path = trained / "config.yaml"
    try:
        config: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
        name, start = str(config["model_name"]), config["init_from"]
    except (OSError, yaml.YAMLError, KeyError, TypeError):
        raise InputError(f"{path}: not the configuration of a training; train again") from None
    manifest = Path(start) / MANIFEST_FILE if start else None
    if manifest is not None and manifest.is_file():
        found = parse_manifest(manifest.read_bytes(), str(manifest))
        return Lineage(found.base or _base(name), parent or found.version)
    return Lineage(_base(name), parent)


def _base(name: str) -> BaseWeights:
    """The base of that name; without a hash where the hub's copy is not a plain local file."""
    if name in PACKAGES:
        return BaseWeights(model=name, sha256=PACKAGES[name].sha256)
    file = Path(name).expanduser() / "model.safetensors"
    return BaseWeights(model=name, sha256=sha256_file(file) if file.is_file() else None)
