"""Files with the same rows have the same bytes, whatever the number of threads and the order of the registers' rows."""

from dataclasses import dataclass, replace
from datetime import date
from hashlib import sha256

import numpy as np
import pyarrow as pa
import pytest

from sandkasse.transforms.omop.build import Release, build_omop, row_order
from sandkasse.transforms.omop.definitions import read_definitions
from sandkasse.transforms.omop.plan import STEPS

RELEASE = Release("Made up", "made-up", "nobody", "Many purchases", "tests", date(2025, 1, 1), date(2025, 1, 2))
PERSONS, PURCHASES = (
    4_000,
    300_000,
)  # more than two of the engine's row groups of 122,880 rows, so that threads share them


@dataclass(frozen=True)
class WithThreads:
    """Does every task here, with so many threads of the engine."""

    threads: int

    def run(self, work, tasks, *, prepare):
        prepare()
        for task in tasks:
            yield work(replace(task, threads=self.threads))


@pytest.fixture(scope="module")
def many():
    """Give registers with many purchases, made without any randomness."""
    number = np.arange(PERSONS)
    pnr = np.char.zfill((number * 7 + 11).astype(str), 12)
    row = np.arange(PURCHASES)
    whose = (row * 2_654_435_761) % PERSONS
    day = (np.datetime64("1996-01-01") + (row * 40_503) % 10_000).astype("datetime64[D]")
    codes = np.array(["A10BA02", "A10BD07", "C10AA01", "Z99ZZ99"])
    return {
        "bef": pa.table(
            {
                "pnr": pnr,
                "koen": pa.array(number % 2 + 1, pa.int8()),
                "foed_dato": pa.array(np.datetime64("1930-01-01") + number % 20_000, pa.date32()),
                "kom": np.where(number % 3, "101", "751"),
                "referencetid": pa.array(np.full(PERSONS, "1995-01-01", dtype="datetime64[D]"), pa.date32()),
            }
        ),
        "lmdb": pa.table(
            {
                "pnr": pnr[whose],
                "eksd": pa.array(day, pa.date32()),
                "atc": codes[row % 4],
                "volume": (row % 5 + 1) * 10.0,
                "apk": pa.array(row % 3 + 1, pa.int32()),
            }
        ),
    }


@pytest.fixture
def checksums(tmp_path, write_registers):
    """Give a function that builds with so many threads, and gives each file's checksum."""

    def run(tables, name, threads):
        out = tmp_path / name
        out.mkdir()
        files = write_registers(tables, f"{name}-registers")
        build_omop(files, out, release=RELEASE, runner=WithThreads(threads))
        return {str(path.relative_to(out)): sha256(path.read_bytes()).hexdigest() for path in out.rglob("*.parquet")}

    return run


def test_threads_and_the_order_of_rows_do_not_change_a_byte(many, checksums):
    turned = {name: table.take(np.arange(table.num_rows)[::-1]) for name, table in many.items()}
    one = checksums(many, "one", 1)
    assert checksums(many, "four", 4) == one
    assert checksums(turned, "turned", 3) == one
    assert {"drug_exposure/part-00000.parquet", "drug_era/part-00000.parquet"} <= set(one)


def test_every_table_is_written_in_the_order_of_persons_days_and_keys():
    for step in STEPS:
        if not step.is_omop:
            continue
        fields = [field.name for field in read_definitions()[step.name].fields]
        order = row_order(step.name)
        assert order, step.name
        assert set(order) <= set(fields), step.name
        assert order[0] == "person_id" or "person_id" not in fields, step.name
    assert row_order("drug_exposure") == ("person_id", "drug_exposure_start_date", "drug_exposure_id")
