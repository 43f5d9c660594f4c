"""The language of answers: bounded reasoning, then lines whose code is one of a given list.

Texts only: a regular expression in the shape of the codes' trie, and the grammar around it in the
dialect of Lark that llguidance reads. Descriptions are no part of the language; they come from the
catalogue. Nothing here knows a tokenizer or a model.
"""

import re
from collections.abc import Iterable, Mapping

from pydantic import Field

from thce.coder.chat import END_THINK, THINK
from thce.codes.code_types import CodeType
from thce.config import Config
from thce.errors import InputError

# A reasoning line is printable and has no "<" before a letter, slash or bar, so that neither a tag
# nor a control token can be spelled in it; "temp < 38" and "SpO2 <90" may be written.
PLAIN = r"[^\x00-\x1f\x7f<]"
LESS_THAN = "<[ =0-9]"

Trie = dict[str, "Trie"]
_END = ""


class Bounds(Config):
    """How long an answer may be.

    Attributes:
        lines: most lines of reasoning; there is at least one.
        line_chars: most characters of such a line.
        codes: most code lines.
    """

    lines: int = Field(default=8, ge=1, le=100)
    line_chars: int = Field(default=240, ge=1, le=1000)
    codes: int = Field(default=1, ge=1, le=50)


def code_pattern(codes: Iterable[str]) -> str:
    """A regular expression for exactly these codes, as a trie whose like branches are joined.

    The 74,719 billable codes of ICD-10-CM take about 50 kB, and an engine compiles it in a
    twentieth of a second.

    Raises:
        InputError: there is no code, so that nothing could be answered.
    """
    root: Trie = {}
    for code in codes:
        node = root
        for character in code:
            node = node.setdefault(character, {})
        node[_END] = {}
    if not root:
        raise InputError("no code of this type is billable on that date; nothing can be answered")
    return _pattern(root)


def _pattern(node: Trie) -> str:
    """What may follow in a trie."""
    heads: dict[str, list[str]] = {}
    for character, below in node.items():
        if character != _END:
            heads.setdefault(_pattern(below), []).append(character)
    if not heads:
        return ""
    branches = [_any_of(characters) + rest for rest, characters in heads.items()]
    joined = branches[0] if len(branches) == 1 else f"({'|'.join(branches)})"
    return f"({joined})?" if _END in node else joined


def _any_of(characters: list[str]) -> str:
    escaped = [re.escape(character) for character in characters]
    return escaped[0] if len(escaped) == 1 else f"[{''.join(escaped)}]"


def code_lines(code_type: CodeType, codes: Iterable[str], most: int) -> str:
    """The rules `answer`, `code_line` and CODE: one to `most` lines `TYPE: CODE`."""
    more = f' ("\\n" code_line){{0,{most - 1}}}' if most > 1 else ""
    return "\n".join(
        [
            f"answer: code_line{more}",
            f'code_line: "{code_type.value}: " CODE',
            f"CODE: /{code_pattern(codes)}/",
        ]
    )


def direct_grammar(code_type: CodeType, codes: Iterable[str], bounds: Bounds) -> str:
    """The grammar of answers without reasoning, as stage 1 gives them."""
    return f"start: answer\n{code_lines(code_type, codes, bounds.codes)}"


def reasoned_grammar(
    code_type: CodeType, codes: Iterable[str], bounds: Bounds, token_ids: Mapping[str, int]
) -> str:
    """The grammar of answers with reasoning, as stages 2 and 3 give them.

    Args:
        code_type: the type that is asked; every line is of it.
        codes: the codes that may be answered.
        bounds: of length.
        token_ids: ids of `<think>` and `</think>`. The tags are these tokens and no spelling.
    """
    return "\n".join(
        [
            f'start: <[{token_ids[THINK]}]> "\\n" THOUGHT{{1,{bounds.lines}}}'
            f' <[{token_ids[END_THINK]}]> "\\n" answer',
            rf"THOUGHT: /({PLAIN}|{LESS_THAN}){{1,{bounds.line_chars}}}\n/",
            code_lines(code_type, codes, bounds.codes),
        ]
    )
