"""What the model's parameter files may say, row by row, and reading them.

`rows` is what all rows share; `persons`, `population`, `conditions` and `treatments` are the rows by what they are
about; `model` is the whole; `read` reads a folder.
"""

from sandkasse.cohort.specification.conditions import (
    MOST_CONDITIONS,
    Calendar,
    Condition,
    DeathEffect,
    Incidence,
)
from sandkasse.cohort.specification.model import General, Specification
from sandkasse.cohort.specification.persons import Exposure, Glycaemia, Load, PlaceGroup, PlaceShift, Trait
from sandkasse.cohort.specification.population import Pregnancy
from sandkasse.cohort.specification.read import read_specification
from sandkasse.cohort.specification.rows import (
    FIRST_YEAR,
    LAST_YEAR,
    ByCohort,
    Effect,
    HazardRatio,
    OddsEffect,
    Sex,
    TraitEffect,
)
from sandkasse.cohort.specification.treatments import MOST_STARTS, Given, Intervention, Start, Treatment

__all__ = [
    "FIRST_YEAR", "LAST_YEAR", "MOST_CONDITIONS", "MOST_STARTS", "ByCohort", "Calendar", "Condition", "DeathEffect",
    "Effect", "Exposure", "General", "Given", "Glycaemia", "HazardRatio", "Incidence", "Intervention", "Load",
    "OddsEffect", "PlaceGroup", "PlaceShift", "Pregnancy", "Sex", "Specification", "Start", "Trait", "TraitEffect",
    "Treatment", "read_specification",
]  # fmt: skip
