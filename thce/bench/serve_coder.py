"""The coder's endpoint against the bare generator: the first token, and tokens a second."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from thce.bench.load_notes import load_rows
from thce.bench.result import Comparison
from thce.coder.generate import Generated, Generator, Question
from thce.codes.code_types import CodeType
from thce.notes.prepare import prepare
from thce.serving.coder_graph import coder_graph
from thce.serving.config import CoderArgs

FIRST_MILLISECONDS = 300.0
MOST_SLOWER = 1.1
NOTE_WORDS = (190, 200)
"""About 300 tokens of SmolLM2's."""
NOTES = 6


@dataclass(frozen=True)
class Written:
    """One answer.

    Attributes:
        first: seconds to the first piece of text.
        whole: seconds to the end.
    """

    first: float
    whole: float


def narratives() -> list[str]:
    """Synthetic notes of about 300 tokens."""
    return [row["text"] for row in load_rows(NOTES, NOTE_WORDS, seed=7)]


def bare(args: CoderArgs, notes: Sequence[str]) -> tuple[list[Written], int]:
    """The generator in this process; and the tokens of the median note."""
    found = coder_graph(args.model, args.precision)
    generator = Generator.load(found.graph, found.tokenizer, args.generate, args.threads)
    questions = [Question(prepare(note).text, CodeType.ICD10) for note in notes]
    written = []
    for question in (questions[0], *questions):  # the first one warms up
        started = time.perf_counter()
        first = 0.0
        for piece in generator.write(question, args.seconds):
            first = first or time.perf_counter() - started
            assert isinstance(piece, str | Generated)
        written.append(Written(first, time.perf_counter() - started))
    tokens = median(len(generator.prompt(question).ids) for question in questions)
    return written[1:], round(tokens)


async def served(url: str, notes: Sequence[str]) -> list[Written]:
    """The same notes, streamed by the server."""
    import aiohttp

    written = []
    async with aiohttp.ClientSession() as session:
        for note in (notes[0], *notes):
            body = {"note_text": note, "code_type": "ICD10", "stream": True}
            started = time.perf_counter()
            first = 0.0
            async with session.post(url, json=body) as reply:
                async for line in reply.content:
                    if line.startswith(b"data: "):
                        first = first or time.perf_counter() - started
                        last = line
            assert "results" in json.loads(last.removeprefix(b"data: "))
            written.append(Written(first, time.perf_counter() - started))
    return written[1:]


def compare(ours: list[Written], rival: list[Written], tokens: int) -> tuple[Comparison, ...]:
    """The two targets of the endpoint."""
    first = 1000 * median(one.first for one in ours)
    whole = median(one.whole for one in ours)
    bare_whole = median(one.whole for one in rival)
    return (
        Comparison(
            "first token",
            f"median over notes of about {tokens} tokens, streamed; the other is the wanted time",
            "ms",
            first,
            FIRST_MILLISECONDS,
            first / FIRST_MILLISECONDS,
            "at most 1",
            first <= FIRST_MILLISECONDS,
        ),
        Comparison(
            "whole answer",
            "median over the same notes; the other is the generator in this process, with as many "
            "threads; the ratio is ours over the other",
            "s",
            whole,
            bare_whole,
            whole / bare_whole,
            f"at most {MOST_SLOWER:g}",
            whole <= MOST_SLOWER * bare_whole,
        ),
    )
