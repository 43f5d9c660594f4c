"""The retriever on a two-layer encoder: it learns, its weights survive the pieces, mixtures mix."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from small_training import tiny_encoder

from thce.coder import pieces
from thce.coder.encoder import Encoder
from thce.coder.mix_retriever import save_mixture
from thce.coder.pieces import read_pieces
from thce.coder.train_retriever import RetrieverTraining, save, train
from thce.errors import InputError

TERMS = {
    "broken wrist": "fracture of radius",
    "sugar disease": "diabetes mellitus",
    "high pressure": "hypertension",
    "stone in duct": "calculus of ureter",
    "chest infection": "pneumonia",
    "heart attack": "myocardial infarction",
    "belly pain": "abdominal pain",
    "whiplash neck": "sprain of cervical spine",
}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A two-layer BERT with random weights and a vocabulary of the words above."""
    import torch
    from transformers import BertTokenizerFast

    folder = tmp_path_factory.mktemp("base")
    words = sorted({word for pair in TERMS.items() for text in pair for word in text.split()})
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]
    torch.manual_seed(1)
    encoder = tiny_encoder(
        positions=64,
        vocab_size=len(vocabulary),
        initializer_range=0.3,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    encoder.save_pretrained(folder)
    BertTokenizerFast(vocab={word: place for place, word in enumerate(vocabulary)}).save_pretrained(
        folder
    )
    return folder


@pytest.fixture(scope="module")
def trained(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    groups = [[(query, term, number)] for number, (query, term) in enumerate(TERMS.items())] * 40
    how = RetrieverTraining(batch=8, learning_rate=5e-3, epochs=1.0, query_tokens=16)
    encoder = Encoder.load(base)
    records = train(groups, encoder, how)
    save(encoder, folder, how, records)
    return folder


def _right(encoder: Encoder) -> int:
    similar = encoder.encode(list(TERMS)) @ encoder.encode(list(TERMS.values())).T
    return int((similar.argmax(axis=1) == np.arange(len(TERMS))).sum())


def test_training_brings_lay_words_to_their_terms(base: Path, trained: Path) -> None:
    assert _right(Encoder.load(base)) < 6
    assert _right(Encoder.load(trained)) == len(TERMS)


def test_vectors_have_length_one_in_any_order(trained: Path) -> None:
    encoder = Encoder.load(trained)
    texts = ["diabetes mellitus", "pain", "sprain of cervical spine"]
    vectors = encoder.encode(texts)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert np.allclose(encoder.encode(texts[::-1])[::-1], vectors, atol=1e-5)


def test_a_damaged_piece_is_refused(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pieces, "PIECE_BYTES", 10_000)
    pieces.write_pieces(tmp_path, read_pieces(trained))
    parts = sorted(tmp_path.glob("weights.0*"))
    assert len(parts) > 2
    assert all(len(part.read_bytes()) <= 10_000 for part in parts)
    again = read_pieces(tmp_path)
    assert {name: hashlib.sha256(value.numpy()).digest() for name, value in again.items()} == {
        name: hashlib.sha256(value.numpy()).digest() for name, value in read_pieces(trained).items()
    }
    parts[1].write_bytes(b"x" + parts[1].read_bytes()[1:])
    with pytest.raises(InputError, match="not those that were written"):
        read_pieces(tmp_path)
    parts[1].unlink()
    with pytest.raises(InputError, match=r"weights\.001"):
        read_pieces(tmp_path)


def test_a_mixture_lies_between_start_and_trained(
    base: Path, trained: Path, tmp_path: Path
) -> None:
    save_mixture(base, trained, 0.25, tmp_path)
    name = "encoder.layer.0.output.dense.weight"
    start, end, mixed = (
        Encoder.load(folder).model.state_dict()[name] for folder in (base, trained, tmp_path)
    )
    assert np.allclose(mixed, 0.25 * start + 0.75 * end, atol=1e-3)
