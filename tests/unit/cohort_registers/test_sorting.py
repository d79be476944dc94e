"""Words are sorted whatever they are: few, many, equal, all on one day, or more than can be dealt."""

import numpy as np
import pytest
from numba import njit

from sandkasse.cohort.observation.sorting import MOST_DEALT, sort_words

RNG = np.random.default_rng(3)


@njit
def _sort(words, first, end, spare, piles):
    sort_words(words, first, end, spare, piles)


@pytest.mark.parametrize(
    "stretch",
    [
        RNG.integers(0, 2**63 - 1, 1),
        RNG.integers(0, 2**63 - 1, 16),
        RNG.integers(0, 2**63 - 1, 17),
        RNG.integers(0, 2**63 - 1, 5_000),
        np.array([0, 2**63 - 1] * 500),
        np.full(900, 7),
        np.arange(3_000)[::-1],
        np.concatenate([RNG.integers(0, 50, 700), [2**62]]),
        RNG.integers(0, 2**63 - 1, MOST_DEALT),
        RNG.integers(0, 2**63 - 1, MOST_DEALT + 1),
    ],
    ids=lambda stretch: f"{len(stretch)} up to {stretch.max()}",
)
def test_a_stretch_is_sorted_and_its_neighbours_stay(stretch):
    words = np.concatenate([[5, 3], stretch, [1, 0]]).astype(np.int64)
    spare, piles = np.empty(MOST_DEALT, np.int64), np.empty(2 * MOST_DEALT + 1, np.int64)
    _sort(words, 2, 2 + len(stretch), spare, piles)
    assert words[2:-2].tolist() == sorted(stretch.tolist())
    assert words[:2].tolist() == [5, 3]
    assert words[-2:].tolist() == [1, 0]
