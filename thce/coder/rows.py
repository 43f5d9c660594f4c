"""Examples -> rows of a stage, in TRL's conversational formats with `_metadata`.

Stages 1 and 2 are `messages`; stage 3 is `prompt`, `chosen` and `rejected`.
"""

import re
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from thce.coder import chat
from thce.coder.examples import Example, Rejected
from thce.coder.reasoning_quality import form_quality
from thce.codes.code_types import CodeType
from thce.codes.load import load_catalogue

MESSAGES = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
METADATA = pa.struct(
    [
        ("id", pa.string()),
        ("code_type", pa.string()),
        ("code", pa.string()),
        ("code_valid", pa.bool_()),
        ("source", pa.string()),
        ("reasoning_present", pa.bool_()),
        ("reasoning_quality", pa.float64()),
        ("rejected_code", pa.string()),
        ("error", pa.string()),
    ]
)
SFT_SCHEMA = pa.schema([("messages", MESSAGES), ("_metadata", METADATA)])
PREFERENCE_SCHEMA = pa.schema(
    [("prompt", MESSAGES), ("chosen", MESSAGES), ("rejected", MESSAGES), ("_metadata", METADATA)]
)

# What the examples say of a wrong answer that a model should not learn to say.
_REMARK = re.compile(r" \((category heading|heading|code terminated|not )[^()]*\)$")
_NO_CODE = re.compile(r"^not a valid ", re.IGNORECASE)


def schema_of(stage: int) -> pa.Schema:
    """The columns of a stage's rows."""
    return PREFERENCE_SCHEMA if stage == 3 else SFT_SCHEMA


def stage_table(stage: int, examples: Sequence[Example]) -> pa.Table:
    """Rows of a stage, one an example and in its order.

    Args:
        stage: 1, 2 or 3.
        examples: for stage 2 with reasoning; for stage 3 with a wrong answer as well.
    """
    prompts = [chat.prompt(stage, example.narrative, example.code_type) for example in examples]
    answers = [chat.completion(stage, [_right(one)], one.reasoning) for one in examples]
    metadata = _metadata(stage, examples)
    if stage < 3:
        both = [before + after for before, after in zip(prompts, answers, strict=True)]
        return pa.table([_messages(both), metadata], schema=SFT_SCHEMA)
    wrong = [
        chat.completion(stage, [_wrong(one, one.rejected)], one.rejected.reasoning)
        for one in examples
        if one.rejected is not None
    ]
    columns = [_messages(prompts), _messages(answers), _messages(wrong), metadata]
    return pa.table(columns, schema=PREFERENCE_SCHEMA)


def fits(stage: int, example: Example) -> bool:
    """Whether an example has what a stage needs."""
    if stage == 1:
        return True
    return bool(example.reasoning) and (stage == 2 or example.rejected is not None)


def _right(example: Example) -> chat.CodeLine:
    return chat.CodeLine(example.code_type, example.code, example.description)


def _wrong(example: Example, rejected: Rejected) -> chat.CodeLine:
    """The wrong answer as it would be given: without a remark on what is wrong with it."""
    said = _REMARK.sub("", rejected.description)
    return chat.CodeLine(example.code_type, rejected.code, "" if _NO_CODE.match(said) else said)


def _messages(conversations: Sequence[list[chat.Message]]) -> pa.Array:
    lengths = [len(messages) for messages in conversations]
    ends = np.zeros(len(lengths) + 1, np.int32)
    np.cumsum(lengths, out=ends[1:])
    roles = [message["role"] for messages in conversations for message in messages]
    contents = [message["content"] for messages in conversations for message in messages]
    columns = [pa.array(roles, pa.string()), pa.array(contents, pa.string())]
    return pa.ListArray.from_arrays(
        pa.array(ends), pa.StructArray.from_arrays(columns, fields=list(MESSAGES.value_type))
    )


def _metadata(stage: int, examples: Sequence[Example]) -> pa.Array:
    shown = stage > 1
    rejected = [one.rejected if stage == 3 else None for one in examples]
    columns = [
        [one.id for one in examples],
        [one.code_type.value for one in examples],
        [one.code for one in examples],
        valid_codes(examples),
        [one.source for one in examples],
        [shown and bool(one.reasoning) for one in examples],
        [
            form_quality(one.reasoning, one.code_type, one.code) if shown else 0.0
            for one in examples
        ],
        [one.code if one else None for one in rejected],
        [one.error if one else None for one in rejected],
    ]
    fields = list(METADATA)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, fields, strict=True)]
    return pa.StructArray.from_arrays(arrays, fields=fields)


def _quality(example: Example) -> float:
    return form_quality(example.reasoning, example.code_type, example.code)


def valid_codes(examples: Sequence[Example]) -> np.ndarray:
    """(rows,) whether each example's code is billable by its catalogue's release."""
    valid = np.zeros(len(examples), bool)
    for code_type in CodeType:
        of_type = [row for row, one in enumerate(examples) if one.code_type is code_type]
        if of_type:
            codes = [examples[row].code for row in of_type]
            valid[of_type] = load_catalogue(code_type).validate(codes)
    return valid
