"""How likely the exported language model finds each candidate, after the reasoning it wrote."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from thce.coder.chat import CodeLine
from thce.coder.coded_rows import RankedCode
from thce.coder.encode import END
from thce.coder.generate import Generator, Question
from thce.evaluation.softmax import softmax


def log_likelihoods(
    generator: Generator,
    question: Question,
    opening: Sequence[int],
    candidates: Sequence[RankedCode],
) -> NDArray[np.float64]:
    """Mean log-likelihood per token of each candidate's answer line, natural logarithm.

    The prompt and what was written after it are read once; each line and the end of the turn are
    then judged as what comes next.

    Args:
        generator: a loaded graph.
        question: what was asked.
        opening: tokens that the model wrote before the code lines; none in stage 1.
        candidates: codes with their descriptions.
    """
    prompts = generator.graph.prompts
    between = "\n" if opening else ""
    lines = [
        [
            *prompts.text_ids(f"{between}{CodeLine(one.type, one.code, one.description)}"),
            prompts.controls[END],
        ]
        for one in candidates
    ]
    before = [*generator.prompt(question).ids, *opening]
    reading = generator.graph.read(before, max(map(len, lines)))
    return np.array([reading.log_likelihood(line) for line in lines])


def rescored(
    codes: Sequence[RankedCode], told: NDArray[np.float64], weight: float
) -> list[RankedCode]:
    """The best codes scored anew, log P + weight x log-likelihood; their total stays.

    Args:
        codes: ranked; the first `len(told)` are scored anew and stay before the others.
        told: log-likelihoods of these.
        weight: of the log-likelihood.
    """
    head, tail = codes[: len(told)], codes[len(told) :]
    known = np.array([one.score for one in head])
    shares = softmax(np.log(np.maximum(known, 1e-12)) + weight * told) * known.sum()
    scored = [replace(one, score=float(share)) for one, share in zip(head, shares, strict=True)]
    return [*sorted(scored, key=lambda one: -one.score), *tail]
