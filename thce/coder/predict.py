"""`thce coder predict`: narratives in, ranked codes out, never one that no claim may carry.

Codes come from the ranker or from a baseline. A row's own code type comes first, then the one
asked for on the command line; a row with neither is coded by ICD-10-CM.
"""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from thce.coder.baselines import (
    KeywordCodes,
    MajorityCodes,
    PhraseRules,
    RandomCodes,
    Ranking,
)
from thce.coder.coded_rows import Coded, Narrative, read_narratives
from thce.coder.explain import explain
from thce.coder.rank import CONFIDENCE, Answering, load_rankers
from thce.codes.code_types import CodeType
from thce.codes.load import load_catalogue
from thce.config import Config
from thce.errors import InputError
from thce.files import read_json, write_jsonl
from thce.paths import resolve

if TYPE_CHECKING:
    from thce.coder.likelihood import AnswerLikelihood

TRAINED = "training.json"  # what a training and a bundle say of themselves

System = Literal["ranker", "random", "majority", "keyword", "rule", "tfidf"]


class SystemConfig(Config):
    """Which system codes, and when it answers.

    Attributes:
        system: the ranker, or a baseline.
        retriever: folder of the retriever's encoder, or `minilm` for base weights; None ranks by
            words alone.
        model: a bundle or training output of the coder, or a folder of a causal language model,
            whose likelihoods join the scores; None ranks without.
        stage: training stage of that model, which decides its prompt; None takes what a bundle or
            a training says of itself, else 1.
        code_type: of rows that name none.
        count: codes ranked for each row.
        confidence: a code below it is not accepted.
        several: whether a narrative may have several codes.
        likelihood_weight: of the model's log-likelihood.
        examples: JSONL of examples from which the majority baseline counts codes.
        without_tested_terms: whether the official terms held out for testing are left out of the
            index, as they must be where they are the narratives.
    """

    system: System = "ranker"
    retriever: str | None = None
    model: str | None = None
    stage: Literal[1, 2, 3] | None = None
    code_type: CodeType = CodeType.ICD10
    count: int = Field(10, ge=1, le=1000)
    confidence: float = Field(CONFIDENCE, ge=0, le=1)
    several: bool = False
    likelihood_weight: float = Field(0.5, ge=0)
    examples: str | None = None
    without_tested_terms: bool = False


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
        "seconds_median": round(seconds[len(seconds) // 2], 4),
    }


def code_all(narratives: Sequence[Narrative], config: SystemConfig) -> list[Coded]:
    """An answer per narrative, with the time that it took."""
    kinds = sorted({one.code_type or config.code_type for one in narratives})
    systems = load_systems(config, kinds)
    answering = Answering(config.count, config.confidence, config.several, config.likelihood_weight)
    found = []
    for one in narratives:
        began = time.perf_counter()
        codes = systems[one.code_type or config.code_type].rank(one.text, answering)
        reasoning: tuple[str, ...] = ()
        if config.system == "ranker" and codes:
            reasoning = explain(one.text, codes[0].type, codes[0].code)
        found.append(Coded(one.id, tuple(codes), reasoning, time.perf_counter() - began))
    return found


def load_systems(config: SystemConfig, kinds: Sequence[CodeType]) -> Mapping[CodeType, Ranking]:
    """The configured system for each code type.

    Raises:
        InputError: weights are missing, or the majority baseline has no examples.
    """
    if config.system == "ranker":
        return _rankers(config, kinds)
    return {kind: _baseline(config, kind) for kind in kinds}


def _rankers(config: SystemConfig, kinds: Sequence[CodeType]) -> Mapping[CodeType, Ranking]:
    from thce.training.weights import resolve as resolve_weights

    likelihoods = None if config.model is None else _likelihoods(config.model, config.stage)
    retriever = resolve_weights(config.retriever) if config.retriever else None
    return load_rankers(kinds, retriever, likelihoods, config.without_tested_terms)


def _likelihoods(model: str, stage: int | None) -> "AnswerLikelihood":
    """Of a bundle, a training's output, a folder or a hub's name; a bundle is checked first."""
    from thce.bundles.load import open_bundle
    from thce.bundles.manifest import MANIFEST_FILE
    from thce.coder.likelihood import AnswerLikelihood
    from thce.training.weights import resolve as resolve_weights

    folder = Path(model)
    if (folder / MANIFEST_FILE).is_file() or ":" in model:
        folder = open_bundle(model, "coder").folder
    if not (folder / TRAINED).is_file():
        return AnswerLikelihood.load(resolve_weights(model), stage or 1)
    said = int(read_json(folder / TRAINED)["stage"])
    return AnswerLikelihood.load(str(folder / "model"), stage or said, str(folder / "tokenizer"))


def _baseline(config: SystemConfig, kind: CodeType) -> Ranking:
    catalogue = load_catalogue(kind)
    if config.system == "majority":
        return MajorityCodes(catalogue, _example_codes(config.examples, kind))
    if config.system == "tfidf":
        from thce.coder.baseline_tfidf import TfidfCodes

        return TfidfCodes(catalogue)
    if config.system == "keyword":
        return KeywordCodes(catalogue)
    return PhraseRules(catalogue) if config.system == "rule" else RandomCodes(catalogue)


def _example_codes(path: str | None, kind: CodeType) -> list[str]:
    if path is None:
        raise InputError("examples: the majority baseline counts codes; give a file of examples")
    return [
        code
        for narrative in read_narratives(path)
        for other, code in narrative.gold or ()
        if other is kind
    ]
