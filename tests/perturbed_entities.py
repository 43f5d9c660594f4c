"""Made-up documents, and predictions derived from their annotations by known perturbations.

No model is involved: what became of each annotation is known, so that an analysis can be held
against it.
"""

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np

from thce.ner.documents import Document, Entity, Prediction
from thce.ner.tags import TagSet
from thce.ner.token_table import Tokens
from thce.ner.words import words_of

TYPES = ("Age", "Disease_disorder", "Medication", "Sign_symptom", "Therapeutic_procedure")
_WORDS = ["fever", "cough", "aspirin", "lung", "biopsy", "severe", "left", "acute", "daily", "pain"]
_FILLERS = ["the", "patient", "was", "seen", "and", "then", "with", "a", "of"]
ACTIONS = ("correct", "short", "long", "type", "missed", "spurious")


@dataclass(frozen=True)
class Perturbed:
    """Documents, predictions and words, with what was done how often."""

    documents: list[Document]
    predictions: list[Prediction]
    tokens: Tokens
    done: Counter[str]


def perturbed(documents: int = 12, seed: int = 0, mentions: int = 12) -> Perturbed:
    """Documents of `mentions` mentions each; about two in three of the predictions are right."""
    rng = np.random.default_rng(seed)
    made = [_document(f"doc-{seed}-{number:02}", mentions, rng) for number in range(documents)]
    done: Counter[str] = Counter()
    predictions: list[Prediction] = []
    for document in made:
        predictions += _predict(document, rng, done)
    predictions, tokens = _tokens(made, predictions, rng)
    return Perturbed(made, predictions, tokens, done)


def _document(name: str, mentions: int, rng: np.random.Generator) -> Document:
    """Mentions of one to three words, three fillers between them."""
    parts: list[str] = []
    entities = []
    at = 0
    for number in range(mentions):
        fillers = " ".join(rng.choice(_FILLERS, 3))
        mention = " ".join(rng.choice(_WORDS, int(rng.integers(1, 4))))
        start = at + len(fillers) + 1
        span = (start, start + len(mention))
        kind = str(rng.choice(TYPES, p=[0.1, 0.3, 0.2, 0.3, 0.1]))
        entities.append(Entity(f"T{number + 1}", kind, (span,), mention))
        parts += [fillers, mention]
        at = span[1] + 1
    return Document(name, " ".join(parts) + " .", tuple(entities))


def _predict(document: Document, rng: np.random.Generator, done: Counter[str]) -> list[Prediction]:
    found = []
    for entity in document.entities:
        action = str(rng.choice(ACTIONS, p=[0.66, 0.06, 0.08, 0.06, 0.08, 0.06]))
        words = words_of(entity.text).spans
        if action == "short" and len(words) == 1:
            action = "correct"
        done[action] += 1
        if action == "spurious":  # the annotation is found, and so is the filler before it
            done["correct"] += 1
            before = document.text.rfind(" ", 0, entity.start - 1)
            before = document.text.rfind(" ", 0, before - 1)
            end = document.text.index(" ", before + 1)
            found.append(_prediction(document.id, entity.type, before + 1, end))
        if action == "missed":
            continue
        start, end, kind = entity.start, entity.end, entity.type
        if action == "short":
            end = start + words[-2][1]
        elif action == "long":
            start = document.text.rfind(" ", 0, start - 1) + 1
        elif action == "type":
            kind = next(name for name in TYPES if name != kind)
        found.append(_prediction(document.id, kind, start, end))
    return found


def _prediction(document: str, kind: str, start: int, end: int) -> Prediction:
    return Prediction(document, kind, start, end, 0.0, ())


def _tokens(
    documents: list[Document], predictions: list[Prediction], rng: np.random.Generator
) -> tuple[list[Prediction], Tokens]:
    """The words with both tags, and the predictions with the confidences of theirs.

    Wrong spans are less sure than right ones, and all are surer than they should be.
    """
    tags = TagSet.of(TYPES)
    rows: list[tuple[str, int, int, int, int]] = []
    chances: list[np.ndarray] = []
    sure: list[Prediction] = []
    for document in documents:
        gold = {(one.type, one.start, one.end) for one in document.entities}
        mine = [one for one in predictions if one.document == document.id]
        spans = words_of(document.text).spans
        gold_tags = _tag(spans, list(gold), tags)
        predicted_tags = _tag(spans, [(one.type, one.start, one.end) for one in mine], tags)
        chance = np.full((len(spans), len(tags.tags)), 0.02 / (len(tags.tags) - 1))
        chance[np.arange(len(spans)), predicted_tags] = 0.98
        for one in mine:
            right = (one.type, one.start, one.end) in gold
            odds = float(rng.normal(3.0 if right else 1.2, 1.0))
            confidence = max(0.35, 1 / (1 + np.exp(-odds)))
            inside = [
                at for at, (start, end) in enumerate(spans) if one.start <= start and end <= one.end
            ]
            for at in inside:
                chance[at] = (1 - confidence) / (len(tags.tags) - 1)
                chance[at, predicted_tags[at]] = confidence
            held = chance[inside, predicted_tags[inside]].astype(np.float32)
            sure.append(
                replace(
                    one,
                    confidence=float(held.min()),
                    token_confidences=tuple(map(float, held)),
                )
            )
        chances.append(chance)
        rows += [
            (document.id, start, end, int(a), int(b))
            for (start, end), a, b in zip(spans, gold_tags, predicted_tags, strict=True)
        ]
    names, start, end, gold_tag, predicted_tag = zip(*rows, strict=True)
    return sure, Tokens(
        document=np.array(names),
        start=np.array(start),
        end=np.array(end),
        gold=np.array(gold_tag),
        predicted=np.array(predicted_tag),
        probability=np.concatenate(chances).astype(np.float32),
        tags=tags.tags,
    )


def _tag(
    spans: tuple[tuple[int, int], ...], mentions: list[tuple[str, int, int]], tags: TagSet
) -> np.ndarray:
    found = np.zeros(len(spans), dtype=np.int64)
    for kind, start, end in sorted(mentions, key=lambda one: one[1]):
        inside = [at for at, (first, last) in enumerate(spans) if start <= first and last <= end]
        for at in inside:
            part = "B" if at == inside[0] else "I"
            found[at] = tags.tag2id[f"{part}-{kind}"]
    return found
