"""Compile what the model says of families: how liabilities are shared, who becomes whose parent."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sandkasse.cohort.specification import General

FloatArray = npt.NDArray[np.float64]
YEAR_DAYS = 365.25


class FamilyTables(NamedTuple):
    """Arrays of the family kernels. Weights multiply standard normals; a trait's have squares that add up to 1."""

    inherited_weight: FloatArray  # (trait,) square root of the heritability
    shared_weight: FloatArray  # (trait,) of what the children of one mother share
    own_weight: FloatArray  # (trait,)
    parity: FloatArray  # (deliveries before,) weight of a woman as mother of the next child
    ceiling: FloatArray  # (year,) highest fertility of any age times highest parity weight
    present: FloatArray  # (mother or father, year of birth) probability of being here at the window's start
    numbers: FloatArray  # see NUMBERS


NUMBERS = ("older_by_mean", "older_by_sd", "kept", "taken", "father_from", "leaves_home")
"""Names of the entries of `FamilyTables.numbers`."""


def compile_families(
    general: General, *, mortality: FloatArray, fertility: FloatArray, table_year: int, calendar_year: int
) -> FamilyTables:
    """Compile the rows of families and traits.

    Args:
        general: The model as written.
        mortality: Death rate per day, shape (sex, year from `table_year`, age).
        fertility: Deliveries per woman and day, shape (year, age).
        table_year: First year of both; earlier years read it.
        calendar_year: First year of birth of `present`.

    Returns:
        The arrays of the family kernels.
    """
    rows = general.families
    inherited = np.array([trait.heritability for trait in general.traits])
    shared = np.array([trait.shared_environment for trait in general.traits])
    numbers = {
        "older_by_mean": rows.older_by_mean,
        "older_by_sd": rows.older_by_sd,
        "kept": rows.kept,
        "taken": rows.taken,
        "father_from": rows.father_from,
        "leaves_home": general.moves.youngest,
    }
    mothers = _present(mortality[1], fertility, (calendar_year, table_year, general.window_start), older_by=0)
    older_by = round(rows.older_by_mean)
    fathers = _present(mortality[0], fertility, (calendar_year, table_year, general.window_start), older_by=older_by)
    return FamilyTables(
        inherited_weight=np.sqrt(inherited),
        shared_weight=np.sqrt(shared),
        own_weight=np.sqrt(np.maximum(1.0 - inherited - shared, 0.0)),
        parity=np.array(rows.parity, dtype=np.float64),
        ceiling=fertility.max(axis=1) * max(rows.parity),
        present=rows.native_share * np.stack([mothers, fathers]),
        numbers=np.array([numbers[name] for name in NUMBERS], dtype=np.float64),
    )


def _present(mortality: FloatArray, fertility: FloatArray, years: tuple[int, int, int], *, older_by: int) -> FloatArray:
    """Probability that a parent lives at the window's start, by year of birth of the child (1 from the window on)."""
    calendar_year, table_year, start = years
    ages = np.arange(fertility.shape[1])
    out = np.ones(table_year + fertility.shape[0] - calendar_year)
    for born in range(calendar_year, start):
        weight = fertility[max(born - table_year, 0)]
        later = np.arange(born, start)
        at = np.minimum(ages[:, None] + older_by + (later - born)[None, :], mortality.shape[1] - 1)
        hazard = mortality[np.maximum(later - table_year, 0)[None, :], at].sum(axis=1) * YEAR_DAYS
        out[born - calendar_year] = float((weight * np.exp(-hazard)).sum() / weight.sum())
    return out
