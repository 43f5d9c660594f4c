"""What thresholds.json and registry_label_fields.json hold, and what is refused on reading.

A missing file or flag is an error. Nothing here falls back to 0.5: a threshold that nobody
fitted would turn scores into registry entries that nobody chose.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError

from thce.config import Config
from thce.errors import InputError
from thce.files import read_json, write_json
from thce.registry.labels import FLAG_NAMES, Flag, validate_schema

Method = Literal["exact", "shrunk", "pooled", "dormant"]

SCHEMA_VERSION = 1
LABEL_FIELDS_FILE = "registry_label_fields.json"


@dataclass(frozen=True)
class LabelThreshold:
    """The threshold of one flag.

    Attributes:
        threshold: predict true at or above it, in 0..1; None where the flag is dormant.
        val_f1: cross-fitted F1 on the validation notes; None without positives among them.
        positives: known true cells among the validation notes.
        method: how it came about.
    """

    threshold: float | None
    val_f1: float | None
    positives: int
    method: Method


@dataclass(frozen=True)
class Thresholds:
    """The 29 thresholds of one set of weights.

    Attributes:
        weights: the weights they were fitted on, "fp32" or "int8": their probabilities differ.
        objective: what was maximised.
        pooled: the threshold over all flags' cells; None where no flag needed it.
        labels: per flag, all 29.
    """

    weights: str
    objective: str
    pooled: float | None
    labels: Mapping[Flag, LabelThreshold]

    @property
    def values(self) -> NDArray[np.float64]:
        """(29,) thresholds in label order; infinity where dormant, which no score reaches."""
        found = (self.labels[flag].threshold for flag in Flag)
        return np.array([np.inf if value is None else value for value in found])

    @property
    def dormant(self) -> NDArray[np.bool_]:
        """(29,) the flags on which the model abstains."""
        return np.isinf(self.values)

    def to_dict(self) -> dict[str, Any]:
        """What thresholds.json holds."""
        return {
            "schema_version": SCHEMA_VERSION,
            "weights": self.weights,
            "objective": self.objective,
            "pooled": self.pooled,
            "labels": {flag.value: asdict(self.labels[flag]) for flag in Flag},
        }

    def save(self, path: str | Path) -> None:
        """Writes thresholds.json atomically."""
        write_json(path, self.to_dict())

    @classmethod
    def load(cls, path: str | Path, weights: str) -> "Thresholds":
        """Reads thresholds.json for the weights that are about to score.

        Raises:
            InputError: the file is absent or damaged, a flag is missing or unknown, a threshold
                is outside 0..1, or they were fitted on other weights.
        """
        if not Path(path).is_file():
            raise InputError(
                f"{path}: no thresholds; 0.5 is never assumed: export the model again, "
                "which fits them"
            )
        try:
            content = _File.model_validate(read_json(path))
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(str(step) for step in first["loc"]) or "content"
            raise InputError(f"{path}: {field}: {first['msg'].lower()}; export again") from None
        _require_flags(path, set(content.labels))
        if content.weights != weights:
            raise InputError(
                f"{path}: weights: fitted on {content.weights}, not on {weights}; "
                "give the thresholds that belong to these weights"
            )
        return cls(
            weights=content.weights,
            objective=content.objective,
            pooled=content.pooled,
            labels={flag: _label(path, flag, content.labels[flag.value]) for flag in Flag},
        )


class _Label(Config):
    threshold: float | None = Field(ge=0, le=1)
    val_f1: float | None = Field(ge=0, le=1)
    positives: int = Field(ge=0)
    method: Method


class _File(Config):
    schema_version: Literal[1]
    weights: str
    objective: str
    pooled: float | None = Field(ge=0, le=1)
    labels: dict[str, _Label]


def _require_flags(path: str | Path, names: set[str]) -> None:
    missing = [name for name in FLAG_NAMES if name not in names]
    if missing:
        raise InputError(
            f"{path}: no threshold for {', '.join(missing)}; 0.5 is never assumed: export again"
        )
    unknown = sorted(names.difference(FLAG_NAMES))
    if unknown:
        raise InputError(f"{path}: thresholds for other labels: {', '.join(unknown)}")


def _label(path: str | Path, flag: Flag, label: _Label) -> LabelThreshold:
    if (label.threshold is None) != (label.method == "dormant"):
        raise InputError(
            f"{path}: labels.{flag}: only a dormant flag has no threshold, and it has none"
        )
    return LabelThreshold(**label.model_dump())


def save_label_fields(path: str | Path) -> None:
    """Writes the 29 flag names in canonical order, as earlier registry tools read them."""
    write_json(path, {"label_fields": list(FLAG_NAMES)})


def check_label_fields(path: str | Path) -> None:
    """Checks that a model's labels are today's, in the same order.

    Raises:
        InputError: the file is absent, or names other labels or another order.
    """
    content = read_json(path)
    fields = content.get("label_fields") if isinstance(content, dict) else None
    if not isinstance(fields, list) or not all(isinstance(name, str) for name in fields):
        raise InputError(f"{path}: label_fields: a list of flag names is needed")
    unknown = [name for name in fields if name not in FLAG_NAMES]
    if unknown:
        raise InputError(f"{path}: label_fields: not flags: {', '.join(unknown)}")
    try:
        validate_schema(fields)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
