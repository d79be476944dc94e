"""SQL of a module, and what it must not be able to do."""

from datetime import date

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sandkasse.core.errors import CorruptDatasetError, ModuleInvalidError
from sandkasse.training.facts import check_is_one_select, read_truth, run_statements, used_definitions


@pytest.fixture
def places(tmp_path):
    """A dataset with one table in a file and one in parts, its truth, and a file that is nobody's business."""
    data = tmp_path / "dataset" / "data"
    (data / "lmdb").mkdir(parents=True)
    pq.write_table(pa.table({"pnr": ["1", "2"]}), data / "bef.parquet")
    for part in range(3):
        pq.write_table(pa.table({"pnr": ["1"], "atc": [f"A10B{part}"]}), data / "lmdb" / f"part-0000{part}.parquet")
    truth = tmp_path / "truth"
    truth.mkdir()
    pq.write_table(pa.table({"pnr": ["1", "2"], "diabetes_onset": [date(2010, 1, 1), None]}), truth / "persons.parquet")
    pq.write_table(pa.table({"pnr": ["2"], "trap": ["pcos"], "date": [date(2010, 1, 1)]}), truth / "traps.parquet")
    pq.write_table(pa.table({"secret": [1]}), tmp_path / "other.parquet")
    (tmp_path / "plain.txt").write_text("secret")
    return tmp_path


def run(places, sql, **options):
    return run_statements({"it": sql}, places / "dataset", places / "truth", **options)["it"]


def test_tables_are_read_by_name_in_one_file_or_in_parts(places):
    found = run(places, "SELECT count(*) AS value, count(DISTINCT pnr) AS persons FROM lmdb JOIN bef USING (pnr)")
    assert found.to_pylist() == [{"value": 3, "persons": 1}]


def test_the_truth_is_a_schema_of_its_own(places):
    found = run(places, "SELECT count(*) AS value FROM truth.persons WHERE diabetes_onset IS NOT NULL")
    assert found["value"].to_pylist() == [1]


def test_a_dataset_without_truth_has_no_truth(places):
    with pytest.raises(ModuleInvalidError, match="persons"):
        run_statements({"it": "SELECT * FROM truth.persons"}, places / "dataset", None)


@pytest.mark.attack
@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_parquet('{other}')",
        "SELECT * FROM '{other}'",
        "SELECT * FROM read_text('{plain}')",
        "SELECT * FROM read_text('{data}/../../plain.txt')",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM glob('/etc/*')",
        "SELECT * FROM read_parquet('https://127.0.0.1/x.parquet')",
        "SELECT getenv('HOME')",
        "SELECT * FROM held_by_python",
        "SELECT * FROM query('INSTALL httpfs')",
        "SELECT * FROM duckdb_secrets()",
    ],
)
def test_nothing_else_can_be_read(places, sql):
    held_by_python = pa.table({"secret": [1]})
    assert held_by_python.num_rows == 1
    filled = sql.format(other=places / "other.parquet", plain=places / "plain.txt", data=places / "dataset" / "data")
    with pytest.raises(ModuleInvalidError):
        run(places, filled)


@pytest.mark.attack
@pytest.mark.parametrize(
    "sql",
    [
        "COPY bef TO '{data}/bef.parquet'",
        "COPY bef TO '{data}/new.parquet'",
        "CREATE TABLE t AS SELECT 1",
        "DROP VIEW bef",
        "ATTACH '{data}/x.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "PRAGMA database_list",
        "SELECT 1; COPY bef TO '{data}/new.parquet'",
        "WITH a AS (SELECT 1) INSERT INTO bef SELECT * FROM a",
        "EXPORT DATABASE '{data}/x'",
        "",
        "SELECT",
        "SELECT 1; SELECT 2",
    ],
)
def test_nothing_but_one_select_is_run(places, sql):
    before = sorted(path.name for path in places.rglob("*"))
    with pytest.raises(ModuleInvalidError):
        run(places, sql.format(data=places / "dataset" / "data"))
    assert sorted(path.name for path in places.rglob("*")) == before


@pytest.mark.attack
def test_settings_stay_locked_within_a_select(places):
    for sql in (
        "SELECT * FROM query('SET memory_limit=''1TB''')",
        "SELECT current_setting('enable_external_access') AS v",
    ):
        try:
            found = run(places, sql)
        except ModuleInvalidError:
            continue
        assert found["v"].to_pylist() == [False]


@pytest.mark.attack
def test_a_failing_statement_quotes_no_value(places):
    pq.write_table(pa.table({"pnr": ["secret-person"]}), places / "truth" / "events.parquet")
    with pytest.raises(ModuleInvalidError, match="ConversionException") as caught:
        run(places, "SELECT CAST(pnr AS INTEGER) AS value FROM truth.events")
    assert "secret-person" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_an_endless_statement_is_stopped(places):
    with pytest.raises(ModuleInvalidError, match="longer than"):
        run(places, "SELECT sum(a.i * b.i) FROM range(10000000) a(i), range(10000000) b(i)", time_limit_s=0.2)


def test_a_quote_in_the_path_is_harmless(places):
    odd = places / "it's"
    (places / "dataset").rename(odd)
    assert run_statements({"it": "SELECT count(*) AS value FROM bef"}, odd, None)["it"]["value"].to_pylist() == [2]


def test_a_definition_is_a_table_for_the_statements_and_the_definitions_below_it(places):
    definitions = {
        "absent": "SELECT * FROM no_such_table",  # nothing uses it, so that it does no harm
        "bought": "SELECT pnr, atc FROM lmdb;",
        "buyers": "SELECT DISTINCT pnr FROM bought",
    }
    found = run(places, "SELECT count(*) AS value FROM bef JOIN BUYERS USING (pnr)", definitions=definitions)
    assert found["value"].to_pylist() == [1]
    assert used_definitions(definitions, ["SELECT * FROM my_buyers"]) == ()
    assert used_definitions(definitions, ["SELECT * FROM buyers"]) == ("bought", "buyers")


@pytest.mark.parametrize(
    ("definitions", "told"),
    [
        ({"bef": "SELECT 1 AS pnr"}, "definition 'bef' fails"),
        ({"above": "SELECT * FROM below", "below": "SELECT 1 AS x"}, "definition 'above' fails.*below"),
        ({"wrong": "SELECT 1; DROP VIEW bef"}, "must be one SELECT"),
        ({"wrong": "INSERT INTO bef SELECT '3'"}, "must be one SELECT"),
    ],
)
def test_a_definition_that_cannot_be_is_told_by_its_name(places, definitions, told):
    with pytest.raises(ModuleInvalidError, match=told):
        run(places, f"SELECT * FROM {next(iter(definitions))}, {list(definitions)[-1]}", definitions=definitions)


@pytest.mark.attack
def test_a_definition_reads_nothing_else(places):
    definitions = {"leak": f"SELECT * FROM read_parquet('{places / 'other.parquet'}')"}
    with pytest.raises(ModuleInvalidError, match="leak"):
        run(places, "SELECT * FROM leak", definitions=definitions)


def test_a_syntax_error_is_told_in_one_line():
    with pytest.raises(ModuleInvalidError, match="does not parse") as caught:
        check_is_one_select("SELEC 1", name="expected")
    assert "\n" not in caught.value.message


def test_truth_is_read_by_the_columns_needed(places):
    truth = read_truth(places / "truth", columns={"pnr"})
    assert truth["persons"].column_names == ["pnr"]
    assert truth["traps"].num_rows == 1


def test_an_unknown_truth_column_is_named_with_the_known(places):
    with pytest.raises(ModuleInvalidError, match="onset_of_diabetes") as caught:
        read_truth(places / "truth", columns={"pnr", "onset_of_diabetes"})
    assert "diabetes_onset" in caught.value.next_step


def test_a_truncated_truth_is_told(places):
    path = places / "truth" / "persons.parquet"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(CorruptDatasetError):
        read_truth(places / "truth", columns={"pnr"})
