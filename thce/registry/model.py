"""The registry's classifier: an encoder and one attention query per flag."""

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from thce.files import write_json
from thce.registry.labels import FLAG_NAMES, FLAGS, N_FLAGS

HEADS = ("label_attention", "mean")


class LabelAttentionHead(nn.Module):
    """One query per flag attends over the tokens and reads its own evidence.

    Label-wise attention (Mullenbach et al. 2018, CAML): a flag that one sentence of a long note
    decides is not drowned by the mean of the others. Queries start at the encoder's embedding
    of the flag's definition, so that a rare flag looks in a sensible place from the first step.
    """

    def __init__(self, hidden: int, labels: int) -> None:
        """Builds the head for `hidden`-wide tokens and `labels` outputs."""
        super().__init__()
        self.query = nn.Parameter(torch.randn(labels, hidden) * hidden**-0.5)
        self.key = nn.Linear(hidden, hidden)
        self.value = nn.Linear(hidden, hidden)
        self.weight = nn.Parameter(torch.randn(labels, hidden) * hidden**-0.5)
        self.bias = nn.Parameter(torch.full((labels,), -2.0))

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """(batch, seq, hidden), (batch, seq) -> logits (batch, labels)."""
        keys = self.key(tokens)
        attention = keys @ self.query.T * keys.shape[-1] ** -0.5
        attention = attention.masked_fill(mask.unsqueeze(-1) == 0, -1e4)
        attention = attention.float().softmax(dim=1).to(tokens.dtype)
        evidence = attention.transpose(1, 2) @ torch.tanh(self.value(tokens))
        return (evidence * self.weight).sum(-1) + self.bias


class MeanHead(nn.Module):
    """The mean of the tokens and one linear layer: the plain baseline."""

    def __init__(self, hidden: int, labels: int) -> None:
        """Builds the head for `hidden`-wide tokens and `labels` outputs."""
        super().__init__()
        self.linear = nn.Linear(hidden, labels)
        nn.init.constant_(self.linear.bias, -2.0)

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """(batch, seq, hidden), (batch, seq) -> logits (batch, labels)."""
        weights = mask.unsqueeze(-1).to(tokens.dtype)
        return self.linear((tokens * weights).sum(1) / weights.sum(1).clamp(min=1.0))


class FlagClassifier(nn.Module):
    """A transformers encoder with a head of 29 logits in canonical flag order."""

    def __init__(self, encoder: nn.Module, head: str = "label_attention") -> None:
        """Joins an encoder that has `config.hidden_size` with a fresh head of that kind."""
        super().__init__()
        if head not in HEADS:
            raise ValueError(f"head {head!r} is not one of {', '.join(HEADS)}")
        self.encoder = encoder
        self.head_kind = head
        hidden = int(encoder.config.hidden_size)  # type: ignore[union-attr, arg-type]
        self.head: LabelAttentionHead | MeanHead = (
            LabelAttentionHead(hidden, N_FLAGS)
            if head == "label_attention"
            else MeanHead(hidden, N_FLAGS)
        )

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """int64 (batch, seq) twice -> logits (batch, 29)."""
        tokens = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        return self.head(tokens, attention_mask)

    @classmethod
    def from_base(cls, source: str, tokenizer: Any, head: str, dropout: float) -> "FlagClassifier":
        """A fresh head on base weights (a folder, or a hub name where a hub answers).

        Args:
            source: what `AutoModel.from_pretrained` takes.
            tokenizer: encodes the flag definitions that initialise the queries.
            head: one of HEADS.
            dropout: hidden dropout of the encoder while training; attention has none.
        """
        from transformers import AutoConfig, AutoModel

        config = AutoConfig.from_pretrained(source)
        config.hidden_dropout_prob = dropout
        # Attention dropout rules out fused attention and costs a third of a step on a CPU.
        config.attention_probs_dropout_prob = 0.0
        encoder = AutoModel.from_pretrained(
            source, config=config, dtype=torch.float32, **_encoder_options(config)
        )
        model = cls(encoder, head)
        if isinstance(model.head, LabelAttentionHead):
            model._aim_queries(tokenizer, model.head)
        return model

    def freeze(self, layers: int) -> None:
        """Stops training embeddings and the lowest `layers` layers; 0 trains everything.

        Raises:
            ValueError: the encoder has fewer layers.
        """
        if layers == 0:
            return
        stack = next(
            module for module in self.encoder.modules() if isinstance(module, nn.ModuleList)
        )
        if layers > len(stack):
            raise ValueError(f"freeze_layers: the encoder has {len(stack)} layers")
        self.encoder.get_submodule("embeddings").requires_grad_(False)
        for layer in list(stack)[:layers]:
            layer.requires_grad_(False)

    def empty_copy(self) -> "FlagClassifier":
        """The same architecture with fresh weights, outside any wrapper."""
        return FlagClassifier(_encoder_from_config(self.encoder.config), self.head_kind)

    def save(self, folder: str | Path) -> None:
        """Writes model.safetensors, config.json and head.json."""
        from safetensors.torch import save_model

        target = Path(folder)
        target.mkdir(parents=True, exist_ok=True)
        save_model(self, str(target / "model.safetensors"))
        config = self.encoder.config.to_dict()  # type: ignore[union-attr, operator]
        write_json(target / "config.json", json.loads(json.dumps(config, default=str)))
        write_json(target / "head.json", {"head": self.head_kind, "labels": list(FLAG_NAMES)})

    @classmethod
    def load(cls, folder: str | Path) -> "FlagClassifier":
        """Reads what `save` wrote.

        Raises:
            ValueError: the labels on disk are not this registry's, in this order.
        """
        from safetensors.torch import load_model
        from transformers import AutoConfig

        source = Path(folder)
        head = json.loads((source / "head.json").read_text(encoding="utf-8"))
        if head["labels"] != list(FLAG_NAMES):
            raise ValueError(f"{source}: trained on other labels or another order")
        model = cls(_encoder_from_config(AutoConfig.from_pretrained(str(source))), head["head"])
        load_model(model, str(source / "model.safetensors"))
        return model.float()

    @torch.no_grad()
    def _aim_queries(self, tokenizer: Any, head: LabelAttentionHead) -> None:
        """Starts every query at the embedding of its flag's title and definition."""
        texts = [f"{flag.detail.title}: {flag.detail.definition}" for flag in FLAGS]
        batch = tokenizer(texts, padding=True, return_tensors="pt")
        self.encoder.eval()
        tokens = self.encoder(
            input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]
        ).last_hidden_state
        weights = batch["attention_mask"].unsqueeze(-1).to(tokens.dtype)
        pooled = (tokens * weights).sum(1) / weights.sum(1)
        directions = nn.functional.normalize(pooled - pooled.mean(0), dim=-1)
        hidden = tokens.shape[-1]
        head.key.weight.copy_(torch.eye(hidden))
        head.key.bias.zero_()
        head.query.copy_(directions * hidden**0.5)
        head.weight.copy_(directions)


def _encoder_options(config: Any) -> dict[str, Any]:
    """The head reads tokens: no pooler; fused attention."""
    options: dict[str, Any] = {"attn_implementation": "sdpa"}
    if config.model_type in {"bert", "roberta"}:
        options["add_pooling_layer"] = False
    return options


def _encoder_from_config(config: Any) -> nn.Module:
    from transformers import AutoModel

    encoder: nn.Module = AutoModel.from_config(config, **_encoder_options(config))
    return encoder
