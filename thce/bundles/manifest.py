"""manifest.json: what a bundle says of itself, and the rules it must keep."""

import hashlib
import json
from pathlib import PurePosixPath
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from thce.errors import InputError

MANIFEST_FILE = "manifest.json"
SCHEMA_VERSION = 1
VERSION_DIGITS = 16
WEIGHT_SUFFIXES = frozenset({".safetensors", ".onnx"})
PLAIN_SUFFIXES = frozenset({".json", ".jsonl", ".yaml", ".md", ".txt", ".csv", ".jinja"})


def check_path(path: str) -> str:
    """A path inside the bundle: relative, normalised, and of a format that runs no code.

    Raises:
        ValueError: it leaves the bundle, or its format may hold a pickle.
    """
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts or "\\" in path or str(pure) != path:
        raise ValueError(f"{path!r} is not a plain path inside the bundle")
    if pure.suffix not in WEIGHT_SUFFIXES | PLAIN_SUFFIXES:
        raise ValueError(
            f"{path!r}: format not allowed; weights are .safetensors or .onnx, the rest is text"
        )
    return path


BundlePath = Annotated[str, AfterValidator(check_path)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Part(BaseModel):
    """Base of everything in a manifest: immutable, unknown names refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())


class FileEntry(Part):
    """One file of the bundle."""

    sha256: Sha256
    bytes: int = Field(ge=0)


class WeightsEntry(Part):
    """One set of weights that can answer, with the thresholds fitted on its own scores."""

    file: BundlePath
    thresholds: BundlePath


class BaseWeights(Part):
    """The pretrained weights that training started from; no hash where a hub served them."""

    model: str
    sha256: Sha256 | None


class Metric(Part):
    """A measured figure with its interval, and what it was measured on."""

    value: float
    low: float | None = None
    high: float | None = None
    on: str


class Manifest(Part):
    """The manifest of one bundle; `version` is a hash of everything else but `created`."""

    kind: str
    schema_version: int
    version: str
    created: str
    labels: tuple[str, ...]
    code_set: dict[str, str]
    data_fingerprint: str
    base: BaseWeights | None
    parent: str | None
    files: dict[BundlePath, FileEntry]
    weights: dict[str, WeightsEntry] = Field(min_length=1)
    default_weights: str
    metrics: dict[str, Metric]

    @model_validator(mode="after")
    def _whole(self) -> "Manifest":
        for name, entry in self.weights.items():
            if PurePosixPath(entry.file).suffix not in WEIGHT_SUFFIXES:
                raise ValueError(
                    f"weights.{name}.file: {entry.file!r} is not .safetensors or .onnx"
                )
            for field, path in (("file", entry.file), ("thresholds", entry.thresholds)):
                if path not in self.files:
                    raise ValueError(f"weights.{name}.{field}: {path!r} is not among the files")
        if self.default_weights not in self.weights:
            raise ValueError(f"default_weights: there are no weights {self.default_weights!r}")
        if self.version != content_version(self.model_dump(mode="json")):
            raise ValueError("version: it does not match the content; the manifest was altered")
        return self


def content_version(fields: dict[str, Any]) -> str:
    """The version of a manifest: a short SHA-256 over all it says but `version` and `created`.

    The same files with the same labels, thresholds and lineage have the same version wherever
    and whenever they are built; an altered manifest no longer matches its own.
    """
    content = {key: value for key, value in fields.items() if key not in ("version", "created")}
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()[:VERSION_DIGITS]


def parse_manifest(content: bytes, where: str) -> Manifest:
    """Reads and checks a manifest.

    Args:
        content: the bytes of manifest.json.
        where: the path named in errors.

    Raises:
        InputError: it is not JSON, of another schema version, or a field is wrong.
    """
    try:
        values = json.loads(content)
    except ValueError:
        raise InputError(f"{where}: not valid JSON") from None
    if not isinstance(values, dict):
        raise InputError(f"{where}: expected a JSON object")
    found = values.get("schema_version")
    if found != SCHEMA_VERSION:
        raise InputError(
            f"{where}: schema_version is {found!r}, this installation reads {SCHEMA_VERSION}"
        )
    try:
        return Manifest.model_validate(values)
    except ValidationError as error:
        raise InputError(f"{where}: {describe(error)}") from None


def describe(error: ValidationError) -> str:
    """The errors of a manifest as one line, each with its field."""
    parts = []
    for item in error.errors():
        field = ".".join(str(step) for step in item["loc"])
        message = item["msg"].removeprefix("Value error, ")
        parts.append(f"{field}: {message}" if field else message)
    return "; ".join(parts)
