"""Profiles count what is there; compared with a plain count in Python."""

import math
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sandkasse.catalogue import profile as module
from sandkasse.catalogue.card import CardDraft
from sandkasse.catalogue.open import open_tables
from sandkasse.catalogue.profile import (
    N_BINS,
    N_VALUES,
    ColumnProfile,
    TableProfile,
    from_plain,
    measure_profile,
    to_plain,
)
from sandkasse.catalogue.seal import seal
from sandkasse.contract import Code, Column, Contract, Key, Table, write_contract
from sandkasse.core.errors import ColumnNotFoundError

N = 5_000
RNG = np.random.default_rng(20_240_101)
DRAWN: dict[str, Any] = {
    "pnr": [f"p{number:05}" for number in range(N)],
    "koen": pa.array(RNG.integers(1, 3, N), pa.int8()),
    "age": pa.array(RNG.integers(0, 100, N), pa.int32()),
    "value": pa.array(RNG.normal(50, 10, N), mask=RNG.random(N) < 0.1),
    "far": pa.array([*RNG.normal(0, 1, N - 2), 1e9, -1e9]),
    "day": pa.array([date(1990, 1, 1) + timedelta(days=int(d)) for d in RNG.integers(0, 9_000, N)]),
    "at": pa.array([datetime(2019, 1, 1) + timedelta(minutes=int(m)) for m in RNG.integers(0, 10**6, N)]),  # noqa: DTZ001
    "atc": pa.array([f"A{int(code):03}" for code in RNG.geometric(0.02, N)]),
    "never": pa.array([None] * N, pa.float64()),
    "one": pa.array([7.5] * N),
    "broken": pa.array([math.nan, math.inf, *RNG.random(N - 2)]),
}
TYPES: dict[str, Any] = {
    "koen": "integer",
    "age": "integer",
    "value": "number",
    "far": "number",
    "day": "date",
    "at": "timestamp",
    "atc": "string",
    "never": "number",
    "one": "number",
    "broken": "number",
}


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> TableProfile:
    folder = tmp_path_factory.mktemp("profile")
    (folder / "data").mkdir()
    data = {name: column for name, column in DRAWN.items() if name != "broken"}
    pq.write_table(pa.table(data), folder / "data" / "t.parquet")
    codes = (Code(1, "man"), Code(2, "woman"))
    columns = (
        Column(name="pnr", type="string"),
        *(
            Column(name=name, type=kind, codes=codes if name == "koen" else ())
            for name, kind in TYPES.items()
            if name != "broken"
        ),
    )
    contract = Contract(
        name="c", version="1.0.0", tables=(Table(name="t", columns=columns, keys=(Key(("pnr",), primary=True),)),)
    )
    write_contract(contract, folder / "contract.yaml")
    seal(folder, _draft())
    return measure_profile(open_tables(folder), "t", contract=contract)


def _draft() -> CardDraft:
    return CardDraft.model_validate(
        {
            "id": "c",
            "version": "1.0.0",
            "title": "T",
            "summary": "S",
            "domain": "registers",
            "tier": "simulated",
            "licence": {"name": "CC0-1.0", "url": "https://spdx.org/licenses/CC0-1.0.html"},
            "publisher": "P",
            "how_published": "H",
            "anonymity": "A",
            "created": "2026-01-01",
            "how_to_get_real": "R",
        }
    )


def plain(name: str) -> list[Any]:
    column = DRAWN[name]
    return column if isinstance(column, list) else column.to_pylist()


@pytest.mark.parametrize("name", [name for name in DRAWN if name != "broken"])
def test_rows_are_counted_once_and_nulls_apart(measured: TableProfile, name: str) -> None:
    column, values = measured.column(name), plain(name)
    assert measured.rows == N
    assert column.nulls == sum(value is None for value in values)
    assert column.distinct == len(set(values) - {None})
    assert column.distinct_is_exact
    if column.kind == "histogram":
        assert sum(column.counts) + column.n_below + column.n_above + column.nulls == N
    if column.kind == "values":
        assert sum(value.n for value in column.values) + column.n_other + column.nulls == N


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("pnr", "identifier"),
        ("koen", "values"),
        ("age", "histogram"),
        ("value", "histogram"),
        ("day", "histogram"),
        ("at", "histogram"),
        ("atc", "values"),
        ("never", "empty"),
        ("one", "values"),
    ],
)
def test_a_column_is_described_as_suits_it(measured: TableProfile, name: str, kind: str) -> None:
    assert measured.column(name).kind == kind


def test_the_commonest_values_come_first_with_what_they_mean(measured: TableProfile) -> None:
    sexes = Counter(plain("koen"))
    assert {(value.value, value.label, value.n) for value in measured.column("koen").values} == {
        (1, "man", sexes[1]),
        (2, "woman", sexes[2]),
    }
    codes = Counter(plain("atc"))
    shown = measured.column("atc").values
    assert len(shown) == N_VALUES
    assert [value.n for value in shown] == [n for _, n in codes.most_common(N_VALUES)]


def _recount(column: ColumnProfile, values: list[float], edges: list[float]) -> list[int]:
    return np.histogram([value for value in values if value is not None], bins=edges)[0].tolist()  # type: ignore[no-any-return]


def test_a_histogram_of_numbers_equals_numpys(measured: TableProfile) -> None:
    for name in ("age", "value"):
        column = measured.column(name)
        assert list(column.counts) == _recount(column, plain(name), [float(edge) for edge in column.edges])


def test_a_histogram_of_days_equals_numpys(measured: TableProfile) -> None:
    column = measured.column("day")
    edges = [date.fromisoformat(str(edge)).toordinal() for edge in column.edges]
    assert list(column.counts) == _recount(column, [day.toordinal() for day in plain("day")], edges)


def test_a_histogram_of_times_has_every_time_in_its_bar(measured: TableProfile) -> None:
    column = measured.column("at")
    edges = [datetime.fromisoformat(str(edge)).timestamp() for edge in column.edges]
    assert list(column.counts) == _recount(column, [at.timestamp() for at in plain("at")], edges)


def test_bars_of_whole_numbers_are_equally_wide(measured: TableProfile) -> None:
    edges = [float(edge) for edge in measured.column("age").edges]
    widths = {after - before for before, after in pairwise(edges)}
    assert len(widths) == 1
    assert widths.pop().is_integer()


def test_far_values_do_not_flatten_the_picture(measured: TableProfile) -> None:
    column = measured.column("far")
    assert len(column.counts) == N_BINS
    assert column.n_below >= 1
    assert column.n_above >= 1
    assert sum(count > 0 for count in column.counts) == N_BINS


def test_a_profile_survives_being_kept(measured: TableProfile) -> None:
    assert from_plain(to_plain(measured)) == measured


def test_an_unknown_column_names_the_nearest(measured: TableProfile) -> None:
    with pytest.raises(ColumnNotFoundError, match="did you mean koen"):
        measured.column("kon")


def test_a_large_table_is_estimated_and_says_so(
    measured: TableProfile, monkeypatch: pytest.MonkeyPatch, make_sealed: Callable[..., tuple[Path, Any]]
) -> None:
    monkeypatch.setattr(module, "COUNTED_EXACTLY_UP_TO", 2)
    folder, _ = make_sealed()
    column = measure_profile(open_tables(folder), "bef").column("koen")
    assert not column.distinct_is_exact
    assert column.distinct == 2


def test_what_is_not_a_number_is_left_out_of_the_bars() -> None:
    """A contract refuses such values, so no dataset can hold them: the table comes from memory."""
    data = pa.table({"value": DRAWN["broken"]})

    class Connectionless:
        card = type("C", (), {"rows": {"t": N}})
        tables = ("t",)

        def __getitem__(self, _table: str) -> Any:
            return ibis.memtable(data)

        def collect(self, expression: Any) -> pa.Table:
            return expression.to_pyarrow()

    column = measure_profile(Connectionless(), "t").column("value")  # type: ignore[arg-type]
    assert column.kind == "histogram"
    assert all(math.isfinite(float(edge)) for edge in column.edges)
    assert sum(column.counts) + column.n_below + column.n_above == N - 2


def test_yearly_dates_stand_in_bars_of_whole_years_and_make_no_comb():
    years = [date(year, 1, 1) for year in range(1986, 2025)]
    data = ibis.memtable(pa.table({"day": pa.array(years * 3)}))
    edges, index = module._by_years(data.day, (years[0] - date(1970, 1, 1)).days, (years[-1] - date(1970, 1, 1)).days)
    counted = ibis.duckdb.connect().to_pyarrow(data.group_by(bar=index).aggregate(n=data.count()).order_by("bar"))
    assert counted["bar"].to_pylist() == list(range(39))
    assert set(counted["n"].to_pylist()) == {3}
    assert len(edges) == 40


def test_values_of_many_kinds_are_drawn_for_the_commonest_with_its_unit(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    kinds = ["NPU27300"] * 300 + ["NPU18016"] * 200
    units = ["mmol/mol"] * 299 + [None] + ["umol/L"] * 200
    values = [*np.linspace(20, 120, 300), *np.linspace(30, 900, 200)]
    pq.write_table(pa.table({"code": kinds, "value": values, "unit": units}), tmp_path / "data" / "t.parquet")
    columns = (
        Column(name="code", type="string", code_system="NPU"),
        Column(name="value", type="number", described_by="code"),
        Column(name="unit", type="string"),
    )
    contract = Contract(name="c", version="1.0.0", tables=(Table(name="t", columns=columns),))
    write_contract(contract, tmp_path / "contract.yaml")
    seal(tmp_path, _draft())
    profile = measure_profile(open_tables(tmp_path), "t", contract=contract)
    column = profile.column("value")
    assert (column.only, column.only_unit) == ("code NPU27300 (haemoglobin A1c (IFCC))", "mmol/mol")
    assert sum(column.counts) == 300
    assert column.edges[0] == pytest.approx(20)
    assert column.edges[-1] == pytest.approx(120)
    assert from_plain(to_plain(profile)) == profile
