"""Grades a list of persons with dates: who, and when it was."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from sandkasse.training.coarse import CoarseRounding
from sandkasse.training.graders.base import Answer, Info, Material, Outcome
from sandkasse.training.graders.roster import (
    IntArray,
    Roster,
    RosterParameters,
    build_roster,
    check_enough_named,
    find_dominating,
    name_dominating,
    note_on_undiagnosed,
    persons_of,
)
from sandkasse.training.graders.shapes import Column, read_table, shape_error
from sandkasse.training.population import BoolArray
from sandkasse.training.verdict import Measure

UNNAMED = np.iinfo(np.int64).min


class DatesParameters(RosterParameters):
    """What `dates` is told, beside whom the answer is about.

    Attributes:
        date: The truth's column of dates.
        within_days: How far off a date may be and still be right.
        pass_at: The score that passes.
    """

    date: str
    within_days: int = Field(ge=0, le=36_525)
    pass_at: float = Field(gt=0, le=1)


@dataclass(frozen=True, eq=False)
class PreparedDates:
    """The roster, and each person's true day in days since 1970-01-01 (whatever it is where `has_it` is false)."""

    roster: Roster
    day: IntArray


@dataclass(frozen=True, eq=False)
class _Compared:
    """Masks over the roster: named, named with the right date, and how a wrong date is wrong."""

    named: BoolArray
    right: BoolArray
    early: BoolArray
    late: BoolArray


class DatesGrader:
    """The share of persons whose date lies within so many days, balanced against persons named in vain."""

    info: ClassVar = Info(
        id="dates",
        title="A list of persons, each with a date",
        kinds={
            "missed": "Persons who have it are missing",
            "extra": "Persons are named who do not have it",
            "too-early": "Dates are too early",
            "too-late": "Dates are too late",
        },
    )
    parameters: ClassVar = DatesParameters

    def describe_answer(self, _parameters: DatesParameters) -> str:
        """Say in one sentence what an answer must look like."""
        return "A table with one row a person: pnr (text) and date (date)."

    def statements(self, _parameters: DatesParameters) -> dict[str, str]:
        """Need no SQL."""
        return {}

    def truth_columns(self, parameters: DatesParameters) -> set[str]:
        """Name the columns of the truth's `persons` that it reads."""
        return parameters.roster_columns() | {parameters.date}

    def kinds(self, _parameters: DatesParameters) -> set[str]:
        """Add no kinds of error."""
        return set()

    def prepare(self, parameters: DatesParameters, material: Material) -> PreparedDates:
        """Lay out the population's truth; a person without the date does not have it."""
        persons = persons_of(parameters, material)
        days = pc.fill_null(persons[parameters.date].cast(pa.date32()).cast(pa.int32()), 0).to_numpy()
        return PreparedDates(build_roster(parameters, material, persons), np.asarray(days, dtype=np.int64))

    def grade(self, parameters: DatesParameters, prepared: PreparedDates, answer: Answer) -> Outcome:
        """Compare the dates with the true ones.

        Raises:
            AnswerShapeError: If it is no such table, or names too few persons of the population.
        """
        roster = prepared.roster
        given = _read_given(parameters, prepared, answer)
        rounding = roster.rounding(given)
        compared = _compare(parameters, prepared, given)
        score, found, kept = _shares(roster, compared, roster.in_feedback, rounding, "feedback")
        mark, _, _ = _shares(roster, compared, ~roster.in_feedback, rounding, "mark")
        days = f"within {parameters.within_days} days"
        return Outcome(
            passed=mark is not None and mark >= parameters.pass_at,
            says=_sentence(found, kept, days),
            score=score,
            mark=mark,
            measures=(
                Measure(name=f"Found, {days}", value=found),
                Measure(name=f"Of those named, {days}", value=kept),
                *_group_measures(roster, compared, rounding, days),
            ),
            error=_dominating(roster, compared, rounding),
            notes=note_on_undiagnosed(parameters, roster, compared.named, rounding),
        )


def _read_given(parameters: DatesParameters, prepared: PreparedDates, answer: Answer) -> IntArray:
    table = read_table(answer, [Column("pnr", "text"), Column("date", "date")])
    rows, inside = prepared.roster.rows_of(table["pnr"])
    days = np.asarray(table["date"].cast(pa.int32()).to_numpy(), dtype=np.int64)[inside]
    given: IntArray = np.full(len(prepared.day), UNNAMED, dtype=np.int64)
    given[rows] = days
    n_contradicted = int((given[rows] != days).sum())
    if n_contradicted:
        raise shape_error("one row a person", f"{n_contradicted} rows that name a person again with another date")
    check_enough_named(parameters, prepared.roster, int((given != UNNAMED).sum()))
    return given


def _compare(parameters: DatesParameters, prepared: PreparedDates, given: IntArray) -> _Compared:
    named = given != UNNAMED
    off = np.where(named & prepared.roster.has_it, given - prepared.day, 0)
    dated = named & prepared.roster.has_it
    return _Compared(
        named=named,
        right=dated & (np.abs(off) <= parameters.within_days),
        early=dated & (off < -parameters.within_days),
        late=dated & (off > parameters.within_days),
    )


def _shares(
    roster: Roster, compared: _Compared, half: BoolArray, rounding: CoarseRounding, name: str
) -> tuple[float | None, float | None, float | None]:
    among = half & roster.counts
    right, named, wanted = (int((mask & among).sum()) for mask in (compared.right, compared.named, roster.has_it))
    balanced = 2 * right / (named + wanted) if named + wanted else 0.0
    return (
        rounding.share(balanced, 1.0, name=f"{name} score", persons=wanted),
        rounding.share(right, wanted, name=f"{name} found"),
        rounding.share(right, named, name=f"{name} kept"),
    )


def _group_measures(roster: Roster, compared: _Compared, rounding: CoarseRounding, days: str) -> list[Measure]:
    measures = []
    for label, members in roster.groups.items():
        _, found, kept = _shares(roster, compared, roster.in_feedback & members, rounding, label)
        measures.append(Measure(name=f"Found, {days}", value=found, group=label))
        if label not in roster.type_groups:  # a person named in vain has no type
            measures.append(Measure(name=f"Of those named, {days}", value=kept, group=label))
    return measures


def _dominating(roster: Roster, compared: _Compared, rounding: CoarseRounding) -> str | None:
    among = roster.in_feedback & roster.counts
    wrong = {
        "extra": among & compared.named & ~roster.has_it,
        "missed": among & ~compared.named & roster.has_it,
        "too-early": among & compared.early,
        "too-late": among & compared.late,
    }
    sides = {"extra": wrong["extra"], "missed": wrong["missed"], "any": np.logical_or.reduce(list(wrong.values()))}
    sides["date"] = wrong["too-early"] | wrong["too-late"]
    return name_dominating(find_dominating(roster, wrong, sides), rounding)


def _sentence(found: float | None, kept: float | None, days: str) -> str:
    if found is None or kept is None:
        return "Too few persons stand behind this answer to show how good it is."
    return f"It dates {found:.0%} of the persons {days}, and {kept:.0%} of its dates are right."
