"""Compile the model as written into the arrays that the kernels read."""

import csv
from collections.abc import Sequence
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sandkasse.cohort.causes import (
    BIRTH_YEARS,
    Commons,
    by_cohort,
    compile_arms,
    compile_exposures,
    compile_position,
    compile_traits,
    trait_correlations,
)
from sandkasse.cohort.kinship import compile_families
from sandkasse.cohort.places import compile_places
from sandkasse.cohort.specification import (
    MOST_CONDITIONS,
    MOST_STARTS,
    Calendar,
    Condition,
    Effect,
    Incidence,
    Specification,
    Treatment,
)
from sandkasse.cohort.tables import (
    BMI_LOWEST,
    BMI_STEP,
    CALENDAR_YEAR,
    MAX_AGE,
    N_BMI,
    N_TABLE_YEARS,
    NUMBERS,
    TABLE_YEAR,
    BoolArray,
    CompiledModel,
    FloatArray,
    IntArray,
    LifeTables,
)
from sandkasse.core.errors import InvalidInputError

YEAR_DAYS = 365.25
AGES = np.arange(MAX_AGE + 1, dtype=np.float64)
YEARS = np.arange(TABLE_YEAR, TABLE_YEAR + N_TABLE_YEARS, dtype=np.float64)
BMI_MIDDLES = BMI_LOWEST + BMI_STEP * (np.arange(N_BMI) + 0.5)
MORTALITY_YEAR = 1974
FITTED_STEP = 5

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
    tables = {path.stem: _read_csv(path) for path in sorted(folder.glob("*.csv"))}
    if "mean_relative_hazard" not in tables:
        raise InvalidInputError(
            f"expected fitted tables in {folder.name}/, found none", next_step="run the cohort's calibration first"
        )
    return tables


def compile_model(specification: Specification, *, data: Path, fitted: Fitted) -> CompiledModel:
    """Compile the model.

    Args:
        specification: The model as written.
        data: Folder of the Danish figures.
        fitted: Calibrated tables; empty leaves the incidences as written, with a mean relative hazard of 1.

    Returns:
        The compiled model.

    Raises:
        InvalidInputError: If a row names a condition, treatment, trait, exposure or municipality that does not exist.
    """
    _check_sizes(specification)
    general = specification.general
    names = _Names(
        conditions=tuple(condition.name for condition in specification.conditions),
        treatments=tuple(treatment.name for treatment in general.treatments),
        traits=tuple(trait.name for trait in general.traits),
        exposures=tuple(exposure.name for exposure in general.exposures),
    )
    entries = _entries(data, general.window_start)
    places = compile_places(
        general.places,
        general.place_shifts,
        inhabitants={int(row["code"]): float(row["thousands"]) for row in _read_csv(data / "municipalities.csv")},
        n_traits=len(names.traits),
        find=names.trait,
    )
    commons = trait_correlations(general.traits, places)
    parts = {
        **_hazards(specification, names, data, fitted),
        **_detections(specification, fitted),
        **_acute(specification),
        **_effects(specification, names),
        **_rows(specification, names, fitted),
        **_traits(specification, names, commons),
        **compile_exposures(general.exposures, commons, find=names.trait),
        "place_group": places.group,
        "place_shift": places.shift,
        **_numbers(specification, names),
        **_recurring(specification),
        **_seasons(specification),
        **_population(specification, data),
        **entries[0],
    }
    tables = LifeTables(**parts)  # type: ignore[arg-type]
    return CompiledModel(
        conditions=names.conditions,
        treatments=names.treatments,
        traits=names.traits,
        exposures=names.exposures,
        recurring=tuple(row.name for row in specification.conditions if row.recurs),
        interventions=tuple(row.name for row in general.interventions),
        tables=tables,
        arms=compile_arms(
            general.interventions,
            preventive=tables.withheld,
            n_exposures=len(names.exposures),
            find_treatment=names.treatment,
            find_exposure=names.exposure,
            find_condition=names.condition,
        ),
        families=compile_families(
            general,
            mortality=_mortality(data),
            fertility=tables.fertility,
            table_year=TABLE_YEAR,
            calendar_year=CALENDAR_YEAR,
        ),
        glycaemia=_glycaemia(specification, names),
        persons_in_nation=entries[1],
        specification=specification,
    )


def _check_sizes(specification: Specification) -> None:
    """Refuse a model whose numbers of columns or of clocks would run into one another."""
    n = len(specification.conditions)
    if n > MOST_CONDITIONS:
        raise InvalidInputError(
            f"expected at most {MOST_CONDITIONS} conditions, got {n}: a life's record has no number for more",
            next_step="take some off the list in model.toml",
        )
    for treatment in specification.general.treatments:
        if len(treatment.start) > MOST_STARTS:
            raise InvalidInputError(
                f"expected at most {MOST_STARTS} starts of a treatment, got {len(treatment.start)} of "
                f"{treatment.name}: the draws of its starts would be those of the next treatment",
                next_step="join some of its starts in treatments.toml",
            )
        if treatment.name in specification.general.glycaemia.lowering and _can_resume(treatment):
            raise InvalidInputError(
                f"{treatment.name} lowers HbA1c, whose path does not know of treatments that are taken up again",
                next_step="take resume_per_year out of its starts in treatments.toml",
            )


def _can_resume(treatment: Treatment) -> bool:
    return any(start.resume_per_year > 0.0 for start in treatment.start)


class _Names(NamedTuple):
    conditions: tuple[str, ...]
    treatments: tuple[str, ...]
    traits: tuple[str, ...]
    exposures: tuple[str, ...]

    def find(self, name: str, among: Sequence[str], what: str) -> int:
        if name in among:
            return list(among).index(name)
        near = get_close_matches(name, among, n=3) or list(among)
        raise InvalidInputError(
            f"the model names the {what} {name!r}, which it does not have; the nearest are {', '.join(near)}",
            next_step="correct the name in the cohort's params folder",
        )

    def trait(self, name: str) -> int:
        return self.find(name, self.traits, "trait")

    def condition(self, name: str) -> int:
        return self.find(name, self.conditions, "condition")

    def treatment(self, name: str) -> int:
        return self.find(name, self.treatments, "treatment")

    def exposure(self, name: str) -> int:
        return self.find(name, self.exposures, "exposure")

    def source(self, name: str) -> int:
        """Number of what starts an effect: condition, detection, treatment, exposure."""
        n, treated = len(self.conditions), len(self.treatments)
        if name.startswith("detected:"):
            return n + self.condition(name.removeprefix("detected:"))
        every = {
            **{condition: i for i, condition in enumerate(self.conditions)},
            **{treatment: 2 * n + i for i, treatment in enumerate(self.treatments)},
            **{exposure: 2 * n + treated + 2 * i for i, exposure in enumerate(self.exposures)},
            **{f"ex_{exposure}": 2 * n + treated + 2 * i + 1 for i, exposure in enumerate(self.exposures)},
        }
        self.find(name, list(every), "cause")
        return every[name]

    def target(self, name: str) -> int:
        return self.find(name, (*self.conditions, "death"), "target")


def _read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


def _calendar_ratio(calendar: Calendar | None) -> FloatArray:
    if calendar is None:
        return np.ones(N_TABLE_YEARS)
    logs = np.log(np.maximum(calendar.ratios, 1e-12))
    ratio: FloatArray = np.exp(np.interp(YEARS, calendar.years, logs))
    return np.where(ratio <= 1.1e-12, 0.0, ratio)


def _by_age_and_year(calendars: Sequence[Calendar]) -> FloatArray:
    """Ratio by year and age, linear in the logarithm between the rows' ages, shape (year, age)."""
    if not calendars:
        return np.ones((N_TABLE_YEARS, MAX_AGE + 1))
    ordered = sorted(calendars, key=lambda row: row.age)
    logs = np.log(np.stack([np.maximum(_calendar_ratio(row), 1e-12) for row in ordered]))
    ages = [row.age for row in ordered]
    ratio: FloatArray = np.exp(np.stack([np.interp(AGES, ages, logs[:, y]) for y in range(N_TABLE_YEARS)]))
    return ratio


def _lexis(by_age: FloatArray) -> FloatArray:
    """Turn rates by age last birthday into rates by calendar year minus year of birth: the mean of the two ages."""
    out = by_age.copy()
    out[..., 1:] = (by_age[..., 1:] + by_age[..., :-1]) / 2.0
    return out


def _incidence(incidence: Incidence, pregnancy_days: float) -> FloatArray:
    """Population rate per day, shape (sex, year, age)."""
    out = np.zeros((2, N_TABLE_YEARS, MAX_AGE + 1))
    for sex, rates in enumerate((incidence.men, incidence.women)):
        if not rates:
            continue
        calendar = _by_age_and_year(incidence.calendars_of("women" if sex else "men"))
        positive = np.maximum(rates, 1e-9)
        level = np.exp(np.interp(AGES, incidence.ages, np.log(positive))) / 1000.0
        level = np.where(level < 1.5e-12, 0.0, level)
        if incidence.per == "pregnancy":
            out[sex] = -np.log1p(-np.minimum(level * calendar, 0.9)) / pregnancy_days
        else:
            out[sex] = _lexis(level * calendar) / YEAR_DAYS
    return out


def _mortality(data: Path) -> FloatArray:
    """All-cause death rate per day, shape (sex, year, age); years before the table read its first three years' mean."""
    rows = _read_csv(data / "mortality.csv")
    by_age = np.zeros((2, N_TABLE_YEARS, MAX_AGE + 1))
    for row in rows:
        at = int(row["year"]) - TABLE_YEAR
        by_age[int(row["sex"]) - 1, at] = [float(row[f"age_{age}"]) for age in range(MAX_AGE + 1)]
    first = MORTALITY_YEAR - TABLE_YEAR
    by_age[:, :first] = by_age[:, first : first + 3].mean(axis=1, keepdims=True)
    by_age[:, LAST_MORTALITY + 1 :] = by_age[:, LAST_MORTALITY : LAST_MORTALITY + 1]
    out = _lexis(by_age)
    # Deaths before the first birthday fall mostly in the first weeks, so mostly in the calendar year of birth.
    out[..., 0] = by_age[..., 0] * 2.0 * INFANT_SHARE
    out[..., 1] = (by_age[..., 0] * 2.0 * (1.0 - INFANT_SHARE) + by_age[..., 1]) / 2.0
    return out / YEAR_DAYS


LAST_MORTALITY = 2024 - TABLE_YEAR
INFANT_SHARE = 0.87
"""Share of infant deaths in the calendar year of birth: our choice, as in `verification/cohort_derive_data.py`."""


def _grid(rows: list[dict[str, str]], ages: FloatArray) -> FloatArray:
    """Spread rows by sex, age_from and year_from (five by five) to single ages and years, shape (sex, year, age)."""
    age_from = sorted({int(row["age_from"]) for row in rows})
    year_from = sorted({int(row["year_from"]) for row in rows})
    cells = np.ones((2, len(year_from), len(age_from)))
    for row in rows:
        at = int(row["sex"]) - 1, year_from.index(int(row["year_from"])), age_from.index(int(row["age_from"]))
        cells[at] = float(row["value"])
    middle_age = np.array(age_from) + FITTED_STEP / 2.0
    middle_year = np.array(year_from) + (FITTED_STEP - 1) / 2.0
    logs = np.log(cells)
    by_age = np.stack([[np.interp(ages, middle_age, line) for line in sex] for sex in logs])
    out = np.empty((2, N_TABLE_YEARS, len(ages)))
    for sex in range(2):
        for a in range(len(ages)):
            out[sex, :, a] = np.interp(YEARS, middle_year, by_age[sex, :, a])
    return np.exp(out)


def _hazards(
    specification: Specification, names: _Names, data: Path, fitted: Fitted
) -> dict[str, FloatArray | IntArray | BoolArray | npt.NDArray[np.float32]]:
    conditions, general = specification.conditions, specification.general
    n = len(conditions)
    pregnancy = general.pregnancy
    pregnancy_days = pregnancy.from_days_before - pregnancy.to_days_before
    hazard = np.zeros((2, N_TABLE_YEARS, MAX_AGE + 1, n + 1))
    bmi_ratio = np.ones((N_BMI, n + 1))
    means = _grouped(fitted.get("mean_relative_hazard", []), "target")
    levels = _levels(fitted)
    for c, condition in enumerate(conditions):
        hazard[..., c] = _incidence(condition.incidence, pregnancy_days)
        if condition.incidence.fitted and fitted:
            hazard[..., c] *= _grid(fitted[condition.name], AGES)
        hazard[..., c] *= levels.get(condition.name, 1.0)
        if condition.body_mass is not None:
            logs = np.log(condition.body_mass.hazard_ratios)
            bmi_ratio[:, c] = np.exp(np.interp(BMI_MIDDLES, condition.body_mass.bmi, logs))
    hazard[..., n] = _mortality(data)
    risk = general.mortality.body_mass
    bmi_ratio[:, n] = np.exp(np.interp(BMI_MIDDLES, risk.bmi, np.log(risk.hazard_ratios)))
    for c, name in enumerate((*names.conditions, "death")):
        is_reference = c < n and conditions[c].incidence.among == "reference"
        if name in means and not is_reference:
            hazard[..., c] /= _grid(means[name], AGES)
    return {
        "hazard": _by_birth(hazard),
        "bmi_ratio": bmi_ratio,
        # A record has no empty arrays.
        "pregnancy_conditions": np.array(
            [c for c, condition in enumerate(conditions) if condition.incidence.per == "pregnancy"] or [-1],
            dtype=np.int64,
        ),
        "excludes": np.array([[other in condition.excludes for other in names.conditions] for condition in conditions]),
    }


def _by_birth(hazard: FloatArray) -> npt.NDArray[np.float32]:
    """Arrange rates by year of birth, so that a life reads them one after the other: (sex, year of birth, age, …)."""
    born, age = np.meshgrid(np.arange(len(BIRTH_YEARS)), np.arange(MAX_AGE + 1), indexing="ij")
    year = np.clip(born + CALENDAR_YEAR + age - TABLE_YEAR, 0, N_TABLE_YEARS - 1)
    return np.ascontiguousarray(hazard[:, year, age], dtype=np.float32)


def _grouped(rows: list[dict[str, str]], key: str) -> Fitted:
    out: Fitted = {}
    for row in rows:
        out.setdefault(row[key], []).append(row)
    return out


def _detections(specification: Specification, fitted: Fitted) -> dict[str, FloatArray]:
    by_year = np.zeros((N_TABLE_YEARS, len(specification.conditions)))
    by_age = np.zeros((MAX_AGE + 1, len(specification.conditions)))
    for c, condition in enumerate(specification.conditions):
        detection = condition.detection
        by_year[:, c] = detection.rate_per_year / YEAR_DAYS * _calendar_ratio(detection.calendar)
        by_age[:, c] = np.interp(AGES, detection.ages, detection.ratios)
        if detection.fitted and fitted:
            rows = fitted[f"{condition.name}_detection"]
            ratios = np.interp(YEARS, [float(row["year"]) for row in rows], [float(row["value"]) for row in rows])
            by_year[:, c] *= ratios
    return {"detect_year": by_year, "detect_age": by_age}


def _acute(specification: Specification) -> dict[str, FloatArray]:
    conditions = specification.conditions
    integrated = np.zeros((N_TABLE_YEARS, MAX_AGE + 1, len(conditions)))
    days = np.ones(len(conditions))
    for c, condition in enumerate(conditions):
        acute = condition.acute
        if acute is not None:
            fatality = np.exp(np.interp(AGES, acute.ages, np.log(acute.fatality)))
            probability = np.minimum(_calendar_ratio(acute.calendar)[:, None] * fatality, 0.95)
            integrated[:, :, c] = -np.log1p(-probability)
            days[c] = acute.within_days
    return {"acute": integrated, "acute_days": days}


def _jan1(year: int) -> float:
    """Day of 1 January; beyond the calendar, the day that nobody reaches."""
    last = TABLE_YEAR + N_TABLE_YEARS
    return float((date(min(max(year, CALENDAR_YEAR), last), 1, 1) - date(1970, 1, 1)).days) if year <= last else 1e18


class _EffectRow(NamedTuple):
    source: int
    target: int
    ratio: FloatArray
    varies: bool
    from_days: float
    to_days: float
    since: float
    until: float


def _effect_rows(specification: Specification, names: _Names) -> list[_EffectRow]:  # noqa: C901 — one loop a kind
    n = len(names.conditions)
    rows: list[_EffectRow] = []

    def add(source: int, target: int, effect: Effect) -> None:
        decades = (AGES - 60.0) / 10.0
        ratio = effect.hazard_ratio * effect.per_decade**decades
        if effect.hazard_ratio > 1.0:
            ratio = np.maximum(ratio, 1.0)  # a harm that fades with age does not turn into a benefit
        since, until = _jan1(effect.from_year), _jan1(effect.to_year + 1)
        varies = effect.per_decade != 1.0
        rows.append(_EffectRow(source, target, ratio, varies, effect.from_days, effect.to_days, since, until))

    for c, condition in enumerate(specification.conditions):
        for effect in condition.raised_by:
            add(names.source(effect.of), c, effect)
        for effect in condition.detection.raised_by:
            add(names.source(effect.of), n + 1 + c, effect)
        for death in condition.death:
            add(c, n, Effect(of="death", **death.model_dump()))
        for other in condition.excludes:
            names.condition(other)
    for effect in specification.general.mortality.raised_by:
        add(names.source(effect.of), n, effect)
    for treatment in specification.general.treatments:
        for effect in treatment.lowers:
            add(names.source(treatment.name), names.target(effect.of), effect)
    return sorted(rows, key=lambda row: row.source)


def _effects(specification: Specification, names: _Names) -> dict[str, FloatArray | IntArray | BoolArray]:
    rows = _effect_rows(specification, names)
    n_sources = 2 * (len(names.conditions) + len(names.exposures)) + len(names.treatments)
    sources = np.array([row.source for row in rows], dtype=np.int64)
    return {
        "effect_first": np.searchsorted(sources, np.arange(n_sources + 1)).astype(np.int64),
        "effect_source": sources,
        "effect_target": np.array([row.target for row in rows], dtype=np.int64),
        "effect_ratio": np.stack([row.ratio for row in rows], axis=1) if rows else np.ones((MAX_AGE + 1, 0)),
        "effect_varies": np.array([row.varies for row in rows], dtype=np.bool_),
        "effect_from": np.array([row.from_days for row in rows], dtype=np.float64),
        "effect_to": np.array([row.to_days for row in rows], dtype=np.float64),
        "effect_since": np.array([row.since for row in rows], dtype=np.float64),
        "effect_until": np.array([row.until for row in rows], dtype=np.float64),
    }


def _levels(fitted: Fitted) -> dict[str, float]:
    """Fitted factors of incidences and of the rates of starting treatments, by name."""
    return {row["name"]: float(row["value"]) for row in fitted.get("level", [])}


def _rows(specification: Specification, names: _Names, fitted: Fitted) -> dict[str, FloatArray | IntArray | BoolArray]:
    treatments = specification.general.treatments
    flat = [(t, place, start) for t, treatment in enumerate(treatments) for place, start in enumerate(treatment.start)]
    rate, levels = np.zeros((N_TABLE_YEARS, len(flat))), _levels(fitted)
    for r, (t, _, start) in enumerate(flat):
        rate[:, r] = np.interp(YEARS + 0.5, start.years, start.rates_per_year, left=start.rates_per_year[0]) / YEAR_DAYS
        rate[:, r] *= levels.get(treatments[t].name, 1.0)
    after = [names.treatment(start.after) if start.after else -1 for _, _, start in flat]
    condition = [names.condition(start.condition) if start.condition else -1 for _, _, start in flat]
    return {
        "row_treatment": np.array([t for t, _, _ in flat], dtype=np.int64),
        "row_condition": np.array(condition, dtype=np.int64),
        "row_after": np.array(after, dtype=np.int64),
        "row_only": np.array([SEXES.index(start.only) for _, _, start in flat], dtype=np.int64),
        "row_from": np.array([start.from_age for _, _, start in flat], dtype=np.float64),
        "row_to": np.array([start.to_age for _, _, start in flat], dtype=np.float64),
        "row_index": np.array([t * MOST_STARTS + place for t, place, _ in flat], dtype=np.int64),
        "row_rate": rate,
        "row_early_days": np.array([start.early_days for _, _, start in flat], dtype=np.float64),
        "row_early_ratio": np.array([start.early_ratio for _, _, start in flat], dtype=np.float64),
        "row_stop": np.array([start.stop_per_year / YEAR_DAYS for _, _, start in flat], dtype=np.float64),
        "row_resume": np.array([start.resume_per_year / YEAR_DAYS for _, _, start in flat], dtype=np.float64),
        "withheld": np.array([treatment.counterfactual == "withheld" for treatment in treatments], dtype=np.bool_),
    }


SEXES = (None, "men", "women")


def _traits(specification: Specification, names: _Names, commons: Commons) -> dict[str, FloatArray | IntArray]:
    conditions, general = specification.conditions, specification.general
    n = len(conditions)
    starts = [start for treatment in general.treatments for start in treatment.start]
    targets = [
        *((c, condition.traits) for c, condition in enumerate(conditions)),
        (n, general.mortality.traits),
        *((n + 1 + c, condition.detection.traits) for c, condition in enumerate(conditions)),
        *((2 * n + 1 + r, start.traits) for r, start in enumerate(starts)),
    ]
    return compile_traits(commons, targets, n_targets=2 * n + 1 + len(starts), find=names.trait)


def _recurring(specification: Specification) -> dict[str, FloatArray | IntArray]:
    rows = [condition.recurs for condition in specification.conditions]
    columns = np.cumsum([row is not None for row in rows]) - 1
    return {
        "recurs_column": np.array(
            [column if row else -1 for column, row in zip(columns, rows, strict=True)], dtype=np.int64
        ),
        "recurs_most": np.array([row.at_most if row else 1 for row in rows], dtype=np.int64),
        "recurs_after": np.array([row.after_days if row else 0.0 for row in rows], dtype=np.float64),
    }


def _seasons(specification: Specification) -> dict[str, FloatArray | IntArray]:
    """Share of each year's onsets until each twelfth of it; the first, else 0, is -1 where a year is level."""
    seasonal = [c for c, condition in enumerate(specification.conditions) if condition.incidence.season]
    share = np.zeros((N_TABLE_YEARS, max(1, len(seasonal)), 13))  # a record has no empty arrays
    share[..., 0] = -1.0
    for k, c in enumerate(seasonal):
        for row in specification.conditions[c].incidence.season:
            during = (row.from_year <= YEARS) & (row.to_year >= YEARS)
            share[during, k] = np.concatenate([[0.0], np.cumsum(row.months) / sum(row.months)])
            share[during, k, 12] = 1.0
    return {"season_condition": np.array(seasonal or [-1], dtype=np.int64), "season_share": share}


def _numbers(specification: Specification, names: _Names) -> dict[str, FloatArray]:
    general = specification.general
    path, moves, pregnancy = general.body_mass, general.moves, general.pregnancy
    cut, position = compile_position(general, find=names.trait)
    numbers = {
        "window_start_year": general.window_start,
        "window_end_year": general.window_end,
        "bmi_trait": names.trait(path.trait),
        "bmi_trait_weight": np.sqrt(path.trait_share),
        "bmi_own_weight": np.sqrt(1.0 - path.trait_share),
        "bmi_sd": path.at_20_sd,
        "bmi_slope_sd": path.slope_sd,
        "bmi_lowest": path.lowest,
        "mover_share": moves.mover_share,
        "mover_youngest": moves.youngest,
        "mover_mean": moves.mean_years_after,
        "return_probability": moves.return_probability,
        "return_mean": moves.return_mean_years,
        "pregnancy_spacing": pregnancy.spacing_days,
        "pregnancy_from": pregnancy.from_days_before,
        "pregnancy_to": pregnancy.to_days_before,
        **position,
    }
    return {
        "bmi_at_20": by_cohort(path.at_20),
        "bmi_slope": by_cohort(path.slope_per_year),
        "education_cut": cut,
        "numbers": np.array([numbers[name] for name in NUMBERS], dtype=np.float64),
    }


def _population(specification: Specification, data: Path) -> dict[str, FloatArray | IntArray]:
    start, end = specification.general.window_start, specification.general.window_end
    emigration = np.zeros((2, end - start, MAX_AGE + 1))
    for row in _read_csv(data / "emigration.csv"):
        rates = [float(row[f"age_{age}"]) / YEAR_DAYS for age in range(90)]
        # Ages in the file are those on 1 January; year minus year of birth is one more.
        emigration[int(row["sex"]) - 1, int(row["year"]) - start, 1:91] = rates
    places = _read_csv(data / "municipalities.csv")
    weights = np.cumsum([float(row["thousands"]) for row in places])
    fertility = np.zeros((N_TABLE_YEARS, MAX_AGE + 1))
    spread = specification.general.pregnancy.age_sd
    spacing_years = specification.general.pregnancy.spacing_days / YEAR_DAYS
    rows = {int(row["year"]): row for row in _read_csv(data / "fertility.csv")}
    for i, year in enumerate(range(TABLE_YEAR, TABLE_YEAR + N_TABLE_YEARS)):
        row = rows[min(max(year, min(rows)), max(rows))]
        shape = np.exp(-0.5 * ((AGES + 0.5 - float(row["mean_age"])) / spread) ** 2)
        shape[:15] = shape[50:] = 0.0
        rate = float(row["births_per_woman"]) * shape / shape.sum()
        # After each delivery a woman is out of risk for the spacing: raise the others' rate so that the births add up.
        fertility[i] = _lexis(rate / (1.0 - rate * spacing_years)) / YEAR_DAYS
    jan1 = [(date(year, 1, 1) - date(1970, 1, 1)).days for year in range(CALENDAR_YEAR, TABLE_YEAR + N_TABLE_YEARS + 1)]
    return {
        "emigration": emigration,
        "municipality_cumulative": weights / weights[-1],
        "municipality_code": np.array([int(row["code"]) for row in places], dtype=np.int64),
        "fertility": fertility,
        "jan1": np.array(jan1, dtype=np.int64),
    }


def _entries(data: Path, start: int) -> tuple[dict[str, FloatArray | IntArray], float]:
    """How persons enter: resident at the window's start, born in it, or immigrating for the first time."""
    rows: list[tuple[int, int, int, int, float]] = []
    for row in _read_csv(data / "population_1977.csv"):
        rows.append((0, int(row["sex"]), start, int(row["age"]), float(row["persons"])))  # noqa: PERF401
    for row in _read_csv(data / "births.csv"):
        rows.append((1, int(row["sex"]), int(row["year"]), int(row["month"]) - 1, float(row["persons"])))  # noqa: PERF401
    for row in _read_csv(data / "immigration.csv"):
        sex, year = int(row["sex"]), int(row["year"])
        rows.append((2, sex, year, -1, float(row["born_in_year"])))
        rows.extend((2, sex, year, age, float(row[f"age_{age}"])) for age in range(90))
    kept = [row for row in rows if row[4] > 0.0]
    weights = np.cumsum([row[4] for row in kept])
    columns = np.array([row[:4] for row in kept], dtype=np.int64)
    return {
        "entry_cumulative": weights / weights[-1],
        "entry_kind": columns[:, 0].copy(),
        "entry_sex": columns[:, 1].copy(),
        "entry_year": columns[:, 2].copy(),
        "entry_age": columns[:, 3].copy(),
    }, float(weights[-1])


GLYCAEMIA = (
    "at_20",
    "per_year_of_age",
    "per_bmi",
    "set_point_sd",
    "type_1_rise",
    "type_1_rise_days",
    "type_2_threshold",
    "type_2_before_years",
    "type_2_per_year",
    "type_2_excess_max",
    "treated_per_year",
    "insulin_share",
    "insulin_target",
    "lowering_days",
    "highest",
    "normal_room",
    "type_2_log_sd",
    "type_1_log_sd",
    "diet_share",
    "glucose_gap",
)
"""Order of the coefficients in `CompiledModel.glycaemia`, after four column numbers (type 1, type 2, gestational,
insulin) and before the day from which HbA1c is a criterion and the share that each treatment lowers."""


def _glycaemia(specification: Specification, names: _Names) -> FloatArray:
    rows = specification.general.glycaemia
    columns = [names.condition(name) for name in (rows.type_1, rows.type_2, rows.gestational)]
    columns.append(names.treatment(rows.insulin))
    for name in rows.lowering:
        names.treatment(name)
    numbers = [float(getattr(rows, name)) for name in GLYCAEMIA]
    numbers.append(float((rows.hba1c_criterion_from - date(1970, 1, 1)).days))
    lowering = [rows.lowering.get(name, 0.0) for name in names.treatments]
    return np.array([*columns, *numbers, *lowering], dtype=np.float64)


__all__ = ["GLYCAEMIA", "Condition", "Fitted", "compile_model", "read_fitted"]
