"""Differences of rates: known values, strata, and intervals that cover what they should."""

import numpy as np
import pytest

from thce.evaluation.rate_differences import clustered_difference, stratified_difference


def counts(*strata: tuple[int, int, int, int]) -> np.ndarray:
    """(successes, trials) of the first arm and of the second, per stratum."""
    return np.array(strata).reshape(-1, 2, 2)


def test_one_stratum_is_newcombes_published_example() -> None:
    """Newcombe 1998, table II: (a) 56/70 less 48/80, (d) 9/10 less 3/10, method 10."""
    found = stratified_difference(counts((56, 70, 48, 80)))
    assert (found.estimate, found.low, found.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)
    found = stratified_difference(counts((9, 10, 3, 10)))
    assert (found.low, found.high) == pytest.approx((0.1705, 0.8090), abs=5e-5)


def test_unequal_arms_in_unequal_strata_are_no_difference() -> None:
    """Pooled without strata this would be 98 of 200 against 182 of 200."""
    found = stratified_difference(counts((18, 20, 162, 180), (80, 180, 8, 20), (5, 5, 0, 0)))
    assert found.estimate == pytest.approx(0.02, abs=0.03)
    assert found.low < 0 < found.high


def test_without_a_stratum_that_holds_both_arms_nothing_is_said() -> None:
    found = stratified_difference(counts((3, 5, 0, 0), (0, 0, 2, 9)))
    assert np.isnan(found.estimate)
    assert np.isnan(found.low)


def test_no_variation_still_has_a_width() -> None:
    block = np.zeros((20, 1, 2, 2), int)
    block[:10, 0, 0] = 1
    block[10:, 0, 1] = 1
    found = clustered_difference([block])
    assert found.estimate == 0
    assert found.low < -0.2
    assert found.high > 0.2


def clustered_experiment(rng: np.random.Generator, pull: float) -> list[np.ndarray]:
    """Two batches of 40 and 25 notes, unequal blind shares; all cells of half the notes false."""
    blocks = []
    for notes, share in ((40, 0.5), (25, 0.2)):
        block = np.zeros((notes, 8, 2, 2), int)
        blind = rng.permutation(notes) < round(share * notes)
        asked = rng.random((notes, 8)) < 0.4
        right = np.repeat(rng.random((notes, 1)) < 0.5, 8, axis=1)
        accepted = right | (~blind[:, None] & (rng.random((notes, 8)) < 2 * pull))
        for arm, members in enumerate((~blind, blind)):
            block[members, :, arm, 1] = asked[members]
            block[members, :, arm, 0] = (asked & accepted)[members]
        blocks.append(block)
    return blocks


@pytest.mark.parametrize("pull", [0.0, 0.15])
def test_clustered_intervals_cover_the_true_difference(pull: float) -> None:
    rng = np.random.default_rng(5)
    found = [clustered_difference(clustered_experiment(rng, pull)) for _ in range(400)]
    covered = np.mean([one.low <= pull <= one.high for one in found])
    independent = [
        stratified_difference(np.concatenate([block.sum(axis=0) for block in blocks]))
        for blocks in (clustered_experiment(rng, pull) for _ in range(400))
    ]
    naive = np.mean([one.low <= pull <= one.high for one in independent])
    assert np.mean([one.estimate for one in found]) == pytest.approx(pull, abs=0.02)
    assert covered > 0.92
    assert naive < covered, "cells of one note are not independent, and that must be seen"
