"""The columns of a training batch in which answers lie; only these need the vocabulary scored.

TRL's head scores answer tokens alone on a GPU, but every position elsewhere, and with 49,154
tokens the output projection is a fifth of SmolLM2's arithmetic in a forward pass.
"""

from typing import Any

import torch

from thce.coder.encode import IGNORED


class AnswerColumns:
    """Cuts what a decoder's layers give to the columns from where the first answer is told."""

    def __init__(self, layers: torch.nn.Module) -> None:
        """Takes the decoder without its output projection."""
        self._first = 0
        layers.register_forward_hook(self._cut)

    def shortened(self, labels: torch.Tensor) -> torch.Tensor:
        """The labels of the columns that the next forward pass leaves.

        Args:
            labels: (rows, tokens), IGNORED where nothing is learnt.
        """
        learnt = (labels != IGNORED).any(0).nonzero()
        # The token before an answer's first one tells it; two columns stay where none is learnt.
        first = int(learnt[0]) - 1 if len(learnt) else labels.shape[1] - 2
        self._first = max(first, 0)
        return labels[:, self._first :]

    def _cut(self, layers: Any, arguments: Any, output: Any) -> Any:
        if self._first:
            output.last_hidden_state = output.last_hidden_state[:, self._first :]
            self._first = 0
        return output
