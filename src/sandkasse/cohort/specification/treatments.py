"""The rows of a treatment and of an intervention: who is given what, from when, and what it lowers."""

from typing import Literal, Self

from pydantic import model_validator

from sandkasse.cohort.specification.rows import (
    Effect,
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

MOST_STARTS = 32
"""Clocks of the starts of a treatment are numbered from 32 times the treatment on."""


class Start(Sourced):
    """How fast a treatment is begun, by calendar year.

    With a `condition`, from its recognition on; without one it is a programme, such as a vaccination, open to everybody
    of its ages. Ages are calendar year minus year of birth: from `from_age`, up to and without `to_age`.
    """

    condition: str = ""
    only: Sex | None = None
    from_age: NonNegative = 0.0
    to_age: Positive = 200.0
    traits: tuple[TraitEffect, ...] = ()
    after: str = ""
    years: Rising
    rates_per_year: Rates
    early_days: NonNegative = 0.0
    early_ratio: Positive = 1.0
    stop_per_year: NonNegative = 0.0
    resume_per_year: NonNegative = 0.0
    """Rate of taking it up again after a stop, for the same condition; each spell stops at `stop_per_year`."""

    @model_validator(mode="after")
    def _lengths_and_ages_agree(self) -> Self:
        check_lengths("years", self.years, rates_per_year=self.rates_per_year)
        if self.from_age >= self.to_age:
            raise ValueError("from_age must be lower than to_age")
        return self


class Treatment(Row):
    """One treatment as rows; `withheld` treatments are those that the untreated life lacks."""

    name: Name
    title: str
    atc: tuple[str, ...]
    counterfactual: Literal["withheld", "kept"]
    start: tuple[Start, ...]
    lowers: tuple[Effect, ...] = ()


class Given(Sourced):
    """A treatment that an intervention gives, from an age on and, if a condition is named, once it is recognised."""

    treatment: str
    from_age: NonNegative = 0.0
    condition: str = ""


class Intervention(Sourced):
    """A named change to the world, under which the same persons live again with the same luck."""

    name: Name
    title: str
    withhold: tuple[str, ...] | Literal["preventive"] = ()
    unexposed: tuple[str, ...] = ()
    give: tuple[Given, ...] = ()
