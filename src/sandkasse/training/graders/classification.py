"""Grades a list of persons: who has it, and of which type.

Undiagnosed persons (they have it, and nobody had found it by the day in question) are their own denominator. They count
neither as missed nor as wrongly named: how many of them an answer names is told beside the score.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from sandkasse.training.coarse import CoarseRounding
from sandkasse.training.graders.base import Answer, Info, Material, Outcome, Parameters
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


class TypeColumn(Parameters):
    """The answer says of which type each person is.

    Attributes:
        column: The truth's column that holds the type.
        values: The types to tell apart.
    """

    column: str
    values: tuple[str, ...] = Field(min_length=2)


class ClassificationParameters(RosterParameters):
    """What `classification` is told, beside whom the answer is about.

    Attributes:
        type: Which types are told apart, if any.
        score: What the score is: F1 (the harmonic mean of sensitivity and predictive value, averaged over types), or
            one of the two.
        balance: With types, whether each type weighs the same (`types`, the default) or each person (`persons`).
        pass_at: The score that passes.
        at_least: Floors of single measures that passing needs as well.
    """

    type: TypeColumn | None = None
    score: Literal["f1", "sensitivity", "ppv"] = "f1"
    balance: Literal["types", "persons"] = "types"
    pass_at: float = Field(gt=0, le=1)
    at_least: Mapping[Literal["sensitivity", "ppv"], float] = Field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Prepared:
    """The roster, and each person's kind: 0 does not have it, otherwise 1 + the index of the true type."""

    roster: Roster
    kind: IntArray
    n_types: int
    is_by_type: bool


@dataclass(frozen=True)
class Counts:
    """Persons by result: rightly named, named, and to be found."""

    right: int
    named: int
    wanted: int

    @property
    def sensitivity(self) -> float:
        """Share of those to be found who were rightly named."""
        return self.right / self.wanted if self.wanted else 0.0

    @property
    def ppv(self) -> float:
        """Share of those named who were rightly named."""
        return self.right / self.named if self.named else 0.0

    @property
    def f1(self) -> float:
        """Harmonic mean of the two."""
        return 2 * self.right / (self.named + self.wanted) if self.named + self.wanted else 0.0


class ClassificationGrader:
    """Sensitivity, predictive value and F1 against the truth in a named population."""

    info: ClassVar = Info(
        id="classification",
        title="A list of persons: who has it, and of which type",
        kinds={
            "missed": "Persons who have it are missing",
            "extra": "Persons are named who do not have it",
            "wrong-type": "The right persons, of the wrong type",
        },
    )
    parameters: ClassVar = ClassificationParameters

    def describe_answer(self, parameters: ClassificationParameters) -> str:
        """Say in one sentence what an answer must look like."""
        if parameters.type:
            return f"A table with one row a person: pnr (text) and type (text: {' or '.join(parameters.type.values)})."
        return "A table with one row a person: pnr (text)."

    def statements(self, _parameters: ClassificationParameters) -> dict[str, str]:
        """Need no SQL."""
        return {}

    def truth_columns(self, parameters: ClassificationParameters) -> set[str]:
        """Name the columns of the truth's `persons` that it reads."""
        return parameters.roster_columns() | ({parameters.type.column} if parameters.type else set())

    def kinds(self, _parameters: ClassificationParameters) -> set[str]:
        """Add no kinds of error."""
        return set()

    def prepare(self, parameters: ClassificationParameters, material: Material) -> Prepared:
        """Lay out the population's truth."""
        persons = persons_of(parameters, material)
        roster = build_roster(parameters, material, persons)
        kind = np.where(roster.has_it, 1 + _type_indices(persons, parameters.type), 0)
        n_types = len(parameters.type.values) if parameters.type else 1
        return Prepared(roster, kind, n_types, is_by_type=parameters.balance == "types")

    def grade(self, parameters: ClassificationParameters, prepared: Prepared, answer: Answer) -> Outcome:
        """Compare the named persons with the truth.

        Raises:
            AnswerShapeError: If it is no such table, or names too few persons of the population.
        """
        roster = prepared.roster
        given = _read_given(parameters, prepared, answer)
        rounding = roster.rounding(given.astype(np.int16))
        feedback = _by_type(prepared, given, roster.in_feedback & roster.counts)
        exam = _by_type(prepared, given, ~roster.in_feedback & roster.counts)
        mark = _rounded(parameters.score, exam, rounding, "mark")
        floors = [
            (_rounded(name, exam, rounding, f"mark {name}"), floor) for name, floor in parameters.at_least.items()
        ]
        needed = [(mark, parameters.pass_at), *floors]
        sensitivity = _rounded("sensitivity", feedback, rounding, "sensitivity")
        ppv = _rounded("ppv", feedback, rounding, "ppv")
        return Outcome(
            passed=all(value is not None and value >= floor for value, floor in needed),
            says=_sentence(parameters.condition, sensitivity, ppv),
            score=_rounded(parameters.score, feedback, rounding, "score"),
            mark=mark,
            measures=(
                Measure(name="Sensitivity", value=sensitivity),
                Measure(name="Predictive value", value=ppv),
                *_group_measures(prepared, given, rounding),
            ),
            error=_dominating(prepared, given, rounding),
            notes=note_on_undiagnosed(parameters, roster, given > 0, rounding),
        )


def _type_indices(persons: pa.Table, types: TypeColumn | None) -> IntArray:
    if types is None:
        return np.zeros(persons.num_rows, dtype=np.int64)
    names = pa.array(types.values, pa.large_string())
    found = pc.index_in(persons[types.column].cast(pa.large_string()), value_set=names)
    return np.asarray(pc.fill_null(found, 0).to_numpy(), dtype=np.int64)


def _read_given(parameters: ClassificationParameters, prepared: Prepared, answer: Answer) -> IntArray:
    columns = [Column("pnr", "text")] + ([Column("type", "text")] if parameters.type else [])
    table = read_table(answer, columns)
    named_types = _named_types(parameters, table)
    rows, inside = prepared.roster.rows_of(table["pnr"])
    given: IntArray = np.zeros(len(prepared.kind), dtype=np.int64)
    given[rows] = 1 + named_types[inside]
    n_contradicted = int((given[rows] != 1 + named_types[inside]).sum())
    if n_contradicted:
        raise shape_error("one row a person", f"{n_contradicted} rows that name a person again with another type")
    check_enough_named(parameters, prepared.roster, int((given > 0).sum()))
    return given


def _named_types(parameters: ClassificationParameters, table: pa.Table) -> IntArray:
    if parameters.type is None:
        return np.zeros(table.num_rows, dtype=np.int64)
    found = pc.index_in(table["type"], value_set=pa.array(parameters.type.values, pa.large_string()))
    if found.null_count:
        expected = f"the types {' and '.join(parameters.type.values)}"
        raise shape_error(expected, f"other values of type in {found.null_count} rows")
    return np.asarray(found.to_numpy(), dtype=np.int64)


def _by_type(prepared: Prepared, given: IntArray, among: BoolArray) -> list[Counts]:
    kinds = range(1, prepared.n_types + 1)
    masks = [((given == kind) & among, (prepared.kind == kind) & among) for kind in kinds]
    counts = [Counts(int((named & wanted).sum()), int(named.sum()), int(wanted.sum())) for named, wanted in masks]
    if not prepared.is_by_type:
        counts = [Counts(*(sum(getattr(count, name) for count in counts) for name in ("right", "named", "wanted")))]
    return counts


def _rounded(measure: str, counts: list[Counts], rounding: CoarseRounding, name: str) -> float | None:
    value = float(np.mean([getattr(count, measure) for count in counts]))
    # One person of the rarest type moves the mean over types by one in so many.
    persons = len(counts) * min(count.named if measure == "ppv" else count.wanted for count in counts)
    return rounding.share(value, 1.0, name=name, persons=persons)


def _group_measures(prepared: Prepared, given: IntArray, rounding: CoarseRounding) -> list[Measure]:
    roster, measures = prepared.roster, []
    is_right = (given > 0) & (given == prepared.kind)
    for label, members in roster.groups.items():
        among = members & roster.in_feedback & roster.counts
        right, named, wanted = (int((mask & among).sum()) for mask in (is_right, given > 0, roster.has_it))
        found = rounding.share(right, wanted, name=f"Sensitivity {label}")
        measures.append(Measure(name="Sensitivity", value=found, group=label))
        if label not in roster.type_groups:  # a person named in vain has no type
            kept = rounding.share(right, named, name=f"Predictive value {label}")
            measures.append(Measure(name="Predictive value", value=kept, group=label))
    return measures


def _dominating(prepared: Prepared, given: IntArray, rounding: CoarseRounding) -> str | None:
    roster = prepared.roster
    among = roster.in_feedback & roster.counts
    wrong = {
        "extra": among & (given > 0) & ~roster.has_it,
        "missed": among & (given == 0) & roster.has_it,
        "wrong-type": among & (given > 0) & roster.has_it & (given != prepared.kind),
    }
    sides = {"extra": wrong["extra"], "missed": wrong["missed"], "type": wrong["wrong-type"]}
    sides["any"] = wrong["extra"] | wrong["missed"] | wrong["wrong-type"]
    return name_dominating(find_dominating(roster, wrong, sides), rounding)


def _sentence(condition: str, sensitivity: float | None, ppv: float | None) -> str:
    if sensitivity is None or ppv is None:
        return "Too few persons stand behind this answer to show how good it is."
    return f"It finds {sensitivity:.0%} of the persons with {condition}, and {ppv:.0%} of those it names have it."
