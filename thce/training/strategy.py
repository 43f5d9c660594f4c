"""How workers share gradients: plain, or as a DeepSpeed file says."""

from pathlib import Path

from thce.errors import InputError
from thce.files import read_json
from thce.paths import resolve


def strategy_file(strategy: str) -> str:
    """`ddp`, or the absolute path of a DeepSpeed file.

    Raises:
        InputError: it is neither, or the file is no JSON object.
    """
    if strategy == "ddp":
        return strategy
    path = Path(resolve(strategy))
    if not path.is_file():
        raise InputError(f"strategy: {strategy}: neither 'ddp' nor a DeepSpeed JSON file")
    if not isinstance(read_json(path), dict):
        raise InputError(f"strategy: {path}: expected a JSON object, as DeepSpeed reads it")
    return str(path)
