"""Conversations as token ids: what is a control token, what is text, and what is learnt.

A note may contain `<|im_start|>`, `</think>` or any other control token's spelling, by accident or
by intent. Control tokens of the chat template, of the system message and of the assistant's think
tags, which are ours, are encoded as such; the same spelling anywhere else is cut after its first
character, so that the tokenizer sees two harmless pieces. Nothing is removed: decoding gives the
note back, character by character. Training and generating read prompts through this one class.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from thce.coder.chat import END_THINK, THINK, Message
from thce.errors import InputError
from thce.tokenizer_file import read_tokenizer

END = "<|im_end|>"
IGNORED = -100
"""The label of a token that is not learnt."""

# Stand for the messages' contents while the template is rendered; private-use characters that no
# template contains.
_PLACE = "\ue000{}\ue001"
_PLACES = re.compile("\ue000([0-9]+)\ue001")

Part = int | str
"""A token, or text in which no control token is spelled."""


@dataclass(frozen=True)
class Encoded:
    """An example of stage 1 or 2: ids, of which those from `answer_at` on are learnt."""

    ids: list[int]
    answer_at: int

    @property
    def labels(self) -> list[int]:
        """The ids of the answer, IGNORED before."""
        return [IGNORED] * self.answer_at + self.ids[self.answer_at :]


@dataclass(frozen=True)
class EncodedPair:
    """An example of stage 3: one prompt, the chosen and the rejected answer."""

    prompt: list[int]
    chosen: list[int]
    rejected: list[int]


@dataclass(frozen=True)
class PromptIds:
    """A prompt as token ids.

    Attributes:
        ids: the tokens, ending where the assistant begins.
        cut: tokens of the last message that were left off to keep within a limit.
    """

    ids: list[int]
    cut: int = 0


class ChatEncoder:
    """A tokenizer and its chat template."""

    def __init__(self, folder: Path) -> None:
        """Reads `tokenizer.json` and `chat_template.jinja` (or it, from tokenizer_config.json).

        Raises:
            InputError: one is missing or unreadable, or turns do not end with `<|im_end|>`.
        """
        from jinja2.sandbox import ImmutableSandboxedEnvironment

        self.tokenizer = read_tokenizer(folder / "tokenizer.json")
        self.controls: dict[str, int] = {
            token.content: number
            for number, token in self.tokenizer.get_added_tokens_decoder().items()
        }
        if END not in self.controls:
            raise InputError(f"{folder / 'tokenizer.json'}: {END} is no token of it")
        spelled = sorted(map(re.escape, self.controls), key=len, reverse=True)
        self._control = re.compile("|".join(spelled))
        self._tags = re.compile(f"({re.escape(THINK)}|{re.escape(END_THINK)})")
        environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
        self._template = environment.from_string(_chat_template(folder))

    def text_ids(self, text: str) -> list[int]:
        """Token ids of a text; a control token's spelling in it gives no control token."""
        return self._ids([list(self._harmless(text))])[0]

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
        (ids,) = self._ids([list(self._prompt(messages))])
        if most is None or len(ids) <= most:
            return PromptIds(ids)
        return self._shortened(messages, len(ids), most)

    def conversations(self, many: Sequence[Sequence[Message]]) -> list[Encoded]:
        """Conversations of which the last message is the assistant's."""
        prompts = self._prompts([messages[:-1] for messages in many])
        answers = self._answers([messages[-1]["content"] for messages in many])
        return [
            Encoded(prompt + answer, len(prompt))
            for prompt, answer in zip(prompts, answers, strict=True)
        ]

    def pairs(
        self,
        prompts: Sequence[Sequence[Message]],
        chosen: Sequence[Sequence[Message]],
        rejected: Sequence[Sequence[Message]],
    ) -> list[EncodedPair]:
        """Prompts, each with two answers of one message."""
        columns = [
            self._prompts(prompts),
            self._answers([messages[0]["content"] for messages in chosen]),
            self._answers([messages[0]["content"] for messages in rejected]),
        ]
        return [EncodedPair(*three) for three in zip(*columns, strict=True)]

    def _prompts(self, many: Sequence[Sequence[Message]]) -> list[list[int]]:
        return self._ids([list(self._prompt(messages)) for messages in many])

    def _answers(self, contents: Sequence[str]) -> list[list[int]]:
        return self._ids([[*self._tagged(text), self.controls[END]] for text in contents])

    def _shortened(self, messages: Sequence[Message], length: int, most: int) -> PromptIds:
        *before, last = messages
        content = self.text_ids(last["content"])
        keep = len(content) - (length - most)
        while keep >= 0:
            kept = self.tokenizer.decode(content[:keep], skip_special_tokens=False)
            shorter = {**last, "content": kept.rstrip("\ufffd")}
            (ids,) = self._prompts([[*before, shorter]])
            if len(ids) <= most:
                return PromptIds(ids, len(content) - keep)
            keep -= len(ids) - most  # a piece cut elsewhere may be encoded otherwise
        raise InputError(f"prompt_tokens: {most} is less than the prompt has without a note")

    def _prompt(self, messages: Sequence[Message]) -> Iterator[Part]:
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

    def _filled(self, text: str, messages: Sequence[Message]) -> Iterator[str]:
        """Text of the template with the messages' contents in their places."""
        yield from self._harmless(
            _PLACES.sub(lambda found: messages[int(found[1])]["content"], text)
        )

    def _tagged(self, text: str) -> Iterator[Part]:
        """Text of ours, in which think tags are tokens where the tokenizer has them."""
        for part in self._tags.split(text):
            if part in (THINK, END_THINK) and part in self.controls:
                yield self.controls[part]
            else:
                yield from self._harmless(part)

    def _harmless(self, text: str) -> Iterator[str]:
        """The text in pieces, none of which holds a control token's spelling."""
        begin = place = 0
        while found := self._control.search(text, place):
            place = found.start() + 1
            yield text[begin:place]
            begin = place
        if begin < len(text):
            yield text[begin:]

    def _ids(self, many: Sequence[Sequence[Part]]) -> list[list[int]]:
        """Ids of sequences of tokens and texts; each distinct text is encoded once."""
        texts = list({part: None for parts in many for part in parts if isinstance(part, str)})
        encoded = self.tokenizer.encode_batch(texts, add_special_tokens=False)
        found = {text: one.ids for text, one in zip(texts, encoded, strict=True)}
        return [
            [
                token
                for part in parts
                for token in ((part,) if isinstance(part, int) else found[part])
            ]
            for parts in many
        ]


def _chat_template(folder: Path) -> str:
    file = folder / "chat_template.jinja"
    if file.is_file():
        return file.read_text(encoding="utf-8")
    config = folder / "tokenizer_config.json"
    template = json.loads(config.read_text(encoding="utf-8")).get("chat_template", "")
    if not isinstance(template, str) or not template:
        raise InputError(f"{file}: no such file, and {config.name} has no chat template")
    return template
