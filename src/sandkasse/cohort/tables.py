"""The model's arrays: what the life kernels read, and nothing else."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sandkasse.cohort.kinship import FamilyTables
from sandkasse.cohort.specification import Specification

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

TABLE_YEAR = 1940
"""First calendar year of the hazard tables; earlier years read this one."""
N_TABLE_YEARS = 86
MAX_AGE = 110
CALENDAR_YEAR = 1840
"""First year of `jan1`."""
N_BMI = 97
BMI_LOWEST, BMI_STEP = 12.0, 0.5


class LifeTables(NamedTuple):
    """Arrays of the life kernel. Rates are per day.

    Axes: sex (men, women); year (from `TABLE_YEAR`); age (calendar year minus year of birth, 0 to 110); target (the
    onset of each condition, then death, then the detection of each condition); source (the onset of each condition, its
    detection, each treatment, smoking, having smoked).
    """

    hazard: FloatArray  # (sex, year, age, condition + death)
    bmi_ratio: FloatArray  # (bmi bin, condition + death)
    trait_beta: FloatArray  # (condition + death, trait)
    detect_year: FloatArray  # (year, condition)
    detect_age: FloatArray  # (age, condition)
    acute: FloatArray  # (year, age, condition) integrated hazard of acute death
    acute_days: FloatArray  # (condition,)
    only_pregnant: BoolArray  # (condition,)
    excludes: BoolArray  # (condition, condition)
    effect_first: IntArray  # (source + 1,) rows of each source
    effect_target: IntArray  # (effect,)
    effect_ratio: FloatArray  # (effect, age)
    effect_varies: BoolArray  # (effect,) with age
    effect_from: FloatArray  # (effect,) days after the source
    effect_to: FloatArray  # (effect,)
    row_treatment: IntArray  # (row,)
    row_condition: IntArray
    row_after: IntArray  # treatment that must have begun, or -1
    row_index: IntArray  # number of the row's clock, stable when treatments are appended
    row_rate: FloatArray  # (year, row)
    row_early_days: FloatArray
    row_early_ratio: FloatArray
    row_stop: FloatArray  # (row,) per day
    withheld: BoolArray  # (treatment,) in the untreated life
    bmi_at_20: FloatArray  # (sex, year of birth from CALENDAR_YEAR)
    bmi_slope: FloatArray
    smoking_ever: FloatArray
    smoking_stops: FloatArray
    numbers: FloatArray  # see NUMBERS
    jan1: IntArray  # day of 1 January from CALENDAR_YEAR on
    entry_cumulative: FloatArray  # (entry,)
    entry_kind: IntArray  # 0 resident at the start, 1 birth, 2 immigration
    entry_sex: IntArray
    entry_year: IntArray
    entry_age: IntArray  # age on 1 January (-1: born in the year), or month of birth 0-11
    emigration: FloatArray  # (sex, year from the window's start, age)
    municipality_cumulative: FloatArray
    municipality_code: IntArray
    fertility: FloatArray  # (year, age) deliveries per woman and day, outside the spacing


NUMBERS = (
    "window_start_year",
    "window_end_year",
    "bmi_trait",
    "bmi_trait_weight",
    "bmi_own_weight",
    "bmi_sd",
    "bmi_slope_sd",
    "bmi_lowest",
    "smoking_start_mean",
    "smoking_start_sd",
    "smoking_stop_mean",
    "mover_share",
    "mover_youngest",
    "mover_mean",
    "return_probability",
    "return_mean",
    "pregnancy_spacing",
    "pregnancy_from",
    "pregnancy_to",
)
"""Names of the entries of `LifeTables.numbers`."""


@dataclass(frozen=True)
class CompiledModel:
    """The model as the kernels read it.

    Attributes:
        conditions: Names, in the order of the columns of `LifeShard.onset_day`.
        treatments: Names, in the order of the columns of `LifeShard.treatment_day`.
        traits: Names, in the order of the columns of `LifeShard.liability`.
        tables: Arrays of the life kernel.
        families: Arrays of the family kernels.
        glycaemia: Arrays of `cohort.life.glycaemia`: column numbers and coefficients.
        persons_in_nation: How many persons the entries add up to; a cohort of N is the share N of it.
        specification: The model as written.
    """

    conditions: tuple[str, ...]
    treatments: tuple[str, ...]
    traits: tuple[str, ...]
    tables: LifeTables
    families: FamilyTables
    glycaemia: FloatArray
    persons_in_nation: float
    specification: Specification
