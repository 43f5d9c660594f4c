"""Weights as half precision in pieces of a few megabytes, joined and checked when read."""

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

from thce.errors import InputError

if TYPE_CHECKING:
    import torch

PIECE_BYTES = 14_000_000
INDEX = "weights.json"


def write_pieces(folder: Path, state: "dict[str, torch.Tensor]") -> int:
    """Writes a state as fp16 safetensors, cut into `weights.000`, `weights.001`, ...

    Returns:
        How many bytes.
    """
    import torch
    from safetensors.torch import save

    halves = {
        name: value.detach().to("cpu", torch.float16).contiguous()
        if value.is_floating_point()
        else value.detach().cpu().contiguous()
        for name, value in state.items()
    }
    data = save(halves)
    names = []
    for number, start in enumerate(range(0, len(data), PIECE_BYTES)):
        names.append(f"weights.{number:03}")
        (folder / names[-1]).write_bytes(data[start : start + PIECE_BYTES])
    index = {"pieces": names, "sha256": hashlib.sha256(data).hexdigest()}
    (folder / INDEX).write_text(json.dumps(index, indent=2) + "\n")
    return len(data)


def read_pieces(folder: Path) -> "dict[str, torch.Tensor]":
    """Reads what `write_pieces` wrote, in half precision as stored.

    Raises:
        InputError: a piece is missing, or the whole has another hash.
    """
    from safetensors.torch import load

    try:
        index = json.loads((folder / INDEX).read_text())
        data = b"".join((folder / name).read_bytes() for name in index["pieces"])
    except OSError as error:
        raise InputError(f"{error.filename}: {error.strerror}") from None
    except (ValueError, KeyError):
        raise InputError(f"{folder / INDEX}: not a list of pieces") from None
    if hashlib.sha256(data).hexdigest() != index["sha256"]:
        raise InputError(f"{folder}: the weights are not those that were written; copy them again")
    return load(data)
