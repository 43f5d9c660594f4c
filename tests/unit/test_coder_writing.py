"""An answer being written: what the model sees between two codes, and the short way out."""

from pathlib import Path

import pytest
from small_graph import base_folder

from thce.coder import chat
from thce.coder.constraint import Language, TokenTable
from thce.coder.encode import ChatEncoder
from thce.coder.grammar import Bounds, direct_grammar, reasoned_grammar
from thce.coder.writing import Marks, Writing
from thce.codes.code_types import CodeType
from thce.codes.load import load_catalogue

ICD10 = CodeType.ICD10


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> ChatEncoder:
    from tokenizers import AddedToken, Tokenizer

    tokenizer = Tokenizer.from_file(str(base_folder() / "tokenizer.json"))
    tags = (chat.THINK, chat.END_THINK)
    tokenizer.add_tokens([AddedToken(tag, normalized=False) for tag in tags])
    folder = tmp_path_factory.mktemp("tokenizer")
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "chat_template.jinja").write_text("{{ messages[0].content }}")
    return ChatEncoder(folder)


@pytest.fixture(scope="module")
def table(encoder: ChatEncoder, tmp_path_factory: pytest.TempPathFactory) -> TokenTable:
    file: Path = tmp_path_factory.mktemp("table") / "tokenizer.json"
    encoder.tokenizer.save(str(file))
    return TokenTable(file, encoder.tokenizer.get_vocab_size(), encoder.controls["<|im_end|>"])


def _writing(
    encoder: ChatEncoder, table: TokenTable, codes: list[str], most: int, reasoned: bool
) -> Writing:
    bounds = Bounds(codes=most)
    if reasoned:
        grammar = reasoned_grammar(ICD10, codes, bounds, encoder.controls)
        first = [encoder.controls[chat.THINK], *encoder.text_ids("\n")]
    else:
        grammar, first = direct_grammar(ICD10, codes, bounds), encoder.text_ids("ICD10:")
    close = encoder.controls[chat.END_THINK] if reasoned else None
    marks = Marks(table.end, encoder.text_ids("\n")[0], close)
    walk = Language(grammar, table).walk()
    return Writing(walk, marks, encoder, load_catalogue(ICD10), 50, first)


def _write(writing: Writing, encoder: ChatEncoder, text: str) -> None:
    """Chooses the tokens of a text; descriptions come by themselves."""
    for token in encoder.text_ids(text):
        while len(forced := writing.allowed(False).nonzero()[0]) == 1 and forced[0] != token:
            writing.take(int(forced[0]))
        assert writing.allowed(False)[token]
        writing.take(token)


def _seen(writing: Writing, encoder: ChatEncoder) -> str:
    return str(encoder.tokenizer.decode(writing.tokens, skip_special_tokens=False))


def test_the_model_sees_descriptions_as_in_training(
    encoder: ChatEncoder, table: TokenTable
) -> None:
    writing = _writing(encoder, table, ["J20.9", "E11.9"], 2, reasoned=False)
    _write(writing, encoder, " J20.9")
    assert not writing.finished
    _write(writing, encoder, "\n")
    _write(writing, encoder, "ICD10: E11.9")
    assert writing.finished
    lines = [
        chat.CodeLine(ICD10, "J20.9", "Acute bronchitis, unspecified"),
        chat.CodeLine(ICD10, "E11.9", "Type 2 diabetes mellitus without complications"),
    ]
    assert _seen(writing, encoder) == f"{lines[0]}\nICD10: E11.9"
    assert writing.answer() == chat.Answer(None, tuple(lines), ())


def test_one_code_may_be_enough(encoder: ChatEncoder, table: TokenTable) -> None:
    writing = _writing(encoder, table, ["J20.9", "E11.9"], 2, reasoned=False)
    _write(writing, encoder, " J20.9")
    while not writing.allowed(False)[table.end]:
        writing.take(int(writing.allowed(False).argmax()))
    writing.take(table.end)
    assert writing.finished
    assert [line.code for line in writing.answer().codes] == ["J20.9"]


def test_a_code_twice_is_given_once(encoder: ChatEncoder, table: TokenTable) -> None:
    writing = _writing(encoder, table, ["J20.9", "E11.9"], 2, reasoned=False)
    _write(writing, encoder, " J20.9")
    _write(writing, encoder, "\n")
    _write(writing, encoder, "ICD10: J20.9")
    assert [line.code for line in writing.answer().codes] == ["J20.9"]


def test_a_code_cut_off_is_no_code(encoder: ChatEncoder, table: TokenTable) -> None:
    """J20 alone reads like a code line and is none."""
    writing = _writing(encoder, table, ["J20.9", "E11.9"], 2, reasoned=False)
    _write(writing, encoder, " J20.9")
    _write(writing, encoder, "\n")
    _write(writing, encoder, "ICD10: E11")
    assert [line.code for line in writing.answer().codes] == ["J20.9"]


def test_out_of_time_the_reasoning_is_closed_at_once(
    encoder: ChatEncoder, table: TokenTable
) -> None:
    writing = _writing(encoder, table, ["J20.9"], 2, reasoned=True)
    _write(writing, encoder, "Cough for three")
    steps = 0
    while not writing.finished:
        writing.take(int(writing.allowed(True).argmax()))
        steps += 1
    assert writing.hurried
    assert steps < 25  # letter by letter
    assert writing.answer().reasoning == ("Cough for three",)
    assert [line.code for line in writing.answer().codes] == ["J20.9"]
