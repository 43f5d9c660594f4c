"""The retriever's encoder: texts in, one unit vector each out.

A BERT-like encoder, the mean over its last layer's tokens, scaled to length one. Loaded from a
folder of base weights or of a trained retriever (`thce.coder.pieces`).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from thce.coder.pieces import INDEX, read_pieces
from thce.files import sha256_file

if TYPE_CHECKING:
    import torch

QUERY_TOKENS = 128
TERM_TOKENS = 48


class Encoder:
    """A model with its tokenizer, in evaluation mode until told otherwise."""

    def __init__(self, model: Any, tokenizer: Any, key: str = "") -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.key = key  # of the weights as loaded, for caches of vectors

    @staticmethod
    def load(folder: str | Path) -> "Encoder":
        """Base weights as `from_pretrained` reads them, or a trained retriever, in fp32.

        Raises:
            InputError: the retriever's pieces are damaged.
        """
        import torch
        from transformers import AutoConfig, AutoModel, AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(folder)
        if (Path(folder) / INDEX).is_file():
            model = AutoModel.from_config(AutoConfig.from_pretrained(folder))
            model.load_state_dict(read_pieces(Path(folder)))
        else:
            model = AutoModel.from_pretrained(folder)
        return Encoder(model.to(torch.float32).eval(), tokenizer, _key(Path(folder)))

    def vectors(self, texts: Sequence[str], tokens: int) -> "torch.Tensor":
        """(texts, width) unit vectors, on the model's device and with gradients where enabled."""
        import torch

        device = self.model.device
        batch = self.tokenizer(
            list(texts), padding=True, truncation=True, max_length=tokens, return_tensors="pt"
        ).to(device)
        hidden = self.model(**batch).last_hidden_state.float()
        mask = batch["attention_mask"].unsqueeze(-1)
        mean = (hidden * mask).sum(1) / mask.sum(1)
        return torch.nn.functional.normalize(mean, dim=-1)

    def encode(
        self, texts: Sequence[str], tokens: int = QUERY_TOKENS, batch: int = 128
    ) -> NDArray[np.float32]:
        """(texts, width) float32; texts of like length go through together.

        Matrix products are in bf16 where the device multiplies it.
        """
        import torch

        from thce.training.precision import autocast, resolve_precision

        device = self.model.device
        context = autocast(resolve_precision("auto", device), device)
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        found: NDArray[np.float32] | None = None
        with torch.inference_mode(), context:
            for start in range(0, len(order), batch):
                rows = order[start : start + batch]
                vectors = self.vectors([texts[i] for i in rows], tokens).cpu().numpy()
                if found is None:
                    found = np.zeros((len(texts), vectors.shape[1]), np.float32)
                found[rows] = vectors
        return found if found is not None else np.zeros((0, 0), np.float32)


def _key(folder: Path) -> str:
    """The hash of the file that decides a folder's weights."""
    index, weights = folder / INDEX, folder / "model.safetensors"
    return sha256_file(index if index.is_file() else weights)
