"""The contract omop-cdm, made from the official definitions."""

from sandkasse.contract import check_tables, read_contract, write_contract
from sandkasse.transforms.omop.contract import omop_contract
from sandkasse.transforms.omop.definitions import read_definitions


def test_the_definitions_are_whole():
    tables = read_definitions()
    fields = [field for table in tables.values() for field in table.fields]
    # The counts of the official files of version 5.4.
    assert (len(tables), len(fields)) == (39, 432)
    assert sum(field.required for field in fields) == 180
    assert sum(field.is_primary_key for field in fields) == 28
    assert sum(field.refers_to is not None for field in fields) == 176
    assert sum(bool(field.domains) for field in fields) == 40


def test_the_contract_survives_its_file(tmp_path):
    contract = omop_contract()
    write_contract(contract, tmp_path / "contract.yaml")
    assert read_contract(tmp_path / "contract.yaml") == contract
    assert (contract.name, contract.version, len(contract.tables)) == ("omop-cdm", "5.4.0", 39)


def test_what_was_made_keeps_the_contract(omop, as_ibis):
    tables = as_ibis(omop)
    report = check_tables(omop_contract(tables), tables)
    assert report.findings == ()


def test_references_stay_within_the_chosen_tables():
    contract = omop_contract(["person", "location"])
    assert {reference.to_table for table in contract.tables for reference in table.references} == {"location"}
