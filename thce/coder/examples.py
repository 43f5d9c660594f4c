"""An example: a narrative, its code, why, and a wrong answer; and the files that hold examples."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from thce.codes.code_types import CodeType, code_type
from thce.errors import InputError

# Kinds of wrong answer: another child of the same parent, another code of the family, the wrong
# side, the wrong encounter character, a less specific code than the narrative bears, a code that is
# not billable or does not exist, a code that the narrative does not support.
ERRORS = (
    "sibling",
    "family",
    "laterality",
    "encounter",
    "specificity",
    "invalid",
    "unsupported",
)


@dataclass(frozen=True)
class Rejected:
    """A wrong answer to the same narrative.

    Attributes:
        code: what was answered; it need not exist.
        description: as its catalogue says, or what is wrong with it.
        reasoning: the steps that led astray.
        error: one of ERRORS.
    """

    code: str
    description: str
    reasoning: tuple[str, ...]
    error: str


@dataclass(frozen=True)
class Example:
    """A narrative with its code.

    Attributes:
        id: distinct within its source.
        narrative: clinical text.
        code_type: catalogue of the code.
        code: the right answer.
        description: as the catalogue words it.
        reasoning: steps that lead to the code; empty where there are none.
        source: which source it comes from.
        rejected: a wrong answer, where there is one.
    """

    id: str
    narrative: str
    code_type: CodeType
    code: str
    description: str
    reasoning: tuple[str, ...] = ()
    source: str = ""
    rejected: Rejected | None = None


def read_examples(path: str | Path, source: str | None = None) -> Iterator[Example]:
    """Reads a JSONL file of examples (the fields of `Example`, `rejected` as an object).

    Raises:
        InputError: a line is not such an example; names file, line and field.
    """
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                yield _example(line, f"{path}:{number}", source or Path(path).stem)


def _example(line: str, where: str, source: str) -> Example:
    try:
        row: dict[str, Any] = json.loads(line)
        rejected = row.get("rejected")
        return Example(
            id=str(row["id"]),
            narrative=str(row["narrative"]),
            code_type=code_type(row["code_type"]),
            code=str(row["code"]),
            description=str(row["description"]),
            reasoning=tuple(row.get("reasoning") or ()),
            source=source,
            rejected=Rejected(
                str(rejected["code"]),
                str(rejected["description"]),
                tuple(rejected["reasoning"]),
                str(rejected["error"]),
            )
            if rejected
            else None,
        )
    except json.JSONDecodeError:
        raise InputError(f"{where}: not JSON") from None
    except KeyError as missing:
        raise InputError(f"{where}: field {missing} is missing") from None
    except (TypeError, AttributeError):
        raise InputError(f"{where}: not an object with the fields of an example") from None
