"""What a provider is asked for, and whether its answer is an example: checked, never trusted."""

import json
import re
from typing import Any

from thce.coder.code_tree import CodeTree

SYSTEM = (
    "You write short fictional clinical notes for training a coding model. Answer with one JSON "
    "object and nothing else."
)
SHORTEST, LONGEST = 20, 1_500
_FENCE = re.compile(r"^```(?:json)?\s*|\s*```$")


class NotAnExample(ValueError):  # noqa: N818 - a finding about an answer
    """Why an answer is not taken."""


def request_for(tree: CodeTree, row: int, variant: int) -> str:
    """What is asked for a code. Only the official wording is sent, never a note."""
    return (
        f"Code: {tree.codes[row]} ({tree.code_type.value}): {tree.descriptions[row]}\n"
        f"Variant {variant}. Write a JSON object with the fields narrative (one to four sentences "
        "as a clinician would write them, fictional, no names or dates, without the code and "
        "without repeating the official wording; side, encounter and severity must be "
        "recognizable) and reasoning (three to six short steps from the narrative to the code, "
        f"the last one 'Final: {tree.codes[row]}')."
    )


def read_reply(reply: str, tree: CodeTree, row: int) -> dict[str, Any]:
    """The narrative and the reasoning of a reply.

    Raises:
        NotAnExample: it is not JSON, a field is missing or out of bounds, the narrative names the
            code or only repeats the official wording, or the reasoning ends elsewhere.
    """
    try:
        told = json.loads(_FENCE.sub("", reply.strip()))
        said, steps = told["narrative"], told["reasoning"]
    except (ValueError, KeyError, TypeError):
        raise NotAnExample("not the JSON that was asked for") from None
    if not isinstance(said, str) or not SHORTEST <= len(said) <= LONGEST:
        raise NotAnExample("narrative too short, too long or no text")
    if not isinstance(steps, list) or not all(isinstance(step, str) and step for step in steps):
        raise NotAnExample("reasoning is no list of steps")
    code = tree.codes[row]
    if code in said or code.replace(".", "") in said:
        raise NotAnExample("narrative names the code")
    if said.strip(" .").lower() == tree.descriptions[row].lower():
        raise NotAnExample("narrative repeats the official wording")
    if len(steps) < 2 or code not in steps[-1]:
        raise NotAnExample("reasoning does not end with the code")
    return {"narrative": " ".join(said.split()), "reasoning": [" ".join(s.split()) for s in steps]}
