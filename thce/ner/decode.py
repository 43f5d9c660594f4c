"""Probabilities of tags -> the best sequence that BIO allows -> mentions."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from thce.ner.documents import Prediction
from thce.ner.tags import TagSet, chunks
from thce.ner.transitions import Steps
from thce.ner.words import Words

Probabilities = NDArray[np.float32]
"""(words, tags) of one document."""

_FLOOR = 1e-12


def best_tags(probabilities: Probabilities, steps: Steps) -> NDArray[np.int64]:
    """The sequence with the highest sum of log probabilities and steps (Viterbi 1967).

    Args:
        probabilities: (n, tags) in the order of `TagSet.tags`.
        steps: (tags, tags), as `Transitions.steps` gives them.

    Returns:
        (n,) tag ids.
    """
    score = np.log(np.maximum(probabilities.astype(np.float64), _FLOOR))
    count, tags = score.shape
    if count == 0:
        return np.zeros(0, dtype=np.int64)
    into = np.ascontiguousarray(steps.T)  # a tag's sources side by side: twice as fast
    reached, every = np.empty_like(into), np.arange(tags)
    back = np.zeros((count, tags), dtype=np.int64)
    total = score[0] + steps[0]
    for word in range(1, count):
        np.add(into, total, out=reached)
        back[word] = reached.argmax(axis=1)
        total = reached[every, back[word]] + score[word]
    path = np.empty(count, dtype=np.int64)
    path[-1] = total.argmax()
    for word in range(count - 1, 0, -1):
        path[word - 1] = back[word, path[word]]
    return path


def tag_names(path: NDArray[np.int64], tags: TagSet) -> list[str]:
    """The tags of a sequence of ids."""
    return [tags.tags[number] for number in path]


def predictions_of(
    document: str,
    words: Words,
    probabilities: Probabilities,
    path: NDArray[np.int64],
    tags: TagSet,
) -> list[Prediction]:
    """The mentions that a sequence of tags spells, in order, with their confidence.

    Args:
        document: its id.
        words: n words.
        probabilities: (n, tags).
        path: (n,) of `best_tags`.
        tags: of the model.
    """
    found = []
    for kind, first, last in chunks(tag_names(path, tags)):
        confidences = probabilities[np.arange(first, last), path[first:last]].tolist()
        found.append(
            Prediction(
                document=document,
                type=kind,
                start=words.spans[first][0],
                end=words.spans[last - 1][1],
                confidence=min(confidences),
                token_confidences=tuple(confidences),
            )
        )
    return found


def alternative(
    probabilities: Probabilities, first: int, last: int, chosen: str, types: Sequence[str]
) -> tuple[str | None, float]:
    """The best other type of a span, and its confidence: the least over the words of B-, I-, I-...

    Args:
        probabilities: (n, 1 + 2t) of the document.
        first: the span's first word.
        last: one past its last.
        chosen: the type that was predicted.
        types: t types in their order.

    Returns:
        None and 0 where there is no other type.
    """
    begin = probabilities[first, 1::2]
    rest = probabilities[first + 1 : last, 2::2]
    least = np.vstack([begin[None], rest]).min(axis=0)
    order = [number for number in np.argsort(-least, kind="stable") if types[number] != chosen]
    if not order:
        return None, 0.0
    return types[order[0]], float(least[order[0]])
