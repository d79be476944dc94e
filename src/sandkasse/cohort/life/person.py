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
)
from sandkasse.cohort.tables import CALENDAR_YEAR, LifeTables
from sandkasse.core.rng import Whole, normal

FloatArray = npt.NDArray[np.float64]


@helper
def draw_liabilities(seed: np.uint64, person: Whole, attempt: Whole, tables: LifeTables, liability: FloatArray) -> None:
    """Draw each trait's own part.

    Args:
        seed: Seed of the cohort.
        person: Number of the person.
        attempt: Which life of this person.
        tables: The compiled model.
        liability: Written: standard normal, shape (trait,).
    """
    for k in range(liability.shape[0]):
        family = normal(seed, person, LIABILITY_FAMILY, k * ATTEMPTS + attempt)
        own = normal(seed, person, LIABILITY_OWN, k * ATTEMPTS + attempt)
        liability[k] = tables.family_weight[k] * family + tables.own_weight[k] * own


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
