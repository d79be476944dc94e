"""What a person brings into the life: liabilities, body mass, smoking: compiled helpers."""

import math

import numpy as np
import numpy.typing as npt

from sandkasse.cohort.kernels import helper
from sandkasse.cohort.kinship import FamilyTables
from sandkasse.cohort.life.families import Block
from sandkasse.cohort.life.purposes import (
    ATTEMPTS,
    BODY_MASS,
    HOME,
    HOME_ALONE,
    INHERITED,
    LIABILITY_OWN,
    SET_POINT,
    UNKNOWN_FATHER,
)
from sandkasse.cohort.tables import CALENDAR_YEAR, LifeTables
from sandkasse.core.rng import Whole, normal

FloatArray = npt.NDArray[np.float64]
MENDELIAN = math.sqrt(0.5)


@helper
def draw_liabilities(
    seed: np.uint64,
    first: Whole,
    j: Whole,
    attempt: Whole,
    families: FamilyTables,
    block: Block,
    liability: FloatArray,
) -> None:
    """Draw each trait's own part: inherited, shared at home, and one's own.

    A child's inherited part is the mean of its parents' and a part of its own of half the variance, so that all persons
    have the same variance (mating is at random). A father who is not known in the block is an unknown founder whom his
    children with that mother share; without a known mother the person is a founder.

    Args:
        seed: Seed of the cohort.
        first: Number of the block's first person.
        j: Place of the person in the block.
        attempt: Which life of this person.
        families: The compiled families.
        block: Parents' inherited parts are known; written: the person's own.
        liability: Written: standard normal, shape (trait,).

    Source:
        Fisher (1918), doi:10.1017/S0080456800012163: the infinitesimal model.
    """
    person, mother, father = first + j, block.mother[j], block.father[j]
    for k in range(liability.shape[0]):
        inherited = normal(seed, person, INHERITED, k * ATTEMPTS + attempt)
        if mother >= 0:
            if father >= 0:
                other = block.inherited[father, k]
            else:
                other = normal(seed, first + block.union[j], UNKNOWN_FATHER, k)
            inherited = 0.5 * (block.inherited[mother, k] + other) + MENDELIAN * inherited
        block.inherited[j, k] = inherited
        own = normal(seed, person, LIABILITY_OWN, k * ATTEMPTS + attempt)
        total = families.inherited_weight[k] * inherited + families.own_weight[k] * own
        if families.shared_weight[k] > 0.0:
            if mother >= 0:
                home = normal(seed, first + mother, HOME, k)
            else:
                home = normal(seed, person, HOME_ALONE, k * ATTEMPTS + attempt)
            total += families.shared_weight[k] * home
        liability[k] = total


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
