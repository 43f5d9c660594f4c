"""What a form or a list answers right behind the name of a procedure: yes, no, or nothing.

"Laser: none", "BAL (not done)", "TBBx x 0", "brush was not.", "BAL today [ ] yes [x] no". Boxes
before a name are read with the sentence (`thce.registry.sections`).
"""

import re

_NO = re.compile(
    r"[ \t]*(?:[:=?-]|[._]{2,})[ \t]*"
    r"(?:no|none|nil|n|n/a|0|not (?:done|performed|taken|used|needed))"
    r"(?=[ \t]*(?:[.,;)\n]|[ \t]{2}|\Z))"
    r"|[ \t]*[:=-]?[ \t]*[\u2717\u2718\u274c]|[ \t]+x ?0\b"
    r"|(?: \w+){0,2}? (?:was|were) not(?=[ \t]*(?:[.;,)\n]|\Z))",
    re.IGNORECASE,
)
_WORD = r"(?:yes|no|y|n|done|not done)\b"
_BOX = r"\[[ _xX]{0,3}\]"
_BOX_PAIR = re.compile(
    rf"[^\n\[\]():.]{{0,18}}[:?]?[ \t]*(?P<first>{_BOX})[ \t]*(?P<word>{_WORD})"
    rf"[ \t/,|]*(?P<second>{_BOX})[ \t]*{_WORD}",
    re.IGNORECASE,
)
_BOX_REACH = 24
_AFFIRMS = frozenset({"yes", "y", "done"})


def answer_behind(text: str, position: int) -> bool | None:
    """The answer that follows a name ending at `position`; None where there is none."""
    if _NO.match(text, position):
        return False
    if "[" not in text[position : position + _BOX_REACH]:
        return None
    pair = _BOX_PAIR.match(text, position)
    if pair is None:
        return None
    first, second = ("x" in pair[box].lower() for box in ("first", "second"))
    if first == second:
        return None
    return first == (pair["word"].lower() in _AFFIRMS)
