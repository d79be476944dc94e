"""How a person enters, where the person lives, and when the person is away: compiled helpers."""

import numpy as np
import numpy.typing as npt

from sandkasse.cohort.kernels import helper
from sandkasse.cohort.life.purposes import ENTRY, MUNICIPALITY, RESIDENCE
from sandkasse.cohort.tables import CALENDAR_YEAR, MAX_AGE, LifeTables
from sandkasse.core.rng import Whole, exponential, uniform

N_SPELLS = 4
MONTH_START = np.array([0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365], dtype=np.int64)
_NEVER = np.int64(2**31 - 1)
Days = npt.NDArray[np.int64]


@helper
def draw_entry(seed: np.uint64, person: Whole, tables: LifeTables) -> tuple[Whole, Whole, Whole, Whole]:
    """Draw how a person enters: resident at the window's start, born in it, or immigrating.

    Args:
        seed: Seed of the cohort.
        person: Number of the person.
        tables: The compiled model.

    Returns:
        Sex (1 man, 2 woman), year of birth, day of birth, first day of residence.
    """
    place = np.searchsorted(tables.entry_cumulative, uniform(seed, person, ENTRY, np.int64(0)))
    place = min(place, tables.entry_kind.shape[0] - 1)
    kind, year, age = tables.entry_kind[place], tables.entry_year[place], tables.entry_age[place]
    jan1 = tables.jan1
    u, v = uniform(seed, person, ENTRY, np.int64(1)), uniform(seed, person, ENTRY, np.int64(2))
    birth_year = year - 1 - age if kind != 1 else year
    first = jan1[birth_year - CALENDAR_YEAR]
    length = jan1[birth_year - CALENDAR_YEAR + 1] - first
    if kind == 1:
        birth = first + MONTH_START[age] + int(u * (MONTH_START[age + 1] - MONTH_START[age]))
        entry = birth
    else:
        birth = first + int(u * length)
        begin = jan1[year - CALENDAR_YEAR]
        if kind == 0:
            entry = begin
        else:
            begin = max(begin, birth)
            entry = begin + int(v * (jan1[year + 1 - CALENDAR_YEAR] - begin))
    return tables.entry_sex[place], birth_year, birth, entry


@helper
def draw_municipality(seed: np.uint64, person: Whole, index: Whole, tables: LifeTables) -> Whole:
    """Draw a municipality by its inhabitants.

    Args:
        seed: Seed of the cohort.
        person: Number of the person.
        index: Which draw of this person.
        tables: The compiled model.

    Returns:
        Code of the municipality (2007 numbering).
    """
    place = np.searchsorted(tables.municipality_cumulative, uniform(seed, person, MUNICIPALITY, index))
    return int(tables.municipality_code[min(place, tables.municipality_code.shape[0] - 1)])


@helper
def draw_emigration(
    seed: np.uint64, person: Whole, index: Whole, sex: Whole, birth_year: Whole, begin: Whole, tables: LifeTables
) -> Whole:
    """Draw the day on which a resident leaves the country.

    Args:
        seed: Seed of the cohort.
        person: Number of the person.
        index: Which emigration of this person.
        sex: 1 man, 2 woman.
        birth_year: Year of birth.
        begin: First day of residence.
        tables: The compiled model.

    Returns:
        The day after the last day of residence; the window's end at the latest.
    """
    start_year, end_year = int(tables.numbers[0]), int(tables.numbers[1])
    left = exponential(seed, person, RESIDENCE, index)
    for year in range(start_year, end_year):
        last = tables.jan1[year + 1 - CALENDAR_YEAR]
        if last <= begin:
            continue
        first = max(begin, tables.jan1[year - CALENDAR_YEAR])
        age = min(max(year - birth_year, 0), MAX_AGE)
        rate = tables.emigration[sex - 1, year - start_year, age]
        days = float(last - first)
        if rate * days > left:
            return int(max(first + int(left / rate), begin + 1))
        left -= rate * days
    return int(tables.jan1[end_year - CALENDAR_YEAR])


@helper
def draw_residence(  # noqa: PLR0913, PLR0917 — compiled
    seed: np.uint64,
    person: Whole,
    sex: Whole,
    birth_year: Whole,
    birth: Whole,
    entry: Whole,
    tables: LifeTables,
    start: Days,
    end: Days,
    place: Days,
) -> Whole:
    """Draw residence spells: at most one move within the country and two returns from abroad.

    Args:
        seed: Seed of the cohort.
        person: Number of the person.
        sex: 1 man, 2 woman.
        birth_year: Year of birth.
        birth: Day of birth.
        entry: First day of residence.
        tables: The compiled model.
        start: Written: first days, shape (N_SPELLS,).
        end: Written: days after the last.
        place: Written: municipalities.

    Returns:
        Number of spells, at least 1.
    """
    numbers = tables.numbers
    horizon = tables.jan1[int(numbers[1]) - CALENDAR_YEAR]
    move = int(_NEVER)
    if uniform(seed, person, MUNICIPALITY, np.int64(1)) < numbers[11]:
        years = numbers[12] + numbers[13] * exponential(seed, person, MUNICIPALITY, np.int64(2))
        move = int(birth + int(years * 365.25))
    code = draw_municipality(seed, person, np.int64(0), tables)
    begin, n = entry, 0
    for away in range(3):
        leave = draw_emigration(seed, person, away, sex, birth_year, begin, tables)
        if begin < move < leave and n < N_SPELLS - 1:
            start[n], end[n], place[n] = begin, move, code
            n += 1
            code = draw_municipality(seed, person, np.int64(3), tables)
            begin, move = move, int(_NEVER)
        start[n], end[n], place[n] = begin, leave, code
        n += 1
        if n == N_SPELLS or away == 2 or uniform(seed, person, RESIDENCE, 8 + away) >= numbers[14]:
            break
        begin = leave + 30 + int(numbers[15] * 365.25 * exponential(seed, person, RESIDENCE, 16 + away))
        if begin >= horizon:
            break
        code = draw_municipality(seed, person, 4 + away, tables)
    return n
