"""Courses of the same lives under interventions, each an arm."""

from collections.abc import Callable, Iterable, Sequence
from typing import Literal

import numpy as np

from sandkasse.cohort.specification import Intervention
from sandkasse.cohort.tables import Arms, BoolArray
from sandkasse.core.errors import InvalidInputError

YEAR_DAYS = 365.25
FAR = 1.0e18
"""A day, or days of age, after every other."""
Find = Callable[[str, Literal["conditions", "treatments", "exposures"]], int]
"""Gives the number of a name of a kind, or raises an `InvalidInputError` with the nearest names."""


def compile_arms(
    interventions: Sequence[Intervention],
    *,
    preventive: BoolArray,
    n_exposures: int,
    find: Find,
) -> Arms:
    """Compile the named interventions, each from birth on.

    Args:
        interventions: The interventions as written.
        preventive: Whether each treatment is marked as withheld, shape (treatment,).
        n_exposures: How many exposures there are.
        find: Finds treatments, exposures and conditions.

    Returns:
        The natural course and the interventions.

    Raises:
        InvalidInputError: If a name is unknown, or an intervention both gives and withholds a treatment.
    """
    arms = natural_arms(1 + len(interventions), n_treatments=len(preventive), n_exposures=n_exposures)
    for arm, row in enumerate(interventions, start=1):
        if row.withhold == "preventive":
            arms.allow[arm] = ~preventive
        else:
            arms.allow[arm, [find(name, "treatments") for name in row.withhold]] = 0
        arms.exposed[arm, [find(name, "exposures") for name in row.unexposed]] = 0
        for gift in row.give:
            treatment = find(gift.treatment, "treatments")
            if not arms.allow[arm, treatment]:
                raise InvalidInputError(
                    f"the intervention {row.name!r} both gives and withholds {gift.treatment!r}",
                    next_step="choose one of them in interventions.toml",
                )
            arms.give_from[arm, treatment] = gift.from_age * YEAR_DAYS
            arms.give_for[arm, treatment] = find(gift.condition, "conditions") if gift.condition else -1
        arms.from_day[arm] = -FAR
    return arms


def natural_arms(n_arms: int, *, n_treatments: int, n_exposures: int) -> Arms:
    """Make arms in which everything takes its natural course.

    Args:
        n_arms: How many.
        n_treatments: Treatments of the model.
        n_exposures: Exposures of the model.

    Returns:
        Arms, to be changed.
    """
    return Arms(
        allow=np.ones((n_arms, n_treatments), dtype=np.int64),
        exposed=np.ones((n_arms, n_exposures), dtype=np.int64),
        give_from=np.full((n_arms, n_treatments), FAR),
        give_for=np.full((n_arms, n_treatments), -1, dtype=np.int64),
        from_day=np.full(n_arms, FAR),
        until=np.full(n_arms, -1, dtype=np.int64),
        luck=np.zeros(n_arms, dtype=np.uint64),
    )


def choose_arms(arms: Arms, which: Sequence[int]) -> Arms:
    """Take some of the arms, in the order given."""
    return Arms._make(field[list(which)] for field in arms)


def join_arms(groups: Iterable[Arms]) -> Arms:
    """Put arms behind one another, in the order given."""
    return Arms._make(np.concatenate(fields) for fields in zip(*groups, strict=True))
