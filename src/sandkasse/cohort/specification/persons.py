"""The rows of what makes persons differ before any disease: traits, places, habits, social position, body, sugar."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Self

from pydantic import Field, model_validator

from sandkasse.cohort.specification.rows import (
    ByCohort,
    Name,
    NonNegative,
    OddsEffect,
    Positive,
    Probability,
    Row,
    SharesByCohort,
    Sourced,
)


class Load(Sourced):
    """How much an earlier trait gives to a trait: the path coefficient between standard normals."""

    on: str
    weight: Annotated[float, Field(gt=-1.0, lt=1.0)]


class Trait(Row):
    """A lifelong cause, standard normal: loads on earlier traits and, for the rest of its variance, its own part.

    Of its own part's variance a share is inherited and a share is common to a mother's children.
    """

    name: Name
    title: str = ""
    heritability: Probability
    shared_environment: Probability
    loads: tuple[Load, ...] = ()
    source: str

    @model_validator(mode="after")
    def _shares_fit(self) -> Self:
        if self.heritability + self.shared_environment > 1.0:
            raise ValueError("heritability and shared_environment add up to more than 1")
        return self


class PlaceGroup(Sourced):
    """Municipalities that act alike on those who live there first: at birth, on arrival, or when the window starts."""

    name: Name
    title: str
    codes: Annotated[tuple[int, ...], Field(min_length=1)]


class PlaceShift(Sourced):
    """How far places move the mean of a trait, by group, in standard deviations of the whole population; else 0.

    Only differences between groups count: the inhabitants' mean is taken off, so that it stays 0.
    """

    trait: str
    by: Mapping[str, Annotated[float, Field(ge=-1.0, le=1.0)]]


class Exposure(Sourced):
    """A habit: who ever has it, from when until when.

    `ever` and `ever_stops` are shares of the whole population; the traits say who. As causes in `raised_by` it is named
    by its name while it lasts and by `ex_` and its name afterwards.
    """

    name: Name
    title: str
    ever: SharesByCohort
    traits: tuple[OddsEffect, ...] = ()
    starts_at_mean: Positive
    starts_at_sd: Positive
    starts_at_least: NonNegative = 10.0
    ever_stops: SharesByCohort
    stop_traits: tuple[OddsEffect, ...] = ()
    stops_after_mean_years: Positive


class Education(Sourced):
    """Highest completed education in three levels, cut from the trait by shares of each birth cohort and sex."""

    trait: str
    trait_share: Probability = 1.0
    lowest: SharesByCohort
    highest: SharesByCohort
    completed_at: tuple[Positive, Positive, Positive]


class Income(Sourced):
    """Lifelong position among those of the same age and sex, from 0 (lowest) to 1: the trait and an own part."""

    trait: str
    trait_share: Probability


class BodyMassPath(Row):
    """Body-mass index at 20 and its slope to age 65."""

    at_20: ByCohort
    at_20_sd: Positive
    slope_per_year: ByCohort
    slope_sd: Positive
    trait: str
    trait_share: Probability
    lowest: Positive
    source: str


class Glycaemia(Sourced):
    """The path of true HbA1c in mmol/mol; see `cohort.life.glycaemia` for the formula."""

    at_20: Positive
    per_year_of_age: float
    per_bmi: float
    set_point_sd: Positive
    type_1: str
    type_2: str
    gestational: str
    type_1_rise: Positive
    type_1_rise_days: Positive
    type_2_threshold: Positive
    type_2_before_years: Positive
    type_2_per_year: Positive
    type_2_excess_max: Positive
    treated_per_year: float
    insulin: str
    insulin_share: Probability
    insulin_target: Positive
    lowering: Mapping[str, float]
    lowering_days: Positive
    highest: Positive
    normal_room: Positive
    type_2_log_sd: NonNegative
    type_1_log_sd: NonNegative
    diet_share: Probability
    glucose_gap: NonNegative
    hba1c_criterion_from: date
