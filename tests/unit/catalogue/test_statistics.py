"""Files for SAS and Stata, read back by the library that wrote them and by readers that have nothing to do with it."""

import math
import struct
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import ibis
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyreadstat
import pytest

from sandkasse.catalogue.open import Dataset, open_tables
from sandkasse.catalogue.seal import seal
from sandkasse.catalogue.statistics import write_for_program
from sandkasse.catalogue.statistics_names import SAS, STATA, cut, label_of, valid_names
from sandkasse.contract import Code, Column, Contract, Table, read_contract, write_contract
from sandkasse.contract.draft import draft_contract
from sandkasse.core.errors import CorruptDatasetError, InvalidInputError, StorageFullError

TABLE = pa.table(
    {
        "pnr": ["000000000001", None, "æøå"],
        "eksd": pa.array([date(1959, 12, 31), None, date(2024, 2, 29)]),
        "at": pa.array([datetime(1960, 1, 1, 0, 0, 1), None, datetime(2024, 2, 29, 23, 59, 59)]),  # noqa: DTZ001
        "koen": pa.array([1, 2, 2], pa.int8()),
        "apk": pa.array([1, None, 2_147_483_647], pa.int32()),
        "many": pa.array([2**53, 0, -(2**53)], pa.int64()),
        "volume": [0.1, None, -1e-10],
        "price": [Decimal("1.25"), None, Decimal("-3.50")],
        "is_old": [True, None, False],
        "note": ["x" * 5000, "", "short"],
        "a_name_of_exactly_thirty_two_abc": [1.0, 2.0, 3.0],
    }
)


def build(folder: Path, contract: Contract | None = None, **tables: pa.Table) -> Path:
    """Write a dataset's folder with these tables, to be sealed."""
    (folder / "data").mkdir(parents=True)
    for name, table in tables.items():
        pq.write_table(table, folder / "data" / f"{name}.parquet")
    drafted = contract or draft_contract("demo", {name: ibis.memtable(table) for name, table in tables.items()})
    write_contract(drafted, folder / "contract.yaml")
    return folder


@pytest.fixture
def make(tmp_path, make_draft):
    def dataset(contract: Contract | None = None, **tables: pa.Table) -> Dataset:
        folder = build(tmp_path / "dataset", contract, **tables)
        return open_tables(folder, card=seal(folder, make_draft()))

    return dataset


def export(dataset: Dataset, program: str, out: Path, **options: int):
    return write_for_program(dataset, read_contract(dataset.folder / "contract.yaml"), program, out, **options)


def plain(frame: pd.DataFrame) -> dict[str, list[object]]:
    """Give values that compare: None for missing, dates as dates, whole seconds."""

    def value(found: object) -> object:
        if found is None or found is pd.NaT or (isinstance(found, float) and math.isnan(found)):
            return None
        return found.to_pydatetime() if isinstance(found, pd.Timestamp) else found

    return {name: [value(found) for found in frame[name].tolist()] for name in frame.columns}


def expected() -> dict[str, list[object]]:
    """Give the table as SAS and Stata hold it: numbers are doubles, a missing text is the empty one."""
    values = TABLE.to_pydict()
    values["pnr"] = ["000000000001", "", "æøå"]
    values["price"] = [1.25, None, -3.5]
    values["is_old"] = [1, None, 0]
    return values


@pytest.mark.parametrize(("program", "read"), [("xpt", pyreadstat.read_xport), ("stata", pyreadstat.read_dta)])
def test_what_was_written_reads_back(program, read, make, tmp_path):
    written = export(make(lmdb=TABLE), program, tmp_path / "out")
    frame, about = read(written.files["lmdb"][0])
    found = plain(frame)
    assert {name: values for name, values in found.items() if name != "volume"} == {
        name: values for name, values in expected().items() if name != "volume"
    }
    # SAS keeps IBM's numbers: 14 hexadecimal digits, a relative error of at most 16 ** -13.
    for got, wanted in zip(found["volume"], TABLE["volume"].to_pylist(), strict=True):
        assert got == pytest.approx(wanted, rel=16.0**-13) if wanted is not None else got is None
    assert about.column_names == TABLE.column_names
    assert written.renamed == {}


def test_an_independent_reader_finds_the_same_in_the_stata_file(make, tmp_path):
    written = export(make(lmdb=TABLE), "stata", tmp_path / "out")
    found = plain(pd.read_stata(written.files["lmdb"][0], convert_categoricals=False))
    wanted = expected()
    wanted["eksd"] = [None if day is None else datetime(day.year, day.month, day.day) for day in wanted["eksd"]]  # noqa: DTZ001
    assert found == wanted


def test_an_independent_reader_finds_the_same_in_the_sas_file(make, tmp_path):
    """Reads the file by its published layout (SAS TS-140 and its version 8 extension), without any library."""
    written = export(make(lmdb=TABLE), "xpt", tmp_path / "out")
    columns, formats = read_xport_8(written.files["lmdb"][0].read_bytes())
    assert list(columns) == TABLE.column_names
    assert formats["eksd"] == "DATE"
    assert formats["at"] == "DATETIME"
    epoch = date(1960, 1, 1)
    assert columns["eksd"] == [-1.0, None, float((date(2024, 2, 29) - epoch).days)]
    assert columns["at"] == [1.0, None, (date(2024, 2, 29) - epoch).days * 86400.0 + 86399]
    assert columns["pnr"] == ["000000000001", "", "æøå"]
    assert columns["apk"] == [1.0, None, 2147483647.0]
    assert columns["many"] == [2.0**53, 0.0, -(2.0**53)]
    assert columns["note"] == ["x" * 5000, "", "short"]


def read_xport_8(data: bytes) -> tuple[dict[str, list[object]], dict[str, str]]:
    start = data.index(b"NAMSTV8 HEADER RECORD")
    n_columns = int(data[start + 28 : start + 40].strip(b"0") or data[start + 28 : start + 40])
    at = start - 20 + 80
    described = []
    for _ in range(n_columns):
        record = data[at : at + 140]
        is_text, _, length = struct.unpack(">hhh", record[:6])
        (position,) = struct.unpack(">i", record[84:88])
        name = record[88:120].decode().strip(" \0")
        described.append((name, is_text == 2, length, position, record[56:64].decode().strip(" \0")))
        at += 140
    marker = b"OBSV8   HEADER RECORD!!!!!!!"
    header = data.index(marker)
    n_rows = int(data[header + len(marker) : header + len(marker) + 15])
    body = data[header - 20 + 80 :]
    width = sum(length for _, _, length, _, _ in described)
    columns: dict[str, list[object]] = {}
    for name, is_text, length, position, _ in described:
        cells = [body[row * width + position :][:length] for row in range(n_rows)]
        columns[name] = [cell.decode().rstrip(" \0") if is_text else ibm_double(cell) for cell in cells]
    return columns, {name: form for name, _, _, _, form in described}


def ibm_double(cell: bytes) -> float | None:
    if cell[0] in b"._ABCDEFGHIJKLMNOPQRSTUVWXYZ" and not any(cell[1:]):
        return None
    (bits,) = struct.unpack(">Q", cell)
    fraction = bits & ((1 << 56) - 1)
    value = fraction * 16.0 ** (((bits >> 56) & 0x7F) - 64 - 14)
    return -value if bits >> 63 else value


@pytest.mark.parametrize(("program", "read"), [("xpt", pyreadstat.read_xport), ("stata", pyreadstat.read_dta)])
def test_a_long_table_comes_in_parts_of_the_same_rows(program, read, make, tmp_path):
    rows = pa.table({"n": pa.array(range(250_001), pa.int32()), "t": [f"{n % 7}" * (n % 7) for n in range(250_001)]})
    written = export(make(long=rows), program, tmp_path / "out", rows_a_file=100_000)
    parts = written.files["long"]
    assert [path.stem for path in parts] == ["long_001", "long_002", "long_003"]
    frames = [read(path)[0] for path in parts]
    assert [len(frame) for frame in frames] == [100_000, 100_000, 50_001]
    together = pd.concat(frames)
    assert together["n"].tolist() == list(range(250_001))
    assert together["t"].tolist() == rows["t"].to_pylist()
    said = written.reader.read_text()
    assert all(path.stem in said for path in parts)
    assert program == "stata" or "length t $6; set long_001 long_002 long_003;" in said


@pytest.mark.parametrize(("program", "read"), [("xpt", pyreadstat.read_xport), ("stata", pyreadstat.read_dta)])
def test_labels_come_from_the_contract_and_an_empty_table_keeps_its_columns(program, read, make, tmp_path):
    koen = Column("koen", "integer", description="Legal sex. And more.", codes=(Code(1, "man"), Code(2, "woman")))
    hba1c = Column("hba1c", "number", title="Long-term blood glucose, æ" * 9, unit="mmol/mol")
    contract = Contract("demo", "1.0.0", (Table("bef", (koen, hba1c)),))
    empty = pa.table({"koen": pa.array([], pa.int8()), "hba1c": pa.array([], pa.float64())})
    written = export(make(contract, bef=empty), program, tmp_path / "out")
    frame, about = read(written.files["bef"][0])
    assert len(frame) == 0
    labels = about.column_names_to_labels
    assert labels["koen"] == "Legal sex"
    longest = SAS.label_bytes if program == "xpt" else STATA.label_bytes
    assert labels["hba1c"] == cut(f"{hba1c.title} (mmol/mol)", longest)
    if program == "stata":
        assert about.variable_value_labels == {"koen": {1: "man", 2: "woman"}}


def test_names_are_made_fit_and_stay_different():
    given = valid_names(["koen", "Koen", "int", "str5", "1st", "Måling nr.", "x" * 40, "x" * 41, "with"], STATA)
    assert given == {
        "koen": "koen",
        "Koen": "Koen_2",
        "int": "int_",
        "str5": "str5_",
        "1st": "_1st",
        "Måling nr.": "Maaling_nr_",
        "x" * 40: "x" * 32,
        "x" * 41: "x" * 30 + "_2",
        "with": "with_",
    }
    assert valid_names(["int"], SAS) == {"int": "int"}


def test_renamed_columns_are_told(make, tmp_path):
    written = export(make(bef=pa.table({"int": [1], "using": ["a"]})), "stata", tmp_path / "out")
    assert written.renamed == {"bef.int": "int_", "bef.using": "using_"}


def test_a_label_is_cut_between_characters():
    assert cut("aæ", 2) == "a"
    assert label_of(None, SAS) is None
    assert label_of(Column("x", "number", unit="kg"), SAS) == "kg"


@pytest.mark.parametrize(
    ("program", "values", "why"),
    [
        ("xpt", pa.array([2**53 + 1]), "2^53"),
        ("stata", pa.array([2**53 + 1]), "2^53"),
        ("xpt", pa.array(["x" * 32_768]), "32,768 bytes"),
        ("stata", pa.array([[1, 2]]), "no counterpart"),
    ],
)
def test_what_cannot_be_held_is_refused_by_name_and_nothing_is_kept(program, values, why, make, tmp_path):
    dataset = make(bef=pa.table({"bad": values}))
    with pytest.raises(InvalidInputError, match=r"bef\.bad cannot be written") as caught:
        export(dataset, program, tmp_path / "out")
    assert why in caught.value.message
    assert {path.name for path in tmp_path.iterdir()} == {"dataset"}


def test_an_existing_folder_is_left_alone(make, tmp_path):
    (tmp_path / "out").mkdir()
    with pytest.raises(InvalidInputError, match="already"):
        export(make(bef=pa.table({"n": [1]})), "xpt", tmp_path / "out")


def test_a_damaged_file_leaves_nothing(make, tmp_path):
    dataset = make(bef=pa.table({"n": list(range(200_000))}))
    path = dataset.folder / "data" / "bef.parquet"
    path.chmod(0o644)
    damaged = bytearray(path.read_bytes())
    damaged[4 : len(damaged) // 2] = bytes(len(damaged) // 2 - 4)
    path.write_bytes(damaged)
    with pytest.raises(CorruptDatasetError):
        export(dataset, "xpt", tmp_path / "out")
    assert {found.name for found in tmp_path.iterdir()} == {"dataset"}


def test_a_full_disk_leaves_nothing(make, tmp_path, monkeypatch):
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pyreadstat, "write_dta", full)
    with pytest.raises(StorageFullError):
        export(make(bef=pa.table({"n": [1]})), "stata", tmp_path / "out")
    assert {found.name for found in tmp_path.iterdir()} == {"dataset"}
