"""One set of expressions for every engine."""

from datetime import date
from itertools import combinations

import ibis
import pytest
import sqlglot

from sandkasse.transforms.omop.plan import STEPS, build_expressions, compile_plan, compile_queries, unbound
from sandkasse.transforms.omop.registers import REGISTERS

DAYS = {"first_day": date(1977, 1, 1), "first_status": date(1986, 1, 1), "last_status": date(2024, 1, 1)}


@pytest.fixture
def schemas(all_registers):
    return {name: ibis.Schema.from_pyarrow(table.schema) for name, table in all_registers.items()}


def test_every_register_is_either_in_this_test_or_a_delivery_of_one(schemas):
    # Delivery F has the same contacts as delivery A, death's causes changed their table twice, so did primary care.
    others = {"lpr3f_kontakter", "lpr3f_diagnoser", "lpr3f_procedurer_kirurgi", "dodsaars", "dodsaarsager", "sysi"}
    assert set(schemas) | others == set(REGISTERS)


@pytest.mark.parametrize("dialect", ["postgres", "duckdb", "trino"])
def test_every_table_compiles_for_every_engine(dialect, schemas):
    queries = compile_plan(unbound(schemas, **DAYS), dialect=dialect)
    assert list(queries) == [step.name for step in STEPS]
    for query in queries.values():
        assert sqlglot.parse_one(query, dialect=dialect).find(sqlglot.exp.Select)


def test_every_table_is_made_of_earlier_ones(schemas):
    expressions = build_expressions(unbound(schemas, **DAYS))
    known = {*schemas, "_codes"}
    for name, expression in expressions.items():
        read = {table.name for table in expression.op().find(ibis.expr.operations.UnboundTable)}
        assert read <= known
        known.add(name)


def test_any_registers_beside_the_population_register_are_enough(schemas):
    others = sorted(set(schemas) - {"bef"})
    for few in combinations(others, 1):
        chosen = {name: schemas[name] for name in ("bef", *few)}
        made = build_expressions(unbound(chosen, **DAYS))
        assert {"person", "observation_period", "location"} <= set(made)


def test_tables_that_are_no_registers_are_passed_over(schemas):
    inputs = unbound({**schemas, "truth": ibis.schema({"pnr": "string"})}, **DAYS)
    assert set(inputs.registers) == set(schemas) <= set(REGISTERS)


def test_only_what_is_the_same_in_every_row_is_left_out_of_the_sort(schemas):
    queries = compile_queries(unbound(schemas, **DAYS), dialect="duckdb")
    found = {query.name: query.constants for query in queries}
    assert found["drug_exposure"]["refills"] == "CAST(NULL AS INT)"
    assert {"drug_exposure_id", "person_id", "drug_concept_id", "quantity"}.isdisjoint(found["drug_exposure"])
    assert {"care_site_id", "visit_end_datetime", "visit_source_value"}.isdisjoint(found["visit_occurrence"])
