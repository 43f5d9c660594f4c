"""From a conversation to token ids, such that no text in it can act as a control token.

A note may contain `<|im_start|>`, `</think>` or any other control token's spelling, by accident or
by intent. Control tokens of the chat template and of the system message, which are ours, are
encoded as such; the same spelling in any other message is cut after its first character, so that
the tokenizer sees two harmless pieces. Nothing is removed: decoding gives the note back, character
by character. Training reads prompts in the same way (`thce/coder/encode.py`).
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from thce.coder.chat import Message
from thce.errors import InputError

# Stand for the messages' contents while the template is rendered; private-use characters that no
# template contains.
_PLACE = "\ue000{}\ue001"
_PLACES = re.compile("\ue000([0-9]+)\ue001")


@dataclass(frozen=True)
class PromptIds:
    """A prompt as token ids.

    Attributes:
        ids: the tokens, ending where the assistant begins.
        cut: tokens of the last message that were left off to keep within a limit.
    """

    ids: list[int]
    cut: int = 0


class PromptEncoder:
    """A tokenizer and its chat template."""

    def __init__(self, folder: Path) -> None:
        """Reads `tokenizer.json` and `chat_template.jinja` (or it, from tokenizer_config.json).

        Raises:
            InputError: one is missing or unreadable.
        """
        from jinja2.sandbox import ImmutableSandboxedEnvironment
        from tokenizers import Tokenizer

        file = folder / "tokenizer.json"
        try:
            self.tokenizer: Any = Tokenizer.from_file(str(file))
        except Exception as error:  # the library has no class of its own for this
            raise InputError(f"{file}: not a tokenizer: {str(error)[:200]}") from None
        self.tokenizer.no_truncation()
        self.tokenizer.no_padding()
        self.controls = {
            token.content: number
            for number, token in self.tokenizer.get_added_tokens_decoder().items()
        }
        spelled = sorted(map(re.escape, self.controls), key=len, reverse=True)
        self._control = re.compile("|".join(spelled) or r"(?!)")
        environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
        self._template = environment.from_string(_chat_template(folder))

    def text_ids(self, text: str) -> list[int]:
        """Token ids of a text; a control token's spelling in it gives no control token."""
        ids: list[int] = []
        for piece in self._harmless(text):
            ids += self.tokenizer.encode(piece, add_special_tokens=False).ids
        return ids

    def prompt_ids(self, messages: Sequence[Message], most: int | None = None) -> PromptIds:
        """Token ids of a conversation, up to where the assistant begins to speak.

        Equal to transformers' `apply_chat_template(..., add_generation_prompt=True)` where no
        message but the system's spells a control token.

        Args:
            messages: roles and contents.
            most: tokens; the last message loses its end where the whole is longer.

        Raises:
            InputError: the limit is too small for the rest of the conversation.
        """
        ids = self._encode(messages)
        if most is None or len(ids) <= most:
            return PromptIds(ids)
        return self._shortened(messages, len(ids), most)

    def _shortened(self, messages: Sequence[Message], length: int, most: int) -> PromptIds:
        *before, last = messages
        content = self.text_ids(last["content"])
        keep = len(content) - (length - most)
        while keep >= 0:
            kept = self.tokenizer.decode(content[:keep], skip_special_tokens=False)
            shorter = {**last, "content": kept.rstrip("\ufffd")}
            ids = self._encode([*before, shorter])
            if len(ids) <= most:
                return PromptIds(ids, len(content) - keep)
            keep -= len(ids) - most  # a piece cut elsewhere may be encoded otherwise
        raise InputError(f"max_prompt_tokens: {most} is less than the prompt has without a note")

    def _encode(self, messages: Sequence[Message]) -> list[int]:
        ids: list[int] = []
        for piece in self._pieces(messages):
            if isinstance(piece, int):
                ids.append(piece)
            else:
                ids += self.text_ids(piece)
        return ids

    def _pieces(self, messages: Sequence[Message]) -> Iterator[str | int]:
        """The template's control tokens as ids, and all that is text between two of them."""
        blanks = [
            message
            if message["role"] == "system"
            else {**message, "content": _PLACE.format(number)}
            for number, message in enumerate(messages)
        ]
        rendered = self._template.render(messages=blanks, add_generation_prompt=True)
        place = 0
        for found in self._control.finditer(rendered):
            yield from self._filled(rendered[place : found.start()], messages)
            yield self.controls[found[0]]
            place = found.end()
        yield from self._filled(rendered[place:], messages)

    @staticmethod
    def _filled(text: str, messages: Sequence[Message]) -> Iterator[str]:
        if text:
            yield _PLACES.sub(lambda found: messages[int(found[1])]["content"], text)

    def _harmless(self, text: str) -> Iterator[str]:
        """The text in pieces, none of which holds a control token's spelling."""
        begin = place = 0
        while found := self._control.search(text, place):
            place = found.start() + 1
            yield text[begin:place]
            begin = place
        yield text[begin:]


def _chat_template(folder: Path) -> str:
    file = folder / "chat_template.jinja"
    if file.is_file():
        return file.read_text(encoding="utf-8")
    config = folder / "tokenizer_config.json"
    template = json.loads(config.read_text(encoding="utf-8")).get("chat_template", "")
    if not isinstance(template, str) or not template:
        raise InputError(f"{file}: no such file, and {config.name} has no chat template")
    return template
