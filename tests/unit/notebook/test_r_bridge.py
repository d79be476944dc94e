"""Columns that travel to R and back: every value stays what it was, and what R cannot hold is refused."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandkasse.core.errors import AnswerShapeError, InvalidInputError
from sandkasse.notebook import r_bridge as bridge
from sandkasse.notebook.check import VerdictCard
from sandkasse.training.verdict import Verdict

DAY = date(1899, 12, 31)
NOON = datetime(2024, 2, 29, 12, 0, 0, 250_000)  # noqa: DTZ001  registers have local times without a zone


def there_and_back(column: pa.Array, folder) -> tuple[str, list[object]]:
    stem = str(folder / "column")
    kind = bridge.write_column(pa.table({"x": column}), 0, stem)
    return kind, bridge.read_columns(["x"], [kind], [stem]).column("x").to_pylist()


@pytest.mark.parametrize(
    ("column", "kind", "values"),
    [
        (pa.array([True, None, False]), "logical", [True, None, False]),
        (pa.array([None, None], pa.null()), "logical", [None, None]),
        (pa.array([-(2**31) + 1, None, 2**31 - 1], pa.int32()), "integer", [-(2**31) + 1, None, 2**31 - 1]),
        (pa.array([1, None], pa.int8()), "integer", [1, None]),
        (pa.array([-(2**31)], pa.int32()), "double", [-(2.0**31)]),
        (pa.array([2**53, None], pa.int64()), "double", [2.0**53, None]),
        (pa.array([2**32 - 1], pa.uint32()), "double", [2.0**32 - 1]),
        (pa.array([0.1, None], pa.float64()), "double", [0.1, None]),
        (pa.array([Decimal("1.25"), None]), "double", [1.25, None]),
        (pa.array([DAY, None, date(9999, 12, 31)]), "Date", [DAY, None, date(9999, 12, 31)]),
        (pa.array([NOON, None]), "POSIXct", [NOON, None]),
        (pa.array(["æ", "", None, "æ", "a\nb\0c"]), "character", ["æ", "", None, "æ", "a\nb\0c"]),
        (pa.array(["x", None]).dictionary_encode(), "character", ["x", None]),
        (pa.array([None, None], pa.string()), "character", [None, None]),
        (pa.array([], pa.string()), "character", []),
    ],
)
def test_values_come_back(column, kind, values, tmp_path):
    assert there_and_back(column, tmp_path) == (kind, values)


@given(texts=st.lists(st.none() | st.text(st.characters(codec="utf-8"))))
def test_any_text_comes_back(texts, tmp_path_factory):
    assert there_and_back(pa.array(texts, pa.string()), tmp_path_factory.mktemp("r"))[1] == texts


def test_a_missing_number_is_r_s_own_and_not_merely_not_a_number(tmp_path):
    bridge.write_column(pa.table({"x": [1.0, None, float("nan")]}), 0, str(tmp_path / "c"))
    bits = np.fromfile(tmp_path / "c.values", "<u8")
    assert bits[1] & 0xFFFFFFFF == 1954  # how R tells NA from NaN
    assert bits[2] & 0xFFFFFFFF != 1954


def test_a_duration_becomes_seconds(tmp_path):
    assert bridge.write_column(pa.table({"x": [timedelta(minutes=1)]}), 0, str(tmp_path / "c")) == "difftime"
    assert np.fromfile(tmp_path / "c.values", "<f8").tolist() == [60.0]


@pytest.mark.parametrize("column", [pa.array([2**53 + 1]), pa.array([[1]]), pa.array([b"x"]), pa.array([{"a": 1}])])
def test_what_r_cannot_hold_is_refused_with_a_way_out(column, tmp_path):
    with pytest.raises(InvalidInputError, match="R") as caught:
        there_and_back(column, tmp_path)
    assert "AS VARCHAR" in caught.value.next_step


def test_a_column_of_an_unknown_kind_is_refused(tmp_path):
    (tmp_path / "c.values").write_bytes(b"")
    with pytest.raises(AnswerShapeError, match="complex"):
        bridge.read_columns(["x"], ["complex"], [str(tmp_path / "c")])


@pytest.fixture
def dataset(tmp_path, monkeypatch):
    monkeypatch.setenv("SANDKASSE_HOME", str(tmp_path))
    return bridge.open_for_r("steno-2")


def test_an_answer_is_stopped_before_it_fills_the_memory(dataset):
    with pytest.raises(InvalidInputError, match="more than 1,000 values"):
        bridge.ask(dataset, "SELECT * FROM visits", 1000)
    assert bridge.ask(dataset, "SELECT count(*) AS n FROM visits", 1000).to_pylist() == [{"n": 750}]


def test_errors_name_columns_and_never_quote_values(dataset):
    with pytest.raises(InvalidInputError, match="heigth"):
        bridge.ask(dataset, "SELECT heigth FROM visits", 1e9)
    assert bridge.last_error()[0] == "InvalidInputError"
    with pytest.raises(InvalidInputError) as caught:
        bridge.ask(dataset, "SELECT CAST('secret' AS INTEGER) FROM visits", 1e9)
    assert "secret" not in str(caught.value)
    with pytest.raises(InvalidInputError, match="not a query"):
        bridge.ask(dataset, "-- nothing", 1e9)


def test_a_placed_table_can_be_joined_and_hides_none(dataset):
    bridge.place_table(dataset, "mine", pa.table({"a": [1, 2]}))
    assert bridge.ask(dataset, "SELECT sum(a) AS s FROM mine", 10).column("s").to_pylist() == [3]
    with pytest.raises(InvalidInputError, match="visits"):
        bridge.place_table(dataset, "visits", pa.table({"a": [1]}))


def test_a_table_is_described_by_its_contract(dataset):
    names, types, units, meanings = bridge.describe_table(dataset, "visits")
    assert len(names) == len(types) == len(units) == len(meanings)
    assert any(units)
    assert all(meanings)


@pytest.mark.parametrize(("score", "passed", "told"), [(0.8, False, "no"), (0.0, True, "yes"), (None, True, "yes")])
def test_what_r_hears_is_whether_it_passed_and_not_how_well(monkeypatch, score, passed, told):
    verdict = Verdict(module="m", exercise="e", passed=passed, says="Said.", score=score, pass_at=0.9)
    monkeypatch.setattr(bridge, "check", lambda exercise, answer: VerdictCard(verdict))
    found, text, html, as_json = bridge.check_from_r("e", "value", 1.0)
    assert found == told
    assert "Said." in text
    assert html.startswith("<div")
    assert Verdict.from_json(as_json.encode()) == verdict


def test_a_blank_from_r_is_told_in_r_s_words():
    found, text, html, as_json = bridge.check_from_r("e", "blank", None)
    assert (found, as_json) == ("blank", "")
    assert "NULL" in text
    assert "NULL" in html
    assert "three dots" not in text + html


def test_a_date_of_r_with_a_part_of_a_day_is_its_day(tmp_path):
    """R counts days in doubles; half a day after midnight is still that day, also before 1970."""
    np.array([0.5, -0.5, np.nan, 10_957.0], "<f8").tofile(tmp_path / "column.values")
    read = bridge.read_columns(["x"], ["Date"], [str(tmp_path / "column")])["x"].to_pylist()
    assert read == [date(1970, 1, 1), date(1969, 12, 31), None, date(2000, 1, 1)]
