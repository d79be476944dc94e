"""True HbA1c over time, as a pure compiled function of a person's life.

    base    = at_20 + per_year_of_age · (age − 20) + per_bmi · (BMI − 25) + set_point_sd · set point; above 42 mmol/mol
              it bends, so that without diabetes nobody passes 42 + `normal_room`
    speed   = exp(type_2_log_sd · set point − type_2_log_sd² / 2): who glycates more also progresses faster
    type 2  = from `type_2_before_years` before onset the base climbs evenly to the diagnostic threshold at onset, which
              lies `glucose_gap` · (−set point) lower for those who glycate little and were found before
              `hba1c_criterion_from`, when only glucose told;
              afterwards the excess over it grows by speed · `type_2_per_year` until diabetes is known or a
              glucose-lowering drug begins and by speed · `treated_per_year` from then on, up to `type_2_excess_max`
    type 1  = from onset the base rises by `type_1_rise` · exp(`type_1_log_sd` · set point), with time constant
              `type_1_rise_days`
    diet    = from the day on which diabetes is known, `diet_share` of the excess over 42 mmol/mol is taken away
    drugs   = each running drug takes its share of the excess over 42 mmol/mol, one after the other, with time
              constant `lowering_days`; insulin takes its share of the excess over `insulin_target`

It is a curve without noise: assay error, day-to-day variation and adherence belong to the observation. Gestational
diabetes, anaemia and kidney disease leave it unmoved.
"""

import math

import numpy as np
import numpy.typing as npt

from sandkasse.cohort.kernels import helper

FloatArray = npt.NDArray[np.float64]
DayRow = npt.NDArray[np.int32]

NEVER = 2**31 - 1
COLUMNS = 4
COEFFICIENTS = 21
NORMAL_LIMIT = 42.0
"""Excess is counted over 42 mmol/mol, the lower limit of increased risk in Danish guidance."""


@helper
def effect_on(day: int, start: int, stop: int, days: float) -> float:
    """How far a drug works on a day, between 0 and 1.

    Args:
        day: Day of interest.
        start: First day of the drug.
        stop: Day after its last day, `NEVER` if it goes on.
        days: Time constant of its onset.

    Returns:
        0 outside the spell, rising towards 1 within.
    """
    if day < start or day >= stop:
        return 0.0
    return 1.0 - math.exp(-(day - start) / days)


@helper
def hba1c_mmol_mol(  # noqa: PLR0913, PLR0917 — one row of each array of the life
    day: int,
    birth_day: int,
    set_point: float,
    bmi: float,
    onset_day: DayRow,
    treatment_day: DayRow,
    treatment_stop_day: DayRow,
    parameters: FloatArray,
    treatment_again_day: DayRow | None = None,
    known_day: int = NEVER,
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
        treatment_again_day: The person's row of `LifeShard.treatment_again_day`, if second starts shall count.
        known_day: Day from which type 2 diabetes is known and treated by diet at least, `NEVER` if it is not.

    Returns:
        HbA1c in mmol/mol (IFCC).

    Source:
        Our choice of form; coefficients in `params/model.toml`.
    """
    type_1, type_2 = onset_day[int(parameters[0])], onset_day[int(parameters[1])]
    insulin = int(parameters[3])
    c = parameters[COLUMNS : COLUMNS + COEFFICIENTS]
    shares = parameters[COLUMNS + COEFFICIENTS :]
    age = (day - birth_day) / 365.25
    value = c[0] + c[1] * (age - 20.0) + c[2] * (bmi - 25.0) + c[3] * set_point
    if value > NORMAL_LIMIT:
        value = NORMAL_LIMIT + c[15] * (1.0 - math.exp((NORMAL_LIMIT - value) / c[15]))
    if type_2 != NEVER:
        threshold = c[6] + (c[19] * min(set_point, 0.0) if known_day < c[20] else 0.0)
        years = (day - type_2) / 365.25
        if years < 0.0:
            approach = max(0.0, 1.0 + years / c[7])
            value += approach * max(0.0, threshold - value)
        else:
            begun = known_day
            for t in range(shares.shape[0]):
                if shares[t] > 0.0 or t == insulin:
                    begun = min(begun, treatment_day[t])
            free = (min(day, max(begun, type_2)) - type_2) / 365.25
            speed = math.exp(c[16] * (set_point - 0.5 * c[16]))
            value = max(value, threshold) + min(speed * (c[8] * free + c[10] * (years - free)), c[9])
            value -= effect_on(day, known_day, NEVER, c[13]) * c[18] * max(0.0, value - NORMAL_LIMIT)
    if day >= type_1:
        value += c[4] * math.exp(c[17] * set_point) * (1.0 - math.exp(-(day - type_1) / c[5]))
    for t in range(shares.shape[0]):
        works = effect_on(day, treatment_day[t], treatment_stop_day[t], c[13])
        if treatment_again_day is not None:
            works = max(works, effect_on(day, treatment_again_day[t], NEVER, c[13]))
        if t == insulin:
            value -= works * c[11] * max(0.0, value - c[12])
        else:
            value -= works * shares[t] * max(0.0, value - NORMAL_LIMIT)
    return float(min(value, c[14]))


@helper
def bmi_on(day: int, birth_day: int, bmi_at_20: float, bmi_slope_per_year: float) -> float:
    """Body-mass index of an adult on a day.

    Children's growth, and weight lost by treatment, are left out.

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
