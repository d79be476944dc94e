"""The model's arrays: what the life kernels read, and nothing else."""

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from sandkasse.cohort.kinship import FamilyTables
from sandkasse.cohort.specification import Specification
from sandkasse.core.errors import InvalidInputError

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

MOST_RESUMED = 16
"""Most times that a person takes up a treatment again."""
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
    onset of each condition, then death, then the detection of each condition); trait target (the targets, then the
    start of each treatment row); source (the onset of each condition, then its detection, each treatment, then each
    exposure and having been exposed).
    """

    # A life reads one row of these after the other, which the processor foresees; short numbers are half the memory.
    hazard: npt.NDArray[np.float32]  # (sex, year of birth from CALENDAR_YEAR, age, condition + death)
    bmi_ratio: FloatArray  # (bmi bin, condition + death)
    trait_load: FloatArray  # (trait, trait) on the earlier ones
    trait_scale: FloatArray  # (trait,) weight of its own part
    trait_log_mean: FloatArray  # (trait target,) logarithm of the mean of what the traits multiply the hazard by
    place_group: IntArray  # (municipality code,) its group
    place_shift: FloatArray  # (group, trait) of those who live there first
    beta_target: IntArray  # (effect of a trait,)
    beta_trait: IntArray
    beta_value: FloatArray
    detect_year: FloatArray  # (year, condition)
    detect_age: FloatArray  # (age, condition)
    acute: FloatArray  # (year, age, condition) integrated hazard of acute death
    acute_days: FloatArray  # (condition,)
    pregnancy_conditions: IntArray  # conditions that arise in pregnancy only; -1 if none
    recurs_column: IntArray  # (condition,) which of the recurring conditions, or -1
    recurs_most: IntArray  # (condition,) most occurrences
    recurs_after: FloatArray  # (condition,) days until the clock opens again
    excludes: BoolArray  # (condition, condition)
    effect_first: IntArray  # (source + 1,) rows of each source
    effect_source: IntArray  # (effect,)
    effect_target: IntArray
    effect_ratio: FloatArray  # (age, effect)
    effect_varies: BoolArray  # (effect,) with age
    effect_from: FloatArray  # (effect,) days after the source
    effect_to: FloatArray  # (effect,)
    effect_since: FloatArray  # (effect,) first day on which its source may begin
    effect_until: FloatArray  # (effect,) day after the last
    row_treatment: IntArray  # (row,)
    row_condition: IntArray  # -1 if it needs none
    row_only: IntArray  # 1 men, 2 women, 0 both
    row_from: FloatArray  # calendar year minus year of birth
    row_to: FloatArray
    row_after: IntArray  # treatment that must have begun, or -1
    row_index: IntArray  # number of the row's clock, stable when treatments are appended
    row_rate: FloatArray  # (year, row)
    row_early_days: FloatArray
    row_early_ratio: FloatArray
    row_stop: FloatArray  # (row,) per day
    row_resume: FloatArray  # (row,) per day, after a stop
    season_condition: IntArray  # (seasonal condition,) -1 if there is none
    season_share: (
        FloatArray  # (year, seasonal condition, 13) share of the year's onsets until each twelfth; [0] is -1 if level
    )
    withheld: BoolArray  # (treatment,) preventive
    bmi_at_20: FloatArray  # (sex, year of birth from CALENDAR_YEAR)
    bmi_slope: FloatArray
    exposure_intercept: FloatArray  # (exposure, sex, year of birth) log odds of ever, at mean traits
    exposure_beta: FloatArray  # (exposure, trait)
    exposure_stop_intercept: FloatArray  # (exposure, sex, year of birth) log odds of stopping
    exposure_stop_beta: FloatArray
    exposure_path: (
        FloatArray  # (exposure, mean and spread of the age of starting, least age, mean years until stopping)
    )
    education_cut: FloatArray  # (2, sex, year of birth) scores above which education is of the second and third level
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
    "education_trait",
    "education_trait_weight",
    "education_own_weight",
    "mover_share",
    "mover_youngest",
    "mover_mean",
    "return_probability",
    "return_mean",
    "pregnancy_spacing",
    "pregnancy_from",
    "pregnancy_to",
    "income_trait",
    "income_trait_weight",
    "income_own_weight",
)
"""Names of the entries of `LifeTables.numbers`."""


class Arms(NamedTuple):
    """Courses of the same lives: how each intervention changes the world. The first is the natural course."""

    allow: IntArray  # (arm, treatment) 1 if it may begin by itself, else 0
    exposed: IntArray  # (arm, exposure) 1 if persons may have the habit, else 0
    give_from: FloatArray  # (arm, treatment) days of age from which everybody has it; very large if not
    give_for: IntArray  # (arm, treatment) condition whose recognition it waits for, or -1
    from_day: FloatArray  # (arm,) day from which the intervention holds; very large for the natural course
    until: IntArray  # (arm,) day on which the simulated time ends, whatever the residence; -1 where residence ends
    luck: npt.NDArray[np.uint64]  # (arm,) added to the seed of the draws from `from_day` on


@dataclass(frozen=True)
class CompiledModel:
    """The model as the kernels read it.

    Attributes:
        conditions: Names, in the order of the columns of `LifeShard.onset_day`.
        treatments: Names, in the order of the columns of `LifeShard.treatment_day`.
        traits: Names, in the order of the columns of `LifeShard.liability`.
        exposures: Names, in the order of the columns of `LifeShard.exposure_start`; smoking is the first.
        recurring: Names, in the order of the columns of `LifeShard.occurrence_day`.
        interventions: Names, in the order of the arms after the natural course.
        tables: Arrays of the life kernel.
        arms: The natural course and the named interventions.
        families: Arrays of the family kernels.
        glycaemia: Arrays of `cohort.life.glycaemia`: column numbers and coefficients.
        persons_in_nation: How many persons the entries add up to; a cohort of N is the share N of it.
        specification: The model as written.
    """

    conditions: tuple[str, ...]
    treatments: tuple[str, ...]
    traits: tuple[str, ...]
    exposures: tuple[str, ...]
    recurring: tuple[str, ...]
    interventions: tuple[str, ...]
    tables: LifeTables
    arms: Arms
    families: FamilyTables
    glycaemia: FloatArray
    persons_in_nation: float
    specification: Specification

    def find(self, name: str, among: Literal["conditions", "treatments", "exposures", "interventions"]) -> int:
        """Give the number of a name, or raise an `InvalidInputError` with the nearest names."""
        names: tuple[str, ...] = getattr(self, among)
        if name in names:
            return names.index(name)
        near = get_close_matches(name, names, n=3) or names
        raise InvalidInputError(
            f"Among the model's {among} there is no {name!r}; the nearest are {', '.join(near)}.",
            next_step="choose one of them, or write it in the cohort's params folder",
        )
