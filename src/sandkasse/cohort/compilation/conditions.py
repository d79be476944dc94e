"""Compile diseases: how fast each begins, comes again, is recognised and kills at its onset."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sandkasse.cohort.compilation.curves import (
    AGES,
    YEAR_DAYS,
    YEARS,
    by_age_and_year,
    by_birth,
    by_year_of_age,
    calendar_ratio,
)
from sandkasse.cohort.compilation.figures import death_rates
from sandkasse.cohort.compilation.fitted import Fitted, fitted_levels, mean_hazards, spread_grid
from sandkasse.cohort.compilation.names import Names
from sandkasse.cohort.specification import Condition, Incidence, Pregnancy, Specification
from sandkasse.cohort.tables import BMI_LOWEST, BMI_STEP, MAX_AGE, N_BMI, N_TABLE_YEARS, BoolArray, FloatArray, IntArray

BMI_MIDDLES = BMI_LOWEST + BMI_STEP * (np.arange(N_BMI) + 0.5)
LEAST_PER_1000 = 1e-9
"""Stands for an incidence of 0 per 1,000, which has no logarithm."""
MOST_PER_PREGNANCY, MOST_FATAL = 0.9, 0.95
"""Bounds of probabilities, whose integrated hazards would be infinite at 1: our choice."""


def compile_hazards(
    specification: Specification, data: Path, fitted: Fitted
) -> dict[str, npt.NDArray[np.float32] | FloatArray]:
    """Compile the rates of onsets and of death, and what body mass does to them.

    Args:
        specification: The model as written.
        data: Folder of the Danish figures.
        fitted: Calibrated tables; empty leaves the incidences as written.

    Returns:
        Fields of `LifeTables`.
    """
    conditions, general = specification.conditions, specification.general
    mean = mean_hazards(fitted)
    rates = [
        *(_onset_rate(row, general.pregnancy, fitted) / _divisor(row, mean) for row in conditions),
        death_rates(data) / mean.get("death", 1.0),
    ]
    risks = (*(condition.body_mass for condition in conditions), general.mortality.body_mass)
    bmi_ratio = np.ones((N_BMI, len(risks)))
    for column, risk in enumerate(risks):
        if risk is not None:
            bmi_ratio[:, column] = np.exp(np.interp(BMI_MIDDLES, risk.bmi, np.log(risk.hazard_ratios)))
    return {"hazard": by_birth(np.stack(rates, axis=-1)), "bmi_ratio": bmi_ratio}


def _onset_rate(condition: Condition, pregnancy: Pregnancy, fitted: Fitted) -> FloatArray:
    """Population rate per day as calibrated, shape (sex, year, age)."""
    rate = _incidence(condition.incidence, pregnancy.from_days_before - pregnancy.to_days_before)
    if condition.incidence.fitted and fitted:
        rate *= spread_grid(fitted[condition.name])
    return rate * fitted_levels(fitted).get(condition.name, 1.0)


def _divisor(condition: Condition, mean: Mapping[str, FloatArray]) -> FloatArray | float:
    """Mean relative hazard: a rate of the population becomes that of a person without anything that moves it."""
    return 1.0 if condition.incidence.among == "reference" else mean.get(condition.name, 1.0)


def _incidence(incidence: Incidence, pregnancy_days: float) -> FloatArray:
    """Population rate per day as written, shape (sex, year, age)."""
    out = np.zeros((2, N_TABLE_YEARS, MAX_AGE + 1))
    for sex, rates in enumerate((incidence.men, incidence.women)):
        if not rates:
            continue
        calendar = by_age_and_year(incidence.calendars_of("women" if sex else "men"))
        positive = np.maximum(rates, LEAST_PER_1000)
        level = np.exp(np.interp(AGES, incidence.ages, np.log(positive))) / 1000.0
        level = np.where(level < 1.5 * LEAST_PER_1000 / 1000.0, 0.0, level)
        if incidence.per == "pregnancy":
            out[sex] = -np.log1p(-np.minimum(level * calendar, MOST_PER_PREGNANCY)) / pregnancy_days
        else:
            out[sex] = by_year_of_age(level * calendar) / YEAR_DAYS
    return out


def compile_kinds(conditions: Sequence[Condition], names: Names) -> dict[str, IntArray | BoolArray]:
    """Compile which conditions arise in pregnancy only, and which keep others from arising.

    Args:
        conditions: The diseases as written.
        names: Finds them.

    Returns:
        Fields of `LifeTables`.

    Raises:
        InvalidInputError: If a condition excludes one that does not exist.
    """
    excludes = np.zeros((len(conditions), len(conditions)), dtype=np.bool_)
    for c, condition in enumerate(conditions):
        excludes[c, [names.condition(other) for other in condition.excludes]] = True
    in_pregnancy = [c for c, condition in enumerate(conditions) if condition.incidence.per == "pregnancy"]
    # A record has no empty arrays.
    return {"pregnancy_conditions": np.array(in_pregnancy or [-1], dtype=np.int64), "excludes": excludes}


def compile_detections(conditions: Sequence[Condition], fitted: Fitted) -> dict[str, FloatArray]:
    """Compile the rates of being recognised.

    Args:
        conditions: The diseases as written.
        fitted: Calibrated tables; empty leaves the rates as written.

    Returns:
        Fields of `LifeTables`.
    """
    by_year = np.zeros((N_TABLE_YEARS, len(conditions)))
    by_age = np.zeros((MAX_AGE + 1, len(conditions)))
    for c, condition in enumerate(conditions):
        detection = condition.detection
        by_year[:, c] = detection.rate_per_year / YEAR_DAYS * calendar_ratio(detection.calendar)
        by_age[:, c] = np.interp(AGES, detection.ages, detection.ratios)
        if detection.fitted and fitted:
            rows = fitted[f"{condition.name}_detection"]
            by_year[:, c] *= np.interp(
                YEARS, [float(row["year"]) for row in rows], [float(row["value"]) for row in rows]
            )
    return {"detect_year": by_year, "detect_age": by_age}


def compile_acute_deaths(conditions: Sequence[Condition]) -> dict[str, FloatArray]:
    """Compile the deaths of an onset itself.

    Args:
        conditions: The diseases as written.

    Returns:
        Fields of `LifeTables`.
    """
    integrated = np.zeros((N_TABLE_YEARS, MAX_AGE + 1, len(conditions)))
    days = np.ones(len(conditions))
    for c, condition in enumerate(conditions):
        acute = condition.acute
        if acute is not None:
            fatality = np.exp(np.interp(AGES, acute.ages, np.log(acute.fatality)))
            probability = np.minimum(calendar_ratio(acute.calendar)[:, None] * fatality, MOST_FATAL)
            integrated[:, :, c] = -np.log1p(-probability)
            days[c] = acute.within_days
    return {"acute": integrated, "acute_days": days}


def compile_recurring(conditions: Sequence[Condition]) -> dict[str, FloatArray | IntArray]:
    """Compile which conditions come again, how often at most, and after how many days.

    Args:
        conditions: The diseases as written.

    Returns:
        Fields of `LifeTables`.
    """
    rows = [condition.recurs for condition in conditions]
    columns = np.cumsum([row is not None for row in rows]) - 1
    return {
        "recurs_column": np.where([row is not None for row in rows], columns, -1).astype(np.int64),
        "recurs_most": np.array([row.at_most if row else 1 for row in rows], dtype=np.int64),
        "recurs_after": np.array([row.after_days if row else 0.0 for row in rows], dtype=np.float64),
    }


def compile_seasons(conditions: Sequence[Condition]) -> dict[str, FloatArray | IntArray]:
    """Compile the share of each year's onsets until each twelfth of it; the first is -1 where a year is level.

    Args:
        conditions: The diseases as written.

    Returns:
        Fields of `LifeTables`.
    """
    seasonal = [c for c, condition in enumerate(conditions) if condition.incidence.season]
    share = np.zeros((N_TABLE_YEARS, max(1, len(seasonal)), 13))  # a record has no empty arrays
    share[..., 0] = -1.0
    for k, c in enumerate(seasonal):
        for row in conditions[c].incidence.season:
            during = (row.from_year <= YEARS) & (row.to_year >= YEARS)
            share[during, k] = np.concatenate([[0.0], np.cumsum(row.months) / sum(row.months)])
            share[during, k, 12] = 1.0
    return {"season_condition": np.array(seasonal or [-1], dtype=np.int64), "season_share": share}
