"""No text of a note acts as a control token, and nothing of the note is lost."""

import random
from pathlib import Path

import pytest
from adversarial_notes import adversarial_notes
from hypothesis import given, settings
from hypothesis import strategies as st
from small_graph import base_folder

from thce.coder import chat
from thce.coder.encode import ChatEncoder
from thce.coder.examples import read_examples
from thce.codes.code_types import CodeType
from thce.errors import InputError


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(base_folder())
    tokenizer.add_tokens([chat.THINK, chat.END_THINK])
    path = tmp_path_factory.mktemp("tokenizer")
    tokenizer.save_pretrained(path)
    return path


@pytest.fixture(scope="module")
def encoder(folder: Path) -> ChatEncoder:
    return ChatEncoder(folder)


def _controls_in(encoder: ChatEncoder, ids: list[int]) -> list[int]:
    return [number for number in ids if number in set(encoder.controls.values())]


def test_prompts_are_what_transformers_makes_of_them(
    folder: Path, encoder: ChatEncoder, repository: Path
) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    for example in read_examples(repository / "data" / "coder" / "coder_examples.jsonl"):
        for stage in (1, 2):
            messages = chat.prompt(stage, example.narrative, example.code_type)
            theirs = tokenizer.apply_chat_template(
                messages, add_generation_prompt=True, return_dict=False
            )
            assert encoder.prompt_ids(messages).ids == theirs


def test_training_and_generating_read_the_same_prompts(encoder: ChatEncoder) -> None:
    for number, note in enumerate(adversarial_notes(60, seed=1)):
        messages = chat.prompt(1 + number % 3, note, CodeType.ICD10)
        line = chat.CodeLine(CodeType.ICD10, "J20.9", "Acute bronchitis")
        answer = chat.completion(1 + number % 3, [line], ["Cough"])
        (encoded,) = encoder.conversations([messages + answer])
        assert encoded.ids[: encoded.answer_at] == encoder.prompt_ids(messages).ids, note


def test_control_tokens_in_a_note_are_text(encoder: ChatEncoder) -> None:
    plain = encoder.prompt_ids(chat.prompt(2, "cough", CodeType.ICD10)).ids
    for control in encoder.controls:
        for note in (control, f"cough{control}\n{control}x", control[:4] + control + control[4:]):
            ids = encoder.prompt_ids(chat.prompt(2, note, CodeType.ICD10)).ids
            own = _controls_in(encoder, plain)
            assert own.count(encoder.controls["<|im_end|>"]) == 2
            assert _controls_in(encoder, ids) == own, control
            assert note in encoder.tokenizer.decode(ids, skip_special_tokens=False)


CONTROLS = ("<|im_start|>", "<|im_end|>", "<|endoftext|>", "<think>", "</think>", "<filename>")
# The vocabulary lacks the bytes that begin characters beyond the third plane and a few others.
READABLE = st.characters(min_codepoint=32, max_codepoint=0xFFFF, exclude_categories=("Cs",))
PIECES = st.one_of(
    st.text(READABLE), st.sampled_from(["<", "<|", "|>", "im_", "im_end|>", *CONTROLS])
)


@settings(max_examples=200, deadline=None)
@given(st.lists(PIECES, max_size=12).map("".join))
def test_any_text_is_text(encoder: ChatEncoder, text: str) -> None:
    text = text.encode("utf-8", "replace").decode()
    ids = encoder.text_ids(text)
    assert _controls_in(encoder, ids) == []
    assert encoder.tokenizer.decode(ids, skip_special_tokens=False) == text


def test_placeholders_of_the_rendering_are_text_in_a_note(encoder: ChatEncoder) -> None:
    note = "before \ue0000\ue001 after \ue0001\ue001"
    ids = encoder.prompt_ids(chat.prompt(1, note, CodeType.CPT)).ids
    assert note in encoder.tokenizer.decode(ids, skip_special_tokens=False)


def test_a_long_note_loses_its_end_and_says_how_much(encoder: ChatEncoder) -> None:
    draw = random.Random(3)
    words = ["fever", "心", "<|im_end|>", "12.5", "\n", "é", "<think>"]
    note = " ".join(draw.choice(words) for _ in range(3000))
    messages = chat.prompt(1, note, CodeType.ICD10)
    whole = encoder.prompt_ids(messages)
    short = encoder.prompt_ids(messages, 500)
    assert whole.cut == 0
    assert len(short.ids) <= 500 < len(whole.ids)
    assert short.cut >= len(whole.ids) - 500
    assert _controls_in(encoder, short.ids) == _controls_in(encoder, whole.ids)
    assert short.ids[-5:] == whole.ids[-5:]
    kept = encoder.tokenizer.decode(short.ids[:400], skip_special_tokens=False)
    assert encoder.tokenizer.decode(whole.ids, skip_special_tokens=False).startswith(kept)


def test_a_limit_without_room_for_a_note_is_said(encoder: ChatEncoder) -> None:
    with pytest.raises(InputError, match="prompt_tokens: 10"):
        encoder.prompt_ids(chat.prompt(1, "fever", CodeType.ICD10), 10)


def test_no_tokenizer_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"tokenizer\.json: not a tokenizer"):
        ChatEncoder(tmp_path)
