"""What all rows have in common: strictness, sources, numbers, names, effects."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

MOST_RATIO = 1000.0
"""A ratio of hazards or odds that is larger is a slip: our choice."""


def _rise(numbers: tuple[float, ...]) -> tuple[float, ...]:
    if any(later <= earlier for earlier, later in pairwise(numbers)):
        raise ValueError("each number must be larger than the one before it")
    return numbers


Positive = Annotated[float, Field(gt=0.0)]
NonNegative = Annotated[float, Field(ge=0.0)]
Probability = Annotated[float, Field(ge=0.0, le=1.0)]
Ratio = Annotated[float, Field(gt=0.0, lt=MOST_RATIO)]
LogRatio = Annotated[float, Field(gt=-math.log(MOST_RATIO), lt=math.log(MOST_RATIO))]
Numbers = tuple[float, ...]
Rising = Annotated[Numbers, Field(min_length=1), AfterValidator(_rise)]
"""An axis: the ages, years or other values at which further numbers are given."""
Rates = tuple[NonNegative, ...]
Shares = tuple[Probability, ...]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Sex = Literal["men", "women"]
FIRST_YEAR, LAST_YEAR = 1840, 9999
"""Years of a row that holds always."""


class Row(BaseModel):
    """A strict row: unknown keys are refused, so that a misspelt one cannot be lost; numbers are finite."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Sourced(Row):
    """A row of numbers from the world, or openly our choice."""

    source: Annotated[str, Field(min_length=3)]


def check_lengths(axis: str, expected: Sequence[float], **columns: Sequence[float]) -> None:
    """Refuse columns that are not as long as their axis.

    Args:
        axis: Its name.
        expected: Its values.
        columns: Numbers by name.

    Raises:
        ValueError: If one is shorter or longer; names it.
    """
    for name, column in columns.items():
        if len(column) != len(expected):
            raise ValueError(f"{name} must be as long as {axis}, got {len(column)} beside {len(expected)}")


class ByCohort(Sourced):
    """A number by year of birth and sex, linear between."""

    born: Rising
    men: Numbers
    women: Numbers

    @model_validator(mode="after")
    def _lengths_agree(self) -> Self:
        check_lengths("born", self.born, men=self.men, women=self.women)
        return self


class SharesByCohort(ByCohort):
    """A share by year of birth and sex, linear between."""

    men: Shares
    women: Shares


class TraitEffect(Sourced):
    """Log hazard ratio of one standard deviation of a trait."""

    trait: str
    log_hazard_ratio: LogRatio


class OddsEffect(Sourced):
    """Log odds ratio of one standard deviation of a trait."""

    trait: str
    log_odds_ratio: LogRatio


class BodyMass(Sourced):
    """Hazard ratio by body-mass index, log-linear between the given values and level outside."""

    bmi: Rising
    hazard_ratios: tuple[Ratio, ...]

    @model_validator(mode="after")
    def _lengths_agree(self) -> Self:
        check_lengths("bmi", self.bmi, hazard_ratios=self.hazard_ratios)
        return self


class HazardRatio(Sourced):
    """A hazard ratio at age 60 in a span of days since something began; `per_decade` is its ratio per ten years of age.

    It holds for what begins from 1 January of `from_year` to the end of `to_year`.
    """

    hazard_ratio: Ratio
    per_decade: Ratio = 1.0
    from_days: NonNegative = 0.0
    to_days: Positive = float("inf")
    from_year: int = FIRST_YEAR
    to_year: int = LAST_YEAR

    @model_validator(mode="after")
    def _spans_are_not_empty(self) -> Self:
        if self.from_days >= self.to_days or self.from_year > self.to_year:
            raise ValueError("from_days must lie before to_days, and from_year not after to_year")
        return self


class Effect(HazardRatio):
    """A hazard ratio while or after something holds: its cause or, in the rows of a treatment, what it lowers."""

    of: str
