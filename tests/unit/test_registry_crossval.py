"""Who is tested in which fold, and what the folds' decisions together say: without training."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from small_training import shipped_notes

from thce.files import write_jsonl
from thce.registry.crossval import CrossvalConfig
from thce.registry.crossval_folds import Corpus, Fold, deal, read_corpus
from thce.registry.crossval_report import describe, write_out_of_fold
from thce.registry.crossval_run import SYSTEMS, FoldResult
from thce.registry.labels import N_FLAGS, TRUE

NOTES = 49
"""48 shipped ones and one that is nearly another."""


@pytest.fixture(scope="module")
def config(module_folder: Path, registry_data: Path) -> CrossvalConfig:
    rows = shipped_notes(registry_data, "ab", 24)
    rows.append(rows[5] | {"id": "again", "text": f"{rows[5]['text']} Dictated later."})
    write_jsonl(module_folder / "notes.jsonl", rows)
    notes, output = str(module_folder / "notes.jsonl"), str(module_folder / "folds")
    return CrossvalConfig(notes=[notes], output=output, folds=3, repeats=2)


@pytest.fixture(scope="module")
def corpus(config: CrossvalConfig) -> Corpus:
    return read_corpus(config, Path(config.output))


@pytest.fixture(scope="module")
def folds(config: CrossvalConfig, corpus: Corpus) -> list[Fold]:
    return deal(config, corpus)


def test_by_fold_every_note_is_tested_once_in_every_repetition(folds: list[Fold]) -> None:
    assert [fold.name for fold in folds] == ["0-0", "0-1", "0-2", "1-0", "1-1", "1-2"]
    for repeat in (0, 1):
        tested = [row for fold in folds if fold.repeat == repeat for row in fold.test]
        assert sorted(tested) == list(range(NOTES))
        assert all(12 <= len(fold.test) <= 20 for fold in folds)
    first, again = ({tuple(fold.test) for fold in folds if fold.repeat == n} for n in (0, 1))
    assert first.isdisjoint(again), "another repetition has other folds"


def test_notes_that_are_nearly_the_same_are_tested_together(
    corpus: Corpus, folds: list[Fold]
) -> None:
    assert len(set(corpus.groups)) < NOTES
    for fold in folds:
        inside = {corpus.groups[row] for row in fold.test}
        outside = {corpus.groups[row] for row in set(range(NOTES)) - set(fold.test)}
        assert inside.isdisjoint(outside)


def decided(corpus: Corpus, fold: Fold) -> FoldResult:
    """A fold whose systems are right about more and more cells, the joint decision most often."""
    draw = np.random.default_rng(fold.test)
    truth = corpus.label[fold.test] == TRUE
    wrong = draw.random(truth.shape)
    decisions = {name: truth ^ (wrong < 0.02 * (place + 1)) for place, name in enumerate(SYSTEMS)}
    probabilities = np.where(truth, 0.9, 0.1).astype(np.float32)
    return FoldResult(fold, probabilities, probabilities / 2, decisions)


def test_the_report_has_every_decision_once_and_the_mean_over_folds(
    config: CrossvalConfig, corpus: Corpus, folds: list[Fold], tmp_path: Path
) -> None:
    done = [decided(corpus, fold) for fold in folds]
    report = describe(config, corpus, done)
    assert [fold["test_notes"] for fold in report["folds"]] == [len(fold.test) for fold in folds]
    for place, name in enumerate(SYSTEMS):
        over = report["over_folds"]["systems"][name]["micro_f1"]
        each = [fold["systems"][place]["micro_f1"]["estimate"] for fold in report["folds"]]
        assert over["estimate"] == pytest.approx(np.mean(each))
        assert over["low"] < over["estimate"] < over["high"]
    better = report["over_folds"]["differences"]["joint less union"]["micro_f1"]
    assert better["low"] > 0

    table = pq.read_table(write_out_of_fold(corpus, done, tmp_path)).to_pylist()
    assert len(table) == 2 * NOTES
    assert len({(row["encounter_id"], row["repeat"]) for row in table}) == 2 * NOTES
    label = dict(zip(corpus.encounter_ids, corpus.label.tolist(), strict=True))
    for row in table:
        assert row["label"] == label[row["encounter_id"]]
        assert row["fold"].startswith(f"{row['repeat']}-")
        assert len(row["probabilities"]) == len(row["joint_probabilities"]) == N_FLAGS
