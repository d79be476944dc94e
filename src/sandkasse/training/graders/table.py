"""Grades a table of numbers by group, such as rates by sex and age."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

import pyarrow as pa
from pydantic import Field, model_validator

from sandkasse.core.errors import ModuleInvalidError
from sandkasse.training.graders.base import Answer, Info, Material, Outcome, Parameters
from sandkasse.training.graders.number import EXPECTED, Mistake, Tolerance
from sandkasse.training.graders.shapes import Column, read_table, shape_error
from sandkasse.training.spec import Words
from sandkasse.training.verdict import Measure

PERSON_KEYS = frozenset({"pnr", "person_id", "recnum", "dw_ek_kontakt"})
MOST_GROUPS = 2_000

Groups = dict[tuple[str, ...], float]


class TableParameters(Parameters):
    """What `table` is told.

    Attributes:
        keys: The columns that name a group; never a person.
        value: The column of numbers.
        sql: One SELECT that gives the keys and `value`, one row a group, and `standard_error` where the tolerance
            needs it. It may read the dataset's tables, and the truth's as `truth.persons` and so on.
        tolerance: How far off each number may be.
        pass_at: The share of the groups whose number must be right.
        unit: What the numbers count.
        mistakes: Wrong tables with known causes, as SQL of the same shape.
    """

    keys: tuple[Words, ...] = Field(min_length=1)
    value: Words = "value"
    sql: Words
    tolerance: Tolerance
    pass_at: float = Field(default=1.0, gt=0, le=1)
    unit: str = ""
    mistakes: tuple[Mistake, ...] = ()

    @model_validator(mode="after")
    def _groups_are_no_persons(self) -> "TableParameters":
        persons = sorted(PERSON_KEYS & {key.lower() for key in self.keys})
        if persons:
            raise ValueError(f"a group is never one person: {', '.join(persons)} cannot be a key")
        return self


@dataclass(frozen=True)
class PreparedTable:
    """Expected numbers with their tolerances by group, and the known wrong tables with their kinds."""

    expected: Groups
    width: Groups
    mistakes: tuple[tuple[str, Groups], ...]


class TableGrader:
    """Numbers by group, each within a stated tolerance."""

    info: ClassVar = Info(
        id="table",
        title="A table of numbers by group",
        kinds={
            "missing-groups": "Groups are missing",
            "too-high": "Most wrong numbers are too high",
            "too-low": "Most wrong numbers are too low",
        },
    )
    parameters: ClassVar = TableParameters

    def describe_answer(self, parameters: TableParameters) -> str:
        """Say in one sentence what an answer must look like."""
        unit = f" ({parameters.unit})" if parameters.unit else ""
        return f"A table with one row a group: {', '.join(parameters.keys)}, and {parameters.value}{unit}."

    def statements(self, parameters: TableParameters) -> dict[str, str]:
        """Name the expected table's statement, and one for each known mistake."""
        mistakes = {f"mistake {index}": mistake.sql for index, mistake in enumerate(parameters.mistakes)}
        return {EXPECTED: parameters.sql, **mistakes}

    def truth_columns(self, _parameters: TableParameters) -> set[str]:
        """Read the truth through SQL alone."""
        return set()

    def kinds(self, parameters: TableParameters) -> set[str]:
        """Add the kinds of the known mistakes."""
        return {mistake.error for mistake in parameters.mistakes}

    def prepare(self, parameters: TableParameters, material: Material) -> PreparedTable:
        """Read the expected table and the known wrong ones.

        Raises:
            ModuleInvalidError: If a statement did not give the keys and a value, one row a group.
        """
        expected, errors = _read_fact(parameters, material.facts, EXPECTED)
        width = {group: parameters.tolerance.width(value, errors.get(group)) for group, value in expected.items()}
        mistakes = tuple(
            (mistake.error, _read_fact(parameters, material.facts, f"mistake {index}")[0])
            for index, mistake in enumerate(parameters.mistakes)
        )
        return PreparedTable(expected, width, mistakes)

    def grade(self, parameters: TableParameters, prepared: PreparedTable, answer: Answer) -> Outcome:
        """Compare the numbers group by group.

        Raises:
            AnswerShapeError: If it is no such table, or names a group twice.
        """
        given = _read_answer(parameters, answer)
        right = {group for group in prepared.expected if _agrees(prepared, group, given.get(group), prepared.expected)}
        share = len(right) / len(prepared.expected)
        passed = share >= parameters.pass_at
        found = len(given.keys() & prepared.expected.keys())
        return Outcome(
            passed=passed,
            says=f"{len(right)} of {len(prepared.expected)} numbers are right.",
            score=int(share * 100) / 100,
            mark=int(share * 100) / 100,
            measures=(Measure(name="Groups found", value=int(found / len(prepared.expected) * 100) / 100),),
            error=None if share == 1 else _explain(prepared, given, right),
        )


def _read_fact(parameters: TableParameters, facts: Mapping[str, pa.Table], name: str) -> tuple[Groups, Groups]:
    fact = facts[name]
    missing = [column for column in (*parameters.keys, "value") if column not in fact.column_names]
    if missing or not 0 < fact.num_rows <= MOST_GROUPS:
        raise ModuleInvalidError(
            f"The SQL of a table gave {fact.num_rows} rows with the columns {', '.join(fact.column_names)}.",
            next_step=f"let it give {', '.join(parameters.keys)} and value, one row a group",
        )
    groups = _group_names(fact, parameters.keys)
    values = [float(value) for value in fact["value"].to_pylist()]
    if len(set(groups)) != len(groups):
        raise ModuleInvalidError("The SQL of a table names a group twice.", next_step="group by the keys")
    errors: Groups = {}
    if "standard_error" in fact.column_names:
        errors = dict(zip(groups, map(float, fact["standard_error"].to_pylist()), strict=True))
    return dict(zip(groups, values, strict=True)), errors


def _read_answer(parameters: TableParameters, answer: Answer) -> Groups:
    columns = [*parameters.keys, parameters.value]
    if not isinstance(answer, pa.Table) or any(column not in answer.column_names for column in columns):
        got = ", ".join(answer.column_names[:12]) if isinstance(answer, pa.Table) else "no table"
        raise shape_error(f"a table with the columns {', '.join(columns)}", got or "no columns")
    if answer.num_rows > MOST_GROUPS:
        raise shape_error(f"one row a group, at most {MOST_GROUPS:,}", f"{answer.num_rows:,} rows")
    numbers = read_table(answer.select([parameters.value]), [Column(parameters.value, "number")])
    groups = _group_names(answer, parameters.keys)
    if len(set(groups)) != len(groups):
        raise shape_error("one row a group", "a group more than once")
    return dict(zip(groups, numbers[parameters.value].to_pylist(), strict=True))


def _group_names(table: pa.Table, keys: tuple[str, ...]) -> list[tuple[str, ...]]:
    return list(zip(*([_plain(value) for value in table[key].to_pylist()] for key in keys), strict=True))


def _plain(value: object) -> str:
    """Write a group's name so that 1, 1.0 and "1" are one, and so are a day and its text."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, date):
        return value.isoformat()[:10]
    return str(value).strip()


def _agrees(prepared: PreparedTable, group: tuple[str, ...], value: float | None, wanted: Groups) -> bool:
    if value is None or group not in wanted:
        return False
    slack = 1e-12 * max(abs(value), abs(wanted[group]))
    return abs(value - wanted[group]) <= prepared.width[group] + slack


def _explain(prepared: PreparedTable, given: Groups, right: set[tuple[str, ...]]) -> str:
    wrong = prepared.expected.keys() - right
    for kind, table in prepared.mistakes:
        n_alike = sum(_agrees(prepared, group, given.get(group), table) for group in wrong)
        if 2 * n_alike > len(wrong):
            return kind
    missing = [group for group in wrong if group not in given]
    if 2 * len(missing) > len(wrong):
        return "missing-groups"
    n_high = sum(given[group] > prepared.expected[group] for group in wrong if group in given)
    return "too-high" if 2 * n_high >= len(wrong) - len(missing) else "too-low"
