"""Drift: none for notes like the training's, an alert for others; overrides are counted."""

from pathlib import Path

import numpy as np
import pytest

from thce.annotations.store import AnnotationStore
from thce.annotations.tasks import NewTask, task_id_of
from thce.errors import InputError
from thce.registry.labels import N_FLAGS, Flag
from thce.serving.fingerprint import WORD_BUCKETS, Fingerprint, NoteMarks, word_counts
from thce.serving.overrides import overrides
from thce.serving.watch import Watch

WINDOW = 200


def marks(rng: np.random.Generator, notes: int, length: float = 200.0, words: int = 0) -> NoteMarks:
    """Notes of a Poisson length; `words` moves their vocabulary on by so many buckets."""
    tokens = rng.poisson(length, notes)
    shares = np.roll(np.arange(1, WORD_BUCKETS + 1), words) / (WORD_BUCKETS * 129)
    counts = rng.multinomial(tokens, shares / shares.sum())
    accept = rng.random((notes, N_FLAGS)) < 0.1
    return NoteMarks(tokens, counts, accept, rng.normal(0.9, 0.02, notes))


@pytest.fixture(scope="module")
def fingerprint() -> Fingerprint:
    return Fingerprint.of(marks(np.random.default_rng(0), 1000), "v1", "int8", WINDOW)


def test_notes_like_the_trainings_rarely_alarm(fingerprint: Fingerprint) -> None:
    rng = np.random.default_rng(1)
    alarms = [bool(fingerprint.alerts(fingerprint.drift(marks(rng, WINDOW)))) for _ in range(100)]
    assert sum(alarms) <= 12  # four figures, 1 % each, and training notes drawn once


def test_many_notes_of_one_length_are_no_alarm() -> None:
    rng = np.random.default_rng(5)

    def cut(notes: int) -> NoteMarks:
        whole = marks(rng, notes, length=500.0)
        return NoteMarks(np.minimum(whole.tokens, 512), whole.words, whole.accept, whole.certainty)

    found = Fingerprint.of(cut(1000), "v1", "int8", WINDOW)
    assert found.limits["length"] < 0.3
    assert found.drift(cut(WINDOW)).length < 0.3


@pytest.mark.parametrize(
    ("change", "alarm"),
    [({"length": 320.0}, "length"), ({"words": 40}, "words")],
)
def test_other_notes_alarm(fingerprint: Fingerprint, change: dict[str, float], alarm: str) -> None:
    other = marks(np.random.default_rng(2), WINDOW, **change)  # type: ignore[arg-type]
    assert alarm in fingerprint.alerts(fingerprint.drift(other))


def test_other_flags_alarm(fingerprint: Fingerprint) -> None:
    usual = marks(np.random.default_rng(3), WINDOW)
    accept = usual.accept.copy()
    accept[:, 4] = True
    changed = NoteMarks(usual.tokens, usual.words, accept, usual.certainty)
    assert "flags" in fingerprint.alerts(fingerprint.drift(changed))


def test_a_fingerprint_is_a_file_of_numbers(fingerprint: Fingerprint, tmp_path: Path) -> None:
    file = tmp_path / "fingerprint.json"
    fingerprint.save(file)
    assert Fingerprint.load(file) == fingerprint
    file.write_text("{}", encoding="utf-8")
    with pytest.raises(InputError, match="not a fingerprint"):
        Fingerprint.load(file)
    with pytest.raises(InputError, match="needs 100"):
        Fingerprint.of(marks(np.random.default_rng(0), 10), "v1", "int8", WINDOW)


def test_a_window_speaks_of_drift_when_it_is_full_and_of_its_own_bundle(
    fingerprint: Fingerprint,
) -> None:
    watch, stranger = Watch("v1", fingerprint), Watch("v2", fingerprint)
    probabilities = np.full(N_FLAGS, 0.2, np.float32)
    accept = np.zeros(N_FLAGS, np.bool_)
    accept[0] = True
    assert watch.report() == {"version": "v1", "notes": 0, "alerts": []}
    for number in range(WINDOW + 50):
        for one in (watch, stranger):
            one.add(np.arange(900) % 7, probabilities, accept, review=number % 2 == 0)
        if number == WINDOW - 2:
            assert "drift" not in watch.report()
    found = watch.report()
    assert found["notes"] == WINDOW + 50 and found["window"] == WINDOW
    assert found["flag_rates"][Flag.DIAGNOSTIC_BRONCHOSCOPY.value] in (0.0, 1.0)
    assert found["certainty"] == pytest.approx(0.8, abs=1e-6)
    assert found["review_rate"] == 0.5
    assert {"length", "words"} <= set(found["alerts"])
    assert "drift" not in stranger.report() and stranger.report()["alerts"] == []


def test_words_are_counted_in_buckets() -> None:
    counts = word_counts(np.array([5, 5, 9], dtype=np.int64))
    assert counts.sum() == 3 and counts.max() == 2 and len(counts) == WORD_BUCKETS


def test_what_people_decided_otherwise_is_counted_by_bundle(tmp_path: Path) -> None:
    with AnnotationStore.open(tmp_path / "store.sqlite", create=True) as store:
        said = [("e1", [Flag.BAL]), ("e2", []), ("e3", [Flag.BAL])]
        tasks = [
            NewTask(
                name,
                "text",
                meta={"model_version": "v1", "ml_accept": [flag.value for flag in flags]},
            )
            for name, flags in said
        ]
        store.prepare("b", tasks)
        store.answer(task_id_of("b", "e1"), "ann", [Flag.BAL])
        store.answer(task_id_of("b", "e2"), "ann", [Flag.BAL])
        found = overrides(store)
    assert set(found) == {"v1"}
    assert (found["v1"].notes, found["v1"].overridden) == (2, 1)
    assert found["v1"].by_flag == {Flag.BAL.value: 1}
    assert found["v1"].rate == 1 / (2 * N_FLAGS)
