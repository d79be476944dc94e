"""The Danish figures of a population: who is here, is born, arrives, leaves, has children and dies."""

import csv
from datetime import date
from pathlib import Path

import numpy as np

from sandkasse.cohort.compilation.curves import AGES, YEAR_DAYS, by_year_of_age
from sandkasse.cohort.specification import General, Pregnancy
from sandkasse.cohort.tables import CALENDAR_YEAR, MAX_AGE, N_TABLE_YEARS, TABLE_YEAR, FloatArray, IntArray
from sandkasse.core.errors import InvalidInputError

FIRST_MORTALITY = 1974 - TABLE_YEAR
LAST_MORTALITY = 2024 - TABLE_YEAR
INFANT_SHARE = 0.87
"""Share of infant deaths in the calendar year of birth: our choice, as in `verification/cohort_derive_data.py`."""
MIGRATION_AGES = 90
"""Migrations are counted at ages 0 to 89."""
FERTILE_AGES = (15, 50)
RESIDENT, BORN, IMMIGRANT = 0, 1, 2
"""How persons enter: `LifeTables.entry_kind`."""
BEFORE_BIRTHDAY_0 = -1
"""`LifeTables.entry_age` of an immigrant who was born in the year of arrival."""


def read_rows(path: Path) -> list[dict[str, str]]:
    """Read a CSV file whose comments begin with `#`."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


def inhabitants(data: Path) -> dict[int, float]:
    """Read the inhabitants of each municipality, in thousands, by its code.

    Args:
        data: Folder of the Danish figures.
    """
    return {int(row["code"]): float(row["thousands"]) for row in read_rows(data / "municipalities.csv")}


def death_rates(data: Path) -> FloatArray:
    """Read all-cause mortality; years before the table read the mean of its first three years, later ones its last.

    Args:
        data: Folder of the Danish figures.

    Returns:
        Deaths per day, shape (sex, year from `TABLE_YEAR`, calendar year minus year of birth).
    """
    by_age = np.zeros((2, N_TABLE_YEARS, MAX_AGE + 1))
    for row in read_rows(data / "mortality.csv"):
        at = int(row["year"]) - TABLE_YEAR
        by_age[int(row["sex"]) - 1, at] = [float(row[f"age_{age}"]) for age in range(MAX_AGE + 1)]
    first = FIRST_MORTALITY
    by_age[:, :first] = by_age[:, first : first + 3].mean(axis=1, keepdims=True)
    by_age[:, LAST_MORTALITY + 1 :] = by_age[:, LAST_MORTALITY : LAST_MORTALITY + 1]
    out = by_year_of_age(by_age)
    # Deaths before the first birthday fall mostly in the first weeks, so mostly in the calendar year of birth.
    out[..., 0] = by_age[..., 0] * 2.0 * INFANT_SHARE
    out[..., 1] = (by_age[..., 0] * 2.0 * (1.0 - INFANT_SHARE) + by_age[..., 1]) / 2.0
    return out / YEAR_DAYS


def compile_population(general: General, data: Path) -> dict[str, FloatArray | IntArray]:
    """Compile where persons live, how they leave the country and when women give birth.

    Args:
        general: The model as written.
        data: Folder of the Danish figures.

    Returns:
        Fields of `LifeTables`.

    Raises:
        InvalidInputError: If the window is not that of the figures.
    """
    places = inhabitants(data)
    cumulative = np.cumsum(list(places.values()))
    years = range(CALENDAR_YEAR, TABLE_YEAR + N_TABLE_YEARS + 1)
    return {
        "emigration": _emigration(data, general.window_start, general.window_end),
        "municipality_cumulative": cumulative / cumulative[-1],
        "municipality_code": np.array(list(places), dtype=np.int64),
        "fertility": _fertility(data, general.pregnancy),
        "jan1": np.array([(date(year, 1, 1) - date(1970, 1, 1)).days for year in years], dtype=np.int64),
    }


def _emigration(data: Path, start: int, end: int) -> FloatArray:
    """Rate per day, shape (sex, year from the window's start, calendar year minus year of birth)."""
    rows = read_rows(data / "emigration.csv")
    years = [int(row["year"]) for row in rows]
    if (start, end) != (min(years), max(years) + 1):
        raise InvalidInputError(
            f"expected a window from {min(years)} to {max(years) + 1}, as the figures have it, got {start} to {end}",
            next_step="set window_start and window_end in model.toml to these years, or bring figures of others",
        )
    out = np.zeros((2, end - start, MAX_AGE + 1))
    for row in rows:
        rates = [float(row[f"age_{age}"]) / YEAR_DAYS for age in range(MIGRATION_AGES)]
        # Ages in the file are those on 1 January; year minus year of birth is one more.
        out[int(row["sex"]) - 1, int(row["year"]) - start, 1 : MIGRATION_AGES + 1] = rates
    return out


def _fertility(data: Path, pregnancy: Pregnancy) -> FloatArray:
    """Deliveries per woman and day outside the spacing, normal around each year's mean age, shape (year, age)."""
    out = np.zeros((N_TABLE_YEARS, MAX_AGE + 1))
    spacing_years = pregnancy.spacing_days / YEAR_DAYS
    rows = {int(row["year"]): row for row in read_rows(data / "fertility.csv")}
    youngest, oldest = FERTILE_AGES
    for i, year in enumerate(range(TABLE_YEAR, TABLE_YEAR + N_TABLE_YEARS)):
        row = rows[min(max(year, min(rows)), max(rows))]
        shape = np.exp(-0.5 * ((AGES + 0.5 - float(row["mean_age"])) / pregnancy.age_sd) ** 2)
        shape[:youngest] = shape[oldest:] = 0.0
        rate = float(row["births_per_woman"]) * shape / shape.sum()
        # After each delivery a woman is out of risk for the spacing: raise the others' rate so that the births add up.
        out[i] = by_year_of_age(rate / (1.0 - rate * spacing_years)) / YEAR_DAYS
    return out


def compile_entries(data: Path, start: int) -> tuple[dict[str, FloatArray | IntArray], float]:
    """Compile how persons enter: resident at the window's start, born in it, or immigrating for the first time.

    Args:
        data: Folder of the Danish figures.
        start: The year in which the window starts.

    Returns:
        Fields of `LifeTables`, and the number of persons that the entries add up to.
    """
    rows = [
        (RESIDENT, int(row["sex"]), start, int(row["age"]), float(row["persons"]))
        for row in read_rows(data / "population_1977.csv")
    ]
    rows += [
        (BORN, int(row["sex"]), int(row["year"]), int(row["month"]) - 1, float(row["persons"]))
        for row in read_rows(data / "births.csv")
    ]
    for row in read_rows(data / "immigration.csv"):
        sex, year = int(row["sex"]), int(row["year"])
        rows.append((IMMIGRANT, sex, year, BEFORE_BIRTHDAY_0, float(row["born_in_year"])))
        rows.extend((IMMIGRANT, sex, year, age, float(row[f"age_{age}"])) for age in range(MIGRATION_AGES))
    kept = [row for row in rows if row[4] > 0.0]
    cumulative = np.cumsum([row[4] for row in kept])
    columns = np.array([row[:4] for row in kept], dtype=np.int64)
    return {
        "entry_cumulative": cumulative / cumulative[-1],
        "entry_kind": columns[:, 0].copy(),
        "entry_sex": columns[:, 1].copy(),
        "entry_year": columns[:, 2].copy(),
        "entry_age": columns[:, 3].copy(),
    }, float(cumulative[-1])
