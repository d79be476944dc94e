"""The truth's `persons` has the first onset and the first recognition of every condition, a date each."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from sandkasse.cohort.life import NEVER


@pytest.fixture(scope="module")
def life(bench):
    return bench.varied_lives(300, seed=11)


def dates(days):
    return pa.array(days.astype(np.int32), mask=days == NEVER).cast(pa.date32())


def test_every_condition_has_its_two_dates_and_no_column_stands_twice(bench, life):
    made = bench.make(life)
    persons, order = made.truth["persons"], made.shard.order
    assert len(set(persons.column_names)) == len(persons.column_names)
    for c, name in enumerate(bench.MODEL.conditions):
        assert persons[f"{name}_onset"].combine_chunks().equals(dates(life.onset_day[order, c])), name
        assert persons[f"{name}_detected"].combine_chunks().equals(dates(life.detected_day[order, c])), name
    ill = (life.onset_day != NEVER).any(axis=0)
    unknown = (life.onset_day != NEVER) & (life.detected_day == NEVER)
    assert ill.sum() > 10
    assert unknown.any()
    assert persons["gdm_first"].equals(persons["gdm_onset"])
    earliest = pc.min_element_wise(persons["t1d_detected"], persons["t2d_detected"])
    assert persons["diabetes_detected"].equals(earliest)


def test_where_nobody_stays_undiagnosed_each_condition_is_known_after_thirty_days(bench, life):
    made = bench.make(life, without=("undiagnosed",))
    persons, order = made.truth["persons"], made.shard.order
    for c, name in enumerate(bench.MODEL.conditions):
        onset, found = life.onset_day[order, c], life.detected_day[order, c]
        known = np.where((found == NEVER) & (onset != NEVER), onset + 30, found)
        assert persons[f"{name}_detected"].combine_chunks().equals(dates(known)), name
