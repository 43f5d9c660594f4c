"""A bundle that answers: prepared texts -> probabilities."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import yaml

from thce.bundles.load import Bundle, open_bundle
from thce.errors import InputError
from thce.registry.encode import NoteEncoder
from thce.registry.fuse import Fusion
from thce.registry.hydrated import list_column
from thce.registry.light_tokenizer import LightTokenizer
from thce.registry.onnx_session import Device, OnnxSession, Probabilities
from thce.registry.threshold_file import Thresholds


class Predictor:
    """The weights of one registry bundle with the thresholds and the fusion that belong to them.

    A note's probabilities depend on its text and on the bundle alone: not on the other notes of
    the call, nor on how many workers share the work.
    """

    def __init__(self, bundle: Bundle, weights: str | None = None, device: Device = "cpu") -> None:
        """Loads the session, the tokenizer, the thresholds and the fusion of a checked bundle.

        Args:
            bundle: what `open_bundle` returned.
            weights: the name of its weights; None takes the default ones.
            device: where the graph runs.

        Raises:
            InputError: the bundle has no such weights, or a file in it cannot be used.
        """
        self.bundle = bundle
        self.weights, entry = bundle.weights(weights)
        self.thresholds = Thresholds.load(bundle.path(entry.thresholds), self.weights)
        self.fusion = Fusion.load(bundle.path("fusion.json"))
        self.encoder = load_encoder(bundle.folder)
        self.session = OnnxSession(bundle.path(entry.file), device)

    @classmethod
    def open(
        cls, model: str | Path, weights: str | None = None, device: Device = "cpu"
    ) -> "Predictor":
        """Opens a bundle by path, URL or `champion:CHANNEL`, checking all of it first.

        Raises:
            InputError: no valid registry bundle lies there, or it has no such weights.
        """
        return cls(open_bundle(model, kind="registry"), weights, device)

    def predict(self, texts: Sequence[str]) -> Probabilities:
        """Probabilities (n, 29) float32 of n prepared texts."""
        return self.session.probabilities(self.encoder.encode(texts))

    def predict_table(self, table: pa.Table) -> pa.Table:
        """Adds the column `probabilities`, list<float32> of 29.

        Args:
            table: rows with `text`, as `thce.notes.prepare` writes it; other columns stay.
        """
        found = self.predict(table["text"].to_pylist())
        return table.append_column("probabilities", list_column(found, pa.float32()))


def load_encoder(folder: Path) -> NoteEncoder:
    """The tokenizer of a bundle or training output, cutting notes as its training did.

    Raises:
        InputError: its config.yaml does not say how notes are cut.
    """
    path = folder / "config.yaml"
    try:
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
        head, tail = int(config["head_tokens"]), int(config["tail_tokens"])
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError):
        raise InputError(
            f"{path}: head_tokens and tail_tokens are not there; train again"
        ) from None
    return NoteEncoder(LightTokenizer(folder / "tokenizer"), head, tail)
