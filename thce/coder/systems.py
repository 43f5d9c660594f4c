"""The systems that rank codes, and the configuration that chooses one."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field

from thce.coder.baselines import (
    KeywordCodes,
    MajorityCodes,
    PhraseRules,
    RandomCodes,
    Ranking,
)
from thce.coder.coded_rows import read_narratives
from thce.coder.generate_config import Limits
from thce.coder.open_coder import GraphName, OpenedCoder
from thce.coder.rank import load_rankers
from thce.codes.code_types import CodeType
from thce.codes.load import load_catalogue
from thce.config import Config
from thce.errors import InputError
from thce.paths import resolve

System = Literal["ranker", "model", "random", "majority", "keyword", "rule", "tfidf"]


class SystemConfig(Config):
    """Which system codes, and when it answers.

    Attributes:
        system: the ranker, a language model alone, or a baseline.
        model: a bundle of the coder, or what `thce coder export` wrote. Beside the ranker its
            language model reasons about the candidates; None ranks without.
        graph: int4 or int8; None takes the bundle's default.
        stage: of the model's training, which decides its prompt; None takes its own.
        retriever: folder of the retriever's encoder, or `minilm` for base weights; None ranks by
            words alone.
        ranker: weights that `thce coder fit-ranker` wrote; None takes the bundle's, or the
            shipped ones.
        code_type: of rows that name none.
        count: codes ranked for each row.
        confidence: a code below it is not accepted; None takes the bundle's, else 0.2.
        several: whether a narrative may have several codes.
        likelihood_weight: of the model's log-likelihood in the ranking; 0 leaves the ranking alone.
        writing: limits of what the model writes.
        examples: JSONL of examples from which the majority baseline counts codes.
        without_tested_terms: whether the official terms held out for testing are left out of the
            index, as they must be where they are the narratives.
    """

    system: System = "ranker"
    model: str | None = None
    graph: GraphName | None = None
    stage: Literal[1, 2, 3] | None = None
    retriever: str | None = None
    ranker: str | None = None
    code_type: CodeType = CodeType.ICD10
    count: int = Field(10, ge=1, le=1000)
    confidence: float | None = Field(None, ge=0, le=1)
    several: bool = False
    likelihood_weight: float = Field(0.0, ge=0)
    writing: Limits = Limits()
    examples: str | None = None
    without_tested_terms: bool = False


def load_systems(
    config: SystemConfig, kinds: Sequence[CodeType], coder: OpenedCoder | None = None
) -> Mapping[CodeType, Ranking]:
    """The ranker or a baseline for each code type.

    Raises:
        InputError: weights are missing, or the majority baseline has no examples.
    """
    if config.system == "ranker":
        return _rankers(config, kinds, coder)
    return {kind: _baseline(config, kind) for kind in kinds}


def _rankers(
    config: SystemConfig, kinds: Sequence[CodeType], coder: OpenedCoder | None
) -> Mapping[CodeType, Ranking]:
    from thce.training.weights import resolve as resolve_weights

    retriever = resolve_weights(config.retriever) if config.retriever else None
    weights = None if config.ranker is None else Path(resolve(config.ranker))
    if weights is None and coder is not None and retriever is None:
        weights = coder.ranker  # fitted to words alone
    return load_rankers(kinds, retriever, config.without_tested_terms, weights)


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
