"""Reading tokenizer.json without transformers, which brings torch and seconds with it."""

from pathlib import Path
from typing import Any

from thce.errors import InputError


def read_tokenizer(path: Path) -> Any:
    """A `tokenizers.Tokenizer` that neither cuts nor pads, whatever its file says.

    Args:
        path: a tokenizer.json.

    Raises:
        InputError: it is absent or not a tokenizer.
    """
    from tokenizers import Tokenizer

    try:
        found = Tokenizer.from_file(str(path))
    except Exception as error:  # tokenizers raises Exception itself
        reason = str(error).partition("\n")[0][:200] or "unreadable"
        raise InputError(f"{path}: not a tokenizer that this version reads: {reason}") from None
    found.no_truncation()
    found.no_padding()
    return found
