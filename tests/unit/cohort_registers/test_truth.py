"""The truth's tables say of every life what happened and when, a date each."""

from datetime import date
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from sandkasse.cohort.life import NEVER
from sandkasse.cohort.observation import words as w
from sandkasse.cohort.observation.traps import trap_switches
from sandkasse.cohort.registers.columns import Shard, order_by_pnr
from sandkasse.cohort.registers.truth import emit_truth


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


@pytest.fixture
def write(bench):
    """Give a function that writes the truth of lives down which nobody observed, and the pnr of each person."""

    def write_them(life, trap_words=()):
        order, pnr = order_by_pnr(life, seed=1)
        # Words of a trap stand person by person, in the order of pnr.
        by_row = [sorted(word for person, word in trap_words if person == p) for p in order]
        starts = np.zeros((len(order) + 1, w.TRAP + 1), dtype=np.int64)
        starts[1:, w.TRAP] = np.cumsum([len(row) for row in by_row])
        seen = SimpleNamespace(trap=np.array([word for row in by_row for word in row], dtype=np.int64), starts=starts)
        shard = Shard(life=life, seen=seen, order=order, pnr=pnr, words=None, seed=1)
        truth = emit_truth(shard, bench.NAMES, trap_switches(()))
        return truth, dict(zip(order.tolist(), truth["persons"]["pnr"].to_pylist(), strict=True))

    return write_them


def test_a_person_s_residence_death_and_parents_are_those_of_the_life(bench, write):
    life = bench.varied_lives(200, seed=12)
    life.mother[:100] = life.person[100:]
    life.father[:50] = life.person[-1] + 1  # beyond the cohort's end
    life.death_day_under[:, 0] = np.where(life.death_day == NEVER, NEVER, life.death_day + 7)
    truth, pnr = write(life)
    row_of = {row["pnr"]: row for row in truth["persons"].to_pylist()}
    moved = 0
    for i in range(200):
        row, spells = row_of[pnr[i]], life.residence_end[i] != NEVER
        last = max(np.nonzero(spells)[0], key=lambda k: life.residence_end[i, k])
        moved += last > 0
        assert row["first_resident"] == bench.as_date(int(life.residence_start[i].min()))
        assert row["last_resident"] == bench.as_date(int(life.residence_end[i, last]) - 1)
        assert row["kom_last"] == f"{life.municipality[i, last]:03d}"
        assert row["mother_pnr"] == (pnr[i + 100] if i < 100 else None)
        assert row["father_pnr"] is None
        died = life.death_day[i] != NEVER
        assert row["doddato"] == (bench.as_date(int(life.death_day[i])) if died else None)
        assert row["doddato_untreated"] == (bench.as_date(int(life.death_day[i]) + 7) if died else None)
    assert 10 < moved < 190


def test_events_are_all_days_of_the_life_in_order_of_person_and_day(bench, write):
    life = bench.varied_lives(60, seed=13)
    truth, pnr = write(life)
    expected = []
    for i in range(60):
        days = [("onset", name, life.onset_day[i, c]) for c, name in enumerate(bench.MODEL.conditions)]
        days += [("detected", name, life.detected_day[i, c]) for c, name in enumerate(bench.MODEL.conditions)]
        days += [("treatment", name, life.treatment_day[i, t]) for t, name in enumerate(bench.MODEL.treatments)]
        days += [
            ("treatment_stop", name, life.treatment_stop_day[i, t]) for t, name in enumerate(bench.MODEL.treatments)
        ]
        days += [("delivery", "child", day) for day in life.delivery_day[i]]
        days += [("death", "death", life.death_day[i])]
        expected += [(pnr[i], event, name, bench.as_date(int(day))) for event, name, day in days if day != NEVER]
    found = [tuple(row.values()) for row in truth["events"].to_pylist()]
    assert sorted(found) == sorted(expected)
    assert [(row[0], row[3]) for row in found] == sorted((row[0], row[3]) for row in found)


def test_each_trap_is_written_once_a_person_with_its_first_day(bench, write):
    life = bench.plain_lives(3)
    first, second = (bench.day(2001) + w.TRAP_DAY_SHIFT, bench.day(2009) + w.TRAP_DAY_SHIFT)
    words = [(0, 2 << 20 | second), (0, 2 << 20 | first), (0, 3 << 20 | second), (2, 2 << 20 | second)]
    truth, pnr = write(life, words)
    names = bench.trap_names()
    expected = [(0, 2, 2001), (0, 3, 2009), (2, 2, 2009)]
    assert sorted(tuple(row.values()) for row in truth["traps"].to_pylist()) == sorted(
        (pnr[person], names[trap], date(year, 1, 1)) for person, trap, year in expected
    )
