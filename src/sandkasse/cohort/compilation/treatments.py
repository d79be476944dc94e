"""Compile how treatments are begun, stopped and taken up again."""

from collections.abc import Sequence

import numpy as np

from sandkasse.cohort.compilation.curves import YEAR_DAYS, YEARS
from sandkasse.cohort.compilation.fitted import Fitted, fitted_levels
from sandkasse.cohort.compilation.names import Names
from sandkasse.cohort.specification import MOST_STARTS, Glycaemia, Treatment
from sandkasse.cohort.tables import N_TABLE_YEARS, BoolArray, FloatArray, IntArray
from sandkasse.core.errors import InvalidInputError

ONLY = (None, "men", "women")
"""Whom a start is open to, in the order of `LifeTables.row_only`."""


def compile_starts(
    treatments: Sequence[Treatment], names: Names, fitted: Fitted
) -> dict[str, FloatArray | IntArray | BoolArray]:
    """Compile the starts of all treatments, one row each.

    Args:
        treatments: The treatments as written.
        names: Finds conditions and treatments.
        fitted: Calibrated tables; empty leaves the rates as written.

    Returns:
        Fields of `LifeTables`.

    Raises:
        InvalidInputError: If a start names a condition or a treatment that does not exist.
    """
    flat = [(t, place, start) for t, treatment in enumerate(treatments) for place, start in enumerate(treatment.start)]
    starts = [start for _, _, start in flat]
    rate, levels = np.zeros((N_TABLE_YEARS, len(flat))), fitted_levels(fitted)
    for r, (t, _, start) in enumerate(flat):
        rate[:, r] = np.interp(YEARS + 0.5, start.years, start.rates_per_year) / YEAR_DAYS
        rate[:, r] *= levels.get(treatments[t].name, 1.0)
    after = [names.treatment(start.after) if start.after else -1 for start in starts]
    condition = [names.condition(start.condition) if start.condition else -1 for start in starts]
    return {
        "row_treatment": np.array([t for t, _, _ in flat], dtype=np.int64),
        "row_condition": np.array(condition, dtype=np.int64),
        "row_after": np.array(after, dtype=np.int64),
        "row_only": np.array([ONLY.index(start.only) for start in starts], dtype=np.int64),
        "row_from": np.array([start.from_age for start in starts], dtype=np.float64),
        "row_to": np.array([start.to_age for start in starts], dtype=np.float64),
        "row_index": np.array([t * MOST_STARTS + place for t, place, _ in flat], dtype=np.int64),
        "row_rate": rate,
        "row_early_days": np.array([start.early_days for start in starts], dtype=np.float64),
        "row_early_ratio": np.array([start.early_ratio for start in starts], dtype=np.float64),
        "row_stop": np.array([start.stop_per_year / YEAR_DAYS for start in starts], dtype=np.float64),
        "row_resume": np.array([start.resume_per_year / YEAR_DAYS for start in starts], dtype=np.float64),
        "withheld": np.array([treatment.counterfactual == "withheld" for treatment in treatments], dtype=np.bool_),
    }


def check_treatments(treatments: Sequence[Treatment], glycaemia: Glycaemia) -> None:
    """Refuse treatments whose draws would run into one another's, or whose effect on HbA1c is not modelled.

    Args:
        treatments: The treatments as written.
        glycaemia: Which of them lower HbA1c.

    Raises:
        InvalidInputError: If one has too many starts, or lowers HbA1c and can be taken up again.
    """
    for treatment in treatments:
        if len(treatment.start) > MOST_STARTS:
            raise InvalidInputError(
                f"expected at most {MOST_STARTS} starts of a treatment, got {len(treatment.start)} of "
                f"{treatment.name}: the draws of its starts would be those of the next treatment",
                next_step="join some of its starts in treatments.toml",
            )
        if treatment.name in glycaemia.lowering and any(start.resume_per_year > 0.0 for start in treatment.start):
            raise InvalidInputError(
                f"{treatment.name} lowers HbA1c, whose path does not know of treatments that are taken up again",
                next_step="take resume_per_year out of its starts in treatments.toml",
            )
