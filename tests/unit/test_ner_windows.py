"""Windows: no text is cut off, and every word is read once, where it is seen best."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_ner import CORPUS, bracketed_tokenizer

from thce.errors import InputError
from thce.ner.corpus import read_corpus
from thce.ner.windows import WindowEncoder, join_windows, window_bounds


@pytest.fixture(scope="module")
def texts() -> list[str]:
    return [one.text for one in read_corpus(str(CORPUS)).documents]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tokenizer")
    bracketed_tokenizer().save_pretrained(str(path))
    return path


@given(st.integers(0, 300), st.integers(1, 40), st.integers(0, 39))
def test_windows_hold_every_token_and_share_the_stride(count: int, size: int, stride: int) -> None:
    stride = min(stride, size - 1)
    bounds = window_bounds(count, size, stride)
    held = {token for start, end in bounds for token in range(start, end)}
    assert held == set(range(count))
    assert all(0 <= start <= end and end - start <= size for start, end in bounds)
    for (_, end), (start, _) in pairwise(bounds):
        assert end - start >= stride
    if count >= size:
        assert all(end - start == size for start, end in bounds)


def test_every_word_is_read_in_one_window(folder: Path, texts: list[str]) -> None:
    encoder = WindowEncoder.load(folder, 32, 12)
    for text in texts:
        encoded = encoder.encode(text)
        assert len(encoded.windows) > 3
        assert (encoded.read_in >= 0).all()
        for word, window in enumerate(encoded.read_in):
            assert word in encoded.windows[window].words


def test_short_and_long_windows_read_the_same_pieces(folder: Path, texts: list[str]) -> None:
    """What a window shows at a word's position is the first piece of that word."""
    long, short = WindowEncoder.load(folder, 4096, 0), WindowEncoder.load(folder, 24, 6)
    for text in texts[:6]:
        (whole,) = long.encode(text).windows
        first = dict(zip(whole.words.tolist(), whole.ids[whole.positions].tolist(), strict=True))
        for window in short.encode(text).windows:
            assert len(window.ids) <= 24
            for word, position in zip(window.words, window.positions, strict=True):
                assert window.ids[position] == first[int(word)]


def test_a_word_is_read_with_context_on_both_sides(folder: Path, texts: list[str]) -> None:
    encoder = WindowEncoder.load(folder, 66, 32)
    encoded = encoder.encode(texts[0])
    for word, place in enumerate(encoded.read_in):
        window = encoded.windows[place]
        position = int(window.positions[np.flatnonzero(window.words == word)[0]])
        if place > 0:
            assert position - 1 >= 15
        if place < len(encoded.windows) - 1:
            assert len(window.ids) - 1 - position >= 15


def test_joining_takes_each_word_from_its_window(folder: Path) -> None:
    encoder = WindowEncoder.load(folder, 12, 4)
    encoded = encoder.encode("pain in the knee and fever for two days before admission \u200b then")
    zero_width = encoded.words.texts.index("\u200b")
    assert encoded.read_in[zero_width] == -1  # the tokenizer drops it
    read = [
        (0, place, np.full((len(window.words), 3), place + 1, np.float32))
        for place, window in enumerate(encoded.windows)
    ]
    (joined,) = join_windows([encoded], read[::-1], 3)
    expected = encoded.read_in + 1
    assert joined[expected > 0, 1].tolist() == expected[expected > 0].tolist()
    assert joined[zero_width].tolist() == [1, 0, 0]


def test_a_text_without_words_has_no_word(folder: Path) -> None:
    encoded = WindowEncoder.load(folder, 12, 4).encode("\n \n")
    assert len(encoded.words) == 0
    (joined,) = join_windows([encoded], [(0, 0, np.zeros((0, 3), np.float32))], 3)
    assert joined.shape == (0, 3)


def test_a_stride_as_long_as_the_window_is_refused(folder: Path) -> None:
    with pytest.raises(InputError, match="stride: 10 tokens of a window of 12"):
        WindowEncoder.load(folder, 12, 10)


def test_another_file_is_not_a_tokenizer(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(InputError, match=r"tokenizer\.json: not a tokenizer"):
        WindowEncoder.load(tmp_path, 12, 4)


def test_hidden_tokens_are_masked_and_special_ones_are_not(folder: Path) -> None:
    loaded = WindowEncoder.load(folder, 32, 4)
    (window,) = loaded.encode("pain in the knee").windows
    loaded.mask_id = 4
    hidden = loaded.hide(window.ids, np.ones(len(window.ids), np.bool_))
    assert hidden[[0, -1]].tolist() == window.ids[[0, -1]].tolist()
    assert (hidden[1:-1] == 4).all()
    nothing = loaded.hide(window.ids, np.zeros(len(window.ids), np.bool_))
    assert nothing.tolist() == window.ids.tolist()
