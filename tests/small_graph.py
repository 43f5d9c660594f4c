"""A random two-layer model with the real tokenizer, and its exported graphs, for tests."""

from pathlib import Path

import pytest

from thce.coder.base_model import add_tags, starting_folders
from thce.coder.export_graph import export_graph
from thce.training.weights import weights_folder


def base_folder() -> Path:
    """The fetched SmolLM2; absent, the test says so and skips."""
    folder = weights_folder("smollm2")
    if not (folder / "tokenizer.json").is_file():
        pytest.skip("SmolLM2 is not here; run `thce weights fetch smollm2`")
    return folder


def small_model(folder: Path) -> Path:
    """A Hugging Face folder: two random layers, the real tokenizer with the think tags."""
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    tokenizer = AutoTokenizer.from_pretrained(base_folder())
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=32,
        max_position_embeddings=8192,
        tie_word_embeddings=True,
        initializer_range=0.2,  # wide enough that answers depend on prompts
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=2,
    )
    model = LlamaForCausalLM(config)
    add_tags(model, tokenizer)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def small_graph(model: Path, output: Path) -> Path:
    """Its int4 graph."""
    export_graph(model, output, "int4")
    return output


def full_model() -> Path:
    """The folder of SmolLM2 whole, with the think tags."""
    base_folder()
    return starting_folders("smollm2", None)[0]
