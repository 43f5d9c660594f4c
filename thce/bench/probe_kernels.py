"""What the linear probe sees of a note: frozen MiniLM features and words, as kernels per flag.

Three parts, each of inner products between unit vectors: the words and word pairs (TF-IDF), the
mean of the note's sentences as MiniLM embeds them, and per flag the mean of those sentences that
stand nearest to the flag's definition. MiniLM is never trained.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from thce.files import atomic_open
from thce.paths import home
from thce.registry.labels import FLAGS
from thce.registry.sections import sentences
from thce.training import weights

Floats = NDArray[np.float64]

WORDS, MEAN, WINDOW, BIAS = 6.0, 3.0, 6.0, 1.0
"""Prior variance that each part adds to a logit; the last is the intercept's."""

FOCUS = 20.0
"""How sharply a flag's window takes the nearest sentences: the factor before its softmax."""

_WORD = re.compile(r"[a-z]+|\d+")
_BATCH, _MAX_TOKENS = 64, 64


@dataclass(frozen=True)
class Embedded:
    """Sentence embeddings of n notes, unit vectors.

    Attributes:
        sentence: (s, 384).
        note: (s,) the note of each sentence, rising.
        definition: (29, 384) of the flags' definitions.
    """

    sentence: NDArray[np.float32]
    note: NDArray[np.int64]
    definition: NDArray[np.float32]


def kernels(texts: Sequence[str], embedded: Embedded, vocabulary: NDArray[np.integer]) -> Floats:
    """(29, n, n) prior covariance of the logits of n notes.

    Args:
        texts: n prepared notes.
        embedded: of the same notes.
        vocabulary: rows whose texts may teach how common a word is: the pool, not the test.
    """
    mean, windows = _pool(embedded, len(texts))
    words = tf_idf(texts, vocabulary)
    shared = WORDS * words @ words.T + MEAN * mean @ mean.T + BIAS
    return shared[None] + WINDOW * np.einsum("fnd,fmd->fnm", windows, windows)


def tf_idf(texts: Sequence[str], vocabulary: NDArray[np.integer]) -> Floats:
    """(n, v) unit rows of words and word pairs, 1 + log count times log inverse frequency.

    Args:
        texts: n notes.
        vocabulary: rows that decide which terms there are (in at least two of them) and how
            rare each is.
    """
    counts = [_terms(text) for text in texts]
    seen = Counter(term for row in vocabulary for term in counts[row])
    terms = {term: at for at, term in enumerate(sorted(t for t, n in seen.items() if n > 1))}
    rarity = np.array([math.log((1 + len(vocabulary)) / (1 + seen[term])) + 1 for term in terms])
    matrix = np.zeros((len(texts), len(terms)))
    for row, found in enumerate(counts):
        for term, count in found.items():
            if term in terms:
                matrix[row, terms[term]] = 1 + math.log(count)
    return _unit(matrix * rarity)


def embed(texts: Sequence[str]) -> Embedded:
    """Embeds the sentences of the notes with frozen MiniLM; cached under THCE_HOME.

    Raises:
        InputError: the weights are not fetched.
    """
    folder = weights.resolve("minilm")
    parts = [[text[one.start : one.end] for one in sentences(text)] for text in texts]
    flat = [part for note in parts for part in note]
    definitions = [f"{flag.detail.title}. {flag.detail.definition}" for flag in FLAGS]
    key = "\0".join([weights.PACKAGES["minilm"].sha256, *definitions, *flat])
    cached = home() / "bench" / f"sentences-{sha256(key.encode()).hexdigest()[:16]}.npy"
    if not cached.is_file():
        cached.parent.mkdir(parents=True, exist_ok=True)
        vectors = _encode(definitions + flat, folder)
        with atomic_open(cached, "wb") as handle:
            np.save(handle, vectors)
    vectors = np.load(cached)
    note = np.repeat(np.arange(len(texts)), [len(part) for part in parts])
    return Embedded(vectors[len(FLAGS) :], note, vectors[: len(FLAGS)])


def _encode(texts: Sequence[str], folder: str | Path) -> NDArray[np.float32]:
    """(n, 384) mean token states, to unit length, as the weights were trained to be used."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
    model = AutoModel.from_pretrained(str(folder), local_files_only=True).eval()
    order = np.argsort([-len(text) for text in texts], kind="stable")
    found = np.zeros((len(texts), model.config.hidden_size), dtype=np.float32)
    with torch.inference_mode():
        for start in range(0, len(order), _BATCH):
            part = order[start : start + _BATCH]
            batch = tokenizer(
                [texts[row] for row in part],
                padding=True,
                truncation=True,
                max_length=_MAX_TOKENS,
                return_tensors="pt",
            )
            states = model(**batch).last_hidden_state
            mask = batch["attention_mask"].unsqueeze(-1).to(states.dtype)
            mean = (states * mask).sum(1) / mask.sum(1)
            found[part] = torch.nn.functional.normalize(mean, dim=-1).numpy()
    return found


def _pool(embedded: Embedded, notes: int) -> tuple[Floats, Floats]:
    """Unit vectors: the mean sentence (n, 384) and each flag's nearest ones (29, n, 384)."""
    sentence = embedded.sentence.astype(np.float64)
    owner = np.zeros((notes, len(sentence)))
    owner[embedded.note, np.arange(len(sentence))] = 1.0
    near = np.exp(FOCUS * (embedded.definition.astype(np.float64) @ sentence.T))
    windows = np.stack([(owner * row) @ sentence for row in near])
    return _unit(owner @ sentence), _unit(windows)


def _unit(vectors: Floats) -> Floats:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    found: Floats = vectors / np.where(length > 0, length, 1.0)
    return found


def _terms(text: str) -> Counter[str]:
    words = _WORD.findall(text.lower())
    return Counter([*words, *(f"{a} {b}" for a, b in pairwise(words))])
