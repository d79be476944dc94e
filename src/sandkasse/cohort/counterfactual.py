"""The truth of each person: the lives under named courses of the world, and the risk on a day, as tables."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sandkasse.cohort.arms import choose_arms
from sandkasse.cohort.causal import NATURAL, Estimand, true_risk
from sandkasse.cohort.life.record import NEVER
from sandkasse.cohort.life.simulate import simulate_arms
from sandkasse.cohort.registers.pseudonym import PNR_DIGITS, digit_bytes, identifiers, to_strings
from sandkasse.cohort.tables import CompiledModel
from sandkasse.core.errors import InvalidInputError

PERSONS_AT_ONCE = 5_000


def live_courses(model: CompiledModel, *, n_persons: int, seed: int, courses: Sequence[str]) -> Iterator[pa.Table]:
    """Live the lives of a cohort again under named courses, from birth on and with the same luck.

    Args:
        model: The compiled model.
        n_persons: Persons of the cohort.
        seed: Its seed.
        courses: Names of interventions; `natural` is the life that was lived.

    Yields:
        One table for each `PERSONS_AT_ONCE` persons, in the order of pnr, then course: `pnr`, `course`, `doddato` and
        `<condition>_onset`, the first true onset; dates, null for what does not happen before the window ends.

    Raises:
        InvalidInputError: If a course is unknown or named twice.
    """
    names = list(dict.fromkeys(courses))
    if len(names) < len(courses):
        raise InvalidInputError("A course is named twice.", next_step="name each once")
    rows = [0 if name == NATURAL else model.find(name, "interventions") + 1 for name in names]
    arms = choose_arms(model.arms, [0, *rows])
    for first in range(0, n_persons, PERSONS_AT_ONCE):
        persons = np.arange(first, min(first + PERSONS_AT_ONCE, n_persons), dtype=np.int64)
        shard = simulate_arms(model, persons, seed=seed, arms=arms)
        order, people = _people(persons, seed)
        width = len(names)
        columns: dict[str, pa.Array] = {
            "pnr": pa.DictionaryArray.from_arrays(
                pa.array(np.repeat(np.arange(len(order), dtype=np.int32), width)), people
            ).cast(pa.string()),
            "course": pa.array(names * len(order), pa.string()),
            "doddato": _dates(shard.death_day_under[order].ravel()),
        }
        for number, condition in enumerate(model.conditions):
            columns[f"{condition}_onset"] = _dates(shard.onset_day_under[order, :, number].ravel())
        yield pa.table(columns)


def measure_risks(
    model: CompiledModel, estimand: Estimand, *, n_persons: int, seed: int, n_draws: int
) -> Iterator[pa.Table]:
    """Measure each person's own risk of an outcome within a horizon, by living the future many times.

    Args:
        model: The compiled model.
        estimand: The question; `against` is not looked at. See `cohort.causal.true_risk` for what is held fixed.
        n_persons: Persons of the cohort.
        seed: Its seed.
        n_draws: Futures of each person.

    Yields:
        One table for each `PERSONS_AT_ONCE` persons: `pnr` of those who are of the population, in order, `risk` and its
        Monte Carlo `standard_error`, float64 in [0, 1].

    Raises:
        InvalidInputError: If a name is unknown, the horizon passes the window's end, or there are fewer than two draws.
    """
    if n_draws < 2:
        raise InvalidInputError("Expected at least two draws.", next_step="give a larger --draws")
    for first in range(0, n_persons, PERSONS_AT_ONCE):
        persons = np.arange(first, min(first + PERSONS_AT_ONCE, n_persons), dtype=np.int64)
        order, people = _people(persons, seed)
        risk = true_risk(model, persons, estimand, seed=seed, n_draws=n_draws)[order]
        of_them = ~np.isnan(risk)
        risk = risk[of_them]
        error = np.sqrt(risk * (1.0 - risk) / n_draws)
        yield pa.table({"pnr": people.filter(pa.array(of_them)), "risk": risk, "standard_error": error})


def _people(persons: npt.NDArray[np.int64], seed: int) -> tuple[npt.NDArray[np.int64], pa.Array]:
    """Give the order of persons by pnr, and the pnr in that order."""
    pnr = identifiers(persons, seed=seed, digits=PNR_DIGITS)
    order = np.argsort(pnr)
    return order, to_strings(digit_bytes(pnr[order], PNR_DIGITS))


def _dates(days: npt.NDArray[np.int32]) -> pa.Array:
    return pa.array(np.ascontiguousarray(days), mask=days == NEVER).cast(pa.date32())
