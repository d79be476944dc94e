"""What the tables look like: contract, one delivery of LPR3, opaque identifiers, nothing outside residence."""

import tomllib
from pathlib import Path

import ibis
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sandkasse.cohort.describe import describe_folder, describe_model
from sandkasse.cohort.observation.traps import NAMES, trap_switches
from sandkasse.cohort.registers.pseudonym import PNR_DIGITS, RECORD_DIGITS, digit_bytes, identifiers, to_strings
from sandkasse.cohort.simulate import contract_path
from sandkasse.contract import check_tables, raise_for_violations, read_contract
from sandkasse.core.errors import InvalidInputError


@pytest.fixture(scope="module")
def made(bench):
    return bench.make(bench.varied_lives(400, seed=5))


def plain(table):
    """Decode dictionary columns, as a reader of the files sees them."""
    fields = [(f.name, f.type.value_type if pa.types.is_dictionary(f.type) else f.type) for f in table.schema]
    return table.cast(pa.schema(fields))


@pytest.mark.parametrize("lpr3", ["a", "f"])
def test_the_registers_keep_their_contract(bench, tmp_path, lpr3):
    made = bench.make(bench.varied_lives(300, seed=6), lpr3=lpr3)
    connection, tables = ibis.duckdb.connect(), {}
    for name, table in made.registers.items():
        pq.write_table(table, tmp_path / f"{name}.parquet", store_schema=False)
        tables[name] = connection.read_parquet(tmp_path / f"{name}.parquet")
    raise_for_violations(check_tables(read_contract(contract_path()), tables))
    other = "lpr3f_kontakter" if lpr3 == "a" else "lpr3a_kontakt"
    assert other not in tables


def test_both_deliveries_hold_the_same_contacts(bench):
    life = bench.varied_lives(200, seed=7)
    a, f = bench.make(life).registers, bench.make(life, lpr3="f").registers
    assert a["lpr3a_kontakt"]["dw_ek_kontakt"].equals(f["lpr3f_kontakter"]["dw_ek_kontakt"])
    assert plain(a["lpr3a_diagnose"])["diag_kode"].equals(plain(f["lpr3f_diagnoser"])["diagnosekode"])
    days = [moment.date() for moment in a["lpr3a_kontakt"]["kont_starttidspunkt"].to_pylist()]
    assert days == f["lpr3f_kontakter"]["dato_start"].to_pylist()


@pytest.mark.parametrize(
    ("table", "column"),
    [("lmdb", "eksd"), ("lpr_adm", "d_inddto"), ("lab_forsker", "samplingdate"), ("bef", "referencetid")],
)
def test_nothing_is_observed_outside_residence_or_after_death(bench, made, table, column):
    life = made.life
    pnr = dict(zip(made.truth["persons"]["pnr"].to_pylist(), made.shard.order.tolist(), strict=True))
    assert made.registers[table].num_rows > 0
    for row in made.registers[table].to_pylist():
        i, day = pnr[row["pnr"]], (row[column] - bench.as_date(0)).days
        spells = zip(life.residence_start[i], life.residence_end[i], strict=True)
        assert any(start <= day < end for start, end in spells)
        assert day <= life.death_day[i]


def test_no_diagnosis_code_is_of_the_wrong_era(made):
    dates = {row["recnum"]: row["d_inddto"].year for row in made.registers["lpr_adm"].to_pylist()}
    for row in made.registers["lpr_diag"].to_pylist():
        assert row["c_diag"].startswith("D") == (dates[row["recnum"]] >= 1994)


def test_a_persons_rows_depend_on_that_person_alone(bench):
    whole = bench.varied_lives(40, seed=8)
    made = bench.make(whole)
    wanted = made.truth["persons"]["pnr"].to_pylist()[7]
    i = int(made.shard.order[7])
    fields = {name: getattr(whole, name)[i : i + 1] for name in whole.__dataclass_fields__}
    alone = bench.make(type(whole)(**fields))
    for name in ("lmdb", "lab_forsker", "sysi", "sssy", "bef", "lpr_adm"):
        rows = [row for row in made.registers[name].to_pylist() if row["pnr"] == wanted]
        assert rows == alone.registers[name].to_pylist(), name


def test_rows_stand_in_the_order_of_pnr_and_then_of_their_content(made):
    for name, column in (("lmdb", "eksd"), ("lab_forsker", "samplingdate"), ("lpr_adm", "d_inddto")):
        keys = [(row["pnr"], row[column]) for row in made.registers[name].to_pylist()]
        assert keys == sorted(keys)


def test_identifiers_are_distinct_digits_of_their_length():
    import numpy as np

    numbers = np.arange(200_000, dtype=np.int64)
    for digits in (PNR_DIGITS, RECORD_DIGITS):
        values = identifiers(numbers, seed=7, digits=digits)
        assert len(np.unique(values)) == len(values)
        assert 0 <= values.min() <= values.max() < 10**digits
        assert not np.array_equal(values, identifiers(numbers, seed=8, digits=digits))
    written = to_strings(digit_bytes(np.array([0, 12, 10**12 - 1]), PNR_DIGITS)).to_pylist()
    assert written == ["000000000000", "000000000012", "999999999999"]


def test_an_unknown_trap_is_refused_by_name():
    with pytest.raises(InvalidInputError, match="no trap named 'undiagnozed'"):
        trap_switches(("undiagnozed",))
    assert trap_switches(NAMES).sum() == 0


def test_every_parameter_of_care_says_where_it_comes_from():
    silent = [f"{p.file}: {p.name}" for p in describe_model() if not p.note]
    assert silent == []


def test_a_folder_is_described_by_its_tables(tmp_path, made):
    folder = tmp_path / "data" / "lmdb"
    folder.mkdir(parents=True)
    pq.write_table(made.registers["lmdb"], folder / "part-00000.parquet")
    (summary,) = describe_folder(tmp_path)
    assert (summary.table, summary.rows) == ("lmdb", made.registers["lmdb"].num_rows)
    assert summary.years.startswith("199")
    with pytest.raises(InvalidInputError, match="no tables"):
        describe_folder(tmp_path / "data" / "nothing")


def test_the_reference_page_names_every_column_of_the_contract():
    page = (Path(__file__).parents[3] / "docs" / "reference" / "registers.md").read_text(encoding="utf-8")
    sections = dict(part.split("`", 1) for part in page.split("\n## `")[1:])
    contract = read_contract(contract_path())
    assert list(sections) == [table.name for table in contract.tables]
    for table in contract.tables:
        for column in table.columns:
            assert f"| `{column.name}` |" in sections[table.name]
            assert column.provenance.source
            assert column.provenance.verified is not None


def test_the_era_map_holds_every_table_and_its_breaks_lie_within():
    eras = tomllib.loads((contract_path().parent / "eras.toml").read_text(encoding="utf-8"))["register"]
    mapped = {name for era in eras for name in era["tables"].split(", ")}
    for table in read_contract(contract_path()).tables:
        assert table.name in mapped or table.name.startswith(("lpr3a_", "lpr3f_")), table.name
    for era in eras:
        first, last = era["years"]
        assert all(first < cut["year"] <= last for cut in era.get("break", []))


def test_the_reference_page_shows_every_era_and_its_breaks():
    page = (Path(__file__).parents[3] / "docs" / "reference" / "registers.md").read_text(encoding="utf-8")
    before_tables = page.split("\n## `")[0]
    rows = {row.split(" | ")[0].strip("| "): row for row in before_tables.splitlines() if row.startswith("| ")}
    assert "src/sandkasse/cohort/registers/eras.toml" in before_tables
    for era in tomllib.loads((contract_path().parent / "eras.toml").read_text(encoding="utf-8"))["register"]:
        assert f"{era['years'][0]}–{era['years'][1]}" in rows[era["title"]]
        for cut in era.get("break", []):
            assert f"{cut['year']}: {cut['what']}" in rows[era["title"]]
        assert era.get("also", "") in rows[era["title"]]
