"""True HbA1c over time, as a pure compiled function of a person's life (first, thin version)."""

import math

import numpy as np
import numpy.typing as npt

from sandkasse.cohort.kernels import helper


@helper
def hba1c_mmol_mol(
    day: int,
    birth_day: int,
    set_point: float,
    bmi: float,
    onset_day: npt.NDArray[np.int32],
    treatment_day: npt.NDArray[np.int32],
    treatment_stop_day: npt.NDArray[np.int32],
    parameters: npt.NDArray[np.float64],
) -> float:
    """True HbA1c of a person on a day, free of assay error.

    Args:
        day: Day of interest, days since 1970-01-01.
        birth_day: Day of birth.
        set_point: `LifeShard.hba1c_set_point` of the person.
        bmi: Body-mass index on that day in kg/m² (`bmi_on`).
        onset_day: The person's row of `LifeShard.onset_day`.
        treatment_day: The person's row of `LifeShard.treatment_day`.
        treatment_stop_day: The person's row of `LifeShard.treatment_stop_day`.
        parameters: `CompiledModel.glycaemia`.

    Returns:
        HbA1c in mmol/mol.
    """
    age = (day - birth_day) / 365.25
    value = 33.0 + 0.06 * age + 0.2 * (bmi - 25.0) + 2.0 * set_point
    if day >= onset_day[0]:
        value += 60.0 * (1.0 - math.exp(-(day - onset_day[0]) / 60.0)) + 5.0
    if day >= onset_day[1]:
        value = max(value, 47.0) + 2.5 * (day - onset_day[1]) / 365.25
    if day >= treatment_day[0]:
        value -= min(15.0, 0.3 * max(0.0, value - 40.0)) * (1.0 - math.exp(-(day - treatment_day[0]) / 60.0))
    if day >= treatment_day[5]:
        value -= 0.35 * max(0.0, value - 48.0) * (1.0 - math.exp(-(day - treatment_day[5]) / 60.0))
    return min(value, 160.0)


@helper
def bmi_on(day: int, birth_day: int, bmi_at_20: float, bmi_slope_per_year: float) -> float:
    """Body-mass index of an adult on a day.

    Args:
        day: Day of interest, days since 1970-01-01.
        birth_day: Day of birth.
        bmi_at_20: `LifeShard.bmi_at_20` of the person.
        bmi_slope_per_year: `LifeShard.bmi_slope_per_year` of the person.

    Returns:
        Body-mass index in kg/m²: the line from age 20 to 65, level outside.
    """
    age = min(max((day - birth_day) / 365.25, 20.0), 65.0)
    return bmi_at_20 + bmi_slope_per_year * (age - 20.0)
