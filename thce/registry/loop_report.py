"""The HTML report of a run of the loop."""

from pathlib import Path
from typing import TYPE_CHECKING

from thce.annotations.anchoring import measure_anchoring
from thce.annotations.store import AnnotationStore
from thce.evaluation.anchoring import Anchoring
from thce.evaluation.report import loop_report
from thce.evaluation.results import BundleVersion, Provenance, RoundResult
from thce.files import write_text
from thce.registry.annotators import CALLED
from thce.registry.labels import FLAGS
from thce.registry.loop_evaluate import compare_ends, evaluate_test
from thce.registry.loop_folder import LoopFolder, Round

if TYPE_CHECKING:
    from thce.registry.loop import LoopConfig


def write_report(
    config: "LoopConfig", folder: LoopFolder, rounds: list[Round], reason: str
) -> Path | None:
    """Writes report.html over the rounds that could be scored.

    Evaluations are made anew from each round's scores, so that a resumed run reports them all.

    Returns:
        The report, or None while no test note is labelled.
    """
    results = []
    for one in rounds:
        evaluation = evaluate_test(config, folder, one.number)
        if evaluation is None:
            continue
        results.append(
            RoundResult(
                number=one.number,
                labels_spent=one.labels_spent,
                training_notes=one.training_notes,
                evaluation=evaluation,
                disagreeing=one.disagreeing,
                compared=one.compared,
                bundle=BundleVersion(one.version, one.fingerprint),
            )
        )
    if not results:
        return None
    oracle = config.annotator == "oracle"
    provenance = Provenance(
        gold="the gold labels of the input" if oracle else "people's answers on test notes",
        corpus=config.corpus,
        fictional=config.fictional,
        reviewed_by_clinician=config.reviewed_by_clinician,
        annotator=CALLED[config.annotator],
        seeds={"splits, sampling, training, bootstrap": config.seed},
    )
    page = loop_report(
        results,
        reason,
        provenance,
        titles={flag.value: flag.detail.title for flag in FLAGS},
        overall=compare_ends(config, folder, results) if len(results) > 1 else (),
        anchoring=_anchoring(folder),
        remarks=_remarks(config),
    )
    write_text(folder.report, page)
    return folder.report


def _anchoring(folder: LoopFolder) -> Anchoring | None:
    if not folder.store.is_file():
        return None
    with AnnotationStore.open(folder.store) as store:
        return measure_anchoring(store)


def _remarks(config: "LoopConfig") -> list[str]:
    """What a reader must know to weigh the figures."""
    if config.annotator == "oracle":
        return [
            "The frozen test is labelled in full and its labels are not among those spent; the "
            "stopping rule reads it, so the last figure leans to the optimistic side."
        ]
    return ["Only the test notes that people answered are scored."]
