"""Days: counted from 1970-01-01, drawn within a year as care is given, named as the registers name weeks."""

from datetime import date
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sandkasse.cohort.kernels import helper

EPOCH = date(1970, 1, 1)
NEVER = 2**31 - 1
FIRST_YEAR, LAST_YEAR = 1977, 2024
QUANTILES = 2048


def day_of(value: date) -> int:
    """Count days from 1970-01-01."""
    return (value - EPOCH).days


FIRST_DAY = day_of(date(FIRST_YEAR, 1, 1))
END_DAY = day_of(date(LAST_YEAR + 1, 1, 1))
DAY_1981 = day_of(date(1981, 1, 1))
DAY_1989 = day_of(date(1989, 1, 1))
DAY_1990 = day_of(date(1990, 1, 1))
DAY_1995 = day_of(date(1995, 1, 1))
DAY_1996 = day_of(date(1996, 1, 1))
DAY_2011 = day_of(date(2011, 1, 1))
DAY_2017 = day_of(date(2017, 1, 1))
DAY_2019 = day_of(date(2019, 1, 1))


class Calendar(NamedTuple):
    """The days of each year.

    Attributes:
        year_start: First day of each year and of the one after the last, int64, shape (n_years + 1,).
        elective: Day of the year at each quantile of planned care: on weekdays, less in July and around Christmas,
            int16, shape (n_years, QUANTILES).
        acute: The same for care that does not wait, int16, shape (n_years, QUANTILES).
    """

    year_start: npt.NDArray[np.int64]
    elective: npt.NDArray[np.int16]
    acute: npt.NDArray[np.int16]


def compile_calendar(*, july: float, christmas: float) -> Calendar:
    """Make the calendar.

    Args:
        july: Planned care in July relative to other months.
        christmas: Planned care from 23 to 31 December relative to other weekdays.
    """
    starts = [day_of(date(year, 1, 1)) for year in range(FIRST_YEAR, LAST_YEAR + 2)]
    elective, acute = [], []
    for start, end in pairwise(starts):
        elective.append(_quantiles(_planned(start, end, july, christmas)))
        acute.append(_quantiles(np.ones(end - start)))
    return Calendar(
        np.array(starts, dtype=np.int64), np.array(elective, dtype=np.int16), np.array(acute, dtype=np.int16)
    )


def _planned(start: int, end: int, july: float, christmas: float) -> npt.NDArray[np.float64]:
    weights = []
    for number in range(start, end):
        day = date.fromordinal(EPOCH.toordinal() + number)
        is_closed = day.weekday() > 4 or (day.month, day.day) in ((1, 1), (12, 24), (12, 25), (12, 26))
        is_christmas = day.month == 12 and day.day >= 23
        weights.append(0.0 if is_closed else july if day.month == 7 else christmas if is_christmas else 1.0)
    return np.array(weights)


def _quantiles(weight: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    share = np.cumsum(weight) / weight.sum()
    return np.searchsorted(share, (np.arange(QUANTILES) + 0.5) / QUANTILES).astype(np.int64)


@helper
def day_in(calendar: Calendar, is_planned: bool, year: int, u: float) -> int:
    """Give the day of a year at a quantile in (0, 1)."""
    row = year - FIRST_YEAR
    at = int(u * QUANTILES)
    if is_planned:
        return int(calendar.year_start[row]) + int(calendar.elective[row, at])
    return int(calendar.year_start[row]) + int(calendar.acute[row, at])


@helper
def year_of(year_start: npt.NDArray[np.int64], day: int) -> int:
    """Give the calendar year of a day, limited to the simulated years."""
    year = FIRST_YEAR + int((day - FIRST_DAY) / 365.25)
    year = min(max(year, FIRST_YEAR), LAST_YEAR)
    if year > FIRST_YEAR and year_start[year - FIRST_YEAR] > day:
        year -= 1
    elif year < LAST_YEAR and year_start[year + 1 - FIRST_YEAR] <= day:
        year += 1
    return year


@helper
def week_of(day: int) -> int:
    """Number the week of a day, weeks from Monday, week 0 beginning on 1969-12-29."""
    return (day + 3) // 7
