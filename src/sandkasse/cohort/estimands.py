"""Questions about effects that have a name."""

import tomllib
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

from sandkasse.cohort.causal import NATURAL, Estimand, Population
from sandkasse.cohort.specification.rows import Name, Positive, Row, Sex

_FILE = Path(__file__).with_name("estimands.toml")


class _PopulationRow(Row):
    index_day: date
    ages: tuple[int, int] = (0, 120)
    sex: Sex | None = None
    known: tuple[str, ...] = ()
    free_of: tuple[str, ...] = ()
    taking: tuple[str, ...] = ()
    never_took: tuple[str, ...] = ()
    exposed: tuple[str, ...] = ()
    never_exposed: tuple[str, ...] = ()


class _EstimandRow(Row):
    name: Name
    title: str
    population: _PopulationRow
    outcome: str
    horizon_years: Positive
    course: str
    against: str = NATURAL


@dataclass(frozen=True)
class NamedEstimand:
    """A question with a name.

    Attributes:
        name: By which it is asked.
        title: What is asked, in words.
        estimand: The question.
    """

    name: str
    title: str
    estimand: Estimand


@cache
def named_estimands() -> tuple[NamedEstimand, ...]:
    """Read the questions that `estimands.toml` names, in its order."""
    rows = [_EstimandRow.model_validate(row) for row in tomllib.loads(_FILE.read_text("utf-8"))["estimand"]]
    return tuple(
        NamedEstimand(
            row.name,
            row.title,
            Estimand(Population(**dict(row.population)), row.outcome, row.horizon_years, row.course, row.against),
        )
        for row in rows
    )
