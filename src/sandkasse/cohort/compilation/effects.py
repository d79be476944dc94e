"""Compile what conditions, treatments and habits do to onsets, deaths and recognition."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from sandkasse.cohort.compilation.curves import AGES, first_day
from sandkasse.cohort.compilation.names import Names
from sandkasse.cohort.specification import HazardRatio, Specification
from sandkasse.cohort.tables import MAX_AGE, BoolArray, FloatArray, IntArray


class _Arrow(NamedTuple):
    source: int
    target: int
    effect: HazardRatio


def compile_effects(specification: Specification, names: Names) -> dict[str, FloatArray | IntArray | BoolArray]:
    """Compile the effects, sorted by what starts them.

    Args:
        specification: The model as written.
        names: Finds sources and targets.

    Returns:
        Fields of `LifeTables`.

    Raises:
        InvalidInputError: If a row names a cause or a target that does not exist.
    """
    arrows = sorted(_arrows(specification, names), key=lambda arrow: arrow.source)
    n_sources = 2 * (len(names.conditions) + len(names.exposures)) + len(names.treatments)
    sources = np.array([arrow.source for arrow in arrows], dtype=np.int64)
    effects = [arrow.effect for arrow in arrows]
    return {
        "effect_first": np.searchsorted(sources, np.arange(n_sources + 1)).astype(np.int64),
        "effect_source": sources,
        "effect_target": np.array([arrow.target for arrow in arrows], dtype=np.int64),
        "effect_ratio": np.stack([_by_age(row) for row in effects], axis=1) if effects else np.ones((MAX_AGE + 1, 0)),
        "effect_varies": np.array([row.per_decade != 1.0 for row in effects], dtype=np.bool_),
        "effect_from": np.array([row.from_days for row in effects], dtype=np.float64),
        "effect_to": np.array([row.to_days for row in effects], dtype=np.float64),
        "effect_since": np.array([first_day(row.from_year) for row in effects], dtype=np.float64),
        "effect_until": np.array([first_day(row.to_year + 1) for row in effects], dtype=np.float64),
    }


def _arrows(specification: Specification, names: Names) -> Iterator[_Arrow]:
    n = len(names.conditions)
    for c, condition in enumerate(specification.conditions):
        yield from (_Arrow(names.source(effect.of), c, effect) for effect in condition.raised_by)
        yield from (_Arrow(names.source(effect.of), n + 1 + c, effect) for effect in condition.detection.raised_by)
        yield from (_Arrow(c, n, effect) for effect in condition.death)
    for effect in specification.general.mortality.raised_by:
        yield _Arrow(names.source(effect.of), n, effect)
    for treatment in specification.general.treatments:
        for effect in treatment.lowers:
            yield _Arrow(names.source(treatment.name), names.target(effect.of), effect)


def _by_age(row: HazardRatio) -> FloatArray:
    """Hazard ratio by age, as written at 60, shape (age,)."""
    ratio: FloatArray = row.hazard_ratio * row.per_decade ** ((AGES - 60.0) / 10.0)
    # A harm that fades with age does not turn into a benefit.
    return np.maximum(ratio, 1.0) if row.hazard_ratio > 1.0 else ratio
