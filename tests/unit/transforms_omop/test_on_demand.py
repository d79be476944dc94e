"""OMOP tables that are made when they are first asked for are those that are written."""

from datetime import date

import ibis
import pytest

from sandkasse.core.errors import InvalidInputError, TableNotFoundError
from sandkasse.transforms.omop.build import Release
from sandkasse.transforms.omop.on_demand import OmopTables

RELEASE = Release("Made up", "made-up", "nobody", "Three persons", "tests", date(2025, 1, 1), date(2025, 1, 2))


@pytest.fixture
def on_demand(write_registers):
    """Give a function that opens register tables and sees them as OMOP."""

    def open_them(tables):
        files = write_registers(tables, "open")
        engine = ibis.duckdb.connect()
        opened = {name: engine.read_parquet(str(paths[0]), table_name=name) for name, paths in files.items()}
        return OmopTables(opened, files, release=RELEASE)

    return open_them


def in_order(table):
    return table.sort_by([(name, "ascending") for name in table.column_names]).to_pylist()


def test_the_tables_are_those_that_are_written(all_registers, build, on_demand):
    _, written = build(all_registers)
    omop = on_demand(all_registers)
    assert set(omop.tables) == set(written)
    for name, table in written.items():
        assert in_order(omop[name].to_pyarrow()) == in_order(table), name


def test_a_table_is_made_when_asked_for_and_once(registers, on_demand):
    omop = on_demand(registers)
    person = omop.person
    engine = person.get_backend().con

    def made():
        return {name for (name,) in engine.execute("select table_name from duckdb_tables()").fetchall()}

    assert person.count().execute() == 3
    assert "person" in made()
    assert "measurement" not in made()
    engine.execute("delete from person")
    assert omop["person"].count().execute() == 0


def test_one_query_asks_both_forms(registers, on_demand):
    omop = on_demand(registers)
    found = omop.sql(
        "SELECT count(DISTINCT person_id) AS n FROM Drug_Exposure "
        "JOIN (SELECT CAST(pnr AS BIGINT) AS person_id FROM lmdb) USING (person_id)"
    )
    assert found.to_pylist() == [{"n": 2}]


def test_names_can_be_completed_and_wrong_ones_name_the_nearest(registers, on_demand):
    omop = on_demand(registers)
    assert "drug_era" in dir(omop)
    assert "drug_era" in omop
    assert "_person" not in omop
    assert list(omop) == sorted(omop.tables)
    assert len(omop) == len(omop._ipython_key_completions_()) == len(omop.tables)
    assert "drug_era" in repr(omop)
    assert "<code>drug_era</code>" in omop._repr_html_()
    with pytest.raises(TableNotFoundError, match="drug_eras"):
        omop["drug_eras"]
    with pytest.raises(AttributeError, match="drug_era"):
        _ = omop.drug_eras
    assert not hasattr(omop, "_repr_png_")


def test_without_a_population_register_nobody_can_be_described(registers, on_demand):
    del registers["bef"]
    with pytest.raises(InvalidInputError, match="no table bef"):
        on_demand(registers)
