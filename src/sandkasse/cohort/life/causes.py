"""What a person brings into the life besides family and body: common causes, habits, position; compiled helpers."""

import math

import numpy as np
import numpy.typing as npt

from sandkasse.cohort.kernels import helper
from sandkasse.cohort.life.purposes import ATTEMPTS, EDUCATION, INCOME, SMOKING
from sandkasse.cohort.tables import CALENDAR_YEAR, LifeTables
from sandkasse.core.rng import Whole, exponential, normal, uniform

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
NEVER = np.int64(2**31 - 1)
DRAWS = np.int64(4)
"""Draws of each exposure: whether ever, when first, whether it stops, how long."""


@helper
def settle_traits(tables: LifeTables, group: Whole, liability: FloatArray, fixed: FloatArray) -> None:
    """Load the traits on one another and on the place, and compute the fixed hazard ratios that they give.

    Args:
        tables: The compiled model.
        group: Group of the municipality in which the person lives first.
        liability: Each trait's own part, standard normal, shape (trait,); changed to the traits, of mean 0 and variance
            1 over persons.
        fixed: Written: hazard ratios of mean 1 over persons, shape (trait target,): onset of each condition, death,
            detection of each condition, start of each treatment row.
    """
    for k in range(liability.shape[0]):
        value = tables.trait_scale[k] * liability[k]
        for j in range(k):
            value += tables.trait_load[k, j] * liability[j]
        liability[k] = value + tables.place_shift[group, k]
    for target in range(fixed.shape[0]):
        fixed[target] = -tables.trait_log_mean[target]
    for i in range(tables.beta_target.shape[0]):
        fixed[tables.beta_target[i]] += tables.beta_value[i] * liability[tables.beta_trait[i]]
    for target in range(fixed.shape[0]):
        fixed[target] = math.exp(fixed[target]) if tables.trait_log_mean[target] > 0.0 else 1.0


@helper
def odds_to_share(intercept: float, beta: FloatArray, liability: FloatArray) -> float:
    """Turn an intercept and log odds ratios of the traits into a probability."""
    total = intercept
    for k in range(liability.shape[0]):
        total += beta[k] * liability[k]
    return 1.0 / (1.0 + math.exp(-total))


@helper
def draw_exposures(  # noqa: PLR0913, PLR0917 — compiled
    seed: np.uint64,
    person: Whole,
    attempt: Whole,
    sex: Whole,
    birth_year: Whole,
    birth: Whole,
    tables: LifeTables,
    liability: FloatArray,
    start: IntArray,
    stop: IntArray,
) -> None:
    """Draw from when until when a person has each habit.

    Args:
        seed: Seed of the cohort.
        person: Number of the person.
        attempt: Which life of this person.
        sex: 1 man, 2 woman.
        birth_year: Year of birth.
        birth: Day of birth.
        tables: The compiled model.
        liability: The person's traits.
        start: Written: day of starting, `NEVER` if never, shape (exposure,).
        stop: Written: day of stopping, `NEVER` if never.
    """
    born = birth_year - CALENDAR_YEAR
    for e in range(start.shape[0]):
        start[e], stop[e] = NEVER, NEVER
        at = e * DRAWS * ATTEMPTS + attempt
        ever = odds_to_share(tables.exposure_intercept[e, sex - 1, born], tables.exposure_beta[e], liability)
        if uniform(seed, person, SMOKING, at) >= ever:
            continue
        years = tables.exposure_path[e, 0] + tables.exposure_path[e, 1] * normal(seed, person, SMOKING, at + ATTEMPTS)
        start[e] = birth + int(365.25 * max(years, tables.exposure_path[e, 2]))
        stops = odds_to_share(tables.exposure_stop_intercept[e, sex - 1, born], tables.exposure_stop_beta[e], liability)
        if uniform(seed, person, SMOKING, at + 2 * ATTEMPTS) < stops:
            lasted = tables.exposure_path[e, 3] * exponential(seed, person, SMOKING, at + 3 * ATTEMPTS)
            stop[e] = start[e] + 1 + int(365.25 * lasted)


@helper
def draw_position(
    seed: np.uint64,
    person: Whole,
    attempt: Whole,
    sex: Whole,
    birth_year: Whole,
    tables: LifeTables,
    liability: FloatArray,
) -> tuple[Whole, float]:
    """Draw social position.

    Args:
        seed: Seed of the cohort.
        person: Number of the person.
        attempt: Which life of this person.
        sex: 1 man, 2 woman.
        birth_year: Year of birth.
        tables: The compiled model.
        liability: The person's traits.

    Returns:
        Highest education that the person comes to complete (1 to 3; 0 if the model has none) and lifelong rank of
        income among those of the same age and sex, above 0 and below 1 (0 if the model has none).
    """
    numbers = tables.numbers
    level, rank = 0, 0.0
    if numbers[8] >= 0.0:
        score = numbers[9] * liability[int(numbers[8])] + numbers[10] * normal(seed, person, EDUCATION, attempt)
        level = 1
        for k in range(tables.education_cut.shape[0]):
            level += score > tables.education_cut[k, sex - 1, birth_year - CALENDAR_YEAR]
    if numbers[19] >= 0.0:
        score = numbers[20] * liability[int(numbers[19])] + numbers[21] * normal(seed, person, INCOME, attempt)
        rank = 0.5 * math.erfc(-score / math.sqrt(2.0))
    return level, rank
