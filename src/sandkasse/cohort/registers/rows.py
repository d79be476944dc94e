"""From words to the numbers of columns: each word is read once and every column of its row written at once."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sandkasse.cohort.kernels import helper, kernel

OLDEST = 120
"""Reference limits stay from this age on."""
Ints = npt.NDArray[np.int64]
Places = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]


class ResultRows(NamedTuple):
    """Laboratory results as columns, each of shape (n_results,).

    Attributes:
        person: Position in the order of pnr, int32.
        day: int32.
        analysis: Its number, int32.
        value: float64.
        lower: Lower reference limit, NaN where there is none, float64.
        upper: Upper reference limit, NaN where there is none, float64.
    """

    person: Places
    day: Places
    analysis: Places
    value: Floats
    lower: Floats
    upper: Floats


class ServiceRows(NamedTuple):
    """Primary-care services as columns, each of shape (n_services,).

    Attributes:
        person: Position in the order of pnr, int32.
        service: Its number, int32.
        week: Week of the settlement, int32.
        is_childs: 1 if it was given to a child, int8.
    """

    person: Places
    service: Places
    week: Places
    is_childs: npt.NDArray[np.int8]


@kernel
def _read_results(
    words: Ints,
    starts: Ints,
    birth_day: Places,
    sex: npt.NDArray[np.int8],
    ticks: Floats,
    limits: Floats,
    rows: ResultRows,
) -> None:
    for person in range(birth_day.shape[0]):
        born, man_or_woman = np.int64(birth_day[person]), sex[person] - 1
        for at in range(starts[person], starts[person + 1]):
            word = words[at]
            day, analysis = word >> 32, (word >> 26) & 63
            age = min(max((day - born) * 4 // 1461, 0), OLDEST)
            rows.person[at] = person
            rows.day[at] = day
            rows.analysis[at] = analysis
            rows.value[at] = (word & 0x3FFFFFF) / ticks[analysis]
            rows.lower[at] = limits[0, analysis, man_or_woman, age]
            rows.upper[at] = limits[1, analysis, man_or_woman, age]


@helper
def _put_service(rows: ServiceRows, at: int, person: int, word: int) -> None:
    rows.person[at] = person
    rows.service[at] = (word >> 1) & 0xFFFF
    rows.week[at] = word >> 17
    rows.is_childs[at] = word & 1


@kernel
def _read_services(
    words: Ints, starts: Ints, first_week: int, end_week: int, former: ServiceRows, current: ServiceRows, n: Ints
) -> None:
    n_former, n_current = 0, 0
    for person in range(starts.shape[0] - 1):
        for at in range(starts[person], starts[person + 1]):
            word = words[at]
            week = word >> 17
            if week < first_week:
                _put_service(former, n_former, person, word)
                n_former += 1
            elif week < end_week:
                _put_service(current, n_current, person, word)
                n_current += 1
    n[0], n[1] = n_former, n_current


def read_results(
    words: Ints, starts: Ints, *, birth_day: Places, sex: npt.NDArray[np.int8], ticks: Floats, limits: Floats
) -> ResultRows:
    """Read laboratory results.

    Args:
        words: Packed results, int64.
        starts: First word of each person and the one after the last, int64, shape (n_persons + 1,).
        birth_day: Of each person, int32, shape (n_persons,).
        sex: 1 or 2, int8, shape (n_persons,).
        ticks: Units of its last decimal in a unit of each analysis, float64, shape (n_analyses,).
        limits: Lower and upper reference limits, float64, shape (2, n_analyses, 2, OLDEST + 1).
    """
    n = len(words)
    rows = ResultRows(
        np.empty(n, np.int32), np.empty(n, np.int32), np.empty(n, np.int32), np.empty(n), np.empty(n), np.empty(n)
    )
    _read_results(words, np.ascontiguousarray(starts), birth_day, sex, ticks, limits, rows)
    return rows


def read_services(words: Ints, starts: Ints, *, first_week: int, end_week: int) -> tuple[ServiceRows, ServiceRows]:
    """Read primary-care services: those settled before `first_week`, and those from then on until before `end_week`.

    Args:
        words: Packed services, int64.
        starts: First word of each person and the one after the last, int64, shape (n_persons + 1,).
        first_week: First week of the second register.
        end_week: First week that no register holds.
    """
    given = np.zeros(2, np.int64)
    # Room that is not written to costs nothing, counting first would.
    former, current = _room_for_services(len(words)), _room_for_services(len(words))
    _read_services(words, np.ascontiguousarray(starts), first_week, end_week, former, current, given)
    return _first_services(former, given[0]), _first_services(current, given[1])


def _room_for_services(n: int) -> ServiceRows:
    return ServiceRows(np.empty(n, np.int32), np.empty(n, np.int32), np.empty(n, np.int32), np.empty(n, np.int8))


def _first_services(rows: ServiceRows, n: int) -> ServiceRows:
    return ServiceRows(rows.person[:n], rows.service[:n], rows.week[:n], rows.is_childs[:n])
