"""A bundle that answers: texts -> mentions."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from thce.bundles.load import Bundle, open_bundle
from thce.errors import InputError
from thce.files import read_json
from thce.ner.decode import Probabilities, best_tags, predictions_of
from thce.ner.documents import Prediction
from thce.ner.session import TagSessions
from thce.ner.tags import TagSet
from thce.ner.transitions import Transitions
from thce.ner.windows import Encoded, WindowEncoder

TRANSITIONS_FILE = "transitions.json"


@dataclass(frozen=True)
class Answer:
    """What the model says of one text.

    Attributes:
        encoded: its words.
        probabilities: (words, tags).
        path: (words,) the best sequence of tag ids.
        mentions: in order, none overlapping another.
    """

    encoded: Encoded
    probabilities: Probabilities
    path: NDArray[np.int64]
    mentions: tuple[Prediction, ...]


class Predictor:
    """The weights of one bundle of kind `ner`, its tokenizer and its tags.

    The answer to a text depends on the text and the bundle alone: not on the other texts of the
    call, nor on how many sessions share the work.
    """

    def __init__(self, bundle: Bundle, weights: str | None = None, sessions: int = 1) -> None:
        """Loads what a checked bundle holds.

        Args:
            bundle: what `open_bundle` returned.
            weights: the name of its weights; None takes the default ones.
            sessions: threads that share the windows.

        Raises:
            InputError: the bundle has no such weights, or a file in it cannot be used.
        """
        self.bundle = bundle
        self.weights, entry = bundle.weights(weights)
        self.tags_file: dict[str, Any] = read_json(bundle.path("tags.json"))
        self.tags = TagSet.from_dict(self.tags_file, str(bundle.path("tags.json")))
        self.transitions = load_transitions(bundle.folder, self.tags)
        self.encoder = load_encoder(bundle.folder)
        self.sessions = TagSessions(bundle.path(entry.file), len(self.tags.tags), sessions)

    @classmethod
    def open(cls, model: str | Path, weights: str | None = None, sessions: int = 1) -> "Predictor":
        """Opens a bundle by path, URL or `champion:CHANNEL`, checking all of it first.

        Raises:
            InputError: no valid bundle of kind `ner` lies there, or it has no such weights.
        """
        return cls(open_bundle(model, kind="ner"), weights, sessions)

    def predict(self, ids: Sequence[str], texts: Sequence[str]) -> list[Answer]:
        """The mentions of n texts, in the order given; a text without words has none."""
        encoded = [self.encoder.encode(text) for text in texts]
        found = self.sessions.probabilities(encoded)
        return [self._answer(*one) for one in zip(ids, encoded, found, strict=True)]

    def _answer(self, name: str, encoded: Encoded, probabilities: Probabilities) -> Answer:
        path = best_tags(probabilities, self.transitions.steps)
        mentions = predictions_of(name, encoded.words, probabilities, path, self.tags)
        return Answer(encoded, probabilities, path, tuple(mentions))


def load_transitions(folder: Path, tags: TagSet) -> Transitions:
    """The transitions of a bundle or training output.

    Raises:
        InputError: they are absent or of other tags.
    """
    path = folder / TRANSITIONS_FILE
    return Transitions.from_dict(read_json(path), len(tags.tags), str(path))


def load_encoder(folder: Path) -> WindowEncoder:
    """The tokenizer of a bundle or training output, cutting texts as its training did.

    Raises:
        InputError: its config.yaml does not say how texts are cut.
    """
    path = folder / "config.yaml"
    try:
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
        size, stride = int(config["max_tokens"]), int(config["stride"])
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError):
        raise InputError(f"{path}: max_tokens and stride are not there; train again") from None
    return WindowEncoder.load(folder / "tokenizer", size, stride)
