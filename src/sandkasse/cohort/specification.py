"""What the model's parameter files may say: the rows of a disease, a treatment, a trait, an exposure, a population."""

import tomllib
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sandkasse.core.errors import InvalidInputError

Positive = Annotated[float, Field(gt=0.0)]
NonNegative = Annotated[float, Field(ge=0.0)]
Probability = Annotated[float, Field(ge=0.0, le=1.0)]
Numbers = tuple[float, ...]
Sex = Literal["men", "women"]
FIRST_YEAR, LAST_YEAR = 1840, 9999
"""Years of a row that holds always."""


class Row(BaseModel):
    """A strict row: unknown keys are refused, so that a misspelt one cannot be lost."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Sourced(Row):
    """A row of numbers from the world, or openly our choice."""

    source: Annotated[str, Field(min_length=3)]


class Calendar(Sourced):
    """Ratio to the rates, log-linear between years and linear between the ages of several rows.

    A sex that has rows of its own (`only`) reads those; the other rows are for both.
    """

    years: Numbers
    ratios: Numbers
    age: NonNegative = 60.0
    only: Sex | None = None

    @model_validator(mode="after")
    def _lengths_agree(self) -> Self:
        if len(self.years) != len(self.ratios) or list(self.years) != sorted(self.years) or min(self.ratios) < 0.0:
            raise ValueError("years (rising) and ratios (not negative) must be equally long")
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

    ages: Numbers
    men: Numbers = ()
    women: Numbers = ()
    per: Literal["year", "pregnancy"] = "year"
    among: Literal["population", "reference"] = "population"
    calendar: tuple[Calendar, ...] = ()
    season: tuple[Season, ...] = ()
    fitted: bool = False

    @model_validator(mode="after")
    def _lengths_agree(self) -> Self:
        for rates in (self.men, self.women):
            if rates and len(rates) != len(self.ages):
                raise ValueError("men and women must be as long as ages, or be left out where the disease cannot occur")
        return self

    def calendars_of(self, sex: Sex) -> tuple[Calendar, ...]:
        """Give the calendar rows of a sex: its own if it has any, else those of both."""
        own = tuple(row for row in self.calendar if row.only == sex)
        return own or tuple(row for row in self.calendar if row.only is None)


class TraitEffect(Sourced):
    """Log hazard ratio of one standard deviation of a trait."""

    trait: str
    log_hazard_ratio: float


class Effect(Sourced):
    """A hazard ratio while or after something holds."""

    of: str
    hazard_ratio: Positive
    per_decade: Positive = 1.0
    from_days: NonNegative = 0.0
    to_days: Positive = float("inf")
    from_year: int = FIRST_YEAR
    to_year: int = LAST_YEAR


class BodyMass(Sourced):
    """Hazard ratio by body-mass index, log-linear between the given values and level outside."""

    bmi: Numbers
    hazard_ratios: Numbers


class DeathEffect(Sourced):
    """Hazard ratio of death at age 60 in a span of days since onset; `per_decade` is its ratio per ten years of age.

    It holds for onsets from 1 January of `from_year` to the end of `to_year`: survival as published, by the calendar
    years of diagnosis.
    """

    hazard_ratio: Positive
    per_decade: Positive = 1.0
    from_days: NonNegative = 0.0
    to_days: Positive = float("inf")
    from_year: int = FIRST_YEAR
    to_year: int = LAST_YEAR


class AcuteDeath(Sourced):
    """Probability of dying of an onset itself, of the first or a later one, within some days."""

    within_days: Positive
    ages: Numbers
    fatality: Numbers
    calendar: Calendar | None = None


class Detection(Sourced):
    """How fast the health system recognises a condition that is there."""

    rate_per_year: Positive
    ages: Numbers = (60.0,)
    ratios: Numbers = (1.0,)
    calendar: Calendar | None = None
    fitted: bool = False
    raised_by: tuple[Effect, ...] = ()
    traits: tuple[TraitEffect, ...] = ()


MOST_OCCURRENCES = 16
MOST_CONDITIONS = 128
"""A column of a condition is a number of eight bits with sign in a life's record."""
MOST_STARTS = 32
"""Clocks of the starts of a treatment are numbered from 32 times the treatment on."""


class Recurs(Sourced):
    """The condition can come again: its clock opens anew some days after each onset, with a new draw.

    Its incidence counts all onsets, first and later ones, per person-year outside those days.
    """

    after_days: Positive
    at_most: Annotated[int, Field(ge=2, le=MOST_OCCURRENCES)] = 4


class Condition(Row):
    """One disease as rows."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
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
    years: Numbers
    rates_per_year: Numbers
    early_days: NonNegative = 0.0
    early_ratio: Positive = 1.0
    stop_per_year: NonNegative = 0.0
    resume_per_year: NonNegative = 0.0
    """Rate of taking it up again after a stop, for the same condition; each spell stops at `stop_per_year`."""


class Treatment(Row):
    """One treatment as rows; `withheld` treatments are those that the untreated life lacks."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    title: str
    atc: tuple[str, ...]
    counterfactual: Literal["withheld", "kept"]
    start: tuple[Start, ...]
    lowers: tuple[Effect, ...] = ()


class Load(Sourced):
    """How much an earlier trait gives to a trait: the path coefficient between standard normals."""

    on: str
    weight: Annotated[float, Field(gt=-1.0, lt=1.0)]


class Trait(Row):
    """A lifelong cause, standard normal: loads on earlier traits and, for the rest of its variance, its own part.

    Of its own part's variance a share is inherited and a share is common to a mother's children.
    """

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
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

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    title: str
    codes: Annotated[tuple[int, ...], Field(min_length=1)]


class PlaceShift(Sourced):
    """How far places move the mean of a trait, by group, in standard deviations of the whole population; else 0.

    Only differences between groups count: the inhabitants' mean is taken off, so that it stays 0.
    """

    trait: str
    by: Mapping[str, Annotated[float, Field(ge=-1.0, le=1.0)]]


class Families(Sourced):
    """Who becomes whose parent; `parity` weighs women by the deliveries that they had, its length bounds them."""

    parity: Annotated[Numbers, Field(min_length=1, max_length=6)]
    older_by_mean: float
    older_by_sd: Positive
    kept: Probability
    taken: Probability
    father_from: Positive
    native_share: Probability


class ByCohort(Sourced):
    """A number by year of birth and sex, linear between."""

    born: Numbers
    men: Numbers
    women: Numbers


class OddsEffect(Sourced):
    """Log odds ratio of one standard deviation of a trait."""

    trait: str
    log_odds_ratio: float


class Exposure(Sourced):
    """A habit: who ever has it, from when until when.

    `ever` and `ever_stops` are shares of the whole population; the traits say who. As causes in `raised_by` it is named
    by its name while it lasts and by `ex_` and its name afterwards.
    """

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    title: str
    ever: ByCohort
    traits: tuple[OddsEffect, ...] = ()
    starts_at_mean: Positive
    starts_at_sd: Positive
    starts_at_least: NonNegative = 10.0
    ever_stops: ByCohort
    stop_traits: tuple[OddsEffect, ...] = ()
    stops_after_mean_years: Positive


class Education(Sourced):
    """Highest completed education in three levels, cut from the trait by shares of each birth cohort and sex."""

    trait: str
    trait_share: Probability = 1.0
    lowest: ByCohort
    highest: ByCohort
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


class MortalityRisk(Row):
    """What else than disease moves death."""

    body_mass: BodyMass
    raised_by: tuple[Effect, ...]
    traits: tuple[TraitEffect, ...] = ()


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


class Given(Sourced):
    """A treatment that an intervention gives, from an age on and, if a condition is named, once it is recognised."""

    treatment: str
    from_age: NonNegative = 0.0
    condition: str = ""


class Intervention(Sourced):
    """A named change to the world, under which the same persons live again with the same luck."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    title: str
    withhold: tuple[str, ...] | Literal["preventive"] = ()
    unexposed: tuple[str, ...] = ()
    give: tuple[Given, ...] = ()


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


class Specification(Row):
    """The whole model as written."""

    general: General
    conditions: tuple[Condition, ...]


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InvalidInputError(
            f"expected the parameter file {path.name} in {path.parent.name}/, found none",
            next_step="restore the file, or take its name off the list in model.toml",
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise InvalidInputError(
            f"{path.name} is not valid TOML: {error}", next_step="correct the line that is named"
        ) from error


def read_specification(folder: Path) -> Specification:
    """Read and check the model's parameter files.

    Args:
        folder: Holds `model.toml`, `treatments.toml`, perhaps `interventions.toml`, and one file per condition in
            `conditions/`.

    Returns:
        The model as written, conditions in the order that `model.toml` lists.

    Raises:
        InvalidInputError: If a file is missing, is not TOML, or has an unknown, missing or impossible entry.
    """
    general = _read_toml(folder / "model.toml")
    general["treatments"] = _read_toml(folder / "treatments.toml").get("treatment", [])
    if (folder / "interventions.toml").exists():
        general["interventions"] = _read_toml(folder / "interventions.toml").get("intervention", [])
    names = general.get("conditions", [])
    try:
        return Specification.model_validate(
            {
                "general": general,
                "conditions": [_read_toml(folder / "conditions" / f"{name}.toml") for name in names],
            }
        )
    except ValidationError as error:
        first = error.errors()[0]
        where = " → ".join(str(part) for part in first["loc"])
        raise InvalidInputError(
            f"the model's parameters are wrong at {where}: {first['msg']}",
            next_step="correct that entry in the cohort's params folder",
        ) from error
