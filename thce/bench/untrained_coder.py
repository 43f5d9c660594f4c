"""A coder of full size that never saw an example: as fast as a trained one, and as slow."""

from pathlib import Path
from typing import Any

from thce.coder.chat import END_THINK, THINK
from thce.errors import InputError


def build_untrained_coder(base: str, folder: Path) -> Path:
    """Base weights with tokens for the think tags.

    Args:
        base: a name that `thce weights list` shows, a folder, or a hub's name.
        folder: an absent folder of its own.

    Returns:
        The folder: config.json, model.safetensors, tokenizer.

    Raises:
        InputError: the base weights are not here.
    """
    from transformers import AddedToken, AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    from thce.training import weights

    source = weights.resolve(base)
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        tokenizer: Any = AutoTokenizer.from_pretrained(source)
        model: Any = AutoModelForCausalLM.from_pretrained(source, dtype="float32")
    except (OSError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise InputError(f"base: {source}: no causal language model: {reason}") from None
    tags = [AddedToken(tag, normalized=False, special=False) for tag in (THINK, END_THINK)]
    if tokenizer.add_tokens(tags):
        model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
