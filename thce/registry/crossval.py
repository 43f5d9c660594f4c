"""The crossval step: a recipe judged on every labelled note by models that never saw it.

By fold, every note is once in the test of each repetition. By file, every file is once the test
of a model trained on the others: with one author a file, how a model does on an author whom
nobody taught it. Each fold runs the steps that users run: dataset, train, export, score.
"""

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from thce import __version__
from thce.config import Config
from thce.errors import InputError
from thce.files import write_json
from thce.notes.chunks import find_chunks
from thce.paths import is_remote, resolve
from thce.progress import say
from thce.registry.code_set import code_versions
from thce.registry.fuse import Fusion
from thce.registry.run_folder import claim, require_same
from thce.registry.score_plan import input_fingerprint
from thce.registry.thresholds import ThresholdPolicy
from thce.registry.train import Recipe

CONFIG_FILE = "crossval.yaml"
MADE_WITH_FILE = "made_with.json"
FOLDS = "folds"
REPORT_FILE = "report.json"


class CrossvalConfig(Config):
    """What is judged, on which notes.

    Attributes:
        notes: files, folders or globs of notes labelled in full (`accept`, `uncertain`); by file,
            each entry is one file.
        output: local folder; the same command goes on where a killed run was.
        by: fold (near-duplicates stay together), or file (leave one entry of `notes` out).
        folds: folds of each repetition, for `by: fold`.
        repeats: repetitions with other folds, for `by: fold`.
        val_fraction: share of the notes outside the test on which thresholds are fitted.
        near_duplicate_threshold: similarity from which notes are never parted.
        recipe: how each model learns.
        thresholds: how thresholds are chosen.
        fusion: how model and rules are joined.
        max_bad: the most bad input rows, in percent.
        seed: of folds, splits and bootstrap.
    """

    notes: list[str] = Field(min_length=1)
    output: str
    by: Literal["fold", "file"] = "fold"
    folds: int = Field(5, ge=2)
    repeats: int = Field(1, ge=1)
    val_fraction: float = Field(0.15, gt=0, lt=1)
    near_duplicate_threshold: float = Field(0.8, gt=0, le=1)
    recipe: Recipe = Recipe()
    thresholds: ThresholdPolicy = ThresholdPolicy()
    fusion: Fusion = Fusion()
    max_bad: float = Field(5.0, ge=0, le=100)
    seed: int = 42

    @model_validator(mode="after")
    def _files_to_leave_out(self) -> "CrossvalConfig":
        if self.by == "file" and len(self.notes) < 2:
            raise ValueError("by file: give at least two entries of notes")
        return self


def run(config: CrossvalConfig) -> dict[str, Any]:
    """Trains and evaluates fold by fold; a finished fold is never redone.

    Returns:
        `systems` (rules alone, model alone, joint decision, their union: micro and macro F1 over
        all out-of-fold decisions with intervals over notes and over folds), `comparisons`,
        per flag F1 of the joint decision, `folds` with the same of each, and where the
        out-of-fold probabilities lie.

    Raises:
        InputError: notes are unusable, not labelled or too few, or the folder was begun with
            another configuration, other notes, other rules or by another version.
    """
    from thce.registry.crossval_folds import deal, read_corpus
    from thce.registry.crossval_report import describe, write_out_of_fold
    from thce.registry.crossval_run import run_fold

    if is_remote(config.output):
        raise InputError("output: cross-validation keeps its folds on a local disk")
    output = Path(resolve(config.output))
    claim(output / CONFIG_FILE, config)
    made_with = _made_with(config)
    if (output / FOLDS).exists():
        require_same(output / MADE_WITH_FILE, made_with)
    corpus = read_corpus(config, output)
    write_json(output / MADE_WITH_FILE, made_with)
    folds = deal(config, corpus)
    done = []
    for number, fold in enumerate(folds, start=1):
        about = f"fold {number} of {len(folds)}: {fold.name}, {len(fold.test)} test notes"
        say("crossval", about)
        done.append(run_fold(config, corpus, fold, output / FOLDS / fold.name))
    report = describe(config, corpus, done)
    report |= {"out_of_fold": str(write_out_of_fold(corpus, done, output))}
    write_json(output / REPORT_FILE, report)
    return report


def _made_with(config: CrossvalConfig) -> dict[str, Any]:
    """What a finished fold depends on beside the configuration."""
    return {
        "notes": [input_fingerprint(find_chunks(path)) for path in config.notes],
        "rules": code_versions(),
        "thce": __version__,
    }
