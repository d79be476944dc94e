"""How an answer travels: JSON for one value, an Arrow IPC stream for a table. Reading trusts nothing."""

import math
import struct
from dataclasses import dataclass
from typing import Final

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from sandkasse.core.errors import AnswerShapeError
from sandkasse.training.graders.base import Answer

JSON_TYPE: Final = "application/json"
ARROW_TYPE: Final = "application/vnd.apache.arrow.stream"
MOST_BYTES: Final = 20 * 1024 * 1024
MOST_TEXT: Final = 10_000
MOST_COLUMNS: Final = 50
EXERCISE_KEY: Final = b"exercise"

_CONTINUATION = 0xFFFFFFFF
_RECORD_BATCH, _DICTIONARY_BATCH = 3, 2


@dataclass(frozen=True)
class Submission:
    """An answer as it was sent.

    Attributes:
        exercise: Which exercise it answers.
        answer: A number, text, truth value or table.
    """

    exercise: str
    answer: Answer


def write_submission(submission: Submission) -> tuple[str, bytes]:
    """Put an answer into the form that travels.

    Returns:
        The content type and the body.

    Raises:
        AnswerShapeError: If it is larger than 20 MB, or a number or text that JSON cannot hold.
    """
    if isinstance(submission.answer, pa.Table):
        table = submission.answer.replace_schema_metadata({EXERCISE_KEY: submission.exercise.encode()})
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        content_type, body = ARROW_TYPE, sink.getvalue().to_pybytes()
    else:
        content_type, body = JSON_TYPE, _write_json(submission)
    _check_size(len(body))
    return content_type, body


def read_submission(content_type: str, body: bytes) -> Submission:
    """Read an answer that somebody sent.

    Args:
        content_type: `application/json` or `application/vnd.apache.arrow.stream`.
        body: What was sent.

    Raises:
        AnswerShapeError: If it is too large, of another type, damaged, compressed, or not an answer.
    """
    _check_size(len(body))
    kind = content_type.partition(";")[0].strip().lower()
    if kind == JSON_TYPE:
        return _read_json(body)
    if kind == ARROW_TYPE:
        return _read_arrow(body)
    raise _unreadable(f"a body of the type {JSON_TYPE} or {ARROW_TYPE}")


def plain_table(table: pa.Table) -> pa.Table:
    """Bring a table into the plain types that travel: texts, numbers, dates, moments and truth values.

    Raises:
        AnswerShapeError: If a column holds something else, such as lists.
    """
    arrays, fields = [], []
    for field, column in zip(table.schema, table.columns, strict=True):
        plain = _plain_column(column)
        if not _travels(plain.type):
            raise AnswerShapeError(
                f"Expected columns of text, numbers or dates; got {field.type} in {str(field.name)!r}.",
                next_step="leave that column out, or turn it into text, numbers or dates",
            )
        arrays.append(plain)
        fields.append(pa.field(str(field.name), plain.type))
    return pa.table(arrays, schema=pa.schema(fields))


def _plain_column(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    if pa.types.is_string_view(kind):
        return column.cast(pa.large_string())
    if pa.types.is_decimal(kind) or pa.types.is_float16(kind):
        return column.cast(pa.float64(), safe=False)
    if pa.types.is_null(kind):
        return column.cast(pa.string())
    if pa.types.is_timestamp(kind) and kind.tz:
        return pc.local_timestamp(column)
    return column


def _travels(kind: pa.DataType) -> bool:
    tests = (
        pa.types.is_string,
        pa.types.is_large_string,
        pa.types.is_integer,
        pa.types.is_float32,
        pa.types.is_float64,
        pa.types.is_boolean,
        pa.types.is_date,
    )
    return any(test(kind) for test in tests) or (pa.types.is_timestamp(kind) and kind.tz is None)


def _write_json(submission: Submission) -> bytes:
    answer = submission.answer
    if isinstance(answer, float) and not math.isfinite(answer):
        raise AnswerShapeError(  # JSON would make nothing of it
            "Expected one number; got a value that is not finite.",
            next_step="look for missing values and divisions by zero, and check again",
        )
    try:
        return orjson.dumps({"exercise": submission.exercise, "answer": answer})
    except orjson.JSONEncodeError as exc:
        raise AnswerShapeError(
            "Expected one number or text; got a number of more than 64 bits, or a text that is not Unicode.",
            next_step="change the answer's shape and check again",
        ) from exc


def _read_json(body: bytes) -> Submission:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as exc:
        raise _unreadable("readable JSON") from exc
    if not isinstance(value, dict) or not isinstance(value.get("exercise"), str) or "answer" not in value:
        raise _unreadable('JSON with "exercise" and "answer"')
    answer = value["answer"]
    if not isinstance(answer, bool | int | float | str) or (isinstance(answer, str) and len(answer) > MOST_TEXT):
        raise _unreadable("one number, text or truth value as the answer")
    return Submission(exercise=value["exercise"], answer=answer)


def _read_arrow(body: bytes) -> Submission:
    try:
        # Compressed buffers and shared dictionaries could unfold to any size, so neither is taken.
        _check_messages(body)
        with pa.ipc.open_stream(body) as reader:
            schema = reader.schema
            _check_schema(schema)
            table = reader.read_all()
        table.validate(full=True)
    except (pa.ArrowException, OSError, ValueError, struct.error, IndexError) as exc:
        raise _unreadable("a readable, uncompressed Arrow stream") from exc
    name = (schema.metadata or {}).get(EXERCISE_KEY, b"").decode(errors="replace")
    if not name:
        raise _unreadable("an Arrow stream whose schema metadata names the exercise")
    return Submission(exercise=name, answer=table.replace_schema_metadata(None))


def _check_schema(schema: pa.Schema) -> None:
    if len(schema.names) > MOST_COLUMNS or len(set(schema.names)) != len(schema.names):
        raise ValueError("too many columns, or two of one name")
    if not all(_travels(field.type) for field in schema):
        raise ValueError("a column of a type that does not travel")


def _check_messages(body: bytes) -> None:
    at = 0
    while at + 8 <= len(body):
        marker, size = struct.unpack_from("<Ii", body, at)
        if marker != _CONTINUATION or size < 0:
            raise ValueError("not an Arrow stream")
        if size == 0:
            return
        metadata = body[at + 8 : at + 8 + size]
        message = _Flat.root(metadata)
        if message.byte(1) == _DICTIONARY_BATCH:
            raise ValueError("dictionaries do not travel")
        if message.byte(1) == _RECORD_BATCH and message.table(2).has(3):
            raise ValueError("compressed buffers do not travel")
        body_length = message.long(3)
        if body_length < 0:
            raise ValueError("a negative length")
        at += 8 + size + body_length
    raise ValueError("the stream has no end, so rows may be missing")


class _Flat:
    """Just enough of FlatBuffers to see a message's kind, length and whether its body is compressed.

    Source: Arrow columnar format, Message.fbs; FlatBuffers internals.
    """

    def __init__(self, data: bytes, at: int) -> None:
        self._data, self._at = data, at
        self._vtable = at - self._signed(at)
        self._vtable_size = self._short(self._vtable)

    @classmethod
    def root(cls, data: bytes) -> "_Flat":
        return cls(data, struct.unpack_from("<I", data, 0)[0])

    def has(self, field: int) -> bool:
        return self._place(field) is not None

    def byte(self, field: int) -> int:
        return self._read("<B", field)

    def long(self, field: int) -> int:
        return self._read("<q", field)

    def table(self, field: int) -> "_Flat":
        place = self._place(field)
        if place is None:
            raise ValueError("a message without its header")
        return _Flat(self._data, place + int(struct.unpack_from("<I", self._data, place)[0]))

    def _read(self, form: str, field: int) -> int:
        place = self._place(field)
        return 0 if place is None else int(struct.unpack_from(form, self._data, place)[0])

    def _place(self, field: int) -> int | None:
        entry = 4 + 2 * field
        if entry + 2 > self._vtable_size:
            return None
        offset = self._short(self._vtable + entry)
        return self._at + offset if offset else None

    def _short(self, at: int) -> int:
        if at < 0:
            raise ValueError("an offset outside the message")
        return int(struct.unpack_from("<H", self._data, at)[0])

    def _signed(self, at: int) -> int:
        return int(struct.unpack_from("<i", self._data, at)[0])


def _check_size(n_bytes: int) -> None:
    if n_bytes > MOST_BYTES:
        raise AnswerShapeError(
            f"The answer takes {n_bytes / 1e6:.0f} MB; at most {MOST_BYTES / 1e6:.0f} MB are taken.",
            next_step="keep only the columns that the exercise asks for, and one row a person",
        )


def _unreadable(expected: str) -> AnswerShapeError:
    return AnswerShapeError(f"Expected {expected}.", next_step="send answers with sandkasse.check(exercise, answer)")
