"""A GGUF file as a model that transformers loads: full-precision safetensors and its tokenizer.

Quantised weights are made full again as they are; what quantisation lost stays lost. The tokenizer
is put together from the file's own vocabulary and merges with the pre-tokenizer that the file
names, because loaders guess that part, and a wrong guess splits numbers, so codes, differently.
"""

import os
import sys
from pathlib import Path
from typing import Any

from thce.errors import InputError
from thce.training.deepspeed_output import deepspeed_to_stderr

CONTROL_TOKEN = 3
"""GGUF's token type of control tokens."""


def convert(gguf: Path, target: Path) -> None:
    """Writes model.safetensors, config.json and the tokenizer's files into an existing folder.

    Args:
        gguf: a GGUF file of the Llama architecture with a byte-level BPE vocabulary.
        target: an existing folder.

    Raises:
        InputError: the vocabulary is of another kind.
    """
    if not sys.stderr.isatty():
        os.environ["TQDM_DISABLE"] = "1"  # tqdm reads it where it is first imported: just below
    deepspeed_to_stderr()
    tokenizer = read_tokenizer(gguf)
    tokenizer.save_pretrained(target)
    _model(gguf, tokenizer).save_pretrained(target)


def read_tokenizer(gguf: Path) -> Any:
    """The tokenizer of a GGUF file: digits one by one, then GPT-2's byte-level pieces.

    The pre-tokenizer named `smollm` is the pair of regular expressions `\\p{N}` and GPT-2's, one
    after the other.

    Returns:
        A transformers.PreTrainedTokenizerFast.

    Raises:
        InputError: the file names another vocabulary or pre-tokenizer.
    """
    from gguf import GGUFReader
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    fields = GGUFReader(str(gguf)).fields

    def value(name: str) -> Any:
        return fields[f"tokenizer.{name}"].contents()

    kind = value("ggml.model"), value("ggml.pre")
    if kind != ("gpt2", "smollm"):
        raise InputError(
            f"{gguf}: vocabulary {kind[0]!r} with pre-tokenizer {kind[1]!r}, not known"
        )
    tokens = value("ggml.tokens")
    merges = [tuple(merge.split(" ")) for merge in value("ggml.merges")]
    built = Tokenizer(
        models.BPE(vocab={token: index for index, token in enumerate(tokens)}, merges=merges)
    )
    built.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    built.decoder = decoders.ByteLevel()
    built.add_special_tokens(
        [
            AddedToken(token, special=True, normalized=False)
            for token, kind in zip(tokens, value("ggml.token_type"), strict=True)
            if kind == CONTROL_TOKEN
        ]
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=built,
        bos_token=tokens[value("ggml.bos_token_id")],
        eos_token=tokens[value("ggml.eos_token_id")],
        unk_token=tokens[value("ggml.unknown_token_id")],
        pad_token=tokens[value("ggml.padding_token_id")],
        model_max_length=int(fields["llama.context_length"].contents()),
        clean_up_tokenization_spaces=False,
    )
    tokenizer.chat_template = value("chat_template")
    return tokenizer


def _model(gguf: Path, tokenizer: Any) -> Any:
    """A fresh model with the file's weights in fp32 and no trace of their quantisation."""
    import torch
    from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

    loaded = AutoModelForCausalLM.from_pretrained(
        gguf.parent, gguf_file=gguf.name, dtype=torch.float32
    )
    values = loaded.config.to_dict()
    values.pop("quantization_config", None)
    model = LlamaForCausalLM(LlamaConfig.from_dict(values))
    model.load_state_dict(loaded.state_dict())
    model.tie_weights()
    for config in (model.config, model.generation_config):
        config.bos_token_id = tokenizer.bos_token_id
        config.eos_token_id = tokenizer.eos_token_id
        config.pad_token_id = tokenizer.pad_token_id
    return model
