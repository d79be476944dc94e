"""Compile the path of true HbA1c."""

from datetime import date

import numpy as np

from sandkasse.cohort.compilation.names import Names
from sandkasse.cohort.specification import Glycaemia
from sandkasse.cohort.tables import FloatArray

GLYCAEMIA = (
    "at_20",
    "per_year_of_age",
    "per_bmi",
    "set_point_sd",
    "type_1_rise",
    "type_1_rise_days",
    "type_2_threshold",
    "type_2_before_years",
    "type_2_per_year",
    "type_2_excess_max",
    "treated_per_year",
    "insulin_share",
    "insulin_target",
    "lowering_days",
    "highest",
    "normal_room",
    "type_2_log_sd",
    "type_1_log_sd",
    "diet_share",
    "glucose_gap",
)
"""Order of the coefficients in `CompiledModel.glycaemia`, after four column numbers (type 1, type 2, gestational,
insulin) and before the day from which HbA1c is a criterion and the share that each treatment lowers."""


def compile_glycaemia(rows: Glycaemia, names: Names) -> FloatArray:
    """Compile the path of true HbA1c.

    Args:
        rows: The path as written.
        names: Finds conditions and treatments.

    Returns:
        Column numbers and coefficients, in the order of `GLYCAEMIA`.

    Raises:
        InvalidInputError: If a condition or a treatment is unknown.
    """
    columns = [names.condition(name) for name in (rows.type_1, rows.type_2, rows.gestational)]
    columns.append(names.treatment(rows.insulin))
    for name in rows.lowering:
        names.treatment(name)
    numbers = [float(getattr(rows, name)) for name in GLYCAEMIA]
    numbers.append(float((rows.hba1c_criterion_from - date(1970, 1, 1)).days))
    lowering = [rows.lowering.get(name, 0.0) for name in names.treatments]
    return np.array([*columns, *numbers, *lowering], dtype=np.float64)
