"""The plan: which table is made from what, in which order, as Ibis expressions and as SQL of any engine."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir
import sqlglot

from sandkasse.transforms.omop import cancer, hospital, primary_care, registers
from sandkasse.transforms.omop.registers import Inputs
from sandkasse.transforms.omop.tables import (
    care_site,
    condition_era,
    condition_occurrence,
    death,
    drug_era,
    drug_exposure,
    location,
    measurement,
    observation,
    observation_period,
    person,
    procedure_occurrence,
    visit_detail,
    visit_occurrence,
)

_DIAGNOSES = tuple(name for name, *_ in hospital.DIAGNOSES)
_PROCEDURES = tuple(name for name, *_ in hospital.PROCEDURES)
_ATTENDANCES = tuple(name for name, *_ in hospital.ATTENDANCES)

CODES_SCHEMA = ibis.schema(
    {
        "vocabulary": "string",
        "code": "string",
        "source_concept_id": "int32",
        "concept_id": "int32",
        "domain": "string",
        "unit": "string",
        "unit_concept_id": "int32",
    }
)


@dataclass(frozen=True)
class Step:
    """One table to be made.

    Attributes:
        name: The OMOP table, or a shape of the registers that later steps read (`_contact`).
        build: Its expression.
        reads: Registers or earlier steps of which at least one must be there; without any the step is skipped.
        needs: What must all be there.
        once: Whether it is made once for all persons, not part by part.
    """

    name: str
    build: Callable[[Inputs], ir.Table]
    reads: tuple[str, ...]
    needs: tuple[str, ...] = ()
    once: bool = False

    @property
    def is_omop(self) -> bool:
        """Whether it is a table of the model, and not a shape of the registers."""
        return not self.name.startswith("_")


STEPS: tuple[Step, ...] = (
    Step("_person", registers.persons, ("bef",)),
    Step("_contact", hospital.contacts, hospital.CONTACTS),
    Step("_diagnosis", hospital.diagnoses, _DIAGNOSES, needs=("_contact",)),
    Step("_cancer", cancer.cancers, ("cancer",)),
    Step("_procedure", hospital.procedures, _PROCEDURES, needs=("_contact",)),
    Step("_service", primary_care.services, primary_care.SERVICES),
    Step("_sign", observation_period.signs, ("_person",)),
    Step("person", person.person, ("_person",)),
    Step("death", death.death, ("dod",)),
    Step("observation_period", observation_period.observation_period, ("_sign",)),
    Step("visit_occurrence", visit_occurrence.visit_occurrence, ("_contact", "_service")),
    Step("visit_detail", visit_detail.visit_detail, _ATTENDANCES, needs=("_contact",)),
    Step("condition_occurrence", condition_occurrence.condition_occurrence, ("_diagnosis", "_cancer")),
    Step("drug_exposure", drug_exposure.drug_exposure, ("lmdb", "ddv")),
    Step("procedure_occurrence", procedure_occurrence.procedure_occurrence, ("_procedure", "_service")),
    Step("measurement", measurement.measurement, ("lab_forsker", "mfr")),
    Step("observation", observation.observation, ("_diagnosis", "_cancer")),
    Step("condition_era", condition_era.condition_era, ("condition_occurrence",)),
    Step("drug_era", drug_era.drug_era, ("drug_exposure",)),
    Step("location", location.location, ("bef",), once=True),
    Step("care_site", care_site.care_site, hospital.CONTACTS, once=True),
)
"""Every step, in an order in which each reads earlier ones only."""


def build_expressions(inputs: Inputs) -> dict[str, ir.Table]:
    """Build the expression of every table that the registers at hand fill.

    Each step reads what was made before under its own name, so that an engine makes every table once.

    Args:
        inputs: Registers and codes, as tables of any Ibis engine or of none.

    Returns:
        Expressions by name, in the order in which they must be made.
    """
    made: dict[str, ir.Table] = {}
    found: dict[str, ir.Table] = {}
    for step in STEPS:
        present = {*inputs.registers, *made}
        if not (present & set(step.reads) and present >= set(step.needs)):
            continue
        found[step.name] = step.build(replace(inputs, made=made))
        made[step.name] = ibis.table(found[step.name].schema(), name=step.name)
    return found


@dataclass(frozen=True)
class Query:
    """How an engine makes a table.

    Attributes:
        name: The table.
        sql: The query that makes it.
        constants: SQL of the columns that are the same in every row; the query gives them too.
    """

    name: str
    sql: str
    constants: Mapping[str, str]

    @property
    def is_omop(self) -> bool:
        """Whether it is a table of the model, and not a shape of the registers."""
        return not self.name.startswith("_")


def compile_queries(inputs: Inputs, *, dialect: str) -> tuple[Query, ...]:
    """Give every table's query, with what its writer need not sort."""
    return tuple(
        Query(name, str(ibis.to_sql(table, dialect=dialect)), find_constants(table, dialect=dialect))
        for name, table in build_expressions(inputs).items()
    )


def compile_plan(inputs: Inputs, *, dialect: str) -> dict[str, str]:
    """Give every table's query in an engine's SQL, in the order in which they must be made.

    Args:
        inputs: Registers and codes, as tables of any engine or of none.
        dialect: An engine that Ibis knows: `duckdb`, `postgres`, `pyspark`, `trino`, ….
    """
    return {query.name: query.sql for query in compile_queries(inputs, dialect=dialect)}


def find_constants(table: ir.Table, *, dialect: str) -> dict[str, str]:
    """Give the columns that are the same in every row, with their value in an engine's SQL.

    Only what the outermost selection says itself: an OMOP table has many columns that no register fills.
    """
    selection = table.op()
    if not isinstance(selection, ops.Project):
        return {}
    return {
        name: _value_sql(value.to_expr(), dialect)
        for name, value in selection.values.items()
        if not value.find(ops.Relation)
    }


def _value_sql(value: ir.Value, dialect: str) -> str:
    found = sqlglot.parse_one(str(ibis.to_sql(value, dialect=dialect)), dialect=dialect).find(sqlglot.exp.Select)
    if found is None:
        raise AssertionError("a value is compiled to a selection of it")
    return found.selects[0].unalias().sql(dialect)


def unbound(schemas: Mapping[str, ibis.Schema], **when: Any) -> Inputs:
    """Give inputs that belong to no engine: tables by name alone.

    Args:
        schemas: Columns and types of the register tables that are there.
        when: `first_day`, `first_status` and `last_status` of the data.
    """
    tables = {name: ibis.table(schema, name=name) for name, schema in schemas.items() if name in registers.REGISTERS}
    return Inputs(registers=tables, codes=ibis.table(CODES_SCHEMA, name="_codes"), **when)
