"""The kinds of bundle and what each must hold: a new system adds one entry."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from thce.bundles.gate import Evidence
from thce.errors import InputError
from thce.files import read_json
from thce.registry.labels import FLAG_NAMES

if TYPE_CHECKING:
    from thce.bundles.verify import Bundle


@dataclass(frozen=True)
class Kind:
    """What a bundle of this kind must satisfy beyond its hashes.

    Attributes:
        name: the `kind` field of the manifest.
        labels: the label order that the code expects.
        required: files that every bundle of the kind holds.
        check: looks into the files of a folder whose hashes hold, given the thresholds file of
            each set of weights; raises InputError naming the file that is not for these labels.
        contest: measures a candidate against a champion on a frozen test set.
    """

    name: str
    labels: tuple[str, ...]
    required: tuple[str, ...]
    check: Callable[[Path, Mapping[str, str]], None]
    contest: Callable[["Bundle", "Bundle", str], Evidence]


def _check_registry(folder: Path, thresholds: Mapping[str, str]) -> None:
    from thce.registry.fuse import Fusion
    from thce.registry.threshold_file import LABEL_FIELDS_FILE, Thresholds, check_label_fields

    for weights, file in thresholds.items():
        Thresholds.load(folder / file, weights)
    check_label_fields(folder / LABEL_FIELDS_FILE)
    Fusion.load(folder / "fusion.json")


def _registry_contest(candidate: "Bundle", champion: "Bundle", test: str) -> Evidence:
    from thce.registry.contest import contest

    return contest(candidate, champion, test)


REGISTRY = Kind(
    name="registry",
    labels=FLAG_NAMES,
    required=(
        "README.md",
        "config.yaml",
        "fusion.json",
        "model/config.json",
        "model/head.json",
        "model/model.safetensors",
        "parity.json",
        "registry_label_fields.json",
        "tokenizer/tokenizer.json",
        "tokenizer/tokenizer_config.json",
    ),
    check=_check_registry,
    contest=_registry_contest,
)


def _check_coder(folder: Path, thresholds: Mapping[str, str]) -> None:
    for file in set(thresholds.values()):
        confidence = read_json(folder / file)
        if not isinstance(confidence, dict) or "abstain_below" not in confidence:
            raise InputError(f"{folder / file}: no field abstain_below")


def _coder_contest(candidate: "Bundle", champion: "Bundle", test: str) -> Evidence:
    raise InputError(
        "coder: bundles of this kind are compared by `thce coder compare`, not promoted by a gate"
    )


CODER = Kind(
    name="coder",
    labels=(),
    required=(
        "README.md",
        "config.yaml",
        "confidence.json",
        "export.json",
        "model/config.json",
        "model/model.safetensors",
        "onnx/int4/genai_config.json",
        "onnx/int4/model.onnx",
        "onnx/int8/genai_config.json",
        "onnx/int8/model.onnx",
        "ranker.yaml",
        "tokenizer/tokenizer.json",
        "tokenizer/tokenizer_config.json",
        "training.json",
    ),
    check=_check_coder,
    contest=_coder_contest,
)


def _check_ner(folder: Path, thresholds: Mapping[str, str]) -> None:
    from thce.ner.tags import TagSet

    TagSet.from_dict(read_json(folder / "tags.json"), str(folder / "tags.json"))
    for file in set(thresholds.values()):
        content = read_json(folder / file)
        if not isinstance(content, dict) or "auto_code_from" not in content:
            raise InputError(f"{folder / file}: no field auto_code_from")


def _ner_contest(candidate: "Bundle", champion: "Bundle", test: str) -> Evidence:
    from thce.ner.contest import contest

    return contest(candidate, champion, test)


NER = Kind(
    name="ner",
    labels=(),
    required=(
        "README.md",
        "config.yaml",
        "model/config.json",
        "model/model.safetensors",
        "parity.json",
        "splits.json",
        "tags.json",
        "tokenizer/tokenizer.json",
        "tokenizer/tokenizer_config.json",
        "training.json",
        "transitions.json",
    ),
    check=_check_ner,
    contest=_ner_contest,
)

KINDS: dict[str, Kind] = {kind.name: kind for kind in (REGISTRY, CODER, NER)}


def kind_named(name: str, where: str) -> Kind:
    """The kind of that name.

    Raises:
        InputError: this version of the platform knows no such kind.
    """
    try:
        return KINDS[name]
    except KeyError:
        known = ", ".join(sorted(KINDS))
        raise InputError(f"{where}: kind {name!r} is unknown here; known kinds: {known}") from None
