"""Conditions as data, against the same conditions written out."""

from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError

from sandkasse.core.errors import ModuleInvalidError
from sandkasse.training.population import (
    AgeRange,
    AnyOf,
    Condition,
    Grouping,
    Not,
    Population,
    ages_on,
    group_labels,
    holds,
    select_population,
)

PERSONS = pa.table(
    {
        "pnr": ["a", "b", "c", "d", "e"],
        "koen": pa.array([1, 2, 2, 1, 2], pa.int8()),
        "foed_dato": [date(1950, 2, 28), date(1984, 1, 1), date(1984, 1, 2), date(2023, 12, 31), date(2024, 1, 2)],
        "first_resident": [date(1950, 2, 28), date(2010, 5, 1), date(1984, 1, 2), date(2023, 12, 31), date(2024, 1, 2)],
        "last_resident": pa.array([None, None, date(2020, 1, 1), None, None], pa.date32()),
        "doddato": pa.array([date(2023, 12, 31), None, None, None, None], pa.date32()),
        "diabetes_type": ["T2D", None, "T1D", None, None],
        "bmi": [31.5, None, 22.0, float("nan"), 25.0],
    }
)
DAY = date(2024, 1, 1)


def rows(*conditions):
    return np.flatnonzero(holds(PERSONS, conditions)).tolist()


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (Condition(column="koen", equals=2), [1, 2, 4]),
        (Condition(column="diabetes_type", equals="T2D"), [0]),
        (Condition(column="diabetes_type", one_of=("T1D", "T2D")), [0, 2]),
        (Condition(column="bmi", at_least=25), [0, 4]),
        (Condition(column="bmi", at_least=22, at_most=25), [2, 4]),
        (Condition(column="bmi", missing=True), [1, 3]),
        (Condition(column="foed_dato", at_most=date(1984, 1, 1)), [0, 1]),
        (Condition(column="doddato", at_least=date(1900, 1, 1)), [0]),
        (Condition(column="doddato", missing=False), [0]),
        (AnyOf(any_of=(Condition(column="koen", equals=1), Condition(column="bmi", at_most=22))), [0, 2, 3]),
        (Not(is_not=Condition(column="diabetes_type", missing=True)), [0, 2]),
        (Not(is_not=Condition(column="bmi", at_least=25)), [1, 2, 3]),
    ],
)
def test_conditions(condition, expected):
    assert rows(condition) == expected


def test_all_conditions_must_hold_and_none_holds_for_all():
    assert rows(Condition(column="koen", equals=2), Condition(column="bmi", at_least=23)) == [4]
    assert rows() == [0, 1, 2, 3, 4]


def test_resident_means_come_not_gone_and_alive():
    assert np.flatnonzero(select_population(PERSONS, Population(words="x", resident_on=DAY))).tolist() == [1, 3]
    on_its_last_day = Population(words="x", resident_on=date(2023, 12, 31))
    assert np.flatnonzero(select_population(PERSONS, on_its_last_day)).tolist() == [0, 1, 3]


def test_age_is_completed_years():
    assert ages_on(PERSONS, DAY).tolist() == [73, 40, 39, 0, -1]
    forty = Population(words="x", age=AgeRange(on=DAY, at_least=40))
    assert np.flatnonzero(select_population(PERSONS, forty)).tolist() == [0, 1]
    children = Population(words="x", age=AgeRange(on=DAY, below=18))
    assert np.flatnonzero(select_population(PERSONS, children)).tolist() == [3]


def test_columns_that_are_needed_are_named():
    population = Population(
        words="x",
        resident_on=DAY,
        age=AgeRange(on=DAY),
        where=(AnyOf(any_of=(Condition(column="koen", equals=1), Not(is_not=Condition(column="bmi", missing=True)))),),
    )
    assert population.columns() == {"first_resident", "last_resident", "doddato", "foed_dato", "koen", "bmi"}


def test_groups_in_words():
    assert group_labels(PERSONS, Grouping(by="sex")) == ("men", "women", "women", "men", "women")
    by_age = Grouping(by="age", on=DAY, bands=(0, 40, 60))
    assert group_labels(PERSONS, by_age) == ("60 years and older", "40–59 years", "0–39 years", "0–39 years", "")
    assert group_labels(PERSONS, Grouping(by="type")) == ("T2D", "", "T1D", "", "")


@pytest.mark.parametrize(
    "condition",
    [
        Condition(column="weight", equals=1),
        Condition(column="foed_dato", at_most="yesterday"),
        Condition(column="bmi", at_least="heavy"),
        Condition(column="diabetes_type", at_least=3),
    ],
)
def test_unfitting_conditions_are_the_modules_fault(condition):
    with pytest.raises(ModuleInvalidError):
        rows(condition)


def test_a_condition_says_something_and_a_grouping_by_age_has_its_day():
    with pytest.raises(ValidationError, match="needs equals"):
        Condition(column="koen")
    with pytest.raises(ValidationError, match="the day on which"):
        Grouping(by="age")
    with pytest.raises(ValidationError, match="must rise"):
        Grouping(by="age", on=DAY, bands=(40, 0))
