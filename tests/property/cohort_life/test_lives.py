"""Whatever the seed and the persons: lives are lawful and each person's is his or her own."""

from dataclasses import fields

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sandkasse.cohort.life import NEVER, simulate_life
from sandkasse.cohort.model import load_model

MODEL = load_model()
SEEDS = st.integers(min_value=0, max_value=2**64 - 1)
PERSONS = st.lists(st.integers(min_value=0, max_value=2**62), min_size=1, max_size=40)


@settings(deadline=None, max_examples=60)
@given(seed=SEEDS, persons=PERSONS)
def test_each_person_alone_has_the_life_that_the_shard_gives(seed, persons):
    together = simulate_life(MODEL, np.array(persons, dtype=np.int64), seed=seed)
    i = len(persons) // 2
    alone = simulate_life(MODEL, np.array(persons[i : i + 1], dtype=np.int64), seed=seed)
    for field in fields(alone):
        assert np.array_equal(getattr(alone, field.name)[0], getattr(together, field.name)[i]), field.name


@settings(deadline=None, max_examples=60)
@given(seed=SEEDS, persons=PERSONS)
def test_events_are_in_order_and_within_life(seed, persons):
    lives = simulate_life(MODEL, np.array(persons, dtype=np.int64), seed=seed)
    end = np.where(lives.residence_end == NEVER, 0, lives.residence_end).max(axis=1)
    # Who dies abroad before coming back has a spell less, and things that happened abroad.
    end_of_life = np.where(lives.death_day == NEVER, end, lives.death_day.astype(np.int64) + 1)
    for name in ("onset_day", "detected_day", "treatment_day"):
        day = getattr(lives, name)
        happens = day != NEVER
        assert (day < end_of_life[:, None])[happens].all()
        assert (day >= lives.birth_day[:, None])[happens].all()
    seen = lives.detected_day != NEVER
    assert (lives.onset_day <= lives.detected_day)[seen].all()
    dead = lives.death_day != NEVER
    assert (lives.death_day >= lives.residence_start[:, 0])[dead].all()
    assert (end[dead] <= lives.death_day[dead] + 1).all()
