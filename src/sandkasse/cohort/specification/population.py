"""The rows of a population: who is born to whom, who moves, who dies of something else than a modelled disease."""

from typing import Annotated

from pydantic import Field

from sandkasse.cohort.specification.rows import (
    BodyMass,
    Effect,
    NonNegative,
    Positive,
    Probability,
    Rates,
    Row,
    Sourced,
    TraitEffect,
)


class Families(Sourced):
    """Who becomes whose parent; `parity` weighs women by the deliveries that they had, its length bounds them."""

    parity: Annotated[Rates, Field(min_length=1, max_length=6)]
    older_by_mean: float
    older_by_sd: Positive
    kept: Probability
    taken: Probability
    father_from: Positive
    native_share: Probability


class Moves(Sourced):
    """Moving between municipalities, and leaving the country."""

    mover_share: Probability
    youngest: Positive
    mean_years_after: Positive
    return_probability: Probability
    return_mean_years: Positive


class Pregnancy(Sourced):
    """Deliveries and the span before them in which gestational conditions arise."""

    spacing_days: Positive
    age_sd: Positive
    from_days_before: Positive
    to_days_before: NonNegative


class MortalityRisk(Row):
    """What else than disease moves death."""

    body_mass: BodyMass
    raised_by: tuple[Effect, ...]
    traits: tuple[TraitEffect, ...] = ()
