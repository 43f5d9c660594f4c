"""The compare step: bundles on the documents that are test documents of all of them."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from pydantic import Field

from thce.config import Config
from thce.errors import InputError
from thce.evaluation.multilabel import nan_to_none
from thce.evaluation.results import Provenance
from thce.files import write_text
from thce.ner.answer_cost import measure_costs
from thce.ner.compare_page import compare_page
from thce.ner.compare_words import describe_models
from thce.ner.comparison import Contestant, Cost, ModelComparison, compare_models
from thce.ner.documents import Document
from thce.ner.judged import assignment_of, documents_of, judge_split
from thce.ner.matching import match
from thce.ner.predict import usable_cores
from thce.ner.predictor import Predictor
from thce.ner.report import base_of, corpus_name, html_output
from thce.progress import say
from thce.registry.splits import TEST, TRAIN, VAL


class CompareConfig(Config):
    """What is compared, and on what.

    Attributes:
        models: bundle folders, URLs or `champion:CHANNEL`, at least two.
        names: what they are called, in the same order; None takes the name of each one's base
            weights, with a number where two have the same.
        input: the brat folder of their training, or several.
        output: HTML file to write, or None.
        test_input: brat folders of documents that none of them saw, to compare on instead.
        weights: fp32 or int8; None takes each bundle's default.
        sessions: threads that share the work of scoring; None takes one a core.
        measure: whether time and memory are measured.
        timed_documents: the most documents that are timed.
        rounds: how often each model is timed.
        corpus: which documents, in words; None takes the names of the folders.
        gold: who annotated them, in words.
        fictional: whether they are made up.
        reviewed_by_clinician: whether a clinician reviewed the annotations.
        seed: of resampling.
    """

    models: list[str] = Field(min_length=2)
    names: list[str] | None = None
    input: str | list[str]
    output: str | None = None
    test_input: str | list[str] | None = None
    weights: str | None = None
    sessions: int | None = Field(None, ge=1)
    measure: bool = True
    timed_documents: int = Field(20, ge=1)
    rounds: int = Field(3, ge=1)
    corpus: str | None = None
    gold: str = "the annotations of the input"
    fictional: bool = False
    reviewed_by_clinician: bool = False
    seed: int = 42


def run(config: CompareConfig) -> dict[str, Any]:
    """Compares bundles.

    Returns:
        Scores and costs of each, paired differences, the best of each type, and the summary.

    Raises:
        InputError: a bundle or a brat file is wrong, names are missing or twice, or no document is
            a test document of all of them.
    """
    output = html_output(config.output)
    sessions = config.sessions or usable_cores()
    predictors = [Predictor.open(model, config.weights, sessions) for model in config.models]
    names = _names(config, predictors)
    documents = _common(config, predictors)
    splits = [judge_split(predictor, documents) for predictor in predictors]
    costs = _costs(config, documents)
    found = compare_models(
        documents,
        [
            Contestant(name, match(documents, split.predictions), cost)
            for name, split, cost in zip(names, splits, costs, strict=True)
        ],
        config.seed,
    )
    versions = [predictor.bundle.version for predictor in predictors]
    if output is not None:
        provenance = Provenance(
            gold=config.gold,
            corpus=config.corpus or corpus_name(config.test_input or config.input),
            fictional=config.fictional,
            reviewed_by_clinician=config.reviewed_by_clinician,
            seeds={"bootstrap and swaps": config.seed},
        )
        facts = [
            (name, f"bundle {version}, {predictor.weights}")
            for name, version, predictor in zip(names, versions, predictors, strict=True)
        ]
        write_text(output, compare_page(found, len(documents), provenance, facts))
        say("compare", f"written to {output}")
    return {
        "documents": len(documents),
        **_as_dict(found, versions),
        "report": None if output is None else str(output),
    }


def _names(config: CompareConfig, predictors: Sequence[Predictor]) -> list[str]:
    if config.names is not None:
        if len(config.names) != len(config.models) or len(set(config.names)) != len(config.names):
            raise InputError("names: give each model one name that no other has")
        return config.names
    bases = [base_of(predictor) for predictor in predictors]
    return [
        base if bases.count(base) == 1 else f"{base} {bases[: at + 1].count(base)}"
        for at, base in enumerate(bases)
    ]


def _common(config: CompareConfig, predictors: Sequence[Predictor]) -> list[Document]:
    """The documents that none of the models learned from, and that all may be judged on."""
    assignments = [assignment_of(predictor) for predictor in predictors]
    if config.test_input is not None:
        documents = documents_of(config.test_input)
        for document in documents:
            if any(one.get(document.id) in (TRAIN, VAL) for one in assignments):
                raise InputError(
                    f"test_input: {document.id} was in training or validation of a model"
                )
        return documents
    common = [
        document
        for document in documents_of(config.input)
        if all(one.get(document.id) == TEST for one in assignments)
    ]
    if not common:
        raise InputError(
            "input: no document is in the test split of all models; train them with the same splits"
        )
    return common


def _costs(config: CompareConfig, documents: Sequence[Document]) -> list[Cost]:
    if not config.measure:
        return [Cost(None, None, None, None)] * len(config.models)
    say("compare", "measuring time and memory")
    texts = [document.text for document in documents[: config.timed_documents]]
    return measure_costs(config.models, config.weights, texts, config.rounds)


def _as_dict(found: ModelComparison, versions: Sequence[str]) -> dict[str, Any]:
    models = {
        name: {"bundle": version, **asdict(score), "cost": asdict(cost)}
        for name, version, score, cost in zip(
            found.names, versions, found.scores, found.costs, strict=True
        )
    }
    return dict(
        nan_to_none(
            {
                "models": models,
                "best": found.best,
                "comparisons": [one.to_dict() for one in found.pairs],
                "types": [asdict(one) for one in found.types],
                "summary": describe_models(found),
            }
        )
    )
