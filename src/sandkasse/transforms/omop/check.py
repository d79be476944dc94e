"""Any OMOP data set held against the official definitions and the rules of a well-behaved set.

Every rule is an Ibis expression that gives counts alone, so that it runs where the data lie and no person's value
leaves the engine.

Source:
    The official field definitions of version 5.4 (required fields, keys, types, domains), and OHDSI's conventions in
    the table definitions beside them (one or more periods of observation that neither overlap nor touch, eras from
    standard concepts with a persistence of thirty days, concept 0 where there is none).
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import ibis.expr.types as ir

from sandkasse.core.progress_bar import Progress, no_progress
from sandkasse.transforms.omop.definitions import Table, read_definitions
from sandkasse.transforms.omop.plausible import plausible_rules
from sandkasse.transforms.omop.rules import field_rules, person_rules, set_rules

Run = Callable[[ir.Table], Mapping[str, Any]]

RULES: dict[str, str] = {
    "missing_table": "the table is required, or others refer to it",
    "unknown_table": "the model has no such table",
    "columns": "the columns are the official ones, in their order",
    "type": "the column has the official type (whole numbers of any width)",
    "required": "a required field is not null",
    "too_long": "a text is no longer than the definition allows",
    "primary_key": "the key occurs once",
    "foreign_key": "the row that is referred to is there",
    "domain": "the concept belongs to the field's domain",
    "concept_class": "the concept belongs to the field's class",
    "not_standard": "the concept is a standard concept, or 0",
    "no_source_value": "a record without a standard concept says what its source had",
    "order": "the end is not before the start",
    "negative": "an amount is not below zero",
    "future": "nothing begins after the day on which the source was released (cdm_source)",
    "before_birth": "nothing happens before birth",
    "after_death": "nothing happens after death",
    "unobserved": "it begins inside a period of observation",
    "no_period": "every person has a period of observation",
    "periods_touch": "periods of observation of one person neither overlap nor touch",
    "several_deaths": "a person dies once",
    "outside_visit": "an event lies within the dates of its visit, and the visit is the person's",
    "era_missing": "every record with a standard concept is part of an era",
    "era_wrong": "an era begins, ends and counts as the records in it do",
    "eras_touch": "eras of one concept are more than thirty days apart",
    "one_source": "cdm_source has one row",
    "other_sex": "a diagnosis is not one of the other sex alone",
    "implausible": "a person can have the value",
}
"""Every rule, and what it asks."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule that the data break.

    Attributes:
        rule: A key of `RULES`.
        table: Where.
        field: Which field, if the rule is about one.
        count: How many rows break it; 1 for a rule about the table as a whole.
        rows: How many rows the table has.
    """

    rule: str
    table: str
    field: str | None
    count: int
    rows: int

    def text(self) -> str:
        """Say it in one line."""
        place = f"{self.table}.{self.field}" if self.field else self.table
        return f"{place}: {self.count:,} of {self.rows:,} rows break “{RULES[self.rule]}”"


@dataclass(frozen=True, slots=True)
class OmopReport:
    """What a check found.

    Attributes:
        rows: Rows of each table.
        rules: How many rules were applied, each to one table or field.
        findings: What is broken; empty for a well-behaved set.
    """

    rows: Mapping[str, int]
    rules: int
    findings: tuple[Finding, ...]

    @property
    def passed(self) -> bool:
        """Whether nothing is broken."""
        return not self.findings

    def to_dict(self) -> dict[str, Any]:
        """Give the report as plain values for JSON."""
        return {
            "passed": self.passed,
            "rules": self.rules,
            "rows": dict(self.rows),
            "findings": [{name: getattr(finding, name) for name in finding.__slots__} for finding in self.findings],
        }


def check_omop(
    tables: Mapping[str, ir.Table],
    *,
    only: Collection[str] | None = None,
    run: Run | None = None,
    progress: Progress = no_progress,
) -> OmopReport:
    """Hold an OMOP data set against the official definitions and the rules of a well-behaved set.

    Args:
        tables: The data by table name, as Ibis tables of one engine.
        only: Tables to look into; every one by default.
        run: Runs an expression of one row and gives it by name; by default the expression's own engine.
        progress: Told of finished tables.

    Returns:
        Findings in the official order of tables; counts only.
    """
    runner = run or _run
    definitions = read_definitions()
    state = _State({}, [], 0)
    for name in tables:
        if name not in definitions:
            state.note("unknown_table", name, None, 1)
    missing = [name for name in _required(tables) if name not in tables]
    for name in missing:
        state.note("missing_table", name, None, 1)
    state.rules += len(definitions)
    sound = {}
    for name, definition in definitions.items():
        if name in tables and _check_columns(definition, tables[name], state):
            sound[name] = tables[name]
    looked_into = {name: table for name, table in sound.items() if only is None or name in only}
    for done, (name, table) in enumerate(looked_into.items(), start=1):
        state.apply(name, field_rules(definitions[name], table, sound), runner)
        if {"person", "observation_period"} <= set(sound):
            state.apply(name, person_rules(name, table, sound), runner)
        state.apply(name, set_rules(name, table, sound), runner)
        state.apply(name, plausible_rules(name, table, sound), runner)
        progress(done, len(looked_into), "tables")
    order = list(definitions)
    findings = sorted(state.findings, key=lambda f: order.index(f.table) if f.table in order else -1)
    return OmopReport(state.rows, state.rules, tuple(findings))


@dataclass
class _State:
    rows: dict[str, int]
    findings: list[Finding]
    rules: int

    def note(self, rule: str, table: str, field: str | None, count: int) -> None:
        self.findings.append(Finding(rule, table, field, count, self.rows.get(table, 0)))

    def apply(self, name: str, probes: Iterator[tuple[ir.Table, dict[str, tuple[str, str | None]]]], run: Run) -> None:
        """Run queries of counts; each column that names a rule is a count of what breaks it."""
        for query, meaning in probes:
            counts = run(query)
            if "rows" in counts and name not in self.rows:
                self.rows[name] = int(counts["rows"])
            self.rules += len(meaning)
            for column, (rule, field) in meaning.items():
                if counts[column]:
                    self.note(rule, name, field, int(counts[column]))


def _required(tables: Mapping[str, ir.Table]) -> list[str]:
    """List the tables that must be there: those the model demands, cdm_source, and those that present ones refer to."""
    definitions = read_definitions()
    found = {name for name, table in definitions.items() if table.required} | {"cdm_source"}
    found |= {
        field.refers_to[0]
        for name in tables
        if name in definitions
        for field in definitions[name].fields
        if field.refers_to and (field.required or field.refers_to[0] == "concept")
    }
    return [name for name in definitions if name in found]


def _check_columns(definition: Table, table: ir.Table, state: _State) -> bool:
    """Compare columns and types; only sound tables are looked at further."""
    schema = table.schema()
    state.rules += 1 + len(definition.fields)
    if tuple(schema.names) != tuple(field.name for field in definition.fields):
        state.note("columns", definition.name, None, 1)
        return False
    wrong = [field.name for field in definition.fields if not _fits(schema[field.name], field.dtype)]
    for name in wrong:
        state.note("type", definition.name, name, 1)
    return not wrong


def _fits(found: Any, wanted: Any) -> bool:
    kinds = ("is_integer", "is_floating", "is_string", "is_date", "is_timestamp")
    return any(getattr(found, kind)() and getattr(wanted, kind)() for kind in kinds)


def _run(expression: ir.Table) -> Mapping[str, Any]:
    found: dict[str, Any] = expression.to_pyarrow().to_pylist()[0]
    return found
