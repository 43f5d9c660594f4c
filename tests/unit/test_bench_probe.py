import numpy as np
import pytest

from thce.bench import probe
from thce.registry.labels import N_FLAGS, UNKNOWN


def made(notes: int, seed: int = 0):
    """Features, kernel, labels that a line explains with noise, and weights."""
    draw = np.random.default_rng(seed)
    features = draw.normal(size=(notes, 12))
    kernel = features @ features.T + 1.0
    slope = draw.normal(size=(12, N_FLAGS))
    label = (features @ slope + draw.normal(size=(notes, N_FLAGS)) > 1.0).astype(np.int8)
    weight = draw.uniform(0.5, 2.0, size=(notes, N_FLAGS))
    return kernel, label, weight


def test_left_out_scores_come_close_to_fitting_again_without_the_note():
    kernel, label, weight = made(40)
    everything = probe.fit(kernel, label, weight)
    for note in (0, 7, 23):
        without = label.copy()
        without[note] = UNKNOWN
        again = probe.fit(kernel, without, weight).logits(kernel[note : note + 1])
        assert everything.left_out[note] == pytest.approx(again[0], abs=0.35)
        own = everything.logits(kernel[note : note + 1])[0]
        assert (
            np.abs(own - again[0]).mean() > 4 * np.abs(everything.left_out[note] - again[0]).mean()
        )


def test_the_fit_is_where_the_penalised_loss_is_flat():
    kernel, label, weight = made(40)
    found = probe.fit(kernel, label, weight)
    pull = weight * (label - probe.sigmoid(found.logits(kernel)))
    assert found.dual == pytest.approx(pull.T, abs=1e-2)


def test_unknown_cells_teach_nothing_and_get_a_score_all_the_same():
    kernel, label, weight = made(40)
    label[30:] = UNKNOWN
    few = probe.fit(kernel[:30, :30], label[:30], weight[:30])
    many = probe.fit(kernel, label, weight)
    assert few.logits(kernel[:, :30]) == pytest.approx(many.logits(kernel), abs=1e-6)
    assert many.left_out[30:] == pytest.approx(many.logits(kernel)[30:], abs=1e-6)


def test_a_flag_without_known_cells_scores_even():
    kernel, label, weight = made(20)
    label[:, 3] = UNKNOWN
    assert (probe.fit(kernel, label, weight).logits(kernel)[:, 3] == 0).all()


def test_a_note_of_double_weight_counts_as_the_same_note_twice():
    kernel, label, weight = made(25)
    twice = np.r_[np.arange(25), 4]
    doubled = weight.copy()
    doubled[4] *= 2
    one = probe.fit(kernel, label, doubled).logits(kernel)
    two = probe.fit(kernel[twice[:, None], twice], label[twice], weight[twice])
    assert two.logits(kernel[:, twice]) == pytest.approx(one, abs=5e-2)


def test_where_a_fit_starts_from_does_not_show():
    kernel, label, weight = made(40)
    fewer = label.copy()
    fewer[25:] = UNKNOWN
    warm = probe.fit(kernel, label, weight, probe.fit(kernel, fewer, weight))
    assert warm.left_out == pytest.approx(probe.fit(kernel, label, weight).left_out, abs=1e-2)
