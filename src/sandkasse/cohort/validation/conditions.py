"""Conditions and treatments in lives beside the published figures of `data/condition_targets.csv`.

Each figure is counted under the publication's own definition as far as a row can say it: recognised since a date, of an
age and a sex, on a treatment, dead within some days. Deaths by cause are those of the model's own conditions.
"""

import csv
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, ValidationError

from sandkasse.cohort.life.record import NEVER, LifeShard
from sandkasse.cohort.life.simulate import simulate_life
from sandkasse.cohort.model import DATA
from sandkasse.cohort.tables import CompiledModel
from sandkasse.cohort.validation.people import Figure
from sandkasse.core.errors import InvalidInputError
from sandkasse.core.progress_bar import Progress, no_progress

TARGETS = DATA / "condition_targets.csv"
SHARD = 25_000
YEAR_DAYS = 365.25
CAUSES = {"heart and vessels": "heart and vessels", "lungs and airways": "lungs"}
"""Groups of conditions behind the published causes of death."""
AIRWAY_INFECTIONS = ("pneumonia", "influenza")

LEVEL_MEASURES = ("prevalence", "true_prevalence", "living", "treated", "cases", "rate", "rate_all")
"""Measures that a level of incidence, or of starting a treatment, moves."""

PUBLISHED_WEIGHT = 0.1**-2
"""Weight of a published figure that is counted without error: it is given an error of ten per cent, our choice."""

Flags = npt.NDArray[np.bool_]
Days = npt.NDArray[np.int64]
Measure = Literal[
    "prevalence",
    "true_prevalence",
    "living",
    "treated",
    "cases",
    "rate",
    "rate_all",
    "dead_within",
    "median_age",
    "acute_deaths",
    "cause_deaths",
]


class Target(BaseModel):
    """One published figure.

    Attributes:
        condition: One condition, several joined by `|` (any of them), or a group of causes of death.
        measure: `prevalence` (recognised) and `true_prevalence` in per cent of residents, `living` persons recognised,
            `treated` per cent on `treatment`, on a day or at any time in a span; `cases` first recognised in the dates
            (fractures: all), `rate` of them per 100,000 person-years, `rate_all` with repetitions; `dead_within` per
            cent of the cases within `within_days`; `median_age` of the cases; `acute_deaths` of the condition's own
            onsets; `cause_deaths`.
        treatment: For `treated`.
        sex: 0 both, 1 men, 2 women.
        age_from: Youngest age.
        age_below: Age that is not reached.
        date_from: The day, or the first day.
        date_to: Day after the last, if a span.
        detected_since: Recognition before this day does not count.
        within_days: For `dead_within`.
        value: The published figure.
        unit: Its unit.
        role: Whether calibration by eye or machine may look at it, or that the model cannot say it.
        first_role: The role when the list was first frozen.
        why: Why the role is another now.
        source: Who published it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    condition: str
    measure: Measure
    treatment: str = ""
    sex: Literal["0", "1", "2"] = "0"
    age_from: float
    age_below: float
    date_from: date
    date_to: date | None = None
    detected_since: date | None = None
    within_days: float | None = None
    value: float
    unit: str
    role: Literal["fitted", "held out", "cannot be compared"]
    first_role: Literal["fitted", "held out", "added later"] = "added later"
    why: str = ""
    source: str

    @property
    def conditions(self) -> tuple[str, ...]:
        """The conditions of which any counts."""
        return tuple(self.condition.split("|"))

    @property
    def repeats(self) -> bool:
        """Whether later onsets count too."""
        return self.measure == "rate_all" or "fracture" in self.conditions

    @property
    def title(self) -> str:
        """What it is, in words."""
        words = [self.condition.replace("|", " or ").replace("_", " "), self.measure.replace("_", " ")]
        if self.treatment:
            words.append(f"with {self.treatment.replace('_', ' ')}")
        if self.within_days:
            words.append(f"{self.within_days:g} days")
        words += {"1": ["men"], "2": ["women"]}.get(self.sex, [])
        if self.age_below < 120.0:
            words.append(f"{self.age_from:g}–{self.age_below - 1:g} years")
        elif self.age_from > 0.0:
            words.append(f"{self.age_from:g} years and older")
        span = str(self.date_from) if self.date_to is None else f"{self.date_from} to {self.date_to}"
        return ", ".join([*words, span])


def read_targets(path: Path = TARGETS) -> tuple[Target, ...]:
    """Read the frozen figures.

    Args:
        path: The table.

    Returns:
        Its rows.

    Raises:
        InvalidInputError: If a row says what no target can be.
    """
    with path.open(encoding="utf-8", newline="") as file:
        rows = [{key: value for key, value in row.items() if value != ""} for row in csv.DictReader(file)]
    try:
        return tuple(Target.model_validate(row) for row in rows)
    except ValidationError as error:
        raise InvalidInputError(
            f"{path.name} has a row that is no target: {error.errors()[0]['msg']}", next_step="correct that row"
        ) from error


@dataclass
class _Tally:
    events: float = 0.0
    base: float = 0.0
    ages: list[float] = field(default_factory=list)


def measure_conditions(
    model: CompiledModel,
    n_persons: int,
    *,
    seed: int,
    targets: tuple[Target, ...] | None = None,
    progress: Progress = no_progress,
) -> list[Figure]:
    """Simulate lives and count every figure that the model's conditions and treatments can answer.

    Args:
        model: The compiled model.
        n_persons: How many lives.
        seed: Their seed.
        targets: Published figures; by default the frozen ones.
        progress: Told of persons done.

    Returns:
        A figure for each target, with the standard error of a count.
    """
    counts = ConditionCounts(model, targets)
    for first in range(0, n_persons, SHARD):
        persons = np.arange(first, min(first + SHARD, n_persons), dtype=np.int64)
        counts.add(simulate_life(model, persons, seed=seed))
        progress(int(persons[-1]) + 1, n_persons, "persons")
    return counts.figures(n_persons)


class ConditionCounts:
    """Counts, shard by shard, of every target that the model's conditions and treatments can answer.

    Args:
        model: The compiled model.
        targets: Published figures; by default the frozen ones.
    """

    def __init__(self, model: CompiledModel, targets: tuple[Target, ...] | None = None) -> None:
        self.model = model
        self.targets = tuple(target for target in targets or read_targets() if _is_known(model, target))
        self._tallies = [_Tally() for _ in self.targets]

    def add(self, life: LifeShard) -> None:
        """Count a shard."""
        for target, tally in zip(self.targets, self._tallies, strict=True):
            _count(life, self.model, target, tally)

    def figures(self, n_persons: int) -> list[Figure]:
        """Give a figure for each target, once all these persons are counted."""
        share = n_persons / self.model.persons_in_nation
        return [_finish(target, tally, share) for target, tally in zip(self.targets, self._tallies, strict=True)]


class FittedLevels:
    """How far the levels of conditions and treatments are from their fitted figures; calibration asks it."""

    def __init__(self) -> None:
        self.targets = tuple(
            target for target in read_targets() if target.role == "fitted" and target.measure in LEVEL_MEASURES
        )
        self._counts: ConditionCounts | None = None

    def begin(self, model: CompiledModel) -> None:
        """Count anew, in lives of this model."""
        self._counts = ConditionCounts(model, self.targets)

    def add(self, life: LifeShard) -> None:
        """Count a shard."""
        assert self._counts is not None
        self._counts.add(life)

    def log_ratios(self, n_persons: int) -> dict[str, float]:
        """Mean logarithm of published over simulated, by treatment, or by the first condition counted.

        A figure weighs by its own error and by one of ten per cent that each published figure is given. What the counts
        themselves cannot tell is not believed: a mean of few cases is drawn towards 0.
        """
        assert self._counts is not None
        sums: dict[str, list[float]] = {}
        for target, figure in zip(self._counts.targets, self._counts.figures(n_persons), strict=True):
            relative = figure.standard_error / max(figure.simulated, figure.standard_error, 1e-9)
            weight = 1.0 / (1.0 / PUBLISHED_WEIGHT + relative**2)
            ratio = math.log(figure.published / max(figure.simulated, 0.05 * figure.published))
            entry = sums.setdefault(target.treatment or target.conditions[0], [0.0, 0.0])
            entry[0] += weight * ratio
            entry[1] += weight
        # One figure without error of its own weighs 100 and is believed.
        return {name: total / max(weight, PUBLISHED_WEIGHT) for name, (total, weight) in sums.items()}


def _is_known(model: CompiledModel, target: Target) -> bool:
    if target.role == "cannot be compared":
        return False
    if target.measure == "cause_deaths":
        return target.condition in CAUSES
    named = all(name in model.conditions for name in target.conditions)
    return named and (not target.treatment or target.treatment in model.treatments)


def _day(when: date) -> int:
    return (when - date(1970, 1, 1)).days


def _residents(life: LifeShard, day: int) -> Flags:
    return _are_resident(life, np.full(life.sex.shape, day, dtype=np.int64))


def _are_resident(life: LifeShard, day: Days) -> Flags:
    """Who is resident on a day of one's own."""
    inside = (life.residence_start <= day[:, None]) & (day[:, None] < life.residence_end)
    return np.asarray(inside.any(axis=1), dtype=np.bool_)


def _of_age(life: LifeShard, target: Target, day: Days | int) -> Flags:
    age = (day - life.birth_day.astype(np.int64)) / YEAR_DAYS
    kept: Flags = (age >= target.age_from) & (age < target.age_below)
    return kept if target.sex == "0" else np.logical_and(kept, life.sex == int(target.sex))


def _days_of(life: LifeShard, model: CompiledModel, name: str, *, onset: bool) -> Days:
    """All onsets or recognitions of a condition, shape (person, occurrence)."""
    if name in model.recurring:
        again = model.recurring.index(name)
        found = (life.occurrence_day if onset else life.occurrence_detected_day)[:, again]
    else:
        column = model.conditions.index(name)
        found = (life.onset_day if onset else life.detected_day)[:, [column]]
    return found.astype(np.int64)


def _all_days(life: LifeShard, model: CompiledModel, target: Target, *, onset: bool = False) -> Days:
    every = np.concatenate([_days_of(life, model, name, onset=onset) for name in target.conditions], axis=1)
    if target.detected_since is not None:
        every = np.where(every >= _day(target.detected_since), every, NEVER)
    return every


def _count(life: LifeShard, model: CompiledModel, target: Target, tally: _Tally) -> None:
    if target.measure in {"living", "prevalence", "true_prevalence", "treated"}:
        _count_there(life, model, target, tally)
    elif target.measure in {"acute_deaths", "cause_deaths"}:
        _count_deaths(life, model, target, tally)
    else:
        _count_new(life, model, target, tally)


def _count_there(life: LifeShard, model: CompiledModel, target: Target, tally: _Tally) -> None:
    day = _day(target.date_from)
    base = _residents(life, day) & _of_age(life, target, day)
    if target.measure == "treated":
        t = model.treatments.index(target.treatment)
        last = _span(target)[1] - 1  # the same day, if there is no span
        first = np.logical_and(life.treatment_day[:, t] <= last, day < life.treatment_stop_day[:, t])
        hit: Flags = np.logical_or(first, life.treatment_again_day[:, t] <= last)
        again = (life.resumed_treatment == t) & (life.resumed_day <= last) & (day < life.resumed_stop_day)
        hit |= again.any(axis=1)
    else:
        onset = target.measure == "true_prevalence"
        hit = np.less_equal(_all_days(life, model, target, onset=onset).min(axis=1), day)
    tally.events += float((base & hit).sum())
    tally.base += float(base.sum())


def _count_deaths(life: LifeShard, model: CompiledModel, target: Target, tally: _Tally) -> None:
    begin, end = _span(target)
    if target.measure == "acute_deaths":
        columns = [model.conditions.index(name) for name in target.conditions]
        cause = life.fatal_condition
    else:
        columns = [c for c, name in enumerate(model.conditions) if _is_cause(model, c, name, target.condition)]
        cause = life.cause_of_death
    dead = (life.death_day >= begin) & (life.death_day < end) & np.isin(cause, columns)
    day = np.minimum(life.death_day, NEVER - 1).astype(np.int64)
    tally.events += float((dead & _are_resident(life, day)).sum())


def _is_cause(model: CompiledModel, column: int, name: str, group: str) -> bool:
    own = model.specification.conditions[column].group
    return own == CAUSES[group] or (name in AIRWAY_INFECTIONS and group == "lungs and airways")


def _span(target: Target) -> tuple[int, int]:
    begin = _day(target.date_from)
    return begin, _day(target.date_to) if target.date_to else begin + 1


def _count_new(life: LifeShard, model: CompiledModel, target: Target, tally: _Tally) -> None:
    begin, end = _span(target)
    every = _all_days(life, model, target)
    if not target.repeats:
        every = every.min(axis=1)[:, None]
    for k in range(every.shape[1]):
        day = every[:, k]
        hit = (day >= begin) & (day < end) & _of_age(life, target, day)
        hit &= _are_resident(life, day)
        if target.measure == "dead_within":
            tally.base += float(hit.sum())
            tally.events += float((hit & (life.death_day - day <= (target.within_days or 0.0))).sum())
        elif target.measure == "median_age":
            tally.ages += ((day[hit] - life.birth_day[hit]) / YEAR_DAYS).tolist()
        else:
            tally.events += float(hit.sum())
    if target.measure in {"rate", "rate_all"}:
        first = every.min(axis=1)
        for middle in _middles(target):
            base = _residents(life, middle) & _of_age(life, target, middle)
            tally.base += float((base if target.repeats else base & (first >= middle)).sum())


def _middles(target: Target) -> Iterator[int]:
    last = target.date_to.year if target.date_to else target.date_from.year + 1
    for year in range(target.date_from.year, last):
        yield _day(date(year, 7, 1))


def _finish(target: Target, tally: _Tally, share: float) -> Figure:
    events, base = tally.events, max(tally.base, 1.0)
    if target.measure == "median_age":
        spread = float(np.std(tally.ages)) if tally.ages else math.nan
        value = float(np.median(tally.ages)) if tally.ages else math.nan
        error = math.sqrt(math.pi / 2.0) * spread / math.sqrt(max(len(tally.ages), 1))
    elif target.measure in {"prevalence", "true_prevalence", "treated", "dead_within"}:
        p = events / base
        value, error = 100.0 * p, 100.0 * math.sqrt(p * (1.0 - p) / base)
    elif target.measure in {"rate", "rate_all"}:
        value, error = 1e5 * events / base, 1e5 * math.sqrt(events) / base
    else:
        value, error = events / share, math.sqrt(events) / share
    return _figure(target, value, error)


def list_not_compared() -> list[Figure]:
    """Give the frozen figures that the model cannot say; nothing is simulated for them."""
    return [_figure(target, math.nan, math.nan) for target in read_targets() if target.role == "cannot be compared"]


def _figure(target: Target, value: float, error: float) -> Figure:
    return Figure(
        target.title,
        target.value,
        value,
        error,
        target.role,
        target.unit,
        target.source,
        first_role=target.first_role,
        why=target.why,
    )
