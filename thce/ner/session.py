"""The exported tagger: the only place where its graph is run."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thce.errors import InputError
from thce.ner.decode import Probabilities
from thce.ner.windows import Encoded, TokenIds, join_windows
from thce.registry.onnx_session import one_thread_session


class TagSessions:
    """Windows -> probabilities with several one-thread sessions of one graph.

    Each window is run alone: a batch would make an int8 answer depend on its neighbours, and on
    CPU cores it gains nothing at these lengths. Throughput comes from sessions side by side.
    """

    def __init__(self, path: Path, tags: int, sessions: int = 1) -> None:
        """Loads the graph.

        Args:
            path: the .onnx file.
            tags: how many the graph must answer with.
            sessions: how many run side by side.

        Raises:
            InputError: onnxruntime cannot load the file, or it is not a graph of this kind.
        """
        self.tags = tags
        self._sessions = [one_thread_session(path) for _ in range(sessions)]
        first = self._sessions[0]
        inputs = [value.name for value in first.get_inputs()]
        outputs = [value.shape[-1] for value in first.get_outputs()]
        if inputs != ["input_ids", "attention_mask"] or outputs != [tags]:
            raise InputError(f"{path}: not a graph from token ids to {tags} tags")

    def logits(self, ids: TokenIds) -> NDArray[np.float32]:
        """(seq, tags) of one window."""
        return _run(self._sessions[0], ids)

    def probabilities(self, documents: Sequence[Encoded]) -> list[Probabilities]:
        """(words, tags) per document."""
        windows = [
            (number, place)
            for number, document in enumerate(documents)
            for place in range(len(document.windows))
        ]
        # Longest first: the arena that onnxruntime keeps grows once, and no session ends last.
        windows.sort(key=lambda at: -len(documents[at[0]].windows[at[1]].ids))
        shares = [windows[start :: len(self._sessions)] for start in range(len(self._sessions))]

        def read(number: int) -> list[tuple[int, int, Probabilities]]:
            session = self._sessions[number]
            found = []
            for row, place in shares[number]:
                window = documents[row].windows[place]
                logits = _run(session, window.ids)[window.positions]
                found.append((row, place, softmax(logits)))
            return found

        with ThreadPoolExecutor(len(self._sessions)) as pool:
            parts = list(pool.map(read, range(len(self._sessions))))
        return join_windows(documents, [one for part in parts for one in part], self.tags)


def softmax(logits: NDArray[np.floating]) -> Probabilities:
    """(..., tags) logits -> float32 probabilities."""
    shifted = logits.astype(np.float64) - logits.max(axis=-1, keepdims=True)
    odds = np.exp(shifted)
    return (odds / odds.sum(axis=-1, keepdims=True)).astype(np.float32)


def _run(session: Any, ids: TokenIds) -> NDArray[np.float32]:
    row = ids[np.newaxis]
    found: NDArray[np.float32] = session.run(
        None, {"input_ids": row, "attention_mask": np.ones_like(row)}
    )[0][0]
    return found
