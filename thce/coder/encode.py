"""Conversations as token ids: what is a control token, what is text, and what is learnt.

The ids are those of the tokenizer's own chat template, but that text never becomes a control
token: a note that spells `<|im_end|>` or `<think>` is read letter by letter. Only the system's and
the assistant's think tags are tokens.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from thce.coder.chat import END_THINK, THINK, Message

START, END = "<|im_start|>", "<|im_end|>"
IGNORED = -100
"""The label of a token that is not learnt."""

Part = int | str
"""A token, or text."""


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


class ChatEncoder:
    """Turns messages into ids with one tokenizer."""

    def __init__(self, tokenizer: Any) -> None:
        """Takes a transformers tokenizer that knows the control tokens and the think tags."""
        self._backend = tokenizer.backend_tokenizer
        added = sorted(map(str, tokenizer.get_added_vocab()), key=len, reverse=True)
        self._added = re.compile("|".join(map(re.escape, added)))
        self._split = re.compile(f"({re.escape(THINK)}|{re.escape(END_THINK)})")
        self._tags = {tag: tokenizer.convert_tokens_to_ids(tag) for tag in (THINK, END_THINK)}
        self.start, self.end = tokenizer.convert_tokens_to_ids([START, END])

    def prompt(self, messages: Sequence[Message]) -> list[int]:
        """System and user messages, and the opening of the assistant's answer."""
        return self._ids([self._prompt(messages)])[0]

    def conversations(self, many: Sequence[Sequence[Message]]) -> list[Encoded]:
        """Conversations of which the last message is the assistant's."""
        prompts = self._ids([self._prompt(messages[:-1]) for messages in many])
        answers = self._ids([self._answer(messages[-1]["content"]) for messages in many])
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
            self._ids([self._prompt(messages) for messages in prompts]),
            self._ids([self._answer(messages[0]["content"]) for messages in chosen]),
            self._ids([self._answer(messages[0]["content"]) for messages in rejected]),
        ]
        return [EncodedPair(*three) for three in zip(*columns, strict=True)]

    def _prompt(self, messages: Sequence[Message]) -> list[Part]:
        parts: list[Part] = []
        for message in messages:
            text = f"{message['role']}\n{message['content']}"
            ours = message["role"] == "system"
            parts += [self.start, *(self._tagged if ours else self._pieces)(text), self.end, "\n"]
        return [*parts, self.start, "assistant\n"]

    def _answer(self, content: str) -> list[Part]:
        return [*self._tagged(content), self.end]

    def _tagged(self, text: str) -> list[Part]:
        """Text of ours, in which think tags are tokens."""
        parts: list[Part] = []
        for part in self._split.split(text):
            parts += [self._tags[part]] if part in self._tags else self._pieces(part)
        return parts

    def _pieces(self, text: str) -> list[str]:
        """Text in which no added token is seen: what spells one is cut after its first letter."""
        cuts = [found.start() + 1 for found in self._added.finditer(text)]
        return [text[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]

    def _ids(self, many: Sequence[Sequence[Part]]) -> list[list[int]]:
        """Ids of sequences of tokens and texts; each distinct text is encoded once."""
        texts = list({part: None for parts in many for part in parts if isinstance(part, str)})
        encoded = self._backend.encode_batch(texts, add_special_tokens=False)
        found = {text: one.ids for text, one in zip(texts, encoded, strict=True)}
        return [
            [
                token
                for part in parts
                for token in ((part,) if isinstance(part, int) else found[part])
            ]
            for parts in many
        ]
