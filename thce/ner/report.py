"""The report step: one model, or those of several folds, from errors to readiness."""

from pathlib import Path
from typing import Any

from pydantic import Field

from thce.config import Config
from thce.errors import InputError
from thce.evaluation.results import Provenance
from thce.files import write_text
from thce.ner.analysis import analyse
from thce.ner.analysis_json import analysis_dict
from thce.ner.analysis_results import Analysis, AnalysisSettings
from thce.ner.judged import documents_of, judge_fold
from thce.ner.predict import usable_cores
from thce.ner.predictor import Predictor
from thce.ner.report_page import report_page
from thce.ner.report_words import summary
from thce.paths import is_remote, resolve
from thce.progress import say


class ReportConfig(Config):
    """What is analysed.

    Attributes:
        model: bundle folder, URL or `champion:CHANNEL`; several for the folds of one split.
        input: the brat folder of its training, or several: calibration is fitted on the
            validation documents and everything is judged on the test documents.
        output: HTML file to write, or None.
        test_input: brat folders of documents that training never saw, to judge on instead.
        weights: fp32 or int8; None takes the bundle's default.
        sessions: threads that share the work; None takes one a core.
        analysis: what is asked.
        corpus: which documents, in words, for the report; None takes the names of the folders.
        gold: who annotated them, in words.
        fictional: whether they are made up.
        reviewed_by_clinician: whether a clinician reviewed the annotations.
    """

    model: str | list[str]
    input: str | list[str]
    output: str | None = None
    test_input: str | list[str] | None = None
    weights: str | None = None
    sessions: int | None = Field(None, ge=1)
    analysis: AnalysisSettings = AnalysisSettings()
    corpus: str | None = None
    gold: str = "the annotations of the input"
    fictional: bool = False
    reviewed_by_clinician: bool = False


def run(config: ReportConfig) -> dict[str, Any]:
    """Runs the model on its validation and test documents and writes the report.

    Returns:
        Every figure of the report; no text of a document.

    Raises:
        InputError: a bundle or a brat file is wrong, no document is left to judge on, or the
            output is not a local .html file.
    """
    output = html_output(config.output)
    found, predictors = analyse_models(config)
    first = predictors[0]
    if output is not None:
        provenance = Provenance(
            gold=config.gold,
            corpus=config.corpus or corpus_name(config.test_input or config.input),
            fictional=config.fictional,
            reviewed_by_clinician=config.reviewed_by_clinician,
            seeds={"bootstrap, drawing and choosing": config.analysis.seed},
        )
        facts = [
            ("Bundle" if len(predictors) == 1 else "Bundles", ", ".join(map(_version, predictors))),
            ("Weights", first.weights),
            ("Base", base_of(first)),
            ("Fingerprint of the data", first.bundle.manifest.data_fingerprint),
        ]
        write_text(output, report_page(found, provenance, facts))
        say("report", f"written to {output}")
    return {
        "models": list(map(_version, predictors)),
        "weights": first.weights,
        **analysis_dict(found),
        "summary": summary(found),
        "report": None if output is None else str(output),
    }


def analyse_models(config: ReportConfig) -> tuple[Analysis, list[Predictor]]:
    """The analysis without a page, and the bundles that were opened for it."""
    models = [config.model] if isinstance(config.model, str) else config.model
    if not models:
        raise InputError("model: none given; give a bundle, or those of several folds")
    documents = documents_of(config.input)
    unseen = None if config.test_input is None else documents_of(config.test_input)
    sessions = config.sessions or usable_cores()
    predictors = [Predictor.open(model, config.weights, sessions) for model in models]
    folds = [judge_fold(predictor, documents, unseen) for predictor in predictors]
    return analyse(folds, config.analysis), predictors


def html_output(output: str | None) -> Path | None:
    """The local HTML file to write.

    Raises:
        InputError: it is remote or does not end in .html.
    """
    if output is None:
        return None
    if is_remote(output) or not output.endswith(".html"):
        raise InputError(f"output: {output!r} is not a local .html file")
    return Path(resolve(output))


def corpus_name(folders: str | list[str]) -> str:
    """The names of the folders, for the page."""
    given = [folders] if isinstance(folders, str) else folders
    return ", ".join(Path(resolve(folder)).name for folder in given)


def base_of(predictor: Predictor) -> str:
    """The name of the pretrained weights that the model began with."""
    base = predictor.bundle.manifest.base
    return "unknown" if base is None else base.model


def _version(predictor: Predictor) -> str:
    return predictor.bundle.version
