"""What a learner may have in hand, made into an answer."""

from datetime import date

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sandkasse.core.errors import AnswerShapeError
from sandkasse.training.answers import is_blank, read_answer_text, to_answer

ROWS = {"pnr": ["000000000001", "000000000002"], "type": ["T1D", "T2D"]}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (3, 3),
        (2.5, 2.5),
        ("onset", "onset"),
        (True, True),
        (np.int64(3), 3),
        (np.float32(0.5), 0.5),
        (np.bool_(True), True),
        (np.array(7), 7),
        (date(2020, 1, 2), "2020-01-02"),
        (pd.Timestamp("2020-01-02 08:00"), "2020-01-02"),
        (pa.scalar(4), 4),
        (ibis.literal(5) + 1, 6),
        (ibis.memtable(ROWS).count(), 2),
    ],
)
def test_single_values(value, expected):
    found = to_answer(value)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    "value",
    [
        pa.table(ROWS),
        pa.table(ROWS).to_batches()[0],
        pd.DataFrame(ROWS),
        pd.DataFrame(ROWS).astype("category"),
        pd.DataFrame(ROWS).set_index("pnr"),
        pd.DataFrame(ROWS, index=[7, 9]),
        ibis.memtable(ROWS),
        ROWS,
        {"pnr": np.array(ROWS["pnr"], dtype=object), "type": pd.Series(ROWS["type"])},
    ],
    ids=lambda value: type(value).__module__.partition(".")[0],
)
def test_tables(value):
    found = to_answer(value)
    assert {name: found[name].to_pylist() for name in found.column_names} == ROWS


@pytest.mark.parametrize(
    "value",
    [
        ROWS["pnr"],
        tuple(ROWS["pnr"]),
        np.array(ROWS["pnr"]),
        pd.Series(ROWS["pnr"]),
        pd.Series(ROWS["pnr"], name="pnr"),
        ibis.memtable(ROWS).pnr,
    ],
    ids=lambda value: type(value).__name__,
)
def test_lists_of_persons(value):
    found = to_answer(value)
    assert found["pnr"].to_pylist() == ROWS["pnr"]


@pytest.mark.parametrize("value", [(1, 2), [1.0, 2.0], np.array([1.0, 2.0])])
def test_two_numbers_are_an_interval(value):
    assert to_answer(value).to_pydict() == {"low": [1.0], "high": [2.0]}


@pytest.mark.parametrize("value", [object(), [1, 2, 3], [object()], len, b"bytes", 1j])
def test_other_things_are_refused_by_their_type(value):
    with pytest.raises(AnswerShapeError, match="Expected a number, a text or a table"):
        to_answer(value)


def test_mixed_columns_are_refused_without_their_values():
    with pytest.raises(AnswerShapeError) as caught:
        to_answer(pd.DataFrame({"pnr": ["secret-person", 3]}))
    assert "secret-person" not in str(caught.value)


def test_three_dots_and_nothing_are_blank():
    assert is_blank(...)
    assert is_blank(None)
    assert not is_blank(0)
    assert not is_blank("")


def test_files_and_typed_values(tmp_path):
    (tmp_path / "a.csv").write_text("pnr,n\n000000000001,1\n")
    pq.write_table(pa.table(ROWS), tmp_path / "a.parquet")
    assert read_answer_text(str(tmp_path / "a.csv")).to_pydict() == {"pnr": ["000000000001"], "n": [1]}
    assert read_answer_text(str(tmp_path / "a.parquet")).to_pydict() == ROWS
    assert read_answer_text("3.5") == 3.5
    assert read_answer_text("onset") == "onset"
    (tmp_path / "b.parquet").write_text("no parquet")
    for name in ("b.parquet", "missing.csv"):
        with pytest.raises(AnswerShapeError, match="not a readable table"):
            read_answer_text(str(tmp_path / name))
