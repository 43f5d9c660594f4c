"""The language is the catalogue: every code of it, nothing else, walked through the engine."""

import datetime
import random
import string
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_graph import base_folder

from thce.coder.constraint import Language, TokenTable
from thce.coder.grammar import Bounds, code_lines, code_pattern, direct_grammar, reasoned_grammar
from thce.codes.code_types import CodeType
from thce.codes.load import load_catalogue
from thce.errors import InputError

TAGS = {"<think>": 49152, "</think>": 49153}


@pytest.fixture(scope="module")
def tokenizer_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tokenizers import AddedToken, Tokenizer

    tokenizer = Tokenizer.from_file(str(base_folder() / "tokenizer.json"))
    tokenizer.add_tokens([AddedToken(tag, normalized=False) for tag in TAGS])
    file = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    tokenizer.save(str(file))
    assert {tag: tokenizer.token_to_id(tag) for tag in TAGS} == TAGS
    return file


@pytest.fixture(scope="module")
def table(tokenizer_file: Path) -> TokenTable:
    return TokenTable(tokenizer_file, 49154, 2)


def _enumerate(grammar: str) -> list[str]:
    """Every text of a finite language, by the engine itself over single bytes as tokens."""
    from llguidance import LLMatcher, LLTokenizer

    matcher = LLMatcher(LLTokenizer("byte"), grammar)
    assert not matcher.is_error(), matcher.get_error()
    found: list[str] = []

    def follow(text: str) -> None:
        mask = int.from_bytes(matcher.compute_bitmask(), "little")
        if matcher.is_accepting():
            found.append(text)
        mask &= (1 << 256) - 1  # ids above are the engine's own, the end token among them
        while mask:
            byte = mask.bit_length() - 1
            mask ^= 1 << byte
            assert matcher.consume_token(byte)
            follow(text + chr(byte))
            assert matcher.rollback(1)

    follow("")
    return found


@pytest.mark.parametrize("code_type", list(CodeType))
def test_the_language_is_the_catalogue(code_type: CodeType) -> None:
    codes = load_catalogue(code_type).billable_codes()
    answers = _enumerate("start: answer\n" + code_lines(code_type, codes, 1))
    assert sorted(answers) == [f"{code_type.value}: {code}" for code in codes]


def test_the_language_of_a_day(table: TokenTable) -> None:
    """Codes that came later are not in the language of a day, those that went since are."""
    catalogue = load_catalogue(CodeType.ICD10)
    then = set(catalogue.billable_codes(datetime.date(2021, 1, 1)))
    now = set(catalogue.billable_codes())
    language = Language(direct_grammar(CodeType.ICD10, then, Bounds()), table)
    assert then - now
    assert now - then
    for code in then ^ now:
        walk = language.walk()
        taken = walk.accepts(_ids(table, f"ICD10: {code}")) and walk.whole
        assert taken == (code in then)


def test_a_code_may_begin_another() -> None:
    grammar = "start: answer\n" + code_lines(CodeType.HCPCS, ["A1", "A12", "B"], 1)
    assert sorted(_enumerate(grammar)) == ["HCPCS: A1", "HCPCS: A12", "HCPCS: B"]


def test_several_lines() -> None:
    grammar = direct_grammar(CodeType.CPT, ["12", "34"], Bounds(codes=2))
    assert set(_enumerate(grammar)) == {
        *(f"CPT: {one}" for one in ("12", "34")),
        *(f"CPT: {one}\nCPT: {other}" for one in ("12", "34") for other in ("12", "34")),
    }


def test_no_codes_are_said() -> None:
    with pytest.raises(InputError, match="no code of this type is billable"):
        code_pattern([])


def _near_misses(codes: list[str], count: int) -> list[str]:
    """Codes with one slip each, of which none is in the list."""
    draw, known, found = random.Random(4), set(codes), []
    letters = string.ascii_uppercase + string.digits + "."
    while len(found) < count:
        code = list(draw.choice(codes))
        place = draw.randrange(len(code))
        slip = draw.randrange(5)
        if slip == 0:
            code[place] = draw.choice(letters)
        elif slip == 1:
            del code[place]
        elif slip == 2:
            code.insert(place, draw.choice(letters))
        elif slip == 3:
            code = list("".join(code).lower())
        else:
            code.append(draw.choice(letters))
        text = "".join(code)
        if text not in known:
            found.append(text)
    return found


@pytest.mark.parametrize("code_type", list(CodeType))
def test_near_misses_are_refused_and_codes_taken(table: TokenTable, code_type: CodeType) -> None:
    codes = load_catalogue(code_type).billable_codes()
    language = Language(direct_grammar(code_type, codes, Bounds()), table)
    for code in random.Random(1).sample(codes, 300):
        walk = language.walk()
        assert walk.accepts(_ids(table, f"{code_type.value}: {code}"))
        assert walk.whole
    for code in _near_misses(codes, 1000):
        walk = language.walk()
        taken = walk.accepts(_ids(table, f"{code_type.value}: {code}"))
        assert not (taken and walk.whole), code


def test_reasoning_comes_first_and_is_bounded(table: TokenTable) -> None:
    codes = load_catalogue(CodeType.ICD10).billable_codes()
    bounds = Bounds(lines=3, line_chars=40)
    language = Language(reasoned_grammar(CodeType.ICD10, codes, bounds, TAGS), table)

    def taken(*pieces: str | int) -> bool:
        ids = [
            token
            for piece in pieces
            for token in ([piece] if isinstance(piece, int) else _ids(table, piece))
        ]
        walk = language.walk()
        return walk.accepts(ids) and walk.whole

    begin, end = TAGS.values()
    assert taken(begin, "\nNo fever, SpO2 <90, temp < 38\n", end, "\nICD10: J20.9")
    assert taken(begin, "\nÄrzte 心\n", end, "\nICD10: J20.9")
    assert taken(begin, "\n1\n2\n3\n", end, "\nICD10: J20.9")
    assert not taken("ICD10: J20.9")
    assert not taken(begin, "\n", end, "\nICD10: J20.9")
    assert not taken(begin, "\n1\n2\n3\n4\n", end, "\nICD10: J20.9")
    assert not taken(begin, "\n" + "x" * 41 + "\n", end, "\nICD10: J20.9")
    assert not taken(begin, "\none\n", end, "\nICD10: J20")
    assert not taken(begin, "\none\n", end, "\nCPT: 99213")
    assert not taken(begin, "\none\n", end, "\nICD10: J20.9 (Acute bronchitis)")
    assert not taken("<", "think", ">", "\none\n", end, "\nICD10: J20.9")
    assert not taken(begin, "\none\n", "</", "think", ">", "\nICD10: J20.9")
    assert not taken(begin, "\n<|im_end|>\n", end, "\nICD10: J20.9")


def test_all_of_icd10_is_compiled_within_a_second(table: TokenTable) -> None:
    """Processor time, pattern and first mask included; the best of three."""
    codes = load_catalogue(CodeType.ICD10).billable_codes()
    spent = []
    for _ in range(3):
        started = time.process_time()
        grammar = reasoned_grammar(CodeType.ICD10, codes, Bounds(), TAGS)
        Language(grammar, table).walk().allowed()
        spent.append(time.process_time() - started)
    assert min(spent) < 1


def test_no_control_token_but_the_tags_and_the_end(table: TokenTable) -> None:
    """In every state of a long random walk only the three control tokens of the form appear."""
    codes = load_catalogue(CodeType.HCPCS).billable_codes()
    bounds = Bounds(lines=2, line_chars=30, codes=2)
    language = Language(reasoned_grammar(CodeType.HCPCS, codes, bounds, TAGS), table)
    controls = np.asarray([*range(17), *TAGS.values()])
    draw, seen = np.random.default_rng(2), set()
    for _ in range(40):
        walk = language.walk()
        while True:
            mask = walk.allowed()
            seen |= set(controls[mask[controls]].tolist())
            token = int(draw.choice(mask.nonzero()[0]))
            if token == table.end:
                break
            walk.take(token)
    assert seen == {table.end, *TAGS.values()}


def _ids(table: TokenTable, text: str) -> list[int]:
    engine: Any = table.engine
    return list(engine.tokenize_str(text))
