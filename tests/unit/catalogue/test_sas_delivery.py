"""Yearly SAS files become a dataset: files that SAS itself wrote, and every way in which a column can be unfit."""

import gzip
import math
from datetime import date, datetime, time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sandkasse.actions.datasets import open_dataset
from sandkasse.actions.deliveries import DeliveryRequest, import_delivery
from sandkasse.catalogue.sas_columns import SasColumn, UnfitColumnError, arrow_type, convert
from sandkasse.catalogue.sas_delivery import look_over, write_delivery
from sandkasse.contract import Column, Contract, Reference, Table, write_contract
from sandkasse.core.errors import ContractViolationError, DatasetNotFoundError, InvalidInputError
from sandkasse.core.settings import Settings

FILES = Path(__file__).parent / "sas"
SAMPLE = Table(
    "sample",
    (
        Column("mychar", "string"),
        Column("mynum", "number"),
        Column("mydate", "date", physical_type="date32"),
        Column("dtime", "timestamp", physical_type="timestamp[ms]"),
        Column("mylabl", "integer", physical_type="int8"),
        Column("mytime", "time"),
    ),
)
CONTRACT = Contract("demo", "1.0.0", (SAMPLE, Table("other", (Column("x", "number"),))))
# What the publisher of the test files says is in them (its sample.csv); a sixth column, myord, is not asked for.
CONTENT = {
    "mychar": ["a", "b", "c", "d", "e"],
    "mynum": [1.1, 1.2, -1000.3, -1.4, 1000.3],
    "mydate": [date(2018, 5, 6), date(1880, 5, 6), date(1960, 1, 1), date(1583, 1, 1), None],
    "dtime": [
        datetime(2018, 5, 6, 10, 10, 10),  # noqa: DTZ001  SAS knows no zones
        datetime(1880, 5, 6, 10, 10, 10),  # noqa: DTZ001
        datetime(1960, 1, 1),  # noqa: DTZ001
        datetime(1583, 1, 1),  # noqa: DTZ001
        None,
    ],
    "mylabl": [1, 2, 1, 2, 1],
    "mytime": [time(10, 10, 10), time(23, 10, 10), time(0, 0), time(16, 10, 10), None],
}


def place(folder: Path, **names: str) -> Path:
    """Unpack test files under the names that a delivery would have: `place(folder, sample2019="sample")`."""
    folder.mkdir(exist_ok=True)
    for name, source in names.items():
        (folder / f"{name}.sas7bdat").write_bytes(gzip.decompress((FILES / f"{source}.sas7bdat.gz").read_bytes()))
    return folder


@pytest.fixture
def delivery(tmp_path: Path) -> Path:
    return place(tmp_path / "delivery", sample2019="sample", SAMPLE_2020="sample_bincompressed")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", content=tmp_path / "content")


def request(folder: Path, contract: Path, **changes: str) -> DeliveryRequest:
    values = {"folder": folder, "contract": str(contract), "dataset_id": "delivered", "tier": "simulated"}
    return DeliveryRequest(**{**values, **changes})


@pytest.fixture
def contract_file(tmp_path: Path) -> Path:
    write_contract(CONTRACT, tmp_path / "demo.yaml")
    return tmp_path / "demo.yaml"


def test_years_become_parts_of_one_table_that_opens_as_usual(delivery, settings, contract_file):
    told: list[tuple[int, int]] = []
    found = import_delivery(
        settings, request(delivery, contract_file), progress=lambda done, total, _unit: told.append((done, total))
    )
    assert found.card.rows == {"sample": 10}
    assert found.absent == ("other",)
    assert found.ignored == ("sample2019.sas7bdat: column myord", "SAMPLE_2020.sas7bdat: column myord")
    assert told[-1] == (10, 10)
    dataset = open_dataset(settings, "demo")
    table = dataset["sample"].to_pyarrow()
    assert table.num_rows == 10
    for name, values in CONTENT.items():
        assert table[name].to_pylist() == values * 2, name
    assert table.schema.field("mylabl").type == pa.int8()
    assert table.schema.field("mydate").type == pa.date32()
    assert "Not delivered: other." in found.card.known_faults
    assert [file.path for file in found.card.files] == [
        "data/sample/part-00000.parquet",
        "data/sample/part-00001.parquet",
    ]


def test_a_large_file_is_read_in_parts(delivery, tmp_path):
    (tmp_path / "out").mkdir()
    write_delivery(look_over(delivery, CONTRACT), tmp_path / "out", rows_a_part=2)
    parts = sorted((tmp_path / "out" / "data" / "sample").iterdir())
    assert [pq.read_metadata(path).num_rows for path in parts] == [2, 2, 1, 2, 2, 1]
    assert pa.concat_tables(pq.read_table(path) for path in parts)["mynum"].to_pylist() == CONTENT["mynum"] * 2


def test_what_does_not_fit_is_named_by_file_and_column_in_one_list(delivery):
    unfit = Table(
        "sample",
        (Column("mychar", "integer"), Column("mynum", "date"), Column("mydate", "number"), Column("absent", "string")),
    )
    place(delivery, sample2021="date_test")
    with pytest.raises(InvalidInputError) as caught:
        look_over(delivery, Contract("demo", "1.0.0", (unfit,)))
    lines = caught.value.message.splitlines()
    assert "- sample2019.sas7bdat has no column absent" in lines
    assert (
        "- sample2019.sas7bdat, column mynum: it is a number without a format for dates or times, "
        "and the contract promises date" in lines
    )
    assert "- SAMPLE_2020.sas7bdat, column mydate: it is a date, and the contract promises number" in lines
    assert "- sample2021.sas7bdat has no column mychar" in lines


def test_values_that_do_not_fit_are_counted_and_never_quoted(delivery, settings, contract_file):
    columns = (Column("mychar", "integer"), Column("mynum", "integer"))
    write_contract(Contract("demo", "1.0.0", (Table("sample", columns),)), contract_file)
    with pytest.raises(InvalidInputError) as caught:
        import_delivery(settings, request(delivery, contract_file))
    assert "sample2019.sas7bdat, column mychar: 5 rows hold a text that is no integer" in caught.value.message
    assert not list(settings.datasets.glob("*/*/card.yaml"))


def test_a_contract_that_is_not_kept_is_said_and_nothing_is_published(delivery, settings, contract_file):
    columns = (Column("mynum", "number", minimum=0.0),)
    write_contract(Contract("demo", "1.0.0", (Table("sample", columns),)), contract_file)
    with pytest.raises(ContractViolationError):
        import_delivery(settings, request(delivery, contract_file))
    assert not list(settings.datasets.glob("*/*/card.yaml"))


def test_a_file_that_was_cut_short_is_said(delivery, settings, contract_file):
    path = delivery / "sample2019.sas7bdat"
    for keep in (100, 70_000):
        path.write_bytes(path.read_bytes()[:keep])
        with pytest.raises(InvalidInputError, match=r"sample2019\.sas7bdat") as caught:
            import_delivery(settings, request(delivery, contract_file))
        assert "copy it again" in caught.value.next_step
        place(delivery, sample2019="sample")


def test_folders_names_and_tiers_that_cannot_be_are_refused(tmp_path, delivery, settings, contract_file):
    for folder in (tmp_path / "nowhere", place(tmp_path / "else", lmdb2019="sample")):
        with pytest.raises(InvalidInputError, match=r"holds no \.sas7bdat file of a table of demo"):
            look_over(folder, CONTRACT)
    with pytest.raises(InvalidInputError, match="tier 'secret'"):
        import_delivery(settings, request(delivery, contract_file, tier="secret"))
    with pytest.raises(DatasetNotFoundError, match="no dataset that keeps the contract"):
        import_delivery(settings, request(delivery, Path("demos")))


def test_names_match_tables_whatever_their_case_and_the_longest_wins(tmp_path):
    tables = (*CONTRACT.tables, Table("sample_b", SAMPLE.columns))
    folder = place(tmp_path / "d", Sample="sample", sample_b201912="sample", samples2019="sample", SAMPLE_B="sample")
    found = look_over(folder, Contract("demo", "1.0.0", tables))
    assert [(file.table, file.path.name) for file in found.files] == [
        ("sample", "Sample.sas7bdat"),
        ("sample_b", "SAMPLE_B.sas7bdat"),
        ("sample_b", "sample_b201912.sas7bdat"),
    ]
    assert "samples2019.sas7bdat: names no table of demo" in found.ignored


def test_a_reference_to_a_table_that_was_not_delivered_is_left_out(delivery):
    referring = Table("sample", SAMPLE.columns, references=(Reference(("mychar",), "other", ("x",)),))
    found = look_over(delivery, Contract("demo", "1.0.0", (referring, CONTRACT.tables[1])))
    assert found.contract.tables[0].references == ()


def test_every_date_format_of_sas_is_known(tmp_path):
    wanted = {
        "patno": "number",
        **dict.fromkeys(("dtc1", "dtc2", "dtc3", "dtc4", "yr"), "date"),
        "tm1": "time",
        **dict.fromkeys(("dt1", "dt2"), "timestamp"),
    }
    columns = tuple(Column(name, kind) for name, kind in wanted.items())
    place(tmp_path, dates="date_test")
    (file,) = look_over(tmp_path, Contract("demo", "1.0.0", (Table("dates", columns),))).files
    assert {name: column.kind for name, column in file.columns.items()} == wanted


NUMBER, TEXT = SasColumn("C", is_text=False, format="BEST12"), SasColumn("C", is_text=True, format="$10")
DATE, DATE_TIME = SasColumn("C", is_text=False, format="DATE9"), SasColumn("C", is_text=False, format="DATETIME20")
KOM = Column("kom", "string", pattern="^[0-9]{3}$")


@pytest.mark.parametrize(
    ("values", "found", "promised", "wanted"),
    [
        (["a  ", "", " b"], TEXT, Column("c", "string"), ["a", None, " b"]),
        ([7.0, 101.0, None], NUMBER, KOM, ["007", "101", None]),
        ([7.0], NUMBER, Column("c", "string", min_length=2, max_length=2), ["07"]),
        (["12", ""], TEXT, Column("c", "integer", physical_type="int8"), [12, None]),
        (["1.5", "-2"], TEXT, Column("c", "number"), [1.5, -2.0]),
        (["2019-12-31", "20200229", ""], TEXT, Column("c", "date"), [date(2019, 12, 31), date(2020, 2, 29), None]),
        ([0.0, None, -1.0], DATE, Column("c", "date"), [date(1960, 1, 1), None, date(1959, 12, 31)]),
        ([86400.0], DATE_TIME, Column("c", "date"), [date(1960, 1, 2)]),
        ([1.0, 0.0, None], NUMBER, Column("c", "boolean"), [True, False, None]),
        ([127.0, -128.0], NUMBER, Column("c", "integer", physical_type="int8"), [127, -128]),
    ],
)
def test_values_become_what_the_contract_promises(values, found, promised, wanted):
    column = convert(values, found, promised, is_required=False)
    assert column.to_pylist() == wanted
    assert column.type == arrow_type(promised)


def test_an_empty_text_is_missing_only_where_it_may_be():
    assert convert(["", "a"], TEXT, Column("c", "string"), is_required=True).to_pylist() == ["", "a"]


@pytest.mark.parametrize(
    ("values", "found", "promised", "why"),
    [
        ([0.5], NUMBER, Column("c", "integer"), "1 row holds a number that is not whole"),
        ([128.0, 1.0], NUMBER, Column("c", "integer", physical_type="int8"), "1 row holds"),
        ([math.inf], NUMBER, Column("c", "integer"), "1 row holds"),
        ([2.0, 3.0], NUMBER, Column("c", "boolean"), "2 rows hold a number other than 0 and 1"),
        ([1000.0], NUMBER, KOM, "more than 3 digits"),
        ([1.0], NUMBER, Column("c", "string"), "without saying how many digits"),
        ([1.0], DATE, KOM, "it is a date, and the contract promises a text"),
        (["2019-02-30"], TEXT, Column("c", "date"), "dates of the calendar"),
        (["1 January"], TEXT, Column("c", "date"), "no date like"),
        (["x"], TEXT, Column("c", "number"), "no number"),
        (["300"], TEXT, Column("c", "integer", physical_type="int8"), "int8"),
        (["1"], TEXT, Column("c", "boolean"), "promises boolean"),
        ([3600.0], DATE_TIME, Column("c", "date"), "not midnight"),
        ([0.5], DATE, Column("c", "date"), "not whole"),
        ([1.0], DATE, Column("c", "timestamp"), "it is a date, and the contract promises timestamp"),
        ([1.0], NUMBER, Column("c", "vector"), "which SAS does not have"),
    ],
)
def test_what_cannot_be_kept_is_refused_without_a_value(values, found, promised, why):
    with pytest.raises(UnfitColumnError, match=why):
        convert(values, found, promised, is_required=False)
