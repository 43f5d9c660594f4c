"""The model that a stage starts from: base weights with the think tags, or an earlier stage's.

The tags become single tokens behind the vocabulary; input and output embeddings grow by their rows
and stay one matrix.
"""

import hashlib
import shutil
from pathlib import Path
from typing import Any

from thce.coder.chat import END_THINK, THINK
from thce.errors import InputError
from thce.files import sha256_file
from thce.paths import home
from thce.training import weights
from thce.training.deepspeed_output import deepspeed_to_stderr

TAGS = (THINK, END_THINK)


def starting_folders(model_name: str, init_from: str | None) -> tuple[Path, Path]:
    """Folders of the model and of the tokenizer that training starts from.

    Args:
        model_name: a registry package, a folder, or a hub's name.
        init_from: a training output or bundle of the coder; it overrules the name.

    Returns:
        The folder with config.json and model.safetensors, and the tokenizer's. Base weights are
        given their think tags once and kept under THCE_HOME/coder.

    Raises:
        InputError: weights that were not fetched, or a folder that holds no model of the coder.
    """
    if init_from is not None:
        start = Path(init_from)
        for file in ("model/model.safetensors", "tokenizer/tokenizer.json"):
            if not (start / file).is_file():
                raise InputError(
                    f"init_from: {init_from}: no {file} there; give the output of a training of "
                    "the coder, or its bundle"
                )
        return start / "model", start / "tokenizer"
    folder = _with_tags(weights.resolve(model_name))
    return folder, folder


def _with_tags(source: str) -> Path:
    """The folder of the base weights with tags, made unless it is there."""
    file = Path(source) / weights.WEIGHTS_FILE
    named = sha256_file(file) if file.is_file() else hashlib.sha256(source.encode()).hexdigest()
    target = home() / "coder" / "start" / named[:16]
    if not target.is_dir():
        deepspeed_to_stderr()
        tokenizer, model = load_tokenizer(source), load_model(source)
        add_tags(model, tokenizer)
        staging = target.with_name(f".{target.name}.tmp")
        shutil.rmtree(staging, ignore_errors=True)
        staging.mkdir(parents=True)
        model.save_pretrained(staging)
        tokenizer.save_pretrained(staging)
        staging.rename(target)
    return target


def load_model(source: str | Path, dtype: str = "float32", attention: str | None = None) -> Any:
    """A causal language model of transformers.

    Args:
        source: a folder or a hub's name.
        dtype: of the weights: float32 or bfloat16.
        attention: name of an implementation; None takes the library's choice.

    Raises:
        InputError: there is no such model.
    """
    from transformers import AutoModelForCausalLM

    try:
        return AutoModelForCausalLM.from_pretrained(
            source, dtype=dtype, attn_implementation=attention
        )
    except (OSError, ValueError) as error:
        raise _no_model(source, error) from None


def load_tokenizer(source: str | Path) -> Any:
    """The tokenizer of transformers that lies with a model.

    Raises:
        InputError: there is none.
    """
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(source)
    except (OSError, ValueError) as error:
        raise _no_model(source, error) from None


def _no_model(source: str | Path, error: Exception) -> InputError:
    reason = str(error).partition("\n")[0]
    return InputError(f"model_name: {source}: no causal language model: {reason}")


def add_tags(model: Any, tokenizer: Any) -> None:
    """Adds the tags as single tokens; each starts at the mean of the pieces it was before.

    They are no special tokens: decoding that leaves out special tokens keeps them.
    """
    import torch
    from transformers import AddedToken

    pieces = {
        tag: tokenizer.encode(tag, add_special_tokens=False)
        for tag in TAGS
        if len(tokenizer.encode(tag, add_special_tokens=False)) > 1
    }
    tokenizer.add_tokens([AddedToken(tag, normalized=False, special=False) for tag in pieces])
    if len(tokenizer) > model.get_input_embeddings().num_embeddings:
        model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    table = model.get_input_embeddings().weight
    with torch.no_grad():
        for tag, ids in pieces.items():
            table[tokenizer.convert_tokens_to_ids(tag)] = table[ids].mean(0)
    model.tie_weights()
