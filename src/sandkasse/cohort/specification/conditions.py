"""The rows of a disease: how often it begins, what raises it, how it is recognised, whom it kills."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from sandkasse.cohort.specification.rows import (
    FIRST_YEAR,
    LAST_YEAR,
    BodyMass,
    Effect,
    HazardRatio,
    Name,
    NonNegative,
    Positive,
    Rates,
    Rising,
    Row,
    Sex,
    Sourced,
    TraitEffect,
    check_lengths,
)

MOST_OCCURRENCES = 16
MOST_CONDITIONS = 128
"""A column of a condition is a number of eight bits with sign in a life's record."""


class Calendar(Sourced):
    """Ratio to the rates, log-linear between years and linear between the ages of several rows.

    A sex that has rows of its own (`only`) reads those; the other rows are for both.
    """

    years: Rising
    ratios: Rates
    age: NonNegative = 60.0
    only: Sex | None = None

    @model_validator(mode="after")
    def _lengths_agree(self) -> Self:
        check_lengths("years", self.years, ratios=self.ratios)
        return self


class Season(Sourced):
    """How a year's onsets fall on its twelve months, from one calendar year to another, both among them.

    Only the proportions of `months` count: the rate of the year stays what the incidence says. A month is a twelfth of
    the year. Years without a row are level.
    """

    from_year: int = FIRST_YEAR
    to_year: int = LAST_YEAR
    months: Annotated[tuple[NonNegative, ...], Field(min_length=12, max_length=12)]

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if sum(self.months) <= 0.0 or self.from_year > self.to_year:
            raise ValueError("a season needs a month that is not 0, and years that rise")
        return self


class Incidence(Sourced):
    """Onsets per 1,000 person-years at risk (or per 1,000 pregnancies), by age and sex.

    Of the `population`, whatever raises or lowers the hazard of each person; or of a `reference` person without any of
    it, as for an epidemic, in which who is susceptible changes from month to month.
    """

    ages: Rising
    men: Rates = ()
    women: Rates = ()
    per: Literal["year", "pregnancy"] = "year"
    among: Literal["population", "reference"] = "population"
    calendar: tuple[Calendar, ...] = ()
    season: tuple[Season, ...] = ()
    fitted: bool = False

    @model_validator(mode="after")
    def _lengths_agree(self) -> Self:
        # A sex in which the disease cannot occur is left out.
        check_lengths("ages", self.ages, men=self.men or self.ages, women=self.women or self.ages)
        return self

    def calendars_of(self, sex: Sex) -> tuple[Calendar, ...]:
        """Give the calendar rows of a sex: its own if it has any, else those of both."""
        own = tuple(row for row in self.calendar if row.only == sex)
        return own or tuple(row for row in self.calendar if row.only is None)


class DeathEffect(HazardRatio):
    """Hazard ratio of death since an onset: survival as published, by the calendar years of diagnosis."""


class AcuteDeath(Sourced):
    """Probability of dying of an onset itself, of the first or a later one, within some days."""

    within_days: Positive
    ages: Rising
    fatality: tuple[Annotated[float, Field(gt=0.0, le=1.0)], ...]
    calendar: Calendar | None = None

    @model_validator(mode="after")
    def _lengths_agree(self) -> Self:
        check_lengths("ages", self.ages, fatality=self.fatality)
        return self


class Detection(Sourced):
    """How fast the health system recognises a condition that is there."""

    rate_per_year: Positive
    ages: Rising = (60.0,)
    ratios: Rates = (1.0,)
    calendar: Calendar | None = None
    fitted: bool = False
    raised_by: tuple[Effect, ...] = ()
    traits: tuple[TraitEffect, ...] = ()

    @model_validator(mode="after")
    def _lengths_agree(self) -> Self:
        check_lengths("ages", self.ages, ratios=self.ratios)
        return self


class Recurs(Sourced):
    """The condition can come again: its clock opens anew some days after each onset, with a new draw.

    Its incidence counts all onsets, first and later ones, per person-year outside those days.
    """

    after_days: Positive
    at_most: Annotated[int, Field(ge=2, le=MOST_OCCURRENCES)] = 4


class Condition(Row):
    """One disease as rows."""

    name: Name
    title: str
    codes: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    incidence: Incidence
    traits: tuple[TraitEffect, ...] = ()
    body_mass: BodyMass | None = None
    raised_by: tuple[Effect, ...] = ()
    excludes: tuple[str, ...] = ()
    death: tuple[DeathEffect, ...] = ()
    acute: AcuteDeath | None = None
    recurs: Recurs | None = None
    detection: Detection
    group: str = ""
