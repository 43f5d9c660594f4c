"""The tagger: a transformers encoder with one linear layer over its tokens."""

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from thce.files import write_json
from thce.ner.tags import TagSet

_COUNT_FROM_PAD = frozenset({"roberta", "xlm-roberta", "camembert", "mpnet"})


class Tagger(nn.Module):
    """`AutoModelForTokenClassification` from token ids to logits."""

    def __init__(self, model: Any) -> None:
        """Wraps the model of transformers."""
        super().__init__()
        self.model = model

    @property
    def encoder(self) -> Any:
        """The model as transformers knows it, with its configuration."""
        return self.model

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """int64 (batch, seq) twice -> logits (batch, seq, tags)."""
        logits: Tensor = self.model(input_ids=input_ids, attention_mask=attention_mask).logits
        return logits

    @classmethod
    def from_base(
        cls, source: str, tags: TagSet, dropout: float, keep_head: bool = False
    ) -> "Tagger":
        """Base weights with a fresh layer for the tags.

        Args:
            source: a folder, or a hub name where a hub answers.
            tags: in the order of their ids.
            dropout: of hidden states while training; attention has none, for that rules out
                fused attention and costs a third of a step on a CPU.
            keep_head: the weights are of a tagger for these tags: its layer is kept.
        """
        from transformers import AutoConfig, AutoModelForTokenClassification

        config = AutoConfig.from_pretrained(source)
        config.hidden_dropout_prob = dropout
        config.attention_probs_dropout_prob = 0.0
        config.id2label = tags.id2tag
        config.label2id = tags.tag2id
        model = AutoModelForTokenClassification.from_pretrained(
            source,
            config=config,
            dtype=torch.float32,
            attn_implementation=_attention(),
            ignore_mismatched_sizes=True,
        )
        if not keep_head:
            torch.nn.init.normal_(model.classifier.weight, std=config.initializer_range)
            torch.nn.init.zeros_(model.classifier.bias)
        return cls(model)

    @property
    def positions(self) -> int:
        """The longest window that the encoder reads."""
        config = self.model.config
        # RoBERTa and its kin begin to count behind the padding id.
        offset = config.pad_token_id + 1 if config.model_type in _COUNT_FROM_PAD else 0
        return int(config.max_position_embeddings) - offset

    def empty_copy(self) -> "Tagger":
        """The same architecture with fresh weights, outside any wrapper."""
        return Tagger(_from_config(self.model.config))

    def save(self, folder: str | Path) -> None:
        """Writes model.safetensors and config.json, as transformers reads them."""
        from safetensors.torch import save_model

        target = Path(folder)
        target.mkdir(parents=True, exist_ok=True)
        save_model(self.model, str(target / "model.safetensors"), metadata={"format": "pt"})
        write_json(target / "config.json", json.loads(self.model.config.to_json_string(False)))

    @classmethod
    def load(cls, folder: str | Path) -> "Tagger":
        """Reads what `save` wrote."""
        from safetensors.torch import load_model
        from transformers import AutoConfig

        source = Path(folder)
        config = AutoConfig.from_pretrained(str(source), local_files_only=True)
        tagger = cls(_from_config(config))
        load_model(tagger.model, str(source / "model.safetensors"))
        return tagger.float()


def _from_config(config: Any) -> Any:
    from transformers import AutoModelForTokenClassification

    return AutoModelForTokenClassification.from_config(config, attn_implementation=_attention())


def _attention() -> str:
    """The plain form trains 1.3 times as fast on a CPU as torch's fused one (docs/log.md)."""
    return "sdpa" if torch.cuda.is_available() else "eager"
