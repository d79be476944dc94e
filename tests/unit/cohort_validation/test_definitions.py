"""Case definitions find the earliest evidence, of each kind, and no retracted diagnosis."""

from datetime import date

import pytest

from sandkasse.cohort.validation.definitions import CaseDefinition, find_cases, read_definitions
from sandkasse.cohort.validation.registers import list_hospital_contacts, list_residents, list_services, open_registers
from sandkasse.core.errors import InvalidInputError


def _found(registers, **parts):
    rows = find_cases(registers, CaseDefinition("x", "X", **parts)).to_pyarrow().to_pylist()
    return {row["pnr"]: row["day"] for row in rows}


def test_a_diagnosis_counts_from_its_contact_on_unless_it_was_retracted(registers):
    assert _found(registers, diagnoses=("DI21",)) == {"a": date(2012, 2, 2), "c": date(2019, 6, 1)}


def test_diagnoses_of_psychiatry_count_with_the_contacts_of_psychiatry(registers):
    assert _found(registers, diagnoses=("DF20",)) == {"b": date(2015, 9, 1)}


def test_the_purchase_that_counts_is_the_one_that_is_named(registers):
    assert _found(registers, drugs=("A10",), purchases=1) == {"b": date(2012, 1, 1), "c": date(2012, 5, 5)}
    assert _found(registers, drugs=("A10",), purchases=2) == {"b": date(2012, 3, 1)}


def test_the_earliest_of_several_kinds_of_evidence_counts(registers):
    found = _found(registers, diagnoses=("DI50",), services=("54",))
    assert found == {"c": date(1999, 1, 4)}


def test_services_on_a_parents_number_are_left_out_and_weeks_begin_on_monday(registers):
    weeks = list_services(registers).to_pyarrow().to_pylist()
    assert sorted((row["pnr"], row["week"]) for row in weeks) == [("a", date(2012, 1, 30)), ("c", date(1999, 1, 4))]


def test_contacts_of_both_registers_are_listed_with_their_kind(registers):
    rows = list_hospital_contacts(registers).to_pyarrow().to_pylist()
    assert sorted(row["kind"] for row in rows) == ["contact", "contact", "inpatient", "outpatient"]


def test_residents_have_their_age_on_the_day(registers):
    rows = {row["pnr"]: row["age"] for row in list_residents(registers, 2013).to_pyarrow().to_pylist()}
    assert rows == {"a": 63, "b": 53, "c": 23}


def test_every_shipped_definition_has_evidence_and_a_source():
    for definition in read_definitions().values():
        assert definition.diagnoses or definition.drugs or definition.services
        assert definition.source
        assert bool(definition.drugs) == bool(definition.purchases)


def test_a_folder_without_registers_is_refused_with_the_next_step(tmp_path):
    with pytest.raises(InvalidInputError, match="did not find the tables"):
        open_registers(tmp_path)
