"""The report says what was found and nothing else, shows texts only where it may, and stays whole
where there is little to say.
"""

import re
from dataclasses import replace

import numpy as np
import pytest
from perturbed_entities import Perturbed, perturbed

from thce.errors import InputError
from thce.evaluation.results import Provenance
from thce.ner.analysis import analyse, projected_documents
from thce.ner.analysis_results import Analysis, AnalysisSettings, Fold, Split
from thce.ner.documents import Document, Entity
from thce.ner.report_page import report_page
from thce.ner.report_words import describe_promise, summary
from thce.ner.type_policy import count_types

TRAINED_ON = count_types(perturbed(60, seed=9, mentions=30).documents)
TEST, VALIDATION = perturbed(24, seed=7, mentions=25), perturbed(12, seed=8, mentions=25)
PROVENANCE = Provenance("made-up annotations", "made-up documents", True, False)


def split(made: Perturbed) -> Split:
    return Split(made.documents, made.predictions, made.tokens)


def analysed(**settings: object) -> Analysis:
    return run(split(TEST), **settings)


def run(test: Split, validation: Split | None = None, **settings: object) -> Analysis:
    fold = Fold(test, validation or split(VALIDATION), TRAINED_ON)
    return analyse([fold], AnalysisSettings.model_validate(settings))


ANALYSIS = analysed()


def test_the_summary_holds_the_figures_of_the_analysis() -> None:
    said = " ".join(summary(ANALYSIS))
    point = ANALYSIS.operation.at_sweet_spot
    for figure in (
        ANALYSIS.performance.projected.micro_f1.estimate,
        ANALYSIS.performance.original.precision.estimate,
        ANALYSIS.performance.original.macro_f1.low,
        point.precision.estimate,
        point.recall.high,
        ANALYSIS.confidence.loss_after,
    ):
        assert f"{figure:.3f}" in said
    total = sum(ANALYSIS.errors.kinds.values())
    assert f"There are {total:,} errors" in said
    assert f"{ANALYSIS.annotated:,} annotated mentions" in said


def test_other_documents_give_other_figures() -> None:
    other = run(split(VALIDATION), split(TEST))
    for mine, theirs in zip(summary(ANALYSIS), summary(other), strict=True):
        assert mine != theirs


def test_the_page_has_every_figure_and_shows_text_only_where_it_may() -> None:
    page = report_page(ANALYSIS, PROVENANCE, [("Model", "none: perturbed annotations")])
    for name in ("type-f1", "frequency-f1", "confusion", "confidence", "calibration",
                 "precision-coverage", "automation"):  # fmt: skip
        assert f'id="{name}-' in page
    assert page.count("<svg") == page.count("</svg>") == 7
    assert len(set(re.findall(r'\bid="([^"]+)"', page))) == len(re.findall(r'\bid="', page))
    shown = report_page(analysed(show_text=True), PROVENANCE, [])
    texts = [one.text for one in analysed(show_text=True).errors.examples]
    assert len(texts) == 30
    for text in texts:
        assert text is not None
        words = text.replace("\N{HORIZONTAL ELLIPSIS}", "").strip()
        assert words.replace("|", "|") in shown
        assert words not in page
    assert report_page(analysed(), PROVENANCE, [("Model", "none: perturbed annotations")]) == page


def test_the_order_of_the_documents_does_not_matter() -> None:
    turned = replace(
        split(TEST), documents=TEST.documents[::-1], predictions=TEST.predictions[::-1]
    )
    other = run(turned)
    assert other.performance.original == ANALYSIS.performance.original
    assert other.performance.types == ANALYSIS.performance.types
    assert other.operation.points == ANALYSIS.operation.points
    assert other.errors.kinds == ANALYSIS.errors.kinds


def test_the_projection_is_what_the_tags_spell_out() -> None:
    projected = projected_documents(split(TEST))
    for one, original in zip(projected, TEST.documents, strict=True):
        wanted = [(entity.type, entity.spans) for entity in original.entities]
        assert [(entity.type, entity.spans) for entity in one.entities] == wanted
        assert all(one.text[entity.start : entity.end] == entity.text for entity in one.entities)
    crossing = TEST.documents[0]
    nested = Entity("T99", "Age", (crossing.entities[0].spans[0],), "x")
    documents = [replace(crossing, entities=(*crossing.entities, nested)), *TEST.documents[1:]]
    found = run(replace(split(TEST), documents=documents))
    original, projection = found.performance.original, found.performance.projected
    assert projection.micro_f1 == ANALYSIS.performance.projected.micro_f1
    assert original.recall.estimate < projection.recall.estimate


def test_settings_decide_threshold_and_scale() -> None:
    raw = analysed(scale="raw", threshold=0.95, high_value=("Age",))
    confidences = np.array([one.confidence for one in TEST.predictions])
    kept = sum(one.kept for one in raw.readiness.risks)
    assert kept == (confidences >= 0.95).sum()
    assert all(one.high_value <= 25 for one in raw.readiness.decisions)
    ages = sum(one.type == "Age" for one in TEST.predictions)
    assert sum(one.high_value for one in raw.readiness.decisions) == ages
    half = analysed(scale="raw", threshold=0.8, sure_share=0.5)
    whole = analysed(scale="raw", threshold=0.8)
    auto = [
        sum(one.decision == "auto" for one in found.readiness.decisions) for found in (half, whole)
    ]
    assert auto[0] > auto[1]


@pytest.mark.parametrize("what", ["nothing predicted", "no error", "one document", "no mention"])
def test_the_page_is_whole_where_there_is_little_to_say(what: str) -> None:
    test = split(TEST)
    if what == "nothing predicted":
        quiet = replace(TEST.tokens, predicted=np.zeros_like(TEST.tokens.predicted))
        test = replace(test, predictions=[], tokens=quiet)
    elif what == "no error":
        right = perturbed(6, seed=1)
        good = [one for one in right.predictions if _annotated(right.documents, one)]
        test = Split(_only(right.documents, good), good, right.tokens)
    elif what == "one document":
        one = perturbed(1, seed=2)
        test = split(one)
    else:
        test = replace(test, documents=[replace(one, entities=()) for one in TEST.documents])
    found = run(test, show_text=True)
    page = report_page(found, PROVENANCE, [])
    assert page.count("<svg") == 7
    assert "nan" not in re.sub(r"<style.*?</style>", "", page, flags=re.DOTALL).lower().split()
    if what == "no error":
        assert "No error was seen" in page
        assert found.performance.original.micro_f1.estimate == 1


def test_what_cannot_be_analysed_is_said_in_one_line() -> None:
    silent = replace(split(VALIDATION), predictions=[])
    with pytest.raises(InputError, match="validation: the model predicted no mention"):
        run(split(TEST), silent)
    with pytest.raises(InputError, match="test: no document"):
        run(Split([], [], TEST.tokens))
    twice = [Fold(split(TEST), split(VALIDATION), TRAINED_ON)] * 2
    with pytest.raises(InputError, match="is a test document of two models"):
        analyse(twice, AnalysisSettings())


def test_folds_together_are_what_they_are_apart() -> None:
    parts = [perturbed(10, seed=seed, mentions=20) for seed in (31, 32, 33)]
    folds = [Fold(split(one), split(parts[at - 1]), TRAINED_ON) for at, one in enumerate(parts)]
    together = analyse(folds, AnalysisSettings())
    apart = [analyse([fold], AnalysisSettings()) for fold in folds]
    assert together.documents == 30
    assert together.predicted == sum(one.predicted for one in apart)
    for kind, count in together.errors.kinds.items():
        assert count == sum(one.errors.kinds[kind] for one in apart)
    for at, point in enumerate(together.operation.points):
        assert point.kept == sum(one.operation.points[at].kept for one in apart)
    words = [one.words for one in apart]
    assert together.confidence.loss_after == pytest.approx(
        np.average([one.confidence.loss_after for one in apart], weights=words)
    )
    assert together.raw_threshold(0.85) is None
    assert "the models of 3 folds" in summary(together)[0]


def test_a_threshold_as_raw_confidence_keeps_the_same_mentions() -> None:
    raw = ANALYSIS.raw_threshold(0.85)
    assert raw is not None
    confidences = np.array([one.confidence for one in TEST.predictions])
    kept = sum(one.kept for one in ANALYSIS.readiness.risks)
    assert (confidences >= raw).sum() == kept
    assert f"that is {raw:.4f}" in " ".join(summary(ANALYSIS))
    assert analysed(scale="raw").raw_threshold(0.85) == 0.85
    assert analysed(scale="temperature").raw_threshold(0.85) is None


def test_a_promise_says_what_it_rests_on() -> None:
    by_document, by_mention = ANALYSIS.operation.promises
    assert by_document.needed == 22 and "0.9" in describe_promise(by_document)
    assert "independently" in describe_promise(by_mention)
    kept = replace(by_document, threshold=0.7, tested=60, right=59, lower_bound=0.91)
    assert "From a confidence of 0.700 on" in describe_promise(kept)


def _annotated(documents: list[Document], prediction: object) -> bool:
    return any(
        document.id == prediction.document  # type: ignore[attr-defined]
        and (entity.type, entity.start, entity.end)
        == (prediction.type, prediction.start, prediction.end)  # type: ignore[attr-defined]
        for document in documents
        for entity in document.entities
    )


def _only(documents: list[Document], predictions: list) -> list[Document]:
    """The documents with the annotations that were predicted."""
    found = {(one.document, one.type, one.start, one.end) for one in predictions}
    return [
        replace(
            document,
            entities=tuple(
                one
                for one in document.entities
                if (document.id, one.type, one.start, one.end) in found
            ),
        )
        for document in documents
    ]
