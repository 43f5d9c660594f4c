"""The rival of scoring that people start from: `transformers.pipeline` with the same weights."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thce.registry.labels import FLAG_NAMES

BATCH_SIZES = (1, 2, 4, 8, 16)


@dataclass(frozen=True)
class Setting:
    """How the pipeline is called.

    Attributes:
        batch_size: notes a forward pass.
        by_length: whether notes are sorted by length first, which saves padding.
    """

    batch_size: int
    by_length: bool


class TextClassificationPipeline:
    """torch in fp32 on all cores, cutting notes at the same number of tokens as ours."""

    def __init__(self, bundle: Path, most_tokens: int, threads: int) -> None:
        """Loads the weights and the tokenizer of a bundle."""
        import torch
        from transformers import AutoTokenizer, pipeline
        from transformers.utils import logging

        logging.set_verbosity(logging.CRITICAL)  # the wrapper below is of no class it lists
        torch.set_num_threads(threads)
        self._most_tokens = most_tokens
        self._pipeline: Any = pipeline(
            "text-classification",
            model=_sequence_classifier(bundle / "model"),
            tokenizer=AutoTokenizer.from_pretrained(str(bundle / "tokenizer")),
            device="cpu",
        )

    def probabilities(self, texts: Sequence[str], setting: Setting) -> NDArray[np.float32]:
        """(n, 29) in the order given."""
        order = list(range(len(texts)))
        if setting.by_length:
            order.sort(key=lambda row: -len(texts[row]))
        answers = self._pipeline(
            [texts[row] for row in order],
            batch_size=setting.batch_size,
            top_k=None,
            function_to_apply="sigmoid",
            truncation=True,
            max_length=self._most_tokens,
        )
        found = np.empty((len(texts), len(FLAG_NAMES)), dtype=np.float32)
        for row, answer in zip(order, answers, strict=True):
            by_name = {label["label"]: label["score"] for label in answer}
            found[row] = [by_name[name] for name in FLAG_NAMES]
        return found

    def seconds(self, texts: Sequence[str], setting: Setting) -> float:
        """Seconds of one call over the texts."""
        started = time.perf_counter()
        self.probabilities(texts, setting)
        return time.perf_counter() - started

    def best_setting(self, texts: Sequence[str]) -> tuple[Setting, dict[str, float]]:
        """The fastest batch size, with and without sorting, and the notes per second of each."""
        self.probabilities(texts[:4], Setting(1, False))
        settings = [Setting(size, sort) for sort in (False, True) for size in BATCH_SIZES]
        seconds = {setting: self.seconds(texts, setting) for setting in settings}
        rates = {
            f"batch {one.batch_size}{', by length' if one.by_length else ''}": len(texts) / spent
            for one, spent in seconds.items()
        }
        return min(seconds, key=lambda setting: seconds[setting]), rates


def _sequence_classifier(folder: Path) -> Any:
    """The bundle's model in the form that `pipeline` takes: logits in an output object."""
    from transformers import PreTrainedModel
    from transformers.modeling_outputs import SequenceClassifierOutput

    from thce.registry.model import FlagClassifier

    model = FlagClassifier.load(folder).eval()

    class FlagsForSequenceClassification(PreTrainedModel):
        config_class = type(model.encoder.config)
        base_model_prefix = "model"
        _supports_sdpa = True  # fused attention, as the encoder inside was built with

        def __init__(self, config: Any) -> None:
            super().__init__(config)
            self.model = model

        def forward(self, input_ids: Any, attention_mask: Any, **_: Any) -> Any:
            return SequenceClassifierOutput(logits=self.model(input_ids, attention_mask))

    config: Any = model.encoder.config
    config.id2label = dict(enumerate(FLAG_NAMES))
    config.label2id = {name: row for row, name in enumerate(FLAG_NAMES)}
    return FlagsForSequenceClassification(config).eval()
