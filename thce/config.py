"""YAML -> pydantic: dotted overrides, unknown keys refused, errors that name file and field."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from thce.errors import InputError
from thce.paths import home

_HOME = "$THCE_HOME"


class Config(BaseModel):
    """Base of every configuration: immutable, and a misspelt key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())


C = TypeVar("C", bound=Config)


def load(
    cls: type[C],
    path: str | Path | Sequence[str | Path] | None = None,
    overrides: Iterable[str] = (),
) -> C:
    """Builds a configuration from YAML files and `a.b=value` overrides (values are YAML).

    A text that is `$THCE_HOME` or begins with `$THCE_HOME/` gets the folder in its place.

    Args:
        cls: the configuration class.
        path: YAML file holding a mapping, or several, of which later ones overrule; None starts
            from the defaults.
        overrides: dotted assignments, applied in order, the last one wins.

    Raises:
        InputError: the file cannot be read, an override has no `=`, or a field is unknown,
            missing or invalid.
    """
    paths = [path] if isinstance(path, str | Path) else list(path or ())
    values: dict[str, Any] = {}
    for one in paths:
        _overlay(values, _read_mapping(one))
    for override in overrides:
        _apply(values, override)
    try:
        return cls.model_validate(_under_home(values))
    except ValidationError as error:
        raise InputError(_describe(error, ", ".join(map(str, paths)))) from None


def dump(config: Config) -> str:
    """The resolved configuration as YAML, in field order."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False)


def _read_mapping(path: str | Path) -> dict[str, Any]:
    try:
        values = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; give the path of a YAML file") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not UTF-8 text") from None
    except yaml.YAMLError as error:
        raise InputError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise InputError(f"{path}: a configuration is a mapping of names to values")
    return values


def _overlay(values: dict[str, Any], later: dict[str, Any]) -> None:
    """Writes a later file's values over those of earlier ones, group by group."""
    for name, value in later.items():
        if isinstance(value, dict) and isinstance(values.get(name), dict):
            _overlay(values[name], value)
        else:
            values[name] = value


def _apply(values: dict[str, Any], override: str) -> None:
    dotted, equals, text = override.partition("=")
    if not equals or not dotted:
        raise InputError(f"override {override!r}: write it as name=value or a.b=value")
    *parents, leaf = dotted.split(".")
    node = values
    for parent in parents:
        child = node.setdefault(parent, {})
        if not isinstance(child, dict):
            raise InputError(f"override {override!r}: {parent} is a value, not a group")
        node = child
    try:
        node[leaf] = yaml.safe_load(text)
    except yaml.YAMLError:
        raise InputError(f"override {override!r}: the value is not valid YAML") from None


def _under_home(value: Any) -> Any:
    """The value with THCE_HOME, or its default, in place of `$THCE_HOME` where a text begins so."""
    if isinstance(value, dict):
        return {name: _under_home(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_under_home(one) for one in value]
    if isinstance(value, str) and (value == _HOME or value.startswith(f"{_HOME}/")):
        return str(home()) + value.removeprefix(_HOME)
    return value


def _describe(error: ValidationError, paths: str) -> str:
    parts = []
    for item in error.errors():
        said = item["msg"].lower().removeprefix("value error, ")
        if item["type"] == "extra_forbidden":
            said = "unknown name, remove it or correct the spelling"
        field = ".".join(str(step) for step in item["loc"])  # none: said of several together
        parts.append(f"{field}: {said}" if field else said)
    return f"{paths or 'configuration'}: " + "; ".join(parts)
