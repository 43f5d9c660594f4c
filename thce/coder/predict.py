"""`thce coder predict`: narratives in, ranked codes and reasoning out, no code that does not exist.

Codes come from the ranker, from a language model alone, or from a baseline. Where a model is given
beside the ranker, it reasons about the ranker's candidates. A row's own code type comes first,
then the one asked for on the command line; a row with neither is coded by ICD-10-CM.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from thce.coder.baselines import Ranking
from thce.coder.coded_rows import Coded, Narrative, RankedCode, read_narratives
from thce.coder.generate import Generator, Question
from thce.coder.open_coder import OpenedCoder, open_coder
from thce.coder.rank import CONFIDENCE, Answering
from thce.coder.reasoner import CANDIDATES, Ranked, Reasoner, without_model
from thce.coder.systems import SystemConfig, load_systems
from thce.codes.code_types import CodeType
from thce.errors import InputError
from thce.files import write_jsonl
from thce.paths import resolve
from thce.progress import say

ROWS = 64  # that are answered together; progress is told after each


class PredictConfig(SystemConfig):
    """What to code.

    Attributes:
        input: JSONL of narratives.
        output: JSONL of answers.
    """

    input: str
    output: str


def run(config: PredictConfig) -> dict[str, object]:
    """Codes every row and writes the answers in the order of the input."""
    narratives = read_narratives(config.input, config.code_type)
    output = resolve(config.output)
    coded = code_all(narratives, config)
    write_jsonl(output, (one.to_dict() for one in coded))
    seconds = sorted(one.seconds or 0.0 for one in coded)
    return {
        "output": output,
        "system": config.system,
        "rows": len(coded),
        "answered": sum(bool(one.accepted) for one in coded),
        "abstained": sum(not one.accepted for one in coded),
        "reasoned_by_model": sum(one.reasoning_by == "model" for one in coded),
        "objections": sum(one.objection is not None for one in coded),
        "seconds_median": round(seconds[len(seconds) // 2], 4),
    }


def code_all(narratives: Sequence[Narrative], config: SystemConfig) -> list[Coded]:
    """An answer per narrative, with the time that it took.

    Raises:
        InputError: model or weights are missing, the configuration asks for what the system does
            not do, or the majority baseline has no examples.
    """
    if (config.system == "model") > (config.model is not None):
        raise InputError("system: model answers with a language model; give --model")
    if config.model is not None and config.system not in ("ranker", "model"):
        raise InputError(f"model: system {config.system} uses none; leave one of the two out")
    coder = None if config.model is None else open_coder(config.model, config.graph)
    found: list[Coded] = []
    for some in _answers(narratives, config, coder):
        found += some
        if len(narratives) > ROWS:
            say("predict", f"{len(found)} of {len(narratives)} narratives")
    return found


def _answers(
    narratives: Sequence[Narrative], config: SystemConfig, coder: OpenedCoder | None
) -> Iterator[list[Coded]]:
    """The answers in parts of ROWS narratives; the model is loaded once."""
    known = coder.confidence if coder is not None else None
    confidence = next(one for one in (config.confidence, known, CONFIDENCE) if one is not None)
    answering = Answering(config.count, confidence, config.several)
    reasoner = None
    if coder is not None:
        reasoner = Reasoner.load(coder, config.stage, config.writing, config.likelihood_weight)
    kinds = sorted({one.code_type or config.code_type for one in narratives})
    systems = {} if config.system == "model" else load_systems(config, kinds, coder)
    for start in range(0, len(narratives), ROWS):
        some = narratives[start : start + ROWS]
        began = time.perf_counter()
        if config.system == "model" and reasoner is not None:
            coded = _by_model(some, reasoner.generator, config.code_type)
        elif config.system == "ranker":
            coded = _ranked_and_reasoned(some, systems, config, answering, reasoner)
        else:
            coded = [_by_baseline(one, systems, config, answering) for one in some]
        share = (time.perf_counter() - began) / len(some)
        # Decoded together, their times cannot be told apart.
        yield [replace(one, seconds=share) for one in coded] if reasoner else coded


def _ranked_and_reasoned(
    narratives: Sequence[Narrative],
    systems: Mapping[CodeType, Ranking],
    config: SystemConfig,
    answering: Answering,
    reasoner: Reasoner | None,
) -> list[Coded]:
    wide = replace(answering, count=max(answering.count, CANDIDATES))
    rows = []
    for one in narratives:
        began = time.perf_counter()
        codes = systems[one.code_type or config.code_type].rank(one.text, wide)
        rows.append(Ranked(one.id, one.text, codes, time.perf_counter() - began))
    if reasoner is None:
        return [without_model(row, answering) for row in rows]
    return reasoner.answer(rows, answering)


def _by_baseline(
    one: Narrative,
    systems: Mapping[CodeType, Ranking],
    config: SystemConfig,
    answering: Answering,
) -> Coded:
    began = time.perf_counter()
    codes = systems[one.code_type or config.code_type].rank(one.text, answering)
    return Coded(one.id, tuple(codes), seconds=time.perf_counter() - began)


def _by_model(
    narratives: Sequence[Narrative], generator: Generator, code_type: CodeType
) -> list[Coded]:
    """The language model alone, held to the whole catalogue; scores are its own probabilities."""
    questions = [Question(one.text, one.code_type or code_type) for one in narratives]
    return [
        Coded(
            one.id,
            tuple(
                RankedCode(line.code_type, line.code, line.description, found.probability, True)
                for line in found.answer.codes
            ),
            found.answer.reasoning or (),
            reasoning_by="model" if found.answer.reasoning else None,
        )
        for one, found in zip(narratives, generator.answers(questions), strict=True)
    ]
