"""Grades a list of persons: who has it, and of which type.

Undiagnosed persons (they have it, and nobody had found it by the day in question) are their own denominator. They count
neither as missed nor as wrongly named: how many of them an answer names is told beside the score.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from sandkasse.core.errors import AnswerShapeError
from sandkasse.training.coarse import CoarseRounding, is_in_feedback_half
from sandkasse.training.graders.base import Answer, Info, Material, Outcome, Parameters
from sandkasse.training.graders.shapes import FEWEST_NAMED, Column, read_table, shape_error
from sandkasse.training.population import (
    BoolArray,
    Expression,
    Grouping,
    Population,
    group_labels,
    holds,
    select_population,
)
from sandkasse.training.spec import ErrorKind
from sandkasse.training.verdict import Measure

LEAST_SHARE_NAMED = 0.1  # our choice: an answer that names fewer than a tenth of the expected number is not graded
FEWEST_IN_ERROR = 10  # our choice: a kind of error with fewer persons behind it is not named

IntArray = npt.NDArray[np.int64]


class TypeColumn(Parameters):
    """The answer says of which type each person is.

    Attributes:
        column: The truth's column that holds the type.
        values: The types to tell apart.
    """

    column: str
    values: tuple[str, ...] = Field(min_length=2)


class ClassificationParameters(Parameters):
    """What `classification` is told.

    Attributes:
        population: Among whom.
        positive: Who truly has it; all conditions must hold.
        detected: Of whom somebody had found it; all conditions must hold. Empty: everyone's was found.
        type: Which types are told apart, if any.
        score: What the score is: F1 (the harmonic mean of sensitivity and predictive value, averaged over types), or
            one of them.
        pass_at: The score that passes.
        at_least: Floors of single measures that passing needs as well.
        groups: For which groups sensitivity and predictive value are shown.
        condition: What the persons have, in words, for the sentences of the verdict.
    """

    population: Population
    positive: tuple[Expression, ...] = Field(min_length=1)
    detected: tuple[Expression, ...] = ()
    type: TypeColumn | None = None
    score: Literal["f1", "sensitivity", "ppv"] = "f1"
    pass_at: float = Field(gt=0, le=1)
    at_least: Mapping[Literal["sensitivity", "ppv"], float] = Field(default_factory=dict)
    groups: tuple[Grouping, ...] = ()
    condition: str = "the condition"


@dataclass(frozen=True, eq=False)
class Prepared:
    """The population, person by person; arrays run (person,).

    Attributes:
        pnr: Identifiers.
        kind: 0 does not have it; otherwise 1 + the index of the true type.
        is_undiagnosed: Has it, and nobody had found it.
        in_feedback: On which half.
        groups: Label to mask.
        traps: Error kind to the mask of persons of its trap.
    """

    pnr: pa.Array
    kind: IntArray
    is_undiagnosed: BoolArray
    in_feedback: BoolArray
    groups: Mapping[str, BoolArray]
    traps: Mapping[str, BoolArray]
    errors: tuple[ErrorKind, ...]
    n_types: int
    key: bytes
    scope: bytes


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
        columns = {"pnr"} | parameters.population.columns()
        for part in (*parameters.positive, *parameters.detected):
            columns |= part.columns()
        if parameters.type:
            columns.add(parameters.type.column)
        for grouping in parameters.groups:
            columns |= {"sex": {"koen"}, "age": {"foed_dato"}, "type": {"diabetes_type"}}[grouping.by]
        return columns

    def kinds(self, _parameters: ClassificationParameters) -> set[str]:
        """Add no kinds of error."""
        return set()

    def prepare(self, parameters: ClassificationParameters, material: Material) -> Prepared:
        """Lay out the population's truth."""
        persons = material.truth["persons"]
        persons = persons.filter(pa.array(select_population(persons, parameters.population)))
        has_it = holds(persons, parameters.positive)
        is_detected = has_it & holds(persons, parameters.detected)
        return Prepared(
            pnr=persons["pnr"].cast(pa.large_string()).combine_chunks(),
            kind=np.where(has_it, 1 + _type_indices(persons, parameters.type), 0),
            is_undiagnosed=has_it & ~is_detected,
            in_feedback=is_in_feedback_half(persons["pnr"], key=material.key),
            groups=_groups(persons, parameters),
            traps=_traps(persons["pnr"], material),
            errors=material.errors,
            n_types=len(parameters.type.values) if parameters.type else 1,
            key=material.key,
            scope=material.scope,
        )

    def grade(self, parameters: ClassificationParameters, prepared: Prepared, answer: Answer) -> Outcome:
        """Compare the named persons with the truth.

        Raises:
            AnswerShapeError: If it is no such table, or names too few persons of the population.
        """
        given = _read_given(parameters, prepared, answer)
        counted = ~prepared.is_undiagnosed
        rounding = CoarseRounding(prepared.key, prepared.scope + given.astype(np.int16).tobytes())
        feedback = _by_type(prepared, given, prepared.in_feedback & counted)
        exam = _by_type(prepared, given, ~prepared.in_feedback & counted)
        score = _rounded(parameters.score, feedback, rounding, "score")
        mark = _rounded(parameters.score, exam, rounding, "mark")
        floors = {
            name: (_rounded(name, exam, rounding, f"mark {name}"), floor) for name, floor in parameters.at_least.items()
        }
        passed = mark is not None and mark >= parameters.pass_at
        passed = passed and all(value is not None and value >= floor for value, floor in floors.values())
        sensitivity = _rounded("sensitivity", feedback, rounding, "sensitivity")
        ppv = _rounded("ppv", feedback, rounding, "ppv")
        return Outcome(
            passed=passed,
            says=_sentence(parameters.condition, sensitivity, ppv),
            score=score,
            mark=mark,
            measures=(
                Measure(name="Sensitivity", value=sensitivity),
                Measure(name="Predictive value", value=ppv),
                *_group_measures(prepared, given, rounding),
            ),
            error=_dominating(prepared, given, rounding),
            notes=_notes(parameters, prepared, given, rounding),
        )


def _type_indices(persons: pa.Table, types: TypeColumn | None) -> IntArray:
    if types is None:
        return np.zeros(persons.num_rows, dtype=np.int64)
    found = pc.index_in(
        persons[types.column].cast(pa.large_string()), value_set=pa.array(types.values, pa.large_string())
    )
    return np.asarray(pc.fill_null(found, 0).to_numpy(), dtype=np.int64)


def _groups(persons: pa.Table, parameters: ClassificationParameters) -> dict[str, BoolArray]:
    masks: dict[str, BoolArray] = {}
    for grouping in parameters.groups:
        column = parameters.type.column if parameters.type else None
        labels = np.array(group_labels(persons, grouping, type_column=column), dtype=object)
        for label in sorted(set(labels.tolist()) - {""}, key=_natural):
            masks[label] = labels == label
    return masks


def _natural(label: str) -> tuple[int, str]:
    digits = re.match(r"\d+", label)
    return (int(digits[0]) if digits else -1, label)


def _traps(pnr: pa.ChunkedArray, material: Material) -> dict[str, BoolArray]:
    traps = material.truth.get("traps")
    masks: dict[str, BoolArray] = {}
    for error in material.errors:
        if error.trap is None or traps is None:
            continue
        caught = traps.filter(pc.equal(traps["trap"], error.trap))["pnr"]
        masks[error.id] = np.asarray(
            pc.is_in(pnr, value_set=caught.cast(pnr.type).combine_chunks()).to_numpy(), dtype=bool
        )
    return masks


def _read_given(parameters: ClassificationParameters, prepared: Prepared, answer: Answer) -> IntArray:
    columns = [Column("pnr", "text")] + ([Column("type", "text")] if parameters.type else [])
    table = read_table(answer, columns)
    named_types = _named_types(parameters, table)
    rows = pc.index_in(table["pnr"], value_set=prepared.pnr).to_numpy(zero_copy_only=False)
    inside = ~np.isnan(rows) if rows.dtype.kind == "f" else rows >= 0
    positions = rows[inside].astype(np.int64)
    given: IntArray = np.zeros(len(prepared.pnr), dtype=np.int64)
    given[positions] = 1 + named_types[inside]
    n_contradicted = int((given[positions] != 1 + named_types[inside]).sum())
    if n_contradicted:
        raise shape_error("one row a person", f"{n_contradicted} rows that name a person again with another type")
    _check_enough_named(parameters, prepared, int((given > 0).sum()))
    return given


def _named_types(parameters: ClassificationParameters, table: pa.Table) -> IntArray:
    if parameters.type is None:
        return np.zeros(table.num_rows, dtype=np.int64)
    found = pc.index_in(table["type"], value_set=pa.array(parameters.type.values, pa.large_string()))
    if found.null_count:
        expected = f"the types {' and '.join(parameters.type.values)}"
        raise shape_error(expected, f"other values of type in {found.null_count} rows")
    return np.asarray(found.to_numpy(), dtype=np.int64)


def _check_enough_named(parameters: ClassificationParameters, prepared: Prepared, n_named: int) -> None:
    n_wanted = int(((prepared.kind > 0) & ~prepared.is_undiagnosed).sum())
    # In steps of fifty, so that the refusal does not tell how many persons have it.
    n_least = max(FEWEST_NAMED, int(LEAST_SHARE_NAMED * n_wanted) // 50 * 50)
    if n_named < n_least:
        raise AnswerShapeError(
            f"The answer names fewer than {n_least} persons of the population ({parameters.population.words}); "
            "so small a list is not graded.",
            next_step="check that pnr is the register's own text, and hand in everyone your rule finds",
        )


def _by_type(prepared: Prepared, given: IntArray, among: BoolArray) -> list[Counts]:
    counts = []
    for kind in range(1, prepared.n_types + 1):
        named, wanted = (given == kind) & among, (prepared.kind == kind) & among
        counts.append(Counts(right=int((named & wanted).sum()), named=int(named.sum()), wanted=int(wanted.sum())))
    return counts


def _rounded(measure: str, counts: list[Counts], rounding: CoarseRounding, name: str) -> float | None:
    value = float(np.mean([getattr(count, measure) for count in counts]))
    persons = min(count.named if measure == "ppv" else count.wanted for count in counts)
    return rounding.share(value, 1.0, name=name, persons=persons)


def _group_measures(prepared: Prepared, given: IntArray, rounding: CoarseRounding) -> list[Measure]:
    measures = []
    is_right = (given > 0) & (given == prepared.kind)
    for label, members in prepared.groups.items():
        among = members & prepared.in_feedback & ~prepared.is_undiagnosed
        right, named, wanted = (int((mask & among).sum()) for mask in (is_right, given > 0, prepared.kind > 0))
        for title, denominator in (("Sensitivity", wanted), ("Predictive value", named)):
            value = rounding.share(right, denominator, name=f"{title} {label}")
            measures.append(Measure(name=title, value=value, group=label))
    return measures


def _dominating(prepared: Prepared, given: IntArray, rounding: CoarseRounding) -> str | None:
    among = prepared.in_feedback & ~prepared.is_undiagnosed
    wrong = {
        "extra": among & (given > 0) & (prepared.kind == 0),
        "missed": among & (given == 0) & (prepared.kind > 0),
        "wrong-type": among & (given > 0) & (prepared.kind > 0) & (given != prepared.kind),
    }
    sides = {"extra": wrong["extra"], "missed": wrong["missed"], "type": wrong["wrong-type"]}
    sides["any"] = wrong["extra"] | wrong["missed"] | wrong["wrong-type"]
    explained = np.zeros(len(given), dtype=bool)
    sizes: dict[str, int] = {}
    for error in prepared.errors:
        if error.id in prepared.traps:
            caught = prepared.traps[error.id] & sides[error.side]
            explained |= caught
            sizes[error.id] = int(caught.sum())
    for kind, mask in wrong.items():
        sizes[kind] = int((mask & ~explained).sum())
    shown = {kind: rounding.count(size, name=f"error {kind}") for kind, size in sizes.items()}
    largest = max(shown, key=lambda kind: shown[kind])
    return largest if shown[largest] >= FEWEST_IN_ERROR else None


def _notes(
    parameters: ClassificationParameters, prepared: Prepared, given: IntArray, rounding: CoarseRounding
) -> tuple[str, ...]:
    if not parameters.detected:
        return ()
    hidden = prepared.is_undiagnosed & prepared.in_feedback
    found = rounding.share(int((hidden & (given > 0)).sum()), int(hidden.sum()), name="undiagnosed")
    if found is None:
        return ("Undiagnosed persons count neither as missed nor as wrongly named.",)
    return (
        f"Undiagnosed persons count neither as missed nor as wrongly named; your answer names {found:.0%} of them.",
    )


def _sentence(condition: str, sensitivity: float | None, ppv: float | None) -> str:
    if sensitivity is None or ppv is None:
        return "Too few persons stand behind this answer to show how good it is."
    return f"It finds {sensitivity:.0%} of the persons with {condition}, and {ppv:.0%} of those it names have it."
