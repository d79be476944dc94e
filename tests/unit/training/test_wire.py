"""Answers as they travel, and what an attacker may send instead."""

import struct
from datetime import date, datetime

import numpy as np
import orjson
import pyarrow as pa
import pytest

from sandkasse.core.errors import AnswerShapeError
from sandkasse.training import wire
from sandkasse.training.wire import ARROW_TYPE, JSON_TYPE, Submission, plain_table, read_submission, write_submission

MORNING = datetime(2020, 1, 1, 8, 0)  # noqa: DTZ001  registers' times have no zone


def stream(table: pa.Table, name: str = "who", **options: object) -> bytes:
    sink = pa.BufferOutputStream()
    table = table.replace_schema_metadata({"exercise": name})
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


@pytest.mark.parametrize("value", [3, 2.5, "onset", True, False])
def test_one_value_comes_back_as_it_was(value):
    content_type, body = write_submission(Submission("who", value))
    assert content_type == JSON_TYPE
    found = read_submission(content_type, body)
    assert found == Submission("who", value)
    assert type(found.answer) is type(value)


@pytest.mark.parametrize(
    ("value", "got"),
    [(float("nan"), "not finite"), (float("-inf"), "not finite"), (10**30, "64 bits"), ("\ud800", "not Unicode")],
)
def test_a_value_that_cannot_travel_is_refused_where_it_is_handed_in(value, got):
    with pytest.raises(AnswerShapeError, match=got):
        write_submission(Submission("who", value))


def test_a_table_comes_back_as_it_was():
    table = pa.table({"pnr": ["1", "2"], "date": [date(2020, 1, 1), None], "x": [0.5, 1.5], "at": [MORNING] * 2})
    content_type, body = write_submission(Submission("who", table))
    assert content_type == ARROW_TYPE
    found = read_submission(content_type + "; charset=binary", body)
    assert found.exercise == "who"
    assert found.answer.equals(table)


def test_many_batches_come_back_as_one_table():
    table = pa.concat_tables([pa.table({"pnr": [str(n)]}) for n in range(100)])
    assert read_submission(*write_submission(Submission("who", table))).answer.num_rows == 100


def test_dictionaries_are_made_plain_before_they_travel():
    table = pa.table({"type": pa.array(["T1D", "T2D", "T1D"]).dictionary_encode()})
    sent = plain_table(table)
    assert sent.schema.field("type").type == pa.string()
    assert read_submission(*write_submission(Submission("who", sent))).answer["type"].to_pylist() == [
        "T1D",
        "T2D",
        "T1D",
    ]


def test_lists_do_not_travel_and_the_column_is_named():
    with pytest.raises(AnswerShapeError, match="codes"):
        plain_table(pa.table({"codes": [["a"], ["b"]]}))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"3",
        b'{"exercise": 3, "answer": 3}',
        b'{"exercise": "who"}',
        b'{"exercise": "who", "answer": null}',
        b'{"exercise": "who", "answer": [1, 2]}',
        b'{"exercise": "who", "answer": NaN}',
        orjson.dumps({"exercise": "who", "answer": "x" * 20_000}),
    ],
)
def test_json_that_is_no_answer_is_refused(body):
    with pytest.raises(AnswerShapeError):
        read_submission(JSON_TYPE, body)


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-python-pickle", "multipart/form-data"])
def test_other_content_types_are_refused(content_type):
    with pytest.raises(AnswerShapeError, match=JSON_TYPE):
        read_submission(content_type, b"{}")


def test_too_large_an_answer_is_refused_on_both_sides():
    table = pa.table({"pnr": pa.array(["0" * 1_000] * 21_500)})
    with pytest.raises(AnswerShapeError, match="at most 21 MB"):
        write_submission(Submission("who", table))
    with pytest.raises(AnswerShapeError, match="at most 21 MB"):
        read_submission(ARROW_TYPE, stream(table))


@pytest.mark.attack
@pytest.mark.parametrize("codec", ["zstd", "lz4"])
def test_a_compressed_stream_is_refused_before_it_unfolds(codec, monkeypatch):
    """64 MB of zeros travel as a few kilobytes."""
    body = stream(pa.table({"x": pa.array(np.zeros(8_000_000, dtype=np.int64))}), compression=codec)
    assert len(body) < 640_000
    monkeypatch.setattr(pa.ipc, "open_stream", lambda *_: pytest.fail("the stream was opened"))
    with pytest.raises(AnswerShapeError):
        read_submission(ARROW_TYPE, body)


@pytest.mark.attack
def test_a_dictionary_is_refused():
    """One text of a megabyte, named a million times, would unfold to a terabyte."""
    values = pa.DictionaryArray.from_arrays(pa.array([0] * 1_000_000, pa.int8()), ["x" * 1_000_000])
    with pytest.raises(AnswerShapeError):
        read_submission(ARROW_TYPE, stream(pa.table({"type": values})))


@pytest.mark.attack
def test_columns_without_a_body_are_refused():
    with pytest.raises(AnswerShapeError):
        read_submission(ARROW_TYPE, stream(pa.table({"pnr": pa.nulls(10**9)})))


@pytest.mark.attack
def test_text_offsets_outside_the_buffer_are_refused():
    body = bytearray(stream(pa.table({"pnr": ["aaaa", "bbbb"]})))
    offsets = struct.pack("<iii", 0, 4, 8)
    at = bytes(body).index(offsets)
    body[at : at + 12] = struct.pack("<iii", 0, 4, 2_000_000_000)
    with pytest.raises(AnswerShapeError):
        read_submission(ARROW_TYPE, bytes(body))


@pytest.mark.attack
def test_every_truncation_is_refused():
    body = stream(pa.table({"pnr": ["1", "2", "3"]}))
    for length in range(len(body)):
        with pytest.raises(AnswerShapeError):
            read_submission(ARROW_TYPE, body[:length])


@pytest.mark.attack
def test_every_flipped_byte_is_refused_or_read_without_harm():
    body = stream(pa.table({"pnr": ["1", "2", "3"], "x": [1.0, 2.0, 3.0]}))
    n_refused = 0
    for at in range(len(body)):
        damaged = bytes(b ^ 0xFF if i == at else b for i, b in enumerate(body))
        try:
            read_submission(ARROW_TYPE, damaged).answer.to_pylist()
        except (AnswerShapeError, UnicodeDecodeError):
            n_refused += 1
    assert n_refused > 100


@pytest.mark.attack
def test_no_answer_is_a_pickle_or_names_two_columns_alike():
    two = pa.Table.from_arrays([pa.array(["1"]), pa.array(["2"])], names=["pnr", "pnr"])
    with pytest.raises(AnswerShapeError):
        read_submission(ARROW_TYPE, stream(two))


def test_a_stream_without_the_exercise_is_refused():
    with pytest.raises(AnswerShapeError, match="names the exercise"):
        read_submission(ARROW_TYPE, stream(pa.table({"pnr": ["1"]}), name=""))


def test_the_limit_is_twenty_megabytes():
    assert wire.MOST_BYTES == 20 * 1024 * 1024
