"""Fit the numbers in `params/fitted` to the rows of the frozen targets that are marked *fitted*.

Four sets of numbers, found together by repeated simulation:

- the mean relative hazard of each condition and of death, by sex, five years of age and five calendar years: with it
  the incidences and the mortality of the parameter files are those of the whole population;
- the incidence of true onset, by sex and five years of age (smooth; the calendar trend is given): of type 1 diabetes
  below 15 years, of type 2 diabetes from 20 years on;
- the speed of type 2 diabetes' detection, by calendar year 1996 to 2014, with geometric mean 1 over 1996 to 2011; later
  years keep the mean of the last two;
- the level of the incidence of every other condition, and of the starts of every treatment, with a published figure
  marked *fitted*: one factor each, so that its figures are met on average on the logarithmic scale.

Between 15 and 19 years both are interpolated: the published cases there include women who took metformin without having
diabetes, whom the registers' case definition has to find by itself.

What the published incidence cannot tell apart, the level of onset and the wait for detection, is settled by the share
undiagnosed that the parameter file cites.
"""

import csv
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from sandkasse.cohort.calibration.measure import AGE_STEP, FIRST_YEAR, N_AGES, N_YEARS, LifeMeasures, measure_life
from sandkasse.cohort.compilation import FITTED_STEP, Fitted, compile_model
from sandkasse.cohort.life.record import LifeShard
from sandkasse.cohort.model import DATA
from sandkasse.cohort.specification import Specification
from sandkasse.cohort.tables import CompiledModel

FloatArray = npt.NDArray[np.float64]

DETECTION_YEARS = range(1996, 2015)
CHILDREN = 3
"""Age groups below 15 years."""
FIRST_ADULT = 4
"""Age group 20 to 24 years."""
SMOOTHING = 0.15
"""Share of each neighbouring age group in the smoothed logarithm."""
NORMALISED_YEARS = range(1996, 2012)
STEP = 0.8
"""How much of each deviation one round takes away, on the logarithmic scale."""
TRUST = 20.0
"""Simulated cases at which half of a group's deviation is believed."""
PRIOR_EVENTS = 3.0
"""Events that pull a thin cell towards its neighbours in time."""


class Levels(Protocol):
    """What published figures say of the levels of conditions and treatments."""

    def begin(self, model: CompiledModel) -> None:
        """Count anew, in lives of this model."""

    def add(self, life: LifeShard) -> None:
        """Count a shard."""

    def log_ratios(self, n_persons: int) -> Mapping[str, float]:
        """Logarithm of published over simulated, by name, once all these persons are counted."""


LEVEL_STEP = 0.7
LEVEL_LIMIT = 1.5
"""Largest logarithm of a level."""


@dataclass(frozen=True)
class Fit:
    """Fitted numbers.

    Attributes:
        mean_relative: Divisors, shape (sex, five years, five ages, condition + death).
        onset: Ratio to the written incidence, of type 1 diabetes in the first three age groups, of type 2 diabetes in
            the others, shape (sex, age group).
        detection: Ratio to the written speed of detection, shape (year 1996 to 2014,).
        level: Ratio to the written incidence of other conditions, and to the rates of starting treatments, by name.
    """

    mean_relative: FloatArray
    onset: FloatArray
    detection: FloatArray
    level: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def start(cls, n_targets: int) -> "Fit":
        """Begin with ones."""
        return cls(np.ones((2, 10, 23, n_targets)), np.ones((2, N_AGES)), np.ones(len(DETECTION_YEARS)))

    @classmethod
    def resume(cls, tables: Fitted, targets: tuple[str, ...]) -> "Fit":
        """Begin with what was fitted before; targets without rows begin with ones."""
        fit = cls.start(len(targets))
        for row in tables["mean_relative_hazard"]:
            if row["target"] in targets:
                year = (int(row["year_from"]) - FIRST_YEAR) // FITTED_STEP
                at = int(row["sex"]) - 1, year, int(row["age_from"]) // FITTED_STEP, targets.index(row["target"])
                fit.mean_relative[at] = float(row["value"])
        for name, ages in (("t1d", range(CHILDREN)), ("t2d", range(FIRST_ADULT, N_AGES))):
            for row in tables[name]:
                if int(row["age_from"]) // 5 in ages:
                    fit.onset[int(row["sex"]) - 1, int(row["age_from"]) // 5] = float(row["value"])
        for row in tables["t2d_detection"]:
            if int(row["year"]) in DETECTION_YEARS:
                fit.detection[int(row["year"]) - DETECTION_YEARS[0]] = float(row["value"])
        return replace(fit, level={row["name"]: float(row["value"]) for row in tables.get("level", [])})


@dataclass(frozen=True)
class Targets:
    """Published new cases and person-years at risk; cells held out are 0 in both, shape (sex, age group, year)."""

    cases: FloatArray
    years: FloatArray


def read_targets(path: Path = DATA / "targets.csv", *, role: str = "fitted") -> Targets:
    """Read the published detected incidence.

    Args:
        path: The frozen targets.
        role: Which rows to read, `fitted` or `held out`.

    Returns:
        Cases and person-years.
    """
    cases, years = np.zeros((2, N_AGES, N_YEARS)), np.zeros((2, N_AGES, N_YEARS))
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["quantity"] == "diabetes_detected" and row["role"] == role:
                at = int(row["sex"]) - 1, int(row["age_from"]) // AGE_STEP, int(row["year"]) - FIRST_YEAR
                cases[at], years[at] = float(row["events"]), float(row["person_years"])
    return Targets(cases, years)


def to_tables(fit: Fit, targets: tuple[str, ...]) -> Fitted:
    """Turn fitted numbers into the rows that compilation reads.

    Args:
        fit: Fitted numbers.
        targets: Names of the conditions and, last, `death`.

    Returns:
        Rows of each table.
    """
    means = [
        {
            "target": name,
            "sex": str(s + 1),
            "age_from": str(a * FITTED_STEP),
            "year_from": str(FIRST_YEAR + y * FITTED_STEP),
            "value": f"{fit.mean_relative[s, y, a, k]:.5g}",
        }
        for k, name in enumerate(targets)
        for s in range(2)
        for y in range(10)
        for a in range(23)
    ]
    first, second = fit.onset.copy(), fit.onset.copy()
    first[:, CHILDREN:] = 1.0
    second[:, :FIRST_ADULT] = second[:, FIRST_ADULT : FIRST_ADULT + 1]
    onsets = [
        [
            {"sex": str(s + 1), "age_from": str(a * 5), "year_from": str(FIRST_YEAR), "value": f"{table[s, a]:.5g}"}
            for s in range(2)
            for a in range(N_AGES)
        ]
        for table in (first, second)
    ]
    later = float(np.exp(np.log(fit.detection[-2:]).mean()))
    points = [(1994, 1.0), *zip(DETECTION_YEARS, fit.detection, strict=True), (2015, later)]
    detection = [{"year": str(year), "value": f"{value:.5g}"} for year, value in points]
    level = [{"name": name, "value": f"{value:.5g}"} for name, value in fit.level.items()]
    tables = {"mean_relative_hazard": means, "t1d": onsets[0], "t2d": onsets[1], "t2d_detection": detection}
    return {**tables, "level": level} if level else tables


def fit_model(  # noqa: PLR0913 — each its own choice
    specification: Specification,
    rounds: tuple[int, ...],
    *,
    seed: int,
    report: Callable[[str], None],
    found: FloatArray | None = None,
    levels: Levels | None = None,
    before: Fitted | None = None,
    keep_diabetes: bool = False,
) -> Fit:
    """Fit by repeated simulation.

    Args:
        specification: The model as written.
        rounds: Persons simulated in each round.
        seed: Seed; each round takes the next one.
        report: Called with one line for each round.
        found: What the publication's case definition finds in simulated registers for each case that the lives detect,
            shape (sex, age group, year); by default 1 everywhere. The targets are divided by it.
        levels: Counts the figures of other conditions and of treatments; without it their levels stay.
        before: Tables of an earlier fit to begin with; ones otherwise.
        keep_diabetes: Leave the onset and the detection of diabetes as they are, since what registers find (`found`) is
            not at hand.

    Returns:
        The fitted numbers.
    """
    targets = (*(condition.name for condition in specification.conditions), "death")
    published = read_targets()
    if found is not None:
        published = replace(published, cases=published.cases / found)
    fit = Fit.resume(before, targets) if before else Fit.start(len(targets))
    for i, n_persons in enumerate(rounds):
        model = compile_model(specification, data=DATA, fitted=to_tables(fit, targets))
        if levels is not None:
            levels.begin(model)
        counts = measure_life(
            model, n_persons, seed=seed + i, tally=True, also=levels.add if levels is not None else lambda _: None
        )
        onset, detection = fit.onset, fit.detection
        fit = improve(fit, counts, published)
        if keep_diabetes:
            fit = replace(fit, onset=onset, detection=detection)
        told = describe(counts, published)
        if levels is not None:
            ratios = levels.log_ratios(n_persons)
            fit = replace(fit, level=improve_levels(fit.level, ratios))
            off = [abs(ratio) for ratio in ratios.values()]
            told += f"; levels off by {100.0 * sum(off) / max(len(off), 1):.1f} %"
        report(f"round {i + 1}: {n_persons} persons; {told}")
    return fit


def improve(fit: Fit, counts: LifeMeasures, published: Targets) -> Fit:
    """Take one step towards the targets.

    Args:
        fit: Numbers that were simulated with.
        counts: What the simulation counted.
        published: The targets.

    Returns:
        Better numbers.
    """
    expected = published.years * _ratio(counts.detected, counts.years_without, published)
    by_group = _log_ratio(published.cases.sum(axis=2), expected.sum(axis=2))
    by_year = _log_ratio(published.cases.sum(axis=(0, 1)), expected.sum(axis=(0, 1)))
    seen = counts.detected.sum(axis=2)
    onset = _smooth(np.log(fit.onset) + STEP * by_group * seen / (seen + TRUST))
    years = slice(DETECTION_YEARS[0] - FIRST_YEAR, DETECTION_YEARS[-1] - FIRST_YEAR + 1)
    detection = np.log(fit.detection) + STEP * by_year[years]
    detection -= detection[: len(NORMALISED_YEARS)].mean()
    return replace(
        fit,
        mean_relative=_mean_relative(fit.mean_relative, counts.tally),
        onset=np.exp(np.clip(onset, -3.0, 3.0)),
        detection=np.exp(np.clip(detection, -1.5, 1.5)),
    )


def improve_levels(level: Mapping[str, float], ratios: Mapping[str, float]) -> dict[str, float]:
    """Take one step of the levels towards the published figures.

    Args:
        level: Levels that were simulated with.
        ratios: Logarithm of published over simulated, by name.

    Returns:
        Better levels.
    """
    out = {}
    for name, ratio in ratios.items():
        log = math.log(level.get(name, 1.0)) + LEVEL_STEP * ratio
        out[name] = math.exp(min(max(log, -LEVEL_LIMIT), LEVEL_LIMIT))
    return out


def _smooth(logs: FloatArray) -> FloatArray:
    """Lean each adult age group on its neighbours, so that noise does not become a saw."""
    out = logs.copy()
    out[:, CHILDREN:FIRST_ADULT] = 0.0
    adults = logs[:, FIRST_ADULT:]
    inner = (1.0 - 2.0 * SMOOTHING) * adults[:, 1:-1] + SMOOTHING * (adults[:, :-2] + adults[:, 2:])
    out[:, FIRST_ADULT + 1 : -1] = inner
    return out


def _ratio(events: FloatArray, years: FloatArray, published: Targets) -> FloatArray:
    """Simulated incidence in the cells that are targets."""
    rate = events / np.maximum(years, 1.0)
    return np.where(published.years > 0.0, rate, 0.0)


def _log_ratio(published: FloatArray, expected: FloatArray) -> FloatArray:
    """Logarithm of published over simulated; 0 where the target has nothing."""
    ratio = np.log((published + PRIOR_EVENTS) / (expected + PRIOR_EVENTS))
    return np.where(published > 0.0, ratio, 0.0)


def _mean_relative(old: FloatArray, tally: FloatArray) -> FloatArray:
    """Own hazards over the hazard table, by target; thin cells lean on all years of their sex and age."""
    n = old.shape[3]
    table, own = tally[..., :n, 0], tally[..., :n, 1]
    acute = np.zeros_like(own)
    acute[..., -1] = tally[..., n, 0]
    whole = table * old  # integrated population rate
    rest = np.maximum(whole - acute, 0.2 * whole)
    all_years = (own * old).sum(axis=1, keepdims=True) / np.maximum(rest.sum(axis=1, keepdims=True), 1e-9)
    all_years = np.where(rest.sum(axis=1, keepdims=True) > 0.0, all_years, 1.0)
    value = (own * old + PRIOR_EVENTS * all_years) / (rest + PRIOR_EVENTS)
    return np.clip(value, 0.05, 20.0)


def describe(counts: LifeMeasures, published: Targets) -> str:
    """Say in a line how far the simulation is from the fitted targets.

    Args:
        counts: What the simulation counted.
        published: The targets.

    Returns:
        Mean absolute deviations by year and by sex and age group, and the share undiagnosed in 2011.
    """
    expected = published.years * _ratio(counts.detected, counts.years_without, published)
    by_year = _log_ratio(published.cases.sum(axis=(0, 1)), expected.sum(axis=(0, 1)))[19:40]
    by_group = _log_ratio(published.cases.sum(axis=2), expected.sum(axis=2))
    hidden = counts.undiagnosed[..., 34].sum()
    known = counts.years_with[..., 34].sum()
    return (
        f"detected incidence off by {100 * np.abs(by_year).mean():.1f} % by year, "
        f"{100 * np.abs(by_group[:, 2:]).mean():.1f} % by sex and age; "
        f"undiagnosed {hidden / counts.share:,.0f} in 2011, {100 * hidden / (hidden + known):.1f} % of all diabetes"
    )


def write_fit(fit: Fit, targets: tuple[str, ...], folder: Path, *, command: str) -> None:
    """Write the fitted numbers with the command that made them.

    Args:
        fit: Fitted numbers.
        targets: Names of the conditions and, last, `death`.
        folder: Where `params/fitted` is.
        command: How to make them again.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in to_tables(fit, targets).items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            file.write(f"# made by: {command}\n")
            writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
