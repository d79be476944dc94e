"""Who is of a population, to the day: hand-made lives, each a day before, on or after the day on which courses part."""

from dataclasses import fields, replace
from datetime import date

import numpy as np
import pytest

from sandkasse.cohort.causal import YEAR_DAYS, Population, _mean, _span, belongs
from sandkasse.cohort.life import NEVER, LifeShard
from sandkasse.core.errors import InvalidInputError

INDEX = date(2005, 1, 1)
DAY = (INDEX - date(1970, 1, 1)).days
N = 4


@pytest.fixture(scope="module")
def plain():
    """Four men of fifty to whom nothing ever happens; no kernel is needed to make them."""
    nothing = {field.name: np.full((N, 99), NEVER, np.int32) for field in fields(LifeShard)}
    nothing["residence_start"][:, 0] = DAY - 10_000
    once = {
        "sex": np.ones(N, np.int8),
        "birth_day": np.full(N, DAY - round(50.5 * YEAR_DAYS), np.int32),
        "death_day": np.full(N, NEVER, np.int32),
    }
    return LifeShard(**{**nothing, **once})


def ask(wide, lives, population, column=None, kind="", *, outcome=-1, **days):
    """Give each of the four persons a day of each kind, and say who is of the population."""
    changed = {}
    for name, values in days.items():
        array = getattr(lives, name).copy()
        place = array[:, wide.find(column, kind) if column else 0] if array.ndim > 1 else array
        place[:] = values
        changed[name] = array
    return belongs(wide, replace(lives, **changed), population, outcome).tolist()


def test_everybody_who_lives_here_on_the_day(wide, plain):
    everyone = Population(INDEX)
    assert ask(wide, plain, everyone) == [True] * N
    assert ask(wide, plain, everyone, residence_start=[DAY - 1, DAY, DAY + 1, NEVER]) == [True, True, False, False]
    assert ask(wide, plain, everyone, residence_end=[DAY - 1, DAY, DAY + 1, NEVER]) == [False, False, True, True]
    assert ask(wide, plain, everyone, death_day=[DAY - 1, DAY, DAY + 1, NEVER]) == [False, True, True, True]


def test_ages_are_full_years_with_both_ends(wide, plain):
    births = [DAY - round(age * YEAR_DAYS) for age in (39.9, 40.1, 60.9, 61.1)]
    assert ask(wide, plain, Population(INDEX, ages=(40, 60)), birth_day=births) == [False, True, True, False]


def test_one_sex(wide, plain):
    for asked, expected in (("men", [True, False, True, False]), ("women", [False, True, False, True])):
        assert ask(wide, plain, Population(INDEX, sex=asked), sex=[1, 2, 1, 2]) == expected


def test_known_is_what_was_recognised_and_free_is_what_had_not_begun(wide, plain):
    chill = wide.find("chill", "conditions")
    days = {"onset_day": [DAY - 9, DAY - 9, DAY, NEVER], "detected_day": [DAY - 1, DAY, DAY + 9, NEVER]}
    known = ask(wide, plain, Population(INDEX, known=("chill",)), "chill", "conditions", **days)
    assert known == [True, False, False, False]
    free = ask(wide, plain, Population(INDEX, free_of=("chill",)), "chill", "conditions", **days)
    assert free == [False, False, True, True]
    # Who had the outcome before cannot get it, whether anybody knew or not.
    assert ask(wide, plain, Population(INDEX), "chill", "conditions", outcome=chill, **days) == free


def test_taking_is_a_treatment_that_runs_on_the_day(wide, plain):
    kind = ("chill_vaccine", "treatments")
    spells = {
        "treatment_day": [DAY - 9, DAY - 9, DAY, DAY - 9],
        "treatment_stop_day": [DAY, DAY - 1, NEVER, DAY - 5],
        "treatment_again_day": [NEVER, NEVER, NEVER, DAY - 1],
    }
    taking = ask(wide, plain, Population(INDEX, taking=("chill_vaccine",)), *kind, **spells)
    assert taking == [True, False, False, True]
    never = ask(wide, plain, Population(INDEX, never_took=("chill_vaccine",)), *kind, **spells)
    assert never == [False, False, True, False]


def test_exposed_is_a_habit_that_lasts_on_the_day(wide, plain):
    kind = ("gambling", "exposures")
    habits = {"exposure_start": [DAY - 9, DAY - 9, DAY, NEVER], "exposure_stop": [DAY, DAY - 1, NEVER, NEVER]}
    assert ask(wide, plain, Population(INDEX, exposed=("gambling",)), *kind, **habits) == [True, False, False, False]
    never = ask(wide, plain, Population(INDEX, never_exposed=("gambling",)), *kind, **habits)
    assert never == [False, False, True, True]


def test_the_error_of_a_mean_counts_families_and_not_persons():
    """Blocks of ten persons who share one value: the error is that of the blocks' own mean."""
    values = np.array([1.0, 2.0, 4.0, 9.0])
    persons, blocks = np.repeat(values, 10), np.repeat(np.arange(4), 10)
    found = _mean(persons, blocks)
    assert found.value == values.mean()
    assert found.standard_error == pytest.approx(values.std(ddof=1) / np.sqrt(len(values)))


def test_a_horizon_is_years_of_the_calendar_within_the_window(wide):
    assert _span(wide, INDEX, 8.0) == (DAY, (date(2013, 1, 1) - date(1970, 1, 1)).days)
    last = date(wide.specification.general.window_end, 1, 1)
    assert _span(wide, date(last.year - 4, 1, 1), 4.0)[1] == (last - date(1970, 1, 1)).days
    with pytest.raises(InvalidInputError, match="horizon"):
        _span(wide, date(last.year - 4, 1, 1), 4.1)
