"""Turning a staging folder into a bundle: every file hashed, the manifest written last."""

from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from thce.bundles.channel import now
from thce.bundles.kinds import kind_named
from thce.bundles.manifest import (
    MANIFEST_FILE,
    SCHEMA_VERSION,
    BaseWeights,
    FileEntry,
    Manifest,
    Metric,
    WeightsEntry,
    check_path,
    content_version,
    describe,
)
from thce.bundles.verify import Bundle, list_files, verify_folder
from thce.errors import InputError
from thce.files import sha256_file, write_text


@dataclass(frozen=True)
class BundleSpec:
    """What the builder of a bundle knows and its files do not say.

    Attributes:
        kind: one of `thce.bundles.kinds.KINDS`.
        code_set: code table name -> version, of the tables that the rules were used with.
        data_fingerprint: the dataset step's fingerprint of the training data.
        base: the pretrained weights, or None where training started from nothing.
        parent: version of the bundle that training started from, if any.
        weights: name -> file and thresholds.
        default_weights: the name that answers when none is asked for.
        metrics: figures with their intervals.
    """

    kind: str
    code_set: dict[str, str]
    data_fingerprint: str
    base: BaseWeights | None
    parent: str | None
    weights: dict[str, WeightsEntry]
    default_weights: str
    metrics: dict[str, Metric] = field(default_factory=dict)


def build(staging: Path, spec: BundleSpec) -> Bundle:
    """Hashes all files of a staging folder, writes its manifest and checks the whole.

    Args:
        staging: a folder laid out as docs/bundles.md says, without a manifest.
        spec: the rest of the manifest.

    Returns:
        The checked bundle, still in the staging folder; publish it next.

    Raises:
        InputError: a file's format is not allowed, or the result would not be a valid bundle.
    """
    fields = {
        "kind": spec.kind,
        "schema_version": SCHEMA_VERSION,
        "labels": kind_named(spec.kind, str(staging)).labels,
        "code_set": spec.code_set,
        "data_fingerprint": spec.data_fingerprint,
        "base": spec.base and spec.base.model_dump(),
        "parent": spec.parent,
        "files": _hash_files(staging),
        "weights": {name: entry.model_dump() for name, entry in spec.weights.items()},
        "default_weights": spec.default_weights,
        "metrics": {name: metric.model_dump() for name, metric in spec.metrics.items()},
    }
    fields |= {"version": content_version(fields), "created": now()}
    try:
        manifest = Manifest.model_validate(fields)
    except ValidationError as error:
        raise InputError(f"{staging}: {describe(error)}") from None
    write_text(staging / MANIFEST_FILE, manifest.model_dump_json(indent=2) + "\n")
    return verify_folder(staging)


def _hash_files(staging: Path) -> dict[str, dict[str, str | int]]:
    entries = {}
    for name in list_files(staging):
        try:
            check_path(name)
        except ValueError as error:
            raise InputError(f"{staging / name}: {error}") from None
        path = staging / name
        entries[name] = FileEntry(sha256=sha256_file(path), bytes=path.stat().st_size).model_dump()
    return entries
