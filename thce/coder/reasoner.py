"""The language model beside the ranker: it reasons about the candidates and chooses one of them.

What it writes is held to a grammar of just the ranker's candidates. Its reasoning is an answer's
reasoning only where it leads to the answer's first code; where it leads elsewhere, the answer is
explained by the narrative and the code tree, and what the model wrote stands beside it, as an
objection that a person may follow.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from thce.coder import chat
from thce.coder.coded_rows import Coded, Objection, RankedCode
from thce.coder.explain import explain
from thce.coder.generate import Generated, Generator, Question
from thce.coder.generate_config import GenerateConfig, Limits
from thce.coder.likelihood import log_likelihoods, rescored
from thce.coder.open_coder import OpenedCoder
from thce.coder.rank import Answering
from thce.coder.reasoning_quality import consistent, structure

CANDIDATES = 20  # codes that the model is asked about
LEAST_STRUCTURE = 0.75  # of reasoning that is shown: two to eight lines, at least half distinct


@dataclass(frozen=True)
class Ranked:
    """A narrative with its ranking.

    Attributes:
        id: of the narrative.
        text: of the narrative.
        codes: ranked, at least CANDIDATES of them where there are so many.
        seconds: that ranking took.
    """

    id: str
    text: str
    codes: list[RankedCode]
    seconds: float


class Reasoner:
    """A loaded language model of one stage."""

    def __init__(self, generator: Generator, likelihood_weight: float) -> None:
        """Takes a generator whose answers have one code."""
        self.generator = generator
        self._weight = likelihood_weight

    @staticmethod
    def load(coder: OpenedCoder, stage: int | None, limits: Limits, weight: float) -> "Reasoner":
        """Loads the graph of an opened coder.

        Args:
            coder: what was opened.
            stage: overrules the coder's own.
            limits: of what it writes.
            weight: of its log-likelihoods in the ranking.
        """
        config = GenerateConfig(**limits.model_dump(), stage=stage or coder.stage)
        return Reasoner(Generator.load(coder.graph, coder.tokenizer, config), weight)

    def answer(self, rows: Sequence[Ranked], answering: Answering) -> list[Coded]:
        """Answers with reasoning; narratives are decoded together, in batches."""
        questions = [
            Question(row.text, row.codes[0].type, tuple(one.code for one in row.codes[:CANDIDATES]))
            for row in rows
            if row.codes
        ]
        written = iter(self._written(questions))
        asked = iter(questions)
        return [
            self._answer(row, next(asked), next(written), answering)
            if row.codes
            else Coded(row.id, (), seconds=row.seconds)
            for row in rows
        ]

    def _written(self, questions: Sequence[Question]) -> Sequence[Generated | None]:
        """What the model wrote; nothing in stage 1, which does not reason."""
        if self.generator.config.stage == 1:
            return [None] * len(questions)
        return self.generator.answers(questions)

    def _answer(
        self, row: Ranked, question: Question, written: Generated | None, answering: Answering
    ) -> Coded:
        codes = row.codes
        if self._weight:
            head = codes[:CANDIDATES]
            opening = written.opening if written else ()
            told = log_likelihoods(self.generator, question, opening, head)
            codes = rescored(codes, told, self._weight)
        answer = without_model(replace(row, codes=codes), answering)
        return answer if written is None else with_thought(answer, written.answer)


def with_thought(answer: Coded, written: chat.Answer) -> Coded:
    """The answer with what a language model wrote, where that is fit to be read.

    Args:
        answer: as the ranking gives it.
        written: reasoning and the candidate that was chosen after it.
    """
    thought = written.reasoning
    if not thought or not written.codes or structure(thought) < LEAST_STRUCTURE:
        return answer
    chosen = written.codes[0]
    if chosen.code != answer.codes[0].code:
        return replace(answer, objection=Objection(chosen.code, "\n".join(thought)))
    if not consistent(thought, chosen.code_type, chosen.code):
        return answer  # it ends with another code than the one chosen after it
    return replace(answer, reasoning=thought, reasoning_by="model")


def without_model(row: Ranked, answering: Answering) -> Coded:
    """The answer as the ranking gives it, explained by the narrative and the code tree."""
    accepted = tuple(answering.accept(row.codes))
    if not accepted:
        return Coded(row.id, (), seconds=row.seconds)
    steps = explain(row.text, accepted[0].type, accepted[0].code)
    return Coded(row.id, accepted, steps, row.seconds, reasoning_by="tree")
