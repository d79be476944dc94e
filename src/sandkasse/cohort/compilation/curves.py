"""Spread what rows say at some ages and years over every age, year and year of birth of the tables."""

from collections.abc import Sequence
from datetime import date

import numpy as np
import numpy.typing as npt

from sandkasse.cohort.specification import ByCohort, Calendar
from sandkasse.cohort.tables import CALENDAR_YEAR, MAX_AGE, N_TABLE_YEARS, TABLE_YEAR, FloatArray

YEAR_DAYS = 365.25
AGES = np.arange(MAX_AGE + 1, dtype=np.float64)
YEARS = np.arange(TABLE_YEAR, TABLE_YEAR + N_TABLE_YEARS, dtype=np.float64)
BIRTH_YEARS = np.arange(CALENDAR_YEAR, TABLE_YEAR + N_TABLE_YEARS, dtype=np.float64)
NEVER_REACHED = 1.0e18
"""A day after every other."""
LEAST_RATIO = 1e-12
"""Stands for a ratio of 0, which has no logarithm."""


def by_cohort(row: ByCohort) -> FloatArray:
    """Spread a number over the years of birth, linear between those given.

    Args:
        row: The number by year of birth and sex.

    Returns:
        Values, shape (sex, year of birth from `CALENDAR_YEAR`).
    """
    return np.stack([np.interp(BIRTH_YEARS, row.born, row.men), np.interp(BIRTH_YEARS, row.born, row.women)])


def calendar_ratio(calendar: Calendar | None) -> FloatArray:
    """Spread a calendar's ratios over the years, log-linear between those given and level outside.

    Args:
        calendar: Ratios by year; None for 1 always.

    Returns:
        Ratios, 0 where the calendar says 0, shape (year from `TABLE_YEAR`,).
    """
    if calendar is None:
        return np.ones(N_TABLE_YEARS)
    logs = np.log(np.maximum(calendar.ratios, LEAST_RATIO))
    ratio: FloatArray = np.exp(np.interp(YEARS, calendar.years, logs))
    return np.where(ratio <= 1.1 * LEAST_RATIO, 0.0, ratio)


def by_age_and_year(calendars: Sequence[Calendar]) -> FloatArray:
    """Spread the calendars of several ages over all ages, linear in the logarithm between theirs.

    Args:
        calendars: One for each age, in any order; none for 1 always.

    Returns:
        Ratios, shape (year from `TABLE_YEAR`, age).
    """
    if not calendars:
        return np.ones((N_TABLE_YEARS, MAX_AGE + 1))
    ordered = sorted(calendars, key=lambda row: row.age)
    logs = np.log(np.stack([np.maximum(calendar_ratio(row), LEAST_RATIO) for row in ordered]))
    ages = [row.age for row in ordered]
    ratio: FloatArray = np.exp(np.stack([np.interp(AGES, ages, logs[:, y]) for y in range(N_TABLE_YEARS)]))
    return ratio


def by_year_of_age(by_age: FloatArray) -> FloatArray:
    """Turn rates by age last birthday into rates by calendar year minus year of birth: the mean of the two ages.

    Args:
        by_age: Rates in any unit, ages along the last axis.

    Returns:
        Rates of the same shape and unit.
    """
    out = by_age.copy()
    out[..., 1:] = (by_age[..., 1:] + by_age[..., :-1]) / 2.0
    return out


def by_birth(hazard: FloatArray) -> npt.NDArray[np.float32]:
    """Arrange rates by year of birth, so that a life reads them one after the other.

    Args:
        hazard: Rates, shape (sex, year from `TABLE_YEAR`, age, …); years before and after read the first and the last.

    Returns:
        Rates, shape (sex, year of birth from `CALENDAR_YEAR`, age, …).
    """
    born, age = np.meshgrid(np.arange(len(BIRTH_YEARS)), np.arange(MAX_AGE + 1), indexing="ij")
    year = np.clip(born + CALENDAR_YEAR + age - TABLE_YEAR, 0, N_TABLE_YEARS - 1)
    return np.ascontiguousarray(hazard[:, year, age], dtype=np.float32)


def first_day(year: int) -> float:
    """Give the day of 1 January since 1970-01-01; beyond the calendar, a day that nobody reaches."""
    last = TABLE_YEAR + N_TABLE_YEARS
    if year > last:
        return NEVER_REACHED
    return float((date(max(year, CALENDAR_YEAR), 1, 1) - date(1970, 1, 1)).days)
