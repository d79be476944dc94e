"""A life that goes on from where it parts from another is the one that would be lived from birth."""

import numpy as np
import pytest

from sandkasse.cohort.arms import choose_arms
from sandkasse.cohort.life.simulate import simulate_arms

PERSONS = np.arange(5_000, dtype=np.int64)


@pytest.fixture(scope="module")
def both_ways(model):
    """Lives under everything that only withholds: side by side from where they part, and each lived from birth."""
    n = len(model.arms.until)
    arms = choose_arms(model.arms, np.arange(n))
    whole = choose_arms(model.arms, np.arange(n))
    # An intervention from a day before all births on is the same, but its lives are not gone on with.
    whole.from_day[1:] = -1.0e9
    return tuple(simulate_arms(model, PERSONS, seed=5, arms=chosen) for chosen in (arms, whole))


@pytest.mark.parametrize("column", ["onset_day_under", "death_day_under", "death_day", "treatment_day"])
def test_a_life_gone_on_with_is_the_life_lived_from_birth(both_ways, column):
    gone_on, whole = (getattr(shard, column) for shard in both_ways)
    assert np.array_equal(gone_on, whole)


def test_lives_do_part(model, both_ways):
    arm = model.interventions.index("nobody_treated")
    assert np.count_nonzero(both_ways[0].death_day_under[:, arm] != both_ways[0].death_day) > 0
