"""Thresholds: exact against brute force, shrunk where positives are few, refused when missing."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from thce.errors import InputError
from thce.registry.labels import FALSE, FLAG_NAMES, N_FLAGS, TRUE, UNKNOWN, Flag
from thce.registry.threshold_file import check_label_fields, save_label_fields
from thce.registry.thresholds import ThresholdPolicy, Thresholds, apply, fit, near

EXACT = ThresholdPolicy(few_positives=0)
GRID = np.arange(1, 20) * 0.05


def f1_at(threshold: float, score: np.ndarray, label: np.ndarray) -> float:
    predicted, positive = score[label != UNKNOWN] >= threshold, label[label != UNKNOWN] == TRUE
    total = predicted.sum() + positive.sum()
    return 2 * (predicted & positive).sum() / total if total else 0.0


def notes(seed: int, count: int, positives: float = 0.3) -> tuple[np.ndarray, np.ndarray]:
    """Scores that mean something, on a scale of each flag's own."""
    rng = np.random.default_rng(seed)
    label = (rng.random((count, N_FLAGS)) < positives).astype(np.int8)
    scale, shift = rng.uniform(1, 4, N_FLAGS), rng.uniform(-4, 1, N_FLAGS)
    raw = scale * (rng.normal(size=label.shape) + 2 * label) + shift
    return (1 / (1 + np.exp(-raw))).astype(np.float32), label


def column(score: list[float], label: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """The same scores and labels under every flag."""
    return (
        np.tile(np.array(score, dtype=np.float32)[:, None], N_FLAGS),
        np.tile(np.array(label, dtype=np.int8)[:, None], N_FLAGS),
    )


tied_scores = st.sampled_from([0.0, 0.05, 0.25, 0.5, 0.500001, 0.9, 1.0])
any_scores = st.floats(0, 1, width=32)


@settings(max_examples=60, deadline=None)
@given(data=st.data(), count=st.integers(1, 12), scores=st.sampled_from([tied_scores, any_scores]))
def test_exact_threshold_is_as_good_as_any_other(data, count, scores) -> None:
    shape = (count, N_FLAGS)
    score = data.draw(hnp.arrays(np.float32, shape, elements=scores))
    label = data.draw(hnp.arrays(np.int8, shape, elements=st.sampled_from([0, 1, -1])))
    fitted = fit(score, label, EXACT)
    for flag in Flag:
        cells, truth = score[:, flag.position], label[:, flag.position]
        found = fitted.labels[flag]
        if not (truth == TRUE).any():
            assert (found.threshold, found.method) == (None, "dormant")
            continue
        every_cut = [0.0, *cells.astype(float), *GRID]
        best = max(f1_at(cut, cells, truth) for cut in every_cut)
        assert found.threshold is not None
        assert 0 <= found.threshold <= 1
        assert f1_at(found.threshold, cells, truth) == best


@settings(max_examples=30, deadline=None)
@given(data=st.data(), count=st.integers(1, 14), floor=st.sampled_from([0.5, 0.75, 1.0]))
def test_precision_floor_takes_the_largest_recall_it_allows(data, count, floor) -> None:
    shape = (count, N_FLAGS)
    score = data.draw(hnp.arrays(np.float32, shape, elements=tied_scores))
    label = data.draw(hnp.arrays(np.int8, shape, elements=st.sampled_from([0, 1, -1])))
    fitted = fit(score, label, ThresholdPolicy(objective="precision_floor", precision=floor))
    for flag in Flag:
        cells, truth = score[:, flag.position], label[:, flag.position]
        cells, truth = cells[truth != UNKNOWN], truth[truth != UNKNOWN] == TRUE
        recalls = [0]
        for cut in np.unique(cells):
            hits = (truth & (cells >= cut)).sum()
            if hits >= floor * (cells >= cut).sum():
                recalls.append(hits)
        threshold = fitted.labels[flag].threshold
        predicted = np.zeros_like(truth) if threshold is None else cells >= threshold
        assert (truth & predicted).sum() == max(recalls)
        assert (truth & predicted).sum() >= floor * predicted.sum()


def test_never_below_the_best_of_a_grid_on_the_fitted_notes() -> None:
    score, label = notes(seed=1, count=400)
    fitted = fit(score, label, ThresholdPolicy())
    assert {found.method for found in fitted.labels.values()} == {"exact"}
    predicted = apply(score, fitted)
    for flag in Flag:
        cells, truth = score[:, flag.position], label[:, flag.position]
        grid = max(f1_at(cut, cells, truth) for cut in GRID)
        assert f1_at(0.5, predicted[:, flag.position], truth) >= grid


def test_on_unseen_notes_no_worse_than_a_grid_and_better_where_positives_are_few() -> None:
    gain: dict[int, list[float]] = {30: [], 1000: []}
    for count, differences in gain.items():
        for seed in range(6):
            score, label = notes(seed, count + 2000, positives=0.1)
            fitted = fit(score[:count], label[:count], ThresholdPolicy())
            predicted = apply(score[count:], fitted)
            for flag in Flag:
                cells, truth = score[:, flag.position], label[:, flag.position]
                if not (truth[:count] == TRUE).any():
                    continue
                cut = max(GRID, key=lambda cut: f1_at(cut, cells[:count], truth[:count]))
                differences.append(
                    f1_at(0.5, predicted[:, flag.position], truth[count:])
                    - f1_at(cut, cells[count:], truth[count:])
                )
    assert np.mean(gain[30]) > 0.005
    assert np.mean(gain[1000]) > 0


def test_reported_f1_is_cross_fitted_and_not_flattered_by_noise() -> None:
    rng = np.random.default_rng(0)
    label = (rng.random((60, N_FLAGS)) < 0.2).astype(np.int8)
    score = rng.random((60, N_FLAGS)).astype(np.float32)
    fitted = fit(score, label, EXACT)
    reported = np.array([found.val_f1 for found in fitted.labels.values()])
    predicted = apply(score, fitted)
    apparent = [f1_at(0.5, predicted[:, i], label[:, i]) for i in range(N_FLAGS)]
    all_true = [f1_at(0.0, score[:, i], label[:, i]) for i in range(N_FLAGS)]
    assert np.mean(apparent) > np.mean(all_true)
    assert np.mean(reported) < np.mean(all_true)


def test_unknown_cells_are_not_seen() -> None:
    score, label = notes(seed=4, count=80)
    hidden = score.copy()
    label[::2] = UNKNOWN
    hidden[::2] = 1 - hidden[::2]
    fitted, other = fit(score, label, EXACT), fit(hidden, label, EXACT)
    assert fitted.values.tolist() == other.values.tolist()


def test_threshold_is_the_middle_of_the_widest_of_equally_good_gaps() -> None:
    score, label = column([0.9, 0.8, 0.6, 0.5, 0.1], [1, 0, 0, 1, 0])
    # Above 0.8: one of two found, none wrong. Below 0.5: both found, two wrong. Both 2/3.
    fitted = fit(score, label, EXACT)
    assert fitted.values == pytest.approx(0.3)


def test_all_true_label_gets_a_finite_threshold() -> None:
    score, label = column([0.9, 0.6, 0.4], [1, 1, 1])
    fitted = fit(score, label, EXACT)
    assert apply(score, fitted).all()
    assert fitted.values == pytest.approx(0.2)


def test_few_positives_are_shrunk_towards_the_pooled_threshold() -> None:
    score, label = notes(seed=5, count=300)
    rare = Flag.WHOLE_LUNG_LAVAGE.position
    label[:, rare] = FALSE
    score[:, rare] = np.linspace(0.01, 0.1, 300)
    label[-3:, rare] = TRUE
    own = fit(score, label, EXACT).labels[Flag.WHOLE_LUNG_LAVAGE]
    fitted = fit(score, label, ThresholdPolicy(prior_positives=3))
    shrunk = fitted.labels[Flag.WHOLE_LUNG_LAVAGE]
    assert (own.method, shrunk.method, shrunk.positives) == ("exact", "shrunk", 3)
    assert fitted.pooled is not None

    def logit(value: float) -> float:
        return math.log(value / (1 - value))

    half_way = (logit(own.threshold) + logit(fitted.pooled)) / 2
    assert logit(shrunk.threshold) == pytest.approx(half_way)


def test_label_without_positives_is_dormant_unless_training_saw_some() -> None:
    score, label = notes(seed=6, count=100)
    for flag in (Flag.BLVR, Flag.IPC):
        label[:, flag.position] = FALSE
    train_positives = np.full(N_FLAGS, 40)
    train_positives[Flag.BLVR.position] = 0
    fitted = fit(score, label, ThresholdPolicy(), train_positives=train_positives)
    assert fitted.labels[Flag.BLVR].method == "dormant"
    assert fitted.labels[Flag.BLVR].threshold is None
    assert not apply(np.ones_like(score), fitted)[:, Flag.BLVR.position].any()
    assert fitted.labels[Flag.IPC].method == "pooled"
    assert fitted.labels[Flag.IPC].threshold == fitted.pooled
    assert fitted.labels[Flag.IPC].val_f1 is None


def test_min_positives_counts_validation_or_training() -> None:
    score, label = notes(seed=7, count=60)
    label[:, Flag.BLVR.position] = FALSE
    label[:2, Flag.BLVR.position] = TRUE
    policy = ThresholdPolicy(min_positives=5)
    trained = np.full(N_FLAGS, 5)
    assert fit(score, label, policy).labels[Flag.BLVR].method == "dormant"
    assert fit(score, label, policy, "fp32", trained).labels[Flag.BLVR].method == "shrunk"


def test_without_any_positive_everything_is_dormant() -> None:
    score, label = column([0.2, 0.7], [0, -1])
    fitted = fit(score, label, ThresholdPolicy(), train_positives=np.full(N_FLAGS, 9))
    assert fitted.dormant.all()
    assert fitted.pooled is None


def test_recall_counts_more_under_fbeta() -> None:
    score, label = notes(seed=8, count=500)
    balanced = fit(score, label, ThresholdPolicy())
    eager = fit(score, label, ThresholdPolicy(objective="fbeta", beta=3))
    assert (apply(score, eager).sum(axis=0) >= apply(score, balanced).sum(axis=0)).all()
    assert apply(score, eager).sum() > 1.1 * apply(score, balanced).sum()


@pytest.mark.parametrize("wrong", [np.nan, -0.01, 1.5])
def test_impossible_probability_is_refused_and_the_flag_named(wrong: float) -> None:
    score, label = notes(seed=9, count=20)
    fitted = fit(score, label, ThresholdPolicy())
    score[3, Flag.PLEURODESIS.position] = wrong
    for act in (
        lambda: fit(score, label, ThresholdPolicy()),
        lambda: apply(score, fitted),
        lambda: near(score, fitted, 0.1),
    ):
        with pytest.raises(InputError, match=r"probabilities of pleurodesis are NaN or outside"):
            act()


def test_no_notes_is_refused() -> None:
    with pytest.raises(InputError, match="no validation notes"):
        fit(np.empty((0, N_FLAGS)), np.empty((0, N_FLAGS), np.int8), ThresholdPolicy())


def test_near_finds_notes_within_the_band_of_any_live_threshold() -> None:
    score, label = column([0.9, 0.7, 0.3, 0.1], [1, 1, 0, 0])
    label[:, Flag.BLVR.position] = FALSE
    fitted = fit(score, label, EXACT)
    probe = np.full((3, N_FLAGS), 0.99, np.float32)
    probe[1, Flag.BAL.position] = 0.55
    probe[2, Flag.BLVR.position] = 0.5
    assert near(probe, fitted, 0.1).tolist() == [False, True, False]


def test_ten_thousand_notes_take_a_blink() -> None:
    from time import perf_counter

    score, label = notes(seed=10, count=10_000, positives=0.1)
    fastest = math.inf
    for _ in range(5):
        start = perf_counter()
        fit(score, label, ThresholdPolicy())
        fastest = min(fastest, perf_counter() - start)
    assert fastest < 0.5  # measured 0.03; a loop over candidates takes many seconds


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    score, label = notes(seed=11, count=60, positives=0.2)
    label[:, Flag.BLVR.position] = FALSE
    path = tmp_path / "thresholds.json"
    fit(score, label, ThresholdPolicy(), weights="int8").save(path)
    return path


def test_thresholds_come_back_as_written(saved: Path) -> None:
    score, label = notes(seed=11, count=60, positives=0.2)
    label[:, Flag.BLVR.position] = FALSE
    assert Thresholds.load(saved, "int8") == fit(score, label, ThresholdPolicy(), weights="int8")
    content = json.loads(saved.read_text())
    assert content["schema_version"] == 1
    assert set(content["labels"]) == set(FLAG_NAMES)
    assert set(content["labels"]["bal"]) == {"threshold", "val_f1", "positives", "method"}
    assert content["labels"]["blvr"] == {
        "threshold": None, "val_f1": None, "positives": 0, "method": "dormant"
    }  # fmt: skip


def test_fault_missing_thresholds_never_fall_back_to_one_half(saved: Path) -> None:
    with pytest.raises(InputError, match=r"absent\.json: no thresholds; 0\.5 is never assumed"):
        Thresholds.load(saved.with_name("absent.json"), "int8")
    content = json.loads(saved.read_text())
    del content["labels"]["bal"]
    saved.write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"no threshold for bal; 0\.5 is never assumed"):
        Thresholds.load(saved, "int8")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c["labels"].update(sepsis=c["labels"]["bal"]), "for other labels: sepsis"),
        (lambda c: c["labels"]["bal"].update(threshold=1.2), r"labels\.bal\.threshold"),
        (lambda c: c["labels"]["bal"].update(threshold=None), r"labels\.bal: only a dormant"),
        (lambda c: c["labels"]["bal"].pop("threshold"), r"labels\.bal\.threshold"),
        (lambda c: c.update(schema_version=2), "schema_version"),
        (lambda c: c.update(weights="fp32"), "fitted on fp32, not on int8"),
    ],
)
def test_damaged_thresholds_are_refused_by_name(saved: Path, change, message: str) -> None:
    content = json.loads(saved.read_text())
    change(content)
    saved.write_text(json.dumps(content))
    with pytest.raises(InputError, match=message):
        Thresholds.load(saved, "int8")


def test_label_fields_hold_the_canonical_order_and_refuse_another(tmp_path: Path) -> None:
    path = tmp_path / "registry_label_fields.json"
    save_label_fields(path)
    assert json.loads(path.read_text()) == {"label_fields": list(FLAG_NAMES)}
    check_label_fields(path)
    for wrong in ([*FLAG_NAMES[::-1]], [*FLAG_NAMES[:-1]], [*FLAG_NAMES, "sepsis"], "bal"):
        path.write_text(json.dumps({"label_fields": wrong}))
        with pytest.raises(InputError, match=r"registry_label_fields\.json"):
            check_label_fields(path)
