"""The ways to answer with one entity bundle: ours, plain torch, and `transformers.pipeline`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from thce.ner.documents import Prediction

Engine = Literal["onnxruntime", "torch", "pipeline"]


@dataclass(frozen=True)
class Side:
    """One way to answer.

    Attributes:
        engine: onnxruntime is what the product serves with.
        precision: int8, fp32, bf16 or fp16.
        device: cpu or cuda.
    """

    engine: Engine
    precision: str
    device: str = "cpu"

    @property
    def name(self) -> str:
        """As it stands in results."""
        where = "" if self.device == "cpu" else f" on {self.device}"
        return f"{self.engine} {self.precision}{where}"


class Answerer(Protocol):
    """Texts -> mentions, so many documents at once."""

    def answer(self, texts: Sequence[str], batch: int) -> list[list[Prediction]]:
        """The mentions of each text."""
        ...


def open_side(side: Side, bundle: str, threads: int) -> Answerer:
    """Loads a bundle the way a side does."""
    if side.engine == "onnxruntime":
        return _Sessions(bundle, side.precision, threads)
    import torch

    torch.set_num_threads(threads)
    if side.engine == "torch":
        return _Torch(Path(bundle), side)
    return _Pipeline(Path(bundle), side)


class _Sessions:
    """The product's own: several one-thread sessions, one window at a time."""

    def __init__(self, bundle: str, weights: str, threads: int) -> None:
        from thce.ner.predictor import Predictor

        self._predictor = Predictor.open(bundle, weights, threads)

    def answer(self, texts: Sequence[str], batch: int) -> list[list[Prediction]]:
        found = []
        for start in range(0, len(texts), batch):
            part = list(texts[start : start + batch])
            ids = [str(start + at) for at in range(len(part))]
            found += [list(one.mentions) for one in self._predictor.predict(ids, part)]
        return found


class _Torch:
    """The same windows in padded batches through torch."""

    def __init__(self, bundle: Path, side: Side) -> None:
        import torch

        from thce.files import read_json
        from thce.ner.model import Tagger
        from thce.ner.predictor import load_encoder, load_transitions
        from thce.ner.tags import TagSet

        types = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
        self._device = torch.device(side.device)
        self._model = Tagger.load(bundle / "model").eval().to(self._device, types[side.precision])
        self._encoder = load_encoder(bundle)
        self._tags = TagSet.from_dict(read_json(bundle / "tags.json"), "tags.json")
        self._steps = load_transitions(bundle, self._tags).steps

    def answer(self, texts: Sequence[str], batch: int) -> list[list[Prediction]]:
        from thce.ner.decode import best_tags, predictions_of
        from thce.ner.windows import join_windows

        found: list[list[Prediction]] = []
        for start in range(0, len(texts), batch):
            encoded = [self._encoder.encode(text) for text in texts[start : start + batch]]
            joined = join_windows(encoded, self._read(encoded, batch), len(self._tags.tags))
            for at, (one, probabilities) in enumerate(zip(encoded, joined, strict=True)):
                name = str(start + at)
                path = best_tags(probabilities, self._steps)
                found.append(predictions_of(name, one.words, probabilities, path, self._tags))
        return found

    def _read(self, encoded: Sequence[Any], batch: int) -> list[tuple[int, int, Any]]:
        """The probabilities of every window, `batch` windows a pass, the longest first."""
        import torch

        places = [(row, at) for row, one in enumerate(encoded) for at in range(len(one.windows))]
        places.sort(key=lambda place: -len(encoded[place[0]].windows[place[1]].ids))
        read = []
        for start in range(0, len(places), batch):
            part = places[start : start + batch]
            windows = [encoded[row].windows[at] for row, at in part]
            ids, mask = self._encoder.pad([window.ids for window in windows])
            with torch.inference_mode():
                logits = self._model(
                    torch.from_numpy(ids).to(self._device), torch.from_numpy(mask).to(self._device)
                )
                chances = torch.softmax(logits.float(), dim=-1).cpu().numpy()
            for (row, at), window, chance in zip(part, windows, chances, strict=True):
                read.append((row, at, chance[window.positions]))
        return read


class _Pipeline:
    """`transformers.pipeline("token-classification")`, with its own windows of the same size."""

    def __init__(self, bundle: Path, side: Side) -> None:
        import yaml
        from transformers import AutoTokenizer, pipeline
        from transformers.utils import logging

        from thce.ner.model import Tagger

        logging.set_verbosity_error()
        config = yaml.safe_load((bundle / "config.yaml").read_text(encoding="utf-8"))
        tokenizer = AutoTokenizer.from_pretrained(str(bundle / "tokenizer"))
        tokenizer.model_max_length = int(config["max_tokens"])
        self._pipeline: Any = pipeline(
            "token-classification",
            model=Tagger.load(bundle / "model").eval().encoder,
            tokenizer=tokenizer,
            aggregation_strategy="first",
            stride=int(config["stride"]),
            device=side.device,
        )

    def answer(self, texts: Sequence[str], batch: int) -> list[list[Prediction]]:
        return [
            [
                Prediction(
                    str(number),
                    one["entity_group"],
                    int(one["start"]),
                    int(one["end"]),
                    float(one["score"]),
                    (),
                )
                for one in answer
            ]
            for number, answer in enumerate(self._pipeline(list(texts), batch_size=batch))
        ]
