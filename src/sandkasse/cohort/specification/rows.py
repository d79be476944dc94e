"""What all rows have in common: strictness, sources, numbers, names, effects."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Positive = Annotated[float, Field(gt=0.0)]
NonNegative = Annotated[float, Field(ge=0.0)]
Probability = Annotated[float, Field(ge=0.0, le=1.0)]
Numbers = tuple[float, ...]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Sex = Literal["men", "women"]
FIRST_YEAR, LAST_YEAR = 1840, 9999
"""Years of a row that holds always."""


class Row(BaseModel):
    """A strict row: unknown keys are refused, so that a misspelt one cannot be lost."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Sourced(Row):
    """A row of numbers from the world, or openly our choice."""

    source: Annotated[str, Field(min_length=3)]


class ByCohort(Sourced):
    """A number by year of birth and sex, linear between."""

    born: Numbers
    men: Numbers
    women: Numbers


class TraitEffect(Sourced):
    """Log hazard ratio of one standard deviation of a trait."""

    trait: str
    log_hazard_ratio: float


class OddsEffect(Sourced):
    """Log odds ratio of one standard deviation of a trait."""

    trait: str
    log_odds_ratio: float


class BodyMass(Sourced):
    """Hazard ratio by body-mass index, log-linear between the given values and level outside."""

    bmi: Numbers
    hazard_ratios: Numbers


class HazardRatio(Sourced):
    """A hazard ratio at age 60 in a span of days since something began; `per_decade` is its ratio per ten years of age.

    It holds for what begins from 1 January of `from_year` to the end of `to_year`.
    """

    hazard_ratio: Positive
    per_decade: Positive = 1.0
    from_days: NonNegative = 0.0
    to_days: Positive = float("inf")
    from_year: int = FIRST_YEAR
    to_year: int = LAST_YEAR


class Effect(HazardRatio):
    """A hazard ratio while or after something holds: its cause or, in the rows of a treatment, what it lowers."""

    of: str
