"""A candidate against the champion on frozen documents: the evidence a gate decides on."""

import numpy as np

from thce.bundles.gate import Difference, Evidence
from thce.bundles.verify import Bundle
from thce.errors import InputError
from thce.evaluation.comparison import compare
from thce.evaluation.multilabel import macro_f1, micro_f1
from thce.ner.corpus import fingerprint, read_corpus
from thce.ner.evaluate import count
from thce.ner.predictor import Predictor

SCORES = {"micro_f1": micro_f1, "macro_f1": macro_f1}


def contest(candidate: Bundle, champion: Bundle, test: str) -> Evidence:
    """Measures both bundles in one run, strictly, on the tags of words.

    Args:
        candidate: a checked bundle of kind `ner`.
        champion: another one.
        test: a brat folder; the frozen test set.

    Returns:
        Micro and macro F1 of both, and their difference with its paired bootstrap interval.

    Raises:
        InputError: a file is wrong, or a metric is not defined on these documents.
    """
    documents = read_corpus(test).documents
    predictors = {"candidate": Predictor(candidate), "champion": Predictor(champion)}
    types = {name for one in predictors.values() for name in one.tags.types}
    strict = {}
    for name, predictor in predictors.items():
        answers = predictor.predict([one.id for one in documents], [one.text for one in documents])
        strict[name] = count(documents, answers, predictor, types).strict
    metrics = {}
    for found in compare(strict, [("candidate", "champion")]):
        score = SCORES[found.metric]
        difference = found.difference
        if np.isnan([difference.estimate, difference.low, difference.high]).any():
            raise InputError(f"{test}: {found.metric} is not defined here; annotate more documents")
        metrics[found.metric] = Difference(
            candidate=float(score(strict["candidate"].sum(axis=0))),
            champion=float(score(strict["champion"].sum(axis=0))),
            difference=difference.estimate,
            low=difference.low,
            high=difference.high,
        )
    return Evidence(
        candidate=candidate.version,
        champion=champion.version,
        test_fingerprint=fingerprint(documents),
        metrics=metrics,
    )
