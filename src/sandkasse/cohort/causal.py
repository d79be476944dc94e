"""The truth about effects: what would happen to the same persons under two courses of the world.

Both courses begin on the index day; until then each person lives the life that was lived. From then on a person stays
in the country until the horizon, so that nobody is lost. Both courses share every draw of luck: the difference is an
effect, not chance. A hazard ratio is given to be shown; the truth to grade against is a risk, a risk difference or a
restricted mean time, since they are collapsible and hazard ratios are not.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np
import numpy.typing as npt

from sandkasse.cohort.arms import choose_arms, compile_arms, join_arms
from sandkasse.cohort.life.families import BLOCK_PERSONS
from sandkasse.cohort.life.record import Int64Array, LifeShard
from sandkasse.cohort.life.simulate import simulate_arms
from sandkasse.cohort.specification import Intervention
from sandkasse.cohort.tables import Arms, CompiledModel
from sandkasse.core.errors import InvalidInputError
from sandkasse.core.progress_bar import Progress, no_progress

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
YEAR_DAYS = 365.25
EPOCH = date(1970, 1, 1)
SHARD = 5_000
LIVES_AT_ONCE = 40_000
GOLDEN = 0x9E37_79B9_7F4A_7C15
"""Odd, so that its multiples modulo 2**64 are all different seeds."""
NATURAL = "natural"
Course = str | Intervention
"""The name of one of the model's interventions, `natural`, or an intervention made for the purpose."""


@dataclass(frozen=True)
class Population:
    """Who is asked about: residents on the index day.

    Attributes:
        index_day: The day on which the courses part.
        ages: Least and greatest age in full years on that day, both included.
        sex: One sex only.
        known: Conditions that the health system has recognised before the index day.
        free_of: Conditions that have truly not begun before it.
        taking: Treatments that run on it.
        never_took: Treatments that were never begun before it.
        exposed: Habits that last on it.
        never_exposed: Habits that did not begin before it.
    """

    index_day: date
    ages: tuple[int, int] = (0, 120)
    sex: Literal["men", "women"] | None = None
    known: tuple[str, ...] = ()
    free_of: tuple[str, ...] = ()
    taking: tuple[str, ...] = ()
    never_took: tuple[str, ...] = ()
    exposed: tuple[str, ...] = ()
    never_exposed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Estimand:
    """A question about an effect.

    Attributes:
        population: Who is asked about. Those who had the outcome before the index day are left out.
        outcome: A condition's first onset, or `death`.
        horizon_years: How long after the index day; must end within the simulated window.
        course: What happens to everybody.
        against: What it is compared with.
    """

    population: Population
    outcome: str
    horizon_years: float
    course: Course
    against: Course = NATURAL


@dataclass(frozen=True)
class Measure:
    """A number with its Monte Carlo standard error (of the persons simulated, in independent blocks of families)."""

    value: float
    standard_error: float


@dataclass(frozen=True)
class Effect:
    """The truth about an estimand, as well as so many simulated persons tell it.

    Attributes:
        n_persons: Persons of the population who were simulated.
        risk: Probability of the outcome within the horizon under the course; dying first counts as not having it.
        risk_against: The same under what it is compared with.
        risk_difference: The first minus the second.
        mean_years: Mean years without the outcome, alive, up to the horizon, under the course.
        mean_years_against: The same under what it is compared with.
        mean_years_difference: The first minus the second.
        hazard_ratio: Ratio of events per person-year up to the horizon; to be shown, not graded.
    """

    n_persons: int
    risk: Measure
    risk_against: Measure
    risk_difference: Measure
    mean_years: Measure
    mean_years_against: Measure
    mean_years_difference: Measure
    hazard_ratio: float


def estimate_effect(
    model: CompiledModel, estimand: Estimand, *, n_persons: int, seed: int, progress: Progress = no_progress
) -> Effect:
    """Simulate both courses and compare.

    With the seed and the persons of a cohort it is the effect among these very persons, with many persons and any seed
    that in the population.

    Args:
        model: The compiled model.
        estimand: The question.
        n_persons: How many persons of the cohort to simulate, numbered from 0; those of the population are counted.
        seed: Seed of the cohort.
        progress: Told of persons done.

    Returns:
        Risks, mean times, their differences and their Monte Carlo standard errors.

    Raises:
        InvalidInputError: If a name is unknown, the horizon passes the window's end, or nobody is of the population.
    """
    index, end = _span(model, estimand.population.index_day, estimand.horizon_years)
    outcome = _outcome(model, estimand.outcome)
    arms = _behind_natural(model, _arm(model, estimand.course, index, end), _arm(model, estimand.against, index, end))
    events, years, blocks = [], [], []
    for first in range(0, n_persons, SHARD):
        persons = np.arange(first, min(first + SHARD, n_persons), dtype=np.int64)
        for chosen in _eligible(model, persons, estimand.population, outcome, seed=seed):
            shard = simulate_arms(model, chosen, seed=seed, arms=arms)
            had, lived = _follow(shard, outcome, index, end)
            events.append(had)
            years.append(lived)
            blocks.append(chosen // BLOCK_PERSONS)
        progress(int(persons[-1]) + 1, n_persons, "persons")
    if not events:
        raise InvalidInputError(
            "nobody of the simulated persons is of that population",
            next_step="simulate more persons, or ask about a wider population",
        )
    block, had, lived = np.concatenate(blocks), np.concatenate(events), np.concatenate(years)
    rates = had.sum(axis=0) / np.maximum(lived.sum(axis=0), 1e-9)
    return Effect(
        n_persons=len(block),
        risk=_mean(had[:, 0], block),
        risk_against=_mean(had[:, 1], block),
        risk_difference=_mean(had[:, 0] - had[:, 1], block),
        mean_years=_mean(lived[:, 0], block),
        mean_years_against=_mean(lived[:, 1], block),
        mean_years_difference=_mean(lived[:, 0] - lived[:, 1], block),
        hazard_ratio=float(rates[0] / rates[1]) if rates[1] > 0.0 else float("nan"),
    )


def true_risk(
    model: CompiledModel,
    persons: Int64Array,
    estimand: Estimand,
    *,
    seed: int,
    n_draws: int = 200,
) -> FloatArray:
    """Each person's own probability of the outcome within the horizon, under the estimand's course.

    It is the probability given everything that the life holds on the index day: history, conditions known and unknown,
    treatments, traits, age, sex. The future is lived `n_draws` times, all running clocks drawn anew on the index day
    (an exponential wait has no memory). Fixed are, as drawn, later habits, births given and body mass; the person stays
    in the country. The probability given fewer covariates is the mean over the persons who share them.

    Args:
        model: The compiled model.
        persons: Numbers of the persons, int64, shape (n_persons,).
        estimand: The question; `against` is not looked at.
        seed: Seed of the cohort.
        n_draws: Futures; the Monte Carlo standard error is sqrt(p (1 - p) / n_draws).

    Returns:
        Probabilities, float64, shape (n_persons,); NaN for those who are not of the population.

    Raises:
        InvalidInputError: If a name is unknown, or the horizon passes the window's end.
    """
    index, end = _span(model, estimand.population.index_day, estimand.horizon_years)
    outcome = _outcome(model, estimand.outcome)
    arms = _behind_natural(model, *[_arm(model, estimand.course, index, end)] * n_draws)
    arms.luck[1:] = np.arange(1, n_draws + 1, dtype=np.uint64) * np.uint64(GOLDEN)
    out = np.full(len(persons), np.nan)
    size = max(1, LIVES_AT_ONCE // n_draws)
    for first in range(0, len(persons), size):
        some = persons[first : first + size]
        for chosen in _eligible(model, some, estimand.population, outcome, seed=seed):
            shard = simulate_arms(model, chosen, seed=seed, arms=arms)
            at = first + np.nonzero(np.isin(some, chosen))[0]
            out[at] = _follow(shard, outcome, index, end)[0].mean(axis=1)
    return out


def _span(model: CompiledModel, index_day: date, horizon_years: float) -> tuple[int, int]:
    general = model.specification.general
    index = (index_day - EPOCH).days
    end = index + round(horizon_years * YEAR_DAYS)
    opening, closing = ((date(year, 1, 1) - EPOCH).days for year in (general.window_start, general.window_end))
    if not opening <= index < end <= closing:
        raise InvalidInputError(
            f"expected an index day and a horizon between {general.window_start} and {general.window_end - 1}, got "
            f"{index_day.isoformat()} and {horizon_years:g} years",
            next_step="choose an earlier index day or a shorter horizon",
        )
    return index, end


def _outcome(model: CompiledModel, name: str) -> int:
    return -1 if name == "death" else model.find(name, "conditions")


def _arm(model: CompiledModel, course: Course, index: int, end: int) -> Arms:
    """Give one arm in which a course holds from the index day on and life is followed to the end."""
    arms = model.arms
    if isinstance(course, Intervention):
        n_exposures = len(model.exposures)
        arms = compile_arms((course,), preventive=model.tables.withheld, n_exposures=n_exposures, find=model.find)
        row = 1
    else:
        row = 0 if course == NATURAL else 1 + model.find(course, "interventions")
    return choose_arms(arms, [row])._replace(
        from_day=np.full(1, float(index)), until=np.full(1, end, dtype=np.int64), luck=np.zeros(1, dtype=np.uint64)
    )


def _behind_natural(model: CompiledModel, *arms: Arms) -> Arms:
    """Put arms behind the natural course."""
    return join_arms([choose_arms(model.arms, [0]), *arms])


def _eligible(
    model: CompiledModel, persons: Int64Array, population: Population, outcome: int, *, seed: int
) -> Iterator[Int64Array]:
    """Give those of some persons who are of the population, once, if there are any."""
    shard = simulate_arms(model, persons, seed=seed, arms=choose_arms(model.arms, [0]))
    chosen = persons[belongs(model, shard, population, outcome)]
    if len(chosen):
        yield chosen


def belongs(model: CompiledModel, shard: LifeShard, population: Population, outcome: int = -1) -> BoolArray:
    """Say who of some persons is of a population.

    Args:
        model: The compiled model.
        shard: Their lives.
        population: The population.
        outcome: A condition that may not have begun before the index day, or -1.

    Returns:
        bool, shape (n_persons,).

    Raises:
        InvalidInputError: If a name is unknown.
    """
    day = (population.index_day - EPOCH).days
    here = ((shard.residence_start <= day) & (day < shard.residence_end)).any(axis=1) & (shard.death_day >= day)
    age = np.floor((day - shard.birth_day) / YEAR_DAYS)
    here &= (age >= population.ages[0]) & (age <= population.ages[1])
    if population.sex is not None:
        here &= shard.sex == ("men", "women").index(population.sex) + 1
    if outcome >= 0:
        here &= shard.onset_day[:, outcome] >= day
    for name in population.known:
        here &= shard.detected_day[:, model.find(name, "conditions")] < day
    for name in population.free_of:
        here &= shard.onset_day[:, model.find(name, "conditions")] >= day
    for name in population.taking:
        t = model.find(name, "treatments")
        runs = (shard.treatment_day[:, t] < day) & (shard.treatment_stop_day[:, t] >= day)
        again = (shard.resumed_treatment == t) & (shard.resumed_day < day) & (shard.resumed_stop_day >= day)
        here &= runs | again.any(axis=1) | (shard.treatment_again_day[:, t] < day)
    for name in population.never_took:
        here &= shard.treatment_day[:, model.find(name, "treatments")] >= day
    for name in population.exposed:
        e = model.find(name, "exposures")
        here &= (shard.exposure_start[:, e] < day) & (shard.exposure_stop[:, e] >= day)
    for name in population.never_exposed:
        here &= shard.exposure_start[:, model.find(name, "exposures")] >= day
    return here


def _follow(shard: LifeShard, outcome: int, index: int, end: int) -> tuple[FloatArray, FloatArray]:
    """Give, for each person and arm, whether the outcome came within the horizon, and the years free of it, alive."""
    death = shard.death_day_under.astype(np.int64)
    event = death if outcome < 0 else shard.onset_day_under[:, :, outcome].astype(np.int64)
    had = (event < end) & (event <= death)
    lived = (np.minimum(np.minimum(event, death), end) - index) / YEAR_DAYS
    return had.astype(np.float64), np.maximum(lived, 0.0)


def _mean(values: FloatArray, block: Int64Array) -> Measure:
    """Mean over persons; its error from the sums over blocks, which are independent of each other."""
    mean = float(values.mean())
    _, place = np.unique(block, return_inverse=True)
    sums = np.bincount(place, weights=values - mean)
    n_blocks = len(sums)
    if n_blocks < 2:
        return Measure(mean, float("nan"))
    return Measure(mean, float(np.sqrt((sums**2).sum() * n_blocks / (n_blocks - 1)) / len(values)))
