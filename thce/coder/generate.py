"""Generating: a narrative in, reasoning and billable codes out, one at a time or in batches.

The model chooses among the tokens that the grammar allows. Descriptions come from the catalogue:
they are shown to the model between two codes, as in its training, and never asked of it.
"""

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from thce.coder import chat
from thce.coder.constraint import Language, TokenTable
from thce.coder.encode import PromptIds
from thce.coder.engine import Graph
from thce.coder.generate_config import GenerateConfig
from thce.coder.grammar import direct_grammar, reasoned_grammar
from thce.coder.writing import Marks, Writing
from thce.codes.code_types import CodeType
from thce.codes.load import load_catalogue
from thce.errors import InputError
from thce.evaluation.softmax import log_softmax


@dataclass(frozen=True)
class Generated:
    """An answer and how it came about.

    Attributes:
        answer: reasoning and codes, descriptions appended.
        opening: tokens of the reasoning and its tags, after which the code lines begin.
        probability: of the code lines' tokens after that reasoning, among all that the language
            allows; of the codes a lower bound, since other tokens may spell them as well.
        tokens: steps of the decoder; descriptions that it was shown are among them.
        hurried: the reasoning was closed by a limit, not by the model.
        cut: tokens of the narrative that the model did not see.
    """

    answer: chat.Answer
    opening: tuple[int, ...]
    probability: float
    tokens: int
    hurried: bool
    cut: int


@dataclass(frozen=True)
class Question:
    """What is asked.

    Attributes:
        narrative: the text to code.
        code_type: of the codes.
        among: the only codes that may be answered, all of them billable; None allows every
            billable one.
    """

    narrative: str
    code_type: CodeType
    among: tuple[str, ...] | None = None


class Generator:
    """A loaded graph, and the languages of the code types it was asked for so far."""

    def __init__(self, graph: Graph, config: GenerateConfig) -> None:
        """Compiles nothing yet: a code type's language is compiled when first asked."""
        self.graph = graph
        self.config = config
        self._table = TokenTable(graph.tokenizer_file, graph.vocabulary, graph.end)
        self._languages: dict[CodeType, Language] = {}

    @staticmethod
    def load(
        folder: Path, tokenizer: Path, config: GenerateConfig, threads: int | None = None
    ) -> "Generator":
        """Loads an exported graph.

        Args:
            folder: of the graph, for instance `onnx/int4` of a bundle.
            tokenizer: folder of its tokenizer.
            config: how to generate.
            threads: of one step; by default one a core.

        Raises:
            InputError: graph or tokenizer cannot be loaded, or the tokenizer lacks the tags.
        """
        generator = Generator(Graph(folder, tokenizer, threads), config)
        room = generator.graph.context
        if config.prompt_tokens + config.most_tokens > room:
            raise InputError(
                f"prompt_tokens: {config.prompt_tokens} and an answer of up to "
                f"{config.most_tokens} tokens do not fit into the model's {room}"
            )
        missing = {chat.THINK, chat.END_THINK} - set(generator.graph.prompts.controls)
        if config.stage > 1 and missing:
            raise InputError(
                f"{tokenizer}: {' and '.join(sorted(missing))} are no tokens of it; "
                "stages 2 and 3 need them"
            )
        return generator

    def answer(self, narrative: str, code_type: CodeType) -> Generated:
        """Answers one narrative."""
        return self.answers([Question(narrative, code_type)])[0]

    def answers(self, questions: Sequence[Question]) -> list[Generated]:
        """Answers many, in the order given; in batches of like lengths, which saves padding.

        Raises:
            InputError: no code of an asked type is billable on the configured date.
        """
        prompts = [self.prompt(question) for question in questions]
        found: dict[int, Generated] = {}
        for rows in self._batches(prompts):
            batch = self._batch([questions[row] for row in rows], [prompts[row] for row in rows])
            found |= zip(rows, batch, strict=True)
        return [found[row] for row in range(len(questions))]

    def prompt(self, question: Question) -> PromptIds:
        """What the model is asked."""
        messages = chat.prompt(self.config.stage, question.narrative, question.code_type)
        return self.graph.prompts.prompt_ids(messages, self.config.prompt_tokens)

    def language(self, code_type: CodeType) -> Language:
        """The compiled language of a code type; compiled once."""
        if code_type not in self._languages:
            codes = load_catalogue(code_type).billable_codes(self.config.date)
            self._languages[code_type] = self._compile(code_type, codes)
        return self._languages[code_type]

    def _compile(self, code_type: CodeType, codes: Sequence[str]) -> Language:
        config, controls = self.config, self.graph.prompts.controls
        if config.stage == 1:
            grammar = direct_grammar(code_type, codes, config.bounds)
        else:
            grammar = reasoned_grammar(code_type, codes, config.bounds, controls)
        return Language(grammar, self._table)

    def _batches(self, prompts: Sequence[PromptIds]) -> Iterator[list[int]]:
        """Rows that fit into a batch, the shortest prompts first."""
        batch: list[int] = []
        for row in sorted(range(len(prompts)), key=lambda row: len(prompts[row].ids)):
            rows = len(batch) + 1
            if batch and (
                rows > self.config.batch_rows
                or rows * len(prompts[row].ids) > self.config.batch_tokens
            ):
                yield batch
                batch = []
            batch.append(row)
        if batch:
            yield batch

    def _batch(
        self, questions: Sequence[Question], prompts: Sequence[PromptIds]
    ) -> Iterator[Generated]:
        writings = [self._begin(question) for question in questions]
        for _ in self._steps(writings, prompts, self.config.time_limit):
            pass
        for writing, prompt in zip(writings, prompts, strict=True):
            yield _generated(writing, prompt)

    def write(self, question: Question, time_limit: float) -> Iterator[str | Generated]:
        """Answers one narrative and shows the answer growing.

        Stop iterating, and nothing more is computed.

        Args:
            question: what is asked.
            time_limit: seconds, in the place of the configured ones.

        Yields:
            What was added to the text since the last time, whole characters only; descriptions
            are in it. At last the answer.

        Raises:
            InputError: see `answers`.
        """
        prompt = self.prompt(question)
        writing = self._begin(question)
        shown = 0
        for _ in self._steps([writing], [prompt], time_limit):
            text = writing.text().rstrip("\ufffd")
            if len(text) > shown:
                yield text[shown:]
                shown = len(text)
        yield _generated(writing, prompt)

    def _steps(
        self, writings: Sequence[Writing], prompts: Sequence[PromptIds], time_limit: float
    ) -> Iterator[None]:
        """Writes a token of every answer at a time, until all are whole."""
        config = self.config
        started = time.monotonic()
        decoding = self.graph.decode(
            [
                prompt.ids + writing.tokens
                for prompt, writing in zip(prompts, writings, strict=True)
            ],
            config.most_tokens,
            config.sampling,
        )
        while not decoding.full:
            late = time.monotonic() - started > time_limit
            logits = decoding.logits()
            for row, writing in enumerate(writings):
                np.putmask(logits[row], ~writing.allowed(late), -np.inf)
            told = {
                row: log_softmax(logits[row])
                for row, writing in enumerate(writings)
                if writing.choosing
            }
            chosen = decoding.step(logits)
            for row, likelihoods in told.items():
                writings[row].told += float(likelihoods[chosen[row]])
            for writing, token in zip(writings, chosen, strict=True):
                writing.take(token)
            yield
            if all(writing.finished for writing in writings):
                break

    def _begin(self, question: Question) -> Writing:
        """An answer's beginning, as far as no choice is left: it goes in with the prompt."""
        prompts, reasoned = self.graph.prompts, self.config.stage > 1
        (line_end,) = prompts.text_ids("\n")
        marks = Marks(
            end=self.graph.end,
            line_end=line_end,
            close=prompts.controls[chat.END_THINK] if reasoned else None,
        )
        first = [prompts.controls[chat.THINK], line_end] if reasoned else None
        code_type = question.code_type
        if question.among is None:
            language = self.language(code_type)
        else:
            language = self._compile(code_type, question.among)
        return Writing(
            language.walk(),
            marks,
            prompts,
            load_catalogue(code_type),
            self.config.reasoning_tokens,
            first or prompts.text_ids(f"{code_type.value}:"),
        )


def _generated(writing: Writing, prompt: PromptIds) -> Generated:
    return Generated(
        writing.answer(),
        tuple(writing.tokens[: writing.opening]),
        math.exp(writing.told),
        len(writing.tokens) - writing.begun,
        writing.hurried,
        prompt.cut,
    )
