"""The numbers that calibration wrote."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sandkasse.cohort.compilation.curves import AGES, YEARS
from sandkasse.cohort.compilation.figures import read_rows
from sandkasse.cohort.tables import MAX_AGE, N_TABLE_YEARS, FloatArray
from sandkasse.core.errors import InvalidInputError

FITTED_STEP = 5
"""Fitted tables go by spans of so many ages and years."""
Fitted = dict[str, list[dict[str, str]]]
"""Rows of each fitted table, by the file's name without its ending."""


def read_fitted(folder: Path) -> Fitted:
    """Read the numbers that calibration wrote.

    Args:
        folder: Holds `mean_relative_hazard.csv` and one file for each fitted incidence and detection.

    Returns:
        The rows of each table.

    Raises:
        InvalidInputError: If the folder has no table.
    """
    tables = {path.stem: read_rows(path) for path in sorted(folder.glob("*.csv"))}
    if "mean_relative_hazard" not in tables:
        raise InvalidInputError(
            f"expected fitted tables in {folder.name}/, found none", next_step="run the cohort's calibration first"
        )
    return tables


def fitted_levels(fitted: Fitted) -> dict[str, float]:
    """Give the factors of incidences and of the rates of starting treatments, by name."""
    return {row["name"]: float(row["value"]) for row in fitted.get("level", [])}


def mean_hazards(fitted: Fitted) -> dict[str, FloatArray]:
    """Give the mean relative hazard of those at risk, by target.

    Args:
        fitted: The calibrated tables, perhaps none.

    Returns:
        Ratios for each target that has them, shape (sex, year from `TABLE_YEAR`, age).
    """
    rows_of: Fitted = {}
    for row in fitted.get("mean_relative_hazard", []):
        rows_of.setdefault(row["target"], []).append(row)
    return {target: spread_grid(rows) for target, rows in rows_of.items()}


def spread_grid(rows: Sequence[dict[str, str]]) -> FloatArray:
    """Spread rows by sex, age_from and year_from to single ages and years, log-linear between the spans' middles.

    Args:
        rows: One for each sex and span of `FITTED_STEP` ages and years; a missing one says 1.

    Returns:
        Values, shape (sex, year from `TABLE_YEAR`, age).
    """
    age_from = sorted({int(row["age_from"]) for row in rows})
    year_from = sorted({int(row["year_from"]) for row in rows})
    cells = np.ones((2, len(year_from), len(age_from)))
    for row in rows:
        at = int(row["sex"]) - 1, year_from.index(int(row["year_from"])), age_from.index(int(row["age_from"]))
        cells[at] = float(row["value"])
    middle_age = np.array(age_from) + FITTED_STEP / 2.0  # ages are lived through, years are counted
    middle_year = np.array(year_from) + (FITTED_STEP - 1) / 2.0
    by_age = np.stack([[np.interp(AGES, middle_age, line) for line in sex] for sex in np.log(cells)])
    out = np.empty((2, N_TABLE_YEARS, MAX_AGE + 1))
    for sex in range(2):
        for age in range(MAX_AGE + 1):
            out[sex, :, age] = np.interp(YEARS, middle_year, by_age[sex, :, age])
    return np.exp(out)
