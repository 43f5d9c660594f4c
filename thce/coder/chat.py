"""What is said to the model and what it says back: prompts, answer lines, and reading an answer.

One place for the form of a conversation; training data, generation and evaluation all take it from
here. Nothing here knows whether a code exists.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from thce.codes.code_types import CodeType

STAGES = (1, 2, 3)
THINK, END_THINK = "<think>", "</think>"
CONVERT = "You are a medical coding assistant. Convert clinical narratives to billing codes."
REASON = "You are a medical coding expert. Use <think> tags to show your reasoning."
SYSTEM_PROMPTS = {1: CONVERT, 2: REASON, 3: REASON}

_LINE = re.compile(r"^(ICD10|CPT|HCPCS): ([A-Z0-9.]{1,9})(?: \((.*)\))?$")

Message = dict[str, str]


@dataclass(frozen=True)
class CodeLine:
    """One line of an answer, `ICD10: J20.9 (Acute bronchitis, unspecified)`."""

    code_type: CodeType
    code: str
    description: str = ""

    def __str__(self) -> str:
        described = f" ({self.description})" if self.description else ""
        return f"{self.code_type.value}: {self.code}{described}"


@dataclass(frozen=True)
class Answer:
    """What a completion says.

    Attributes:
        reasoning: the lines between the think tags; None where there is no closed pair of tags.
        codes: the lines that have the form of a code line, in their order.
        rest: other non-empty lines after the reasoning; a good answer has none.
    """

    reasoning: tuple[str, ...] | None
    codes: tuple[CodeLine, ...]
    rest: tuple[str, ...]


def prompt(stage: int, narrative: str, code_type: CodeType) -> list[Message]:
    """System and user message of a stage (1, 2 or 3)."""
    return [
        {"role": "system", "content": SYSTEM_PROMPTS[stage]},
        {"role": "user", "content": f"Code type: {code_type.value}\n\n{narrative}"},
    ]


def completion(
    stage: int, codes: Sequence[CodeLine], reasoning: Sequence[str] = ()
) -> list[Message]:
    """The assistant's message: code lines, from stage 2 on after the reasoning."""
    answer = "\n".join(str(line) for line in codes)
    if stage > 1:
        answer = "\n".join([THINK, *reasoning, END_THINK, answer])
    return [{"role": "assistant", "content": answer}]


def read_answer(text: str) -> Answer:
    """Reads a completion; whatever has another form is kept in `rest`, nothing is corrected."""
    before, opened, after = text.partition(THINK)
    thought, closed, answer = after.partition(END_THINK)
    reasoning = None
    if opened and closed and not before.strip():
        reasoning = tuple(line.strip() for line in thought.splitlines() if line.strip())
        text = answer
    codes, rest = [], []
    for line in filter(None, (line.strip() for line in text.splitlines())):
        found = _LINE.match(line)
        if found:
            codes.append(CodeLine(CodeType(found[1]), found[2], found[3] or ""))
        else:
            rest.append(line)
    return Answer(reasoning, tuple(codes), tuple(rest))
