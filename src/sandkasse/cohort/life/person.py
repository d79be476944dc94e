"""What a person brings into the life: liabilities, body mass, smoking: compiled helpers."""

import math

import numpy as np
import numpy.typing as npt

from sandkasse.cohort.kernels import helper
from sandkasse.cohort.life.purposes import (
    ATTEMPTS,
    BODY_MASS,
    LIABILITY_FAMILY,
    LIABILITY_OWN,
    SET_POINT,
    SMOKING,
)
from sandkasse.cohort.tables import CALENDAR_YEAR, LifeTables
from sandkasse.core.rng import Whole, exponential, normal, uniform

FloatArray = npt.NDArray[np.float64]
NEVER = 2**31 - 1


@helper
def draw_liabilities(
    seed: np.uint64, person: Whole, attempt: Whole, tables: LifeTables, liability: FloatArray, fixed: FloatArray
) -> None:
    """Draw the liabilities and the fixed hazard ratios that they give.

    Args:
        seed: Seed of the cohort.
        person: Number of the person.
        attempt: Which life of this person.
        tables: The compiled model.
        liability: Written: standard normal, shape (trait,).
        fixed: Written: hazard ratios of mean 1 over persons, shape (condition + death,).
    """
    for k in range(liability.shape[0]):
        family = normal(seed, person, LIABILITY_FAMILY, k * ATTEMPTS + attempt)
        own = normal(seed, person, LIABILITY_OWN, k * ATTEMPTS + attempt)
        liability[k] = tables.family_weight[k] * family + tables.own_weight[k] * own
    for c in range(fixed.shape[0]):
        total, spread = 0.0, 0.0
        for k in range(liability.shape[0]):
            beta = tables.trait_beta[c, k]
            total += beta * liability[k]
            spread += beta * beta
        fixed[c] = math.exp(total - 0.5 * spread) if spread > 0.0 else 1.0


@helper
def draw_body_mass(
    seed: np.uint64,
    person: Whole,
    attempt: Whole,
    sex: Whole,
    birth_year: Whole,
    tables: LifeTables,
    liability: FloatArray,
) -> tuple[float, float]:
    """Draw body-mass index at 20 and its slope from 20 to 65.

    Args:
        seed: Seed of the cohort.
        person: Number of the person.
        attempt: Which life of this person.
        sex: 1 man, 2 woman.
        birth_year: Year of birth.
        tables: The compiled model.
        liability: The person's liabilities.

    Returns:
        Body-mass index at 20 in kg/m², and its change in kg/m² per year.
    """
    numbers = tables.numbers
    trait = liability[int(numbers[2])]
    at_20 = normal(seed, person, BODY_MASS, attempt)
    later = normal(seed, person, BODY_MASS, ATTEMPTS + attempt)
    first = tables.bmi_at_20[sex - 1, birth_year - CALENDAR_YEAR] * math.exp(
        numbers[5] * (numbers[3] * trait + numbers[4] * at_20)
    )
    slope = tables.bmi_slope[sex - 1, birth_year - CALENDAR_YEAR] + numbers[6] * (
        numbers[3] * trait + numbers[4] * later
    )
    first = max(first, numbers[7])
    return first, max(slope, (numbers[7] - first) / 45.0)


@helper
def draw_smoking(
    seed: np.uint64, person: Whole, attempt: Whole, sex: Whole, birth_year: Whole, birth: Whole, tables: LifeTables
) -> tuple[Whole, Whole]:
    """Draw from when until when a person smokes.

    Args:
        seed: Seed of the cohort.
        person: Number of the person.
        attempt: Which life of this person.
        sex: 1 man, 2 woman.
        birth_year: Year of birth.
        birth: Day of birth.
        tables: The compiled model.

    Returns:
        Day of starting and day of stopping, `NEVER` if none.
    """
    numbers = tables.numbers
    if uniform(seed, person, SMOKING, attempt) >= tables.smoking_ever[sex - 1, birth_year - CALENDAR_YEAR]:
        return NEVER, NEVER
    years = numbers[8] + numbers[9] * normal(seed, person, SMOKING, ATTEMPTS + attempt)
    start = birth + int(365.25 * max(years, 10.0))
    if (
        uniform(seed, person, SMOKING, 2 * ATTEMPTS + attempt)
        >= tables.smoking_stops[sex - 1, birth_year - CALENDAR_YEAR]
    ):
        return start, NEVER
    smoked = numbers[10] * exponential(seed, person, SMOKING, 3 * ATTEMPTS + attempt)
    return start, start + 1 + int(365.25 * smoked)


@helper
def draw_set_point(seed: np.uint64, person: Whole, attempt: Whole) -> float:
    """Draw the person's own deviation of HbA1c.

    Args:
        seed: Seed of the cohort.
        person: Number of the person.
        attempt: Which life of this person.

    Returns:
        A standard normal.
    """
    return normal(seed, person, SET_POINT, attempt)
