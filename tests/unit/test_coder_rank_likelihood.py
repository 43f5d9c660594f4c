"""Likelihoods of answers agree with the model asked plainly, answer by answer."""

from typing import Any

import numpy as np
import pytest

from thce.coder.likelihood import AnswerLikelihood


class LetterTokens:
    """One token a letter, so that a test needs no download."""

    eos_token_id = 0

    def encode(self, text: str, add_special_tokens: bool = False) -> list[int]:
        return [1 + ord(letter) % 90 for letter in text]


@pytest.fixture(scope="module")
def model() -> Any:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(3)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=96,
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
        )
    ).eval()


def _plain(model: Any, prompt: list[int], answer: list[int]) -> float:
    """Without a cache and without padding."""
    import torch

    with torch.inference_mode():
        logits = model(torch.tensor([prompt + answer])).logits[0]
    told = torch.log_softmax(logits.float(), -1)
    places = range(len(prompt) - 1, len(prompt) + len(answer) - 1)
    return float(np.mean([told[at, token] for at, token in zip(places, answer, strict=True)]))


def test_a_cached_prompt_and_padding_change_nothing(model: Any) -> None:
    tokens = LetterTokens()
    answers = ["ICD10: I10", "ICD10: S52.531A (Colles' fracture)", "x", "CPT: 99213"]
    asked = "Blood pressure 150/95 again, start lisinopril.\n"
    found = AnswerLikelihood(model, tokens, batch=3).log_likelihoods(asked, answers)
    plain = [_plain(model, tokens.encode(asked), [*tokens.encode(a), 0]) for a in answers]
    assert np.allclose(found, plain, atol=1e-4)
