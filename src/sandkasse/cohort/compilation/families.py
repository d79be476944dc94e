"""Compile what the model says of families: how liabilities are shared, who becomes whose parent."""

import numpy as np

from sandkasse.cohort.compilation.curves import YEAR_DAYS
from sandkasse.cohort.kinship import NUMBERS, FamilyTables
from sandkasse.cohort.specification import General
from sandkasse.cohort.tables import CALENDAR_YEAR, TABLE_YEAR, FloatArray


def compile_families(general: General, *, mortality: FloatArray, fertility: FloatArray) -> FamilyTables:
    """Compile the rows of families and traits.

    Args:
        general: The model as written.
        mortality: Death rate per day, shape (sex, year from `TABLE_YEAR`, age); earlier years read the first.
        fertility: Deliveries per woman and day, shape (year from `TABLE_YEAR`, age); as well.

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
    mothers = _present(mortality[1], fertility, start=general.window_start, older_by=0)
    fathers = _present(mortality[0], fertility, start=general.window_start, older_by=round(rows.older_by_mean))
    return FamilyTables(
        inherited_weight=np.sqrt(inherited),
        shared_weight=np.sqrt(shared),
        own_weight=np.sqrt(np.maximum(1.0 - inherited - shared, 0.0)),
        parity=np.array(rows.parity, dtype=np.float64),
        ceiling=fertility.max(axis=1) * max(rows.parity),
        present=rows.native_share * np.stack([mothers, fathers]),
        numbers=np.array([numbers[name] for name in NUMBERS], dtype=np.float64),
    )


def _present(mortality: FloatArray, fertility: FloatArray, *, start: int, older_by: int) -> FloatArray:
    """Probability that a parent lives at the window's start, by year of birth of the child (1 from the window on)."""
    ages = np.arange(fertility.shape[1])
    out = np.ones(TABLE_YEAR + fertility.shape[0] - CALENDAR_YEAR)
    for born in range(CALENDAR_YEAR, start):
        weight = fertility[max(born - TABLE_YEAR, 0)]
        later = np.arange(born, start)
        at = np.minimum(ages[:, None] + older_by + (later - born)[None, :], mortality.shape[1] - 1)
        hazard = mortality[np.maximum(later - TABLE_YEAR, 0)[None, :], at].sum(axis=1) * YEAR_DAYS
        out[born - CALENDAR_YEAR] = float((weight * np.exp(-hazard)).sum() / weight.sum())
    return out
