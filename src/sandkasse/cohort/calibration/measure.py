"""Count in simulated lives what the published tables count: by sex, five years of age and calendar year."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sandkasse.cohort.arms import choose_arms
from sandkasse.cohort.kernels import helper, kernel
from sandkasse.cohort.life.record import Int32Array, LifeShard
from sandkasse.cohort.life.simulate import NO_TALLY, simulate_arms
from sandkasse.cohort.tables import CALENDAR_YEAR, CompiledModel

FloatArray = npt.NDArray[np.float64]

AGE_STEP = 5
N_AGES = 20
FIRST_YEAR = 1977
N_YEARS = 48
SHARD = 50_000
TALLY_BANDS = 10, 23
COUNTED = (
    "population",
    "years",
    "deaths",
    "detected",
    "years_without",
    "years_with",
    "deaths_with",
    "undiagnosed",
)


@dataclass(frozen=True)
class LifeMeasures:
    """Counts in the cohort, shape (sex, age group, year from 1977); the last age group is 95 and older.

    Attributes:
        population: Residents on 1 January.
        years: Residents on 1 July: person-years.
        deaths: Deaths of residents.
        detected: Residents whose diabetes (type 1 or 2) is recognised in the year.
        years_without: Residents on 1 July without recognised diabetes.
        years_with: Residents on 1 July with recognised diabetes.
        deaths_with: Deaths with recognised diabetes.
        undiagnosed: Residents on 1 July with type 2 diabetes not yet recognised.
        share: Persons simulated over persons of the nation.
        tally: Sums for the mean relative hazards; see `cohort.life.kernel.live`.
    """

    population: FloatArray
    years: FloatArray
    deaths: FloatArray
    detected: FloatArray
    years_without: FloatArray
    years_with: FloatArray
    deaths_with: FloatArray
    undiagnosed: FloatArray
    share: float
    tally: FloatArray


def measure_life(
    model: CompiledModel,
    n_persons: int,
    *,
    seed: int,
    tally: bool = False,
    progress: Callable[[int], None] = lambda _: None,
    also: Callable[[LifeShard], None] = lambda _: None,
) -> LifeMeasures:
    """Simulate persons shard by shard and count.

    Args:
        model: The compiled model, with conditions `t1d` and `t2d`.
        n_persons: How many persons to simulate.
        seed: Seed of the cohort.
        tally: Add up the sums for the mean relative hazards too.
        progress: Called with the number of persons done.
        also: Called with each shard of lives, which have no life under an intervention.

    Returns:
        The counts.
    """
    shape = 2, N_AGES, N_YEARS
    sums = {name: np.zeros(shape) for name in COUNTED}
    total = np.zeros((2, *TALLY_BANDS, len(model.conditions) + 2, 2)) if tally else NO_TALLY
    for first in range(0, n_persons, SHARD):
        persons = np.arange(first, min(first + SHARD, n_persons), dtype=np.int64)
        shard = simulate_arms(model, persons, seed=seed, arms=choose_arms(model.arms, (0,)), tally=total)
        _count(shard, model, sums)
        also(shard)
        progress(int(persons[-1]) + 1)
    return LifeMeasures(**sums, share=n_persons / model.persons_in_nation, tally=total)


def _count(shard: LifeShard, model: CompiledModel, sums: dict[str, FloatArray]) -> None:
    pair = [model.conditions.index("t1d"), model.conditions.index("t2d")]
    counts = np.zeros((8, 2, N_AGES, N_YEARS), dtype=np.float64)
    _count_persons(
        model.tables.jan1[FIRST_YEAR - CALENDAR_YEAR : FIRST_YEAR + N_YEARS + 1 - CALENDAR_YEAR],
        shard.sex,
        shard.birth_day,
        shard.death_day,
        shard.residence_start,
        shard.residence_end,
        np.ascontiguousarray(shard.detected_day[:, pair].min(axis=1)),
        np.ascontiguousarray(shard.onset_day[:, pair[1]]),
        np.ascontiguousarray(shard.detected_day[:, pair[1]]),
        counts,
    )
    for name, part in zip(COUNTED, counts, strict=True):
        sums[name] += part


@helper
def is_resident(start: Int32Array, end: Int32Array, day: int) -> bool:
    """Whether a day lies in one of a person's residence spells.

    Args:
        start: The person's row of `LifeShard.residence_start`.
        end: The person's row of `LifeShard.residence_end`.
        day: The day.

    Returns:
        True if so.
    """
    inside = False
    for s in range(start.shape[0]):
        inside |= start[s] <= day < end[s]
    return inside


@helper
def age_group(day: int, birth: int) -> int:
    """Five-year age group on a day.

    Args:
        day: The day.
        birth: Day of birth.

    Returns:
        0 for 0-4 years, up to 19 for 95 and older.
    """
    return min(max(int((day - birth) / 365.25) // AGE_STEP, 0), N_AGES - 1)


@kernel
def _count_persons(  # noqa: PLR0913, PLR0917 — compiled
    jan1: npt.NDArray[np.int64],
    sex: npt.NDArray[np.int8],
    birth: Int32Array,
    death: Int32Array,
    start: Int32Array,
    end: Int32Array,
    recognised: Int32Array,
    type_2: Int32Array,
    type_2_recognised: Int32Array,
    counts: FloatArray,
) -> None:
    for i in range(sex.shape[0]):
        s = sex[i] - 1
        for y in range(N_YEARS):
            first, middle, last = jan1[y], jan1[y] + 181, jan1[y + 1]
            if birth[i] <= first and is_resident(start[i], end[i], first):
                counts[0, s, age_group(first, birth[i]), y] += 1.0
            if birth[i] <= middle and is_resident(start[i], end[i], middle):
                group = age_group(middle, birth[i])
                counts[1, s, group, y] += 1.0
                counts[5 if recognised[i] <= middle else 4, s, group, y] += 1.0
                if type_2[i] <= middle < type_2_recognised[i]:
                    counts[7, s, group, y] += 1.0
            if first <= death[i] < last and is_resident(start[i], end[i], death[i]):
                group = age_group(death[i], birth[i])
                counts[2, s, group, y] += 1.0
                if recognised[i] <= death[i]:
                    counts[6, s, group, y] += 1.0
            if first <= recognised[i] < last and is_resident(start[i], end[i], recognised[i]):
                counts[3, s, age_group(recognised[i], birth[i]), y] += 1.0
