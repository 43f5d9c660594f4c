"""What a training starts from and depends on, checked before anything is started."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from thce import __version__
from thce.errors import InputError
from thce.files import sha256_file
from thce.paths import resolve
from thce.registry.dataset import read_fingerprint, read_split
from thce.registry.dataset_files import require_unedited
from thce.registry.labels import UNKNOWN
from thce.training import weights

if TYPE_CHECKING:
    from thce.registry.train import TrainConfig


def starting_point(config: "TrainConfig") -> dict[str, str]:
    """Where training starts, in words that hold in any folder: workers have another one.

    Raises:
        InputError: a registry package that has not been fetched, or no such folder.
    """
    if config.init_from is not None:
        return {"init_from": resolve(config.init_from)}
    if config.model_name in weights.PACKAGES:
        return {}
    return {"model_name": weights.resolve(config.model_name)}


def first_weights(model_name: str, init_from: str | None) -> str | None:
    """The hash of the weights at the start; None where a hub will give them.

    Raises:
        InputError: they are not where they should be.
    """
    start = weights.resolve(model_name) if init_from is None else f"{resolve(init_from)}/model"
    folder = Path(start)
    file = folder / "model.safetensors"
    if file.is_file():
        return sha256_file(file)
    if init_from is not None:
        raise InputError(
            f"init_from: {init_from}: no model/model.safetensors there; give the output of a "
            "training, or a bundle"
        )
    return None


def require_labels(dataset: str) -> None:
    """Refuses a dataset that was edited by hand or that no model can learn from.

    Raises:
        InputError: a file is not what the dataset step wrote, a split is empty, or no label of
            the train split is known.
    """
    require_unedited(dataset)
    if not read_split(dataset, "val").texts:
        raise InputError(f"dataset: {dataset}: the val split is empty")
    train = read_split(dataset, "train")
    if not train.texts:
        raise InputError(f"dataset: {dataset}: the train split is empty")
    if not (train.label != UNKNOWN).any():
        raise InputError(
            f"dataset: {dataset}: no label of the train split is known; hydrate notes with forms "
            "or codes, or have some answered"
        )


def depends_on(
    given: dict[str, Any], dataset: str, first_weights: str | None, strategy: str
) -> dict[str, Any]:
    """All that the product depends on: two commands that agree in it mean the same run.

    Args:
        given: the configuration, but for where data and product lie.
        dataset: the dataset folder; its content counts.
        first_weights: hash of the weights at the start.
        strategy: `ddp`, or a DeepSpeed file, whose content counts.
    """
    return {
        "config": given,
        "data": read_fingerprint(dataset),
        "first_weights": first_weights,
        "strategy": None if strategy == "ddp" else sha256_file(strategy),
        "thce": __version__,
    }
