"""Examples of the project, without the frozen test; the shipped sample files; rows of a stage."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from thce.coder.chat import SYSTEM_PROMPTS, read_answer
from thce.coder.example_files import ExampleFile, read_ids
from thce.coder.examples import Example, Rejected
from thce.coder.rows import stage_table
from thce.coder.sample_files import SampleConfig, run
from thce.codes.code_types import CodeType
from thce.errors import InputError


@pytest.fixture()
def shipped(repository: Path) -> Path:
    return repository / "data" / "coder"


def test_frozen_ids_never_leave_the_source(shipped: Path) -> None:
    frozen = read_ids(shipped / "frozen_test_ids.txt")
    source = ExampleFile(shipped / "coder_examples.jsonl", shipped / "frozen_test_ids.txt")
    examples = source.examples(range(len(source)))
    assert len(frozen) == 102 and len(examples) == 78
    assert not frozen & {one.id for one in examples}


def test_an_examples_source_needs_its_frozen_ids(shipped: Path, tmp_path: Path) -> None:
    empty = tmp_path / "none.txt"
    empty.write_text("\n")
    with pytest.raises(InputError, match="names no id"):
        ExampleFile(shipped / "coder_examples.jsonl", empty)
    with pytest.raises(InputError, match=r"exclude_ids: .*absent\.txt"):
        ExampleFile(shipped / "coder_examples.jsonl", tmp_path / "absent.txt")


def test_shipped_samples_are_what_the_command_writes(
    repository: Path, shipped: Path, tmp_path: Path
) -> None:
    run(
        SampleConfig(
            examples=str(shipped / "coder_examples.jsonl"),
            exclude_ids=str(shipped / "frozen_test_ids.txt"),
            output=str(tmp_path),
        )
    )
    frozen = read_ids(shipped / "frozen_test_ids.txt")
    for stage in (1, 2, 3):
        name = f"stage_{stage}.jsonl"
        assert (tmp_path / name).read_bytes() == (shipped / name).read_bytes()
        rows = [json.loads(line) for line in (shipped / name).read_text().splitlines()]
        assert len(rows) == 50
        assert all(row["_metadata"]["code_valid"] for row in rows)
        assert not frozen & {row["_metadata"]["id"] for row in rows}


EXAMPLE = Example(
    "e1",
    "COPD flare",
    CodeType.ICD10,
    "J44.1",
    "Chronic obstructive pulmonary disease with (acute) exacerbation",
    ("Category J44", "Flare: J44.1"),
    "examples",
    Rejected("J44", "COPD (category heading, not billable)", ("COPD is J44",), "invalid"),
)


def test_stage_1_is_a_conversation_without_reasoning() -> None:
    (row,) = stage_table(1, [EXAMPLE]).to_pylist()
    system, user, assistant = row["messages"]
    assert system == {"role": "system", "content": SYSTEM_PROMPTS[1]}
    assert user["content"].endswith("COPD flare") and "ICD10" in user["content"]
    assert assistant["content"] == (
        "ICD10: J44.1 (Chronic obstructive pulmonary disease with (acute) exacerbation)"
    )
    assert row["_metadata"]["reasoning_present"] is False
    assert row["_metadata"]["code_valid"] is True


def test_stage_2_reasons_first() -> None:
    (row,) = stage_table(2, [EXAMPLE]).to_pylist()
    answer = read_answer(row["messages"][-1]["content"])
    assert answer.reasoning == EXAMPLE.reasoning
    assert [line.code for line in answer.codes] == ["J44.1"] and not answer.rest
    assert row["_metadata"]["reasoning_quality"] == 1.0


def test_stage_3_prefers_the_right_answer_and_the_wrong_one_does_not_give_itself_away() -> None:
    (row,) = stage_table(3, [EXAMPLE]).to_pylist()
    assert [message["role"] for message in row["prompt"]] == ["system", "user"]
    chosen = read_answer(row["chosen"][0]["content"])
    rejected = read_answer(row["rejected"][0]["content"])
    assert (chosen.codes[0].code, rejected.codes[0].code) == ("J44.1", "J44")
    assert rejected.codes[0].description == "COPD"
    assert row["_metadata"]["rejected_code"] == "J44" and row["_metadata"]["error"] == "invalid"


def test_a_code_that_no_claim_may_carry_is_marked() -> None:
    (row,) = stage_table(1, [replace(EXAMPLE, code="J44")]).to_pylist()
    assert row["_metadata"]["code_valid"] is False
