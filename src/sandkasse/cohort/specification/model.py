"""The whole model as written."""

from typing import Self

from pydantic import model_validator

from sandkasse.cohort.specification.conditions import Condition
from sandkasse.cohort.specification.persons import (
    BodyMassPath,
    Education,
    Exposure,
    Glycaemia,
    Income,
    PlaceGroup,
    PlaceShift,
    Trait,
)
from sandkasse.cohort.specification.population import Families, MortalityRisk, Moves, Pregnancy
from sandkasse.cohort.specification.rows import Row
from sandkasse.cohort.specification.treatments import Intervention, Treatment


class General(Row):
    """Everything that is not a disease or a treatment."""

    window_start: int
    window_end: int
    conditions: tuple[str, ...]
    traits: tuple[Trait, ...]
    places: tuple[PlaceGroup, ...] = ()
    place_shifts: tuple[PlaceShift, ...] = ()
    families: Families
    exposures: tuple[Exposure, ...] = ()
    education: Education | None = None
    income: Income | None = None
    body_mass: BodyMassPath
    mortality: MortalityRisk
    moves: Moves
    pregnancy: Pregnancy
    glycaemia: Glycaemia
    treatments: tuple[Treatment, ...]
    interventions: tuple[Intervention, ...] = ()

    @model_validator(mode="after")
    def _window_is_a_span(self) -> Self:
        if self.window_start >= self.window_end:
            raise ValueError("window_end must be later than window_start")
        return self


class Specification(Row):
    """The whole model as written."""

    general: General
    conditions: tuple[Condition, ...]
