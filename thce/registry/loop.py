"""The diamond loop: score, sample, annotate, merge, train, evaluate, until it teaches no more.

A run lives in one folder and can be interrupted anywhere: a finished round is never redone, an
unfinished one starts again, and a batch that waits for people is picked up where it was left.
"""

from pathlib import Path
from typing import Any

from pydantic import Field, model_validator

from thce.config import Config
from thce.errors import InputError
from thce.paths import is_remote, resolve
from thce.progress import say
from thce.registry.annotators import AnnotatorKind
from thce.registry.fuse import Fusion
from thce.registry.sample import StrategyName
from thce.registry.splits import Fractions
from thce.registry.stopping import StoppingRule
from thce.registry.thresholds import ThresholdPolicy
from thce.registry.train import Recipe


class WarmStart(Config):
    """What changes in the recipe once a round goes on from the round before.

    Attributes:
        epochs: the most epochs.
        learning_rate: peak rate of the encoder.
        head_learning_rate: peak rate of the head.
    """

    epochs: int = Field(3, ge=1)
    learning_rate: float = Field(1e-4, gt=0)
    head_learning_rate: float = Field(5e-4, gt=0)


class LoopConfig(Config):
    """A run of the loop.

    Attributes:
        notes: files, folders or globs of notes; the pool, validation and, but for `test_notes`,
            the test.
        test_notes: files, folders or globs that are the frozen test, or the start of it: they
            fill the test's share first.
        output: local folder of the run.
        annotator: `oracle` answers with the gold labels of the input and is called so in every
            report; `file` writes a batch, stops, and goes on once `answers` are given; `page`
            waits until people have answered at the annotation page.
        answers: for `file`: answers to the pending batch, as Prodigy's db-out writes them.
        rounds: the most rounds after the first model.
        labels_per_round: notes asked about per round.
        validation_labels: randomly drawn validation notes asked about once, before round 1.
        test_labels: where people answer: randomly drawn test notes asked about once; the oracle
            labels the whole test.
        strategy: how notes are drawn.
        blind_fraction: share of tasks without prefill.
        overlap: for `page`: annotators asked for per note.
        fractions: of train, val and test.
        near_duplicate_threshold: similarity from which notes are never parted.
        recipe: how the first model learns.
        warm: what changes in later rounds.
        thresholds: how thresholds are chosen.
        fusion: how model and rules are joined.
        fit_fusion: move the fusion's weights to where people's labels on validation notes put
            them; False keeps its prior, as for notes that the rules were written on.
        stopping: when to end before the last round.
        corpus: the notes in words, for reports.
        fictional: whether the notes are made up, for reports.
        reviewed_by_clinician: whether a clinician reviewed the gold labels, for reports.
        max_bad: the most bad input rows, in percent.
        seed: of splits, sampling and bootstrap.
    """

    notes: list[str] = Field(min_length=1)
    test_notes: list[str] = Field(default_factory=list)
    output: str
    annotator: AnnotatorKind = "oracle"
    answers: str | None = None
    rounds: int = Field(5, ge=0)
    labels_per_round: int = Field(50, ge=1)
    validation_labels: int = Field(20, ge=0)
    test_labels: int = Field(50, ge=1)
    strategy: StrategyName = "disagreement"
    blind_fraction: float = Field(0.0, ge=0, le=1)
    overlap: int = Field(1, ge=1)
    fractions: Fractions = Fractions()
    near_duplicate_threshold: float = Field(0.8, gt=0, le=1)
    recipe: Recipe = Recipe()
    warm: WarmStart = WarmStart()
    thresholds: ThresholdPolicy = ThresholdPolicy()
    fusion: Fusion = Fusion()
    fit_fusion: bool = True
    stopping: StoppingRule = StoppingRule()
    corpus: str = "the given notes"
    fictional: bool = False
    reviewed_by_clinician: bool = False
    max_bad: float = Field(5.0, ge=0, le=100)
    seed: int = 42

    @model_validator(mode="after")
    def _answers_come_from_people(self) -> "LoopConfig":
        if self.answers is not None and self.annotator != "file":
            raise ValueError("answers are for annotator=file")
        if self.overlap > 1 and self.annotator != "page":
            raise ValueError("overlap is for annotator=page")
        return self


def run(config: LoopConfig) -> dict[str, Any]:
    """Runs rounds until the stopping rule or the last one, or until people have to answer.

    Returns:
        `rounds` (labels spent, F1 with intervals, disagreement rate each), `stopped` with the
        reason, the last `bundle`, the HTML `report`, and `waiting_for` with the batch file
        where people have to answer first.

    Raises:
        InputError: the notes are unusable, too few, or carry no gold labels for the oracle.
    """
    from thce.registry.loop_ask import ask, finish_answers
    from thce.registry.loop_folder import LoopFolder
    from thce.registry.loop_report import write_report
    from thce.registry.loop_round import run_round
    from thce.registry.loop_start import start

    if is_remote(config.output):
        raise InputError("output: the loop keeps its store and rounds on a local disk")
    folder = LoopFolder(Path(resolve(config.output)))
    start(config, folder)
    waiting = finish_answers(config, folder)
    while waiting is None:
        done = folder.rounds()
        reason = folder.stop_reason(config, done)
        if reason is not None:
            break
        if done and not folder.asked(len(done)).is_file():
            say("loop", f"asking about {config.labels_per_round} notes by {config.strategy}")
            waiting = ask(config, folder, len(done))
            if waiting is not None:
                break
        finished = run_round(config, folder, len(done))
        scores = finished.scores
        say(
            "loop",
            f"round {finished.number}: {finished.labels_spent} notes answered"
            + (f", micro F1 {scores['micro_f1'][0]:.3f}" if scores else "")
            + (f", macro F1 {scores['macro_f1'][0]:.3f}" if scores else "")
            + f", {finished.disagreement_rate:.0%} of the pool in dispute",
        )
    rounds = folder.rounds()
    reason = folder.stop_reason(config, rounds) or "people have to answer the pending batch"
    report = write_report(config, folder, rounds, reason)
    return {
        "rounds": [one.summary() for one in rounds],
        "stopped": reason,
        "bundle": str(folder.round(rounds[-1].number) / "bundle") if rounds else None,
        "waiting_for": str(waiting) if waiting else None,
        "report": str(report) if report else None,
    }
