"""Population, deaths and diabetes: what lives give beside the published tables, by sex, five years of age and year."""

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from sandkasse.cohort.calibration.measure import AGE_STEP, FIRST_YEAR, N_AGES, N_YEARS, LifeMeasures
from sandkasse.cohort.model import DATA
from sandkasse.cohort.validation import extrapolation
from sandkasse.cohort.validation.pictures import draw_lines, draw_pyramid
from sandkasse.cohort.validation.report import Grid, Picture, Section

FloatArray = npt.NDArray[np.float64]
SEXES = ("men", "women")
STATISTICS = "Published: Statistics Denmark, tables N.dk and M.dk of R package Epi 2.47."
REGISTERS = "Published: Danish registers, table DMepi of R package Epi 2.47."
PERIODS = ((1977, 1986, "fitted"), (1987, 1996, "fitted"), (1997, 2007, "fitted"), (2008, 2012, "held out"))


@dataclass(frozen=True)
class Published:
    """A published quantity.

    Attributes:
        events: Events, or persons, shape (sex, age group, year from 1977).
        years: Person-years (or 1), of the same shape.
        held: Whether a cell is held out from calibration.
    """

    events: FloatArray
    years: FloatArray
    held: npt.NDArray[np.bool_]

    @property
    def rate(self) -> FloatArray:
        """Events per person-year, 0 where there are none."""
        return np.divide(self.events, self.years, out=np.zeros_like(self.events), where=self.years > 0)


@dataclass(frozen=True)
class Figure:
    """One published figure and what the cohort gives for it.

    Attributes:
        name: What it is.
        published: The figure.
        simulated: The cohort's.
        standard_error: Monte Carlo error of the cohort's figure.
        role: `fitted`, `held out`, or `cannot be compared`, of which nothing is simulated (not a number).
        unit: Its unit.
        source: Who published it.
        first_role: Its role when the list was first frozen, or `added later`.
        why: Why that is not its role now.
    """

    name: str
    published: float
    simulated: float
    standard_error: float
    role: str
    unit: str
    source: str
    first_role: str = "added later"
    why: str = ""

    @property
    def ratio(self) -> float:
        """Simulated over published."""
        return self.simulated / self.published


def read_published() -> Mapping[str, Published]:
    """Read the frozen tables of targets, by quantity."""
    shape = 2, N_AGES, N_YEARS
    found: dict[str, Published] = {}
    with (DATA / "targets.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            table = found.setdefault(
                row["quantity"], Published(np.zeros(shape), np.zeros(shape), np.zeros(shape, dtype=bool))
            )
            at = int(row["sex"]) - 1, int(row["age_from"]) // AGE_STEP, int(row["year"]) - FIRST_YEAR
            table.events[at], table.years[at] = float(row["events"]), float(row["person_years"])
            table.held[at] = row["role"] == "held out"
    return found


def survival(deaths: FloatArray, years: FloatArray) -> FloatArray:
    """Share alive at the beginning of each age group, of an abridged period life table.

    Args:
        deaths: By five years of age, shape (age group,).
        years: Person-years, of the same shape.

    Returns:
        From 1 at birth on, shape (age group,).

    Source:
        Chiang (1984), The Life Table and its Applications; the infants' own interval is left out.
    """
    rate = deaths / np.maximum(years, 1e-9)
    dying = np.minimum(1.0, AGE_STEP * rate / (1.0 + AGE_STEP * rate / 2.0))
    return np.concatenate([[1.0], np.cumprod(1.0 - dying[:-1])])


def life_expectancy(deaths: FloatArray, years: FloatArray, *, age: int = 0) -> float:
    """Remaining years of life of an abridged period life table.

    Args:
        deaths: By five years of age, the last group open, shape (age group,).
        years: Person-years, of the same shape.
        age: At which age, a multiple of five.

    Returns:
        Years; not a number if nobody of the last group died. Persons who die in an interval are taken to have lived
        half of it.

    Source:
        Chiang (1984), The Life Table and its Applications; the infants' own interval is left out.
    """
    alive, first = survival(deaths, years), age // AGE_STEP
    lived = AGE_STEP * (alive[first:-1] + alive[first + 1 :]).sum() / 2.0
    if deaths[-1] == 0:
        return math.nan
    return float((lived + alive[-1] * years[-1] / deaths[-1]) / alive[first])


def compare_people(counts: LifeMeasures, published: Mapping[str, Published]) -> list[Figure]:
    """Compare population, deaths and life expectancy with the published tables."""
    figures = []
    for year in (1985, 1995, 2005, 2008, 2013):
        at = year - FIRST_YEAR
        table = published["population"]
        got = counts.population[..., at].sum()
        held = bool(table.held[..., at].any())
        figures.append(
            Figure(
                f"population on 1 January {year}",
                table.events[..., at].sum(),
                got / counts.share,
                np.sqrt(got) / counts.share,
                "held out" if held else "fitted",
                "persons",
                STATISTICS,
                first_role="held out" if held else "fitted",
            )
        )
    deaths = published["deaths"]
    for first, last, role in PERIODS:
        part = slice(first - FIRST_YEAR, last + 1 - FIRST_YEAR)
        died, lived = counts.deaths[..., part].sum(-1), np.maximum(counts.years[..., part].sum(-1), 1.0)
        want_years = deaths.years[..., part].sum(-1)
        got = (died / lived * want_years).sum()
        error = np.sqrt((died * (want_years / lived) ** 2).sum())
        figures.append(
            Figure(
                f"deaths {first}–{last} at the published ages",
                deaths.events[..., part].sum(),
                got,
                error,
                role,
                "deaths",
                STATISTICS,
                first_role=role,
            )
        )
    return figures


def compare_life_tables(counts: LifeMeasures, published: Mapping[str, Published]) -> Grid:
    """Compare remaining years of life at birth and at 65 by sex and period."""
    deaths = published["deaths"]
    rows = []
    for first, last, role in PERIODS:
        part = slice(first - FIRST_YEAR, last + 1 - FIRST_YEAR)
        for sex, name in enumerate(SEXES):
            cells = []
            for age in (0, 65):
                want = life_expectancy(deaths.events[sex, :, part].sum(-1), deaths.years[sex, :, part].sum(-1), age=age)
                got = life_expectancy(counts.deaths[sex, :, part].sum(-1), counts.years[sex, :, part].sum(-1), age=age)
                cells += ["—" if math.isnan(value) else text for value, text in _texts(got, want)]
            rows.append((f"{first}–{last}", name, *cells, role))
    head = ("simulated", "published", "difference")
    return Grid(
        ("period", "sex", *(f"at birth, {word}" for word in head), *(f"at 65, {word}" for word in head), "role"),
        tuple(rows),
        "Remaining years of life",
    )


def _texts(got: float, want: float) -> tuple[tuple[float, str], ...]:
    return (got, f"{got:.1f}"), (want, f"{want:.1f}"), (got - want, f"{got - want:+.1f}")


def _alive(counts: LifeMeasures, published: Published) -> pd.DataFrame:
    """Share alive by age in the first and in the last period, in per cent."""
    rows = []
    for first, last, _role in (PERIODS[0], PERIODS[-1]):
        part = slice(first - FIRST_YEAR, last + 1 - FIRST_YEAR)
        for sex, name in enumerate(SEXES):
            for series, events, years in (
                ("simulated", counts.deaths, counts.years),
                ("published", published.events, published.years),
            ):
                alive = survival(events[sex, :, part].sum(-1), years[sex, :, part].sum(-1))
                panel = f"{name}, {first}–{last}"
                rows += [(AGE_STEP * group, 100.0 * alive[group], series, panel) for group in range(N_AGES)]
    return pd.DataFrame(rows, columns=["x", "y", "series", "panel"])


def describe_people(counts: LifeMeasures, published: Mapping[str, Published]) -> Section:
    """Draw the population and its mortality."""
    pyramid = []
    for series, table in (
        ("simulated", counts.population / counts.share),
        ("published", published["population"].events),
    ):
        for sex, name in enumerate(SEXES):
            pyramid += [
                (AGE_STEP * group, name, series, table[sex, group, 2013 - FIRST_YEAR] / 1000) for group in range(N_AGES)
            ]
    frame = pd.DataFrame(pyramid, columns=["age_from", "sex", "series", "persons"])
    title = "Residents on 1 January 2013 (held out): bars simulated, black marks published"
    mortality = _rates(counts.deaths, counts.years, published["deaths"], (2008, 2012))
    return Section(
        "People: how many, how old, how long they live",
        (extrapolation.SENTENCE,),
        (
            Picture("validation-pyramid", draw_pyramid(frame, title=title, source=STATISTICS), title),
            Picture(
                "validation-mortality",
                draw_lines(
                    mortality,
                    title="Mortality by age and sex, 2008–2012 (held out)",
                    source=STATISTICS,
                    across="age",
                    up="deaths per 1,000 person-years",
                    log=True,
                ),
                "Mortality by age and sex, simulated beside published, on a logarithmic scale",
            ),
            Picture(
                "validation-survival",
                draw_lines(
                    _alive(counts, published["deaths"]),
                    title="Alive by age, of period life tables",
                    source=STATISTICS,
                    across="age",
                    up="% alive",
                ),
                "Share alive by age, sex and period, simulated beside published",
            ),
        ),
        (compare_life_tables(counts, published),),
    )


def _rates(events: FloatArray, years: FloatArray, want: Published, period: tuple[int, int]) -> pd.DataFrame:
    part = slice(period[0] - FIRST_YEAR, period[1] + 1 - FIRST_YEAR)
    rows = []
    for sex, name in enumerate(SEXES):
        for group in range(N_AGES):
            age = AGE_STEP * (group + 0.5)
            lived = years[sex, group, part].sum()
            if lived > 0 and events[sex, group, part].sum() > 0:
                rows.append((age, 1000 * events[sex, group, part].sum() / lived, "simulated", name))
            there = want.years[sex, group, part].sum()
            if there > 0 and want.events[sex, group, part].sum() > 0:
                rows.append((age, 1000 * want.events[sex, group, part].sum() / there, "published", name))
    return pd.DataFrame(rows, columns=["x", "y", "series", "panel"])


def describe_diabetes(counts: LifeMeasures, published: Mapping[str, Published]) -> Section:
    """Draw detected diabetes by year, and its prevalence."""
    new, prevalent = published["diabetes_detected"], published["diabetes_prevalence"]
    rate = counts.detected / np.maximum(counts.years_without, 1.0)
    share = counts.years_with / np.maximum(counts.years, 1.0)
    rows = []
    for year in range(1996, 2017):
        at = year - FIRST_YEAR
        for panel, simulated, table, scale in (
            ("new cases per 1,000 person-years", rate, new, 1000.0),
            ("recognised diabetes, % of residents", share, prevalent, 100.0),
        ):
            weights = table.years[..., at]
            if weights.sum() > 0:
                rows.append((year, scale * table.events[..., at].sum() / weights.sum(), "published", panel))
                rows.append((year, scale * (simulated[..., at] * weights).sum() / weights.sum(), "simulated", panel))
    frame = pd.DataFrame(rows, columns=["x", "y", "series", "panel"])
    title = "Diabetes 1996–2016: recognised in lives, beside what registers found"
    drawn = draw_lines(
        frame,
        title=title,
        source=f"{REGISTERS} {extrapolation.SHADED}",
        across="year",
        up="",
        shaded_from=extrapolation.FIRST_YEAR,
    )
    words = (
        "The published counts hold what a case definition found in registers, persons without diabetes among them; the "
        "lives hold true recognition. Calibration compares registers with registers.",
    )
    return Section("Diabetes over time", words, (Picture("validation-diabetes", drawn, title),))
