# ruff: noqa: DTZ001  the register holds local time without a zone
"""Whatever the registers hold: every line parses, nothing is lost, and how the work is divided changes no byte."""

import gzip
import tempfile
from datetime import date, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandkasse.compute.local import LocalPool

pnr = st.sampled_from([f"{number:012d}" for number in range(1, 9)])
key = st.sampled_from([f"{number:018d}" for number in range(1, 12)])
day = st.one_of(st.none(), st.dates(date(1977, 1, 1), date(2024, 12, 31)))
moment = st.datetimes(datetime(2019, 1, 1), datetime(2024, 12, 31))
words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
kind = st.sampled_from(["A", "B", "H", "+"])
number = st.one_of(st.none(), st.floats(0, 1e6), st.just(float("nan")))


def _rows(*columns, **sizes):
    return st.lists(st.tuples(*columns), max_size=12, **sizes)


registers = st.fixed_dictionaries(
    {
        "bef": _rows(pnr, st.sampled_from([1, 2, None]), day, st.just("751"), st.dates(date(1986, 1, 1))),
        "dod": st.lists(st.tuples(pnr, day), max_size=5, unique_by=lambda row: row[0]),
        "lmdb": _rows(pnr, day, words, st.one_of(st.none(), st.floats(0, 1e4)), st.integers(1, 9), words),
        "lpr_adm": _rows(pnr, key, day, words, words),
        "lpr_diag": _rows(key, st.one_of(st.just("25009"), words), kind),
        "lpr3a_kontakt": _rows(pnr, key, moment, words),
        "lpr3a_diagnose": _rows(key, words, kind, st.sampled_from(["Ja", "Nej", None])),
        "lab_forsker": _rows(pnr, day, st.sampled_from(["NPU27300", "NPU03835", "NPU00001"]), number, min_size=1),
    }
)
TABLES = {
    "Encounter": ("lpr_adm", "lpr3a_kontakt"),
    "Condition": ("lpr_diag", "lpr3a_diagnose"),
    "MedicationStatement": ("lmdb",),
    "Observation": ("lab_forsker",),
}


@given(tables=registers)
@settings(max_examples=60, deadline=None)
def test_every_row_is_one_valid_resource_or_is_counted_as_left_out(r4, tables):
    with tempfile.TemporaryDirectory() as folder:
        made = r4.export(r4.write_registers(Path(folder) / "in", **tables), Path(folder) / "out")
        for name, of in TABLES.items():
            rows = sum(len(tables[table]) for table in of)
            left_out = sum(made.result.left_out.get(table, 0) for table in of)
            assert len(made.resources.get(name, [])) == rows - left_out
        for table in ("lpr_diag", "lpr3a_diagnose"):
            contacts = {row[1] for row in tables["lpr_adm" if table == "lpr_diag" else "lpr3a_kontakt"]}
            assert made.result.left_out.get(table, 0) == sum(row[0] not in contacts for row in tables[table])
        persons = {row[0] for name, rows in tables.items() if not name.endswith(("diag", "diagnose")) for row in rows}
        assert {patient["id"] for patient in made.resources["Patient"]} == persons
        assert {e["type"]: e["count"] for e in made.manifest["output"]} == dict(made.result.resources)
        assert not r4.faults_between(made.all)


@given(tables=registers, cut=st.integers(0, 12))
@settings(max_examples=25, deadline=None)
def test_how_rows_lie_in_files_changes_no_resource(r4, tables, cut):
    with tempfile.TemporaryDirectory() as folder:
        whole = r4.write_registers(Path(folder) / "whole", **tables)
        torn = Path(folder) / "torn"
        r4.write_registers(torn, part="part-00000", **{name: rows[:cut] for name, rows in tables.items()})
        r4.write_registers(torn, part="part-00001", **{name: rows[cut:] for name, rows in tables.items()})
        one, two = r4.export(whole, Path(folder) / "a"), r4.export(torn, Path(folder) / "b")

        def ordered(exported):
            return sorted(map(repr, exported.all))

        assert ordered(one) == ordered(two)
        assert one.result.left_out == two.result.left_out


@pytest.mark.parametrize("compress", [False, True])
def test_bytes_depend_neither_on_the_workers_nor_on_the_compression(r4, tmp_path, compress):
    source = tmp_path / "in"
    for part in range(3):
        rows = [(f"{part}{person}", date(2020, 1, 1), "NPU27300", float(person)) for person in range(9)]
        r4.write_registers(source, part=f"part-{part:05d}", lab_forsker=rows)
    made = r4.export(source, tmp_path / "one")
    out = tmp_path / "two"
    out.mkdir()
    options = r4.FhirOptions(simulated=True, compress=compress)
    r4.export_fhir(source, out, options=options, runner=LocalPool(2), now=r4.NOW)
    for path in made.folder.glob("*.ndjson"):
        other = (
            (out / path.name).read_bytes() if not compress else gzip.decompress((out / f"{path.name}.gz").read_bytes())
        )
        assert other == path.read_bytes()
