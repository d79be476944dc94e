"""Python's half of the R package: R calls these functions through reticulate, and only texts and numbers cross.

Columns travel as files of plain binary values, which R reads with `readBin` at the speed of the disk. So neither
numpy nor pandas nor Arrow has to be known to R, and an old reticulate works with a new numpy.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import wraps
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar

import duckdb
import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from sandkasse.actions import datasets, modules
from sandkasse.core.errors import AnswerShapeError, InvalidInputError, SandkasseError
from sandkasse.notebook.check import BlankCard, check
from sandkasse.notebook.open import open as open_dataset

Given = ParamSpec("Given")
Got = TypeVar("Got")

NA_INTEGER: Final = -(2**31)  # what R itself writes for a missing integer
NA_REAL: Final = np.array([0x7FF00000000007A2], "<u8").view("<f8")[0]  # R's missing number: a NaN with 1954 in it
LARGEST_WHOLE: Final = 2**53  # up to here a double holds every whole number
ROWS_A_BATCH: Final = 100_000
# DuckDB's errors that speak of names and grammar alone; others could quote a value.
_ABOUT_NAMES = (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException)

_last: list[str] = []


def told(function: Callable[Given, Got]) -> Callable[Given, Got]:
    """Remember the error that a function raised, so that R can say it in its own way."""

    @wraps(function)
    def call(*args: Given.args, **kwargs: Given.kwargs) -> Got:
        _last.clear()
        try:
            return function(*args, **kwargs)
        except SandkasseError as error:
            _last.extend([type(error).__name__, error.message, error.next_step])
            raise

    return call


def last_error() -> list[str]:
    """Give the last error of Sandkasse: its name, what happened, the next step; empty if there was none."""
    return list(_last)


@told
def open_for_r(name: str, dataset: str | None = None) -> Any:
    """Open a dataset by its contract's name."""
    return open_dataset(name, dataset=dataset or None)


@told
def list_for_r() -> str:
    """List what can be opened here, as text."""
    from sandkasse.notebook.open import datasets as listed

    return repr(listed())


def table_names(dataset: Any) -> list[str]:
    """List a dataset's tables."""
    return list(dataset.tables)


def show_dataset(dataset: Any) -> str:
    """Show a dataset's card as text."""
    return repr(dataset)


def show_dataset_html(dataset: Any) -> str:
    """Show a dataset's card as HTML."""
    return str(dataset._repr_html_())


@told
def describe_table(dataset: Any, table: str) -> list[list[str]]:
    """Describe a table's columns: their names, types, units and meanings, one list each.

    Raises:
        TableNotFoundError: If there is no such table; names the nearest.
    """
    schema = dataset[table].schema()
    promised = {}
    page = datasets.contract_of(dataset)
    if table in {promise.name for promise in page.tables}:
        promised = {column.name: column for column in page.table(table).columns}
    names = list(schema.names)
    known = [promised.get(name) for name in names]
    return [
        names,
        [str(schema[name]) for name in names],
        [column.unit if column else "" for column in known],
        [column.title or column.description if column else "" for column in known],
    ]


@told
def count_rows(dataset: Any, table: str) -> float:
    """Count a table's rows, from the card."""
    dataset[table]  # an unknown one is named with its nearest
    return float(dataset.card.rows[table])


@told
def ask(dataset: Any, sql: str, largest: float) -> pa.Table:
    """Ask in DuckDB's SQL, and stop before more than so many values have been read.

    Args:
        dataset: What `open_for_r` gave.
        sql: One query over the dataset's tables.
        largest: Values (rows times columns) at most.

    Raises:
        InvalidInputError: If the query is not one, or its answer is larger.
    """
    reader = _run(dataset, sql)
    try:
        return pa.Table.from_batches(_read_at_most(largest, reader), reader.schema)
    except (duckdb.Error, pa.ArrowException, OSError) as exc:
        raise _failed(exc) from None
    finally:
        reader.close()  # one that is left half-read would keep DuckDB's connection for itself


def _read_at_most(largest: float, reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    n_values = 0
    for batch in reader:
        n_values += batch.num_rows * max(1, batch.num_columns)
        if n_values > largest:
            raise InvalidInputError(
                f"The answer has more than {largest:,.0f} values (rows times columns), and would fill R's memory.",
                next_step="filter rows, choose columns or summarise first; or raise options(sandkasse.largest = …)",
            )
        yield batch


@told
def place_table(dataset: Any, name: str, table: pa.Table) -> None:
    """Put a table beside the dataset's own, in this session's memory, so that queries can join it.

    Raises:
        InvalidInputError: If the name is one of the dataset's tables.
    """
    if name in dataset.tables:
        raise InvalidInputError(f"{name!r} is a table of the dataset.", next_step="choose another name")
    dataset.connection.con.register(name, table)


def _run(dataset: Any, sql: str) -> pa.RecordBatchReader:
    for table in dataset.tables:
        dataset[table]  # a view of its name
    try:
        relation = dataset.connection.con.sql(sql)
        if relation is None:
            raise InvalidInputError("That is not a query: it gives no table.", next_step="begin with SELECT")
        return relation.to_arrow_reader(ROWS_A_BATCH)
    except duckdb.Error as exc:
        raise _failed(exc) from None


def _failed(exc: BaseException) -> InvalidInputError:
    if isinstance(exc, _ABOUT_NAMES):
        # The lines after the first quote the query.
        first = re.sub(r"^\w+ Error: ", "", str(exc)).strip().splitlines()[0]
        return InvalidInputError(f"The query cannot be run: {first}", next_step="mend the query")
    return InvalidInputError(
        f"The query failed with {type(exc).__name__}.", next_step="mend the query, for example with TRY_CAST"
    )


def column_names(table: pa.Table) -> list[str]:
    """List an answer's columns."""
    return list(table.column_names)


@told
def write_column(table: pa.Table, index: float, stem: str) -> str:
    """Write one column's values beside `stem`, for R to read.

    Args:
        table: What `ask` gave.
        index: Which column, from 0.
        stem: Where to write: `<stem>.values`, and for texts `<stem>.lengths` and `<stem>.texts`.

    Returns:
        What R makes of it: `logical`, `integer`, `double`, `Date`, `POSIXct`, `difftime` or `character`.

    Raises:
        InvalidInputError: If R has no such type; names the column.
    """
    name, column = table.column_names[int(index)], table.column(int(index))
    if isinstance(column.type, pa.DictionaryType):
        column = column.cast(column.type.value_type)
    kind = column.type
    values: np.ndarray[Any, Any]
    if pa.types.is_null(kind) or pa.types.is_boolean(kind):
        values, to = _integers(column.cast(pa.bool_()).cast(pa.int32())), "logical"
    elif pa.types.is_integer(kind):
        values, to = _whole_numbers(column)
    elif pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        values, to = _doubles(column), "double"
    elif pa.types.is_date(kind):
        values, to = _doubles(column.cast(pa.date32()).cast(pa.int32())), "Date"
    elif pa.types.is_timestamp(kind):
        values, to = _doubles(column.cast(pa.timestamp("us", kind.tz)).cast(pa.int64()), per=1e6), "POSIXct"
    elif pa.types.is_duration(kind):
        values, to = _doubles(column.cast(pa.duration("us")).cast(pa.int64()), per=1e6), "difftime"
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_time(kind):
        values, to = _write_texts(column.cast(pa.string()), stem), "character"
    else:
        raise InvalidInputError(
            f"The column {name!r} has the type {kind}, which R has no vector for.",
            next_step="leave the column out, or turn it into text in the query: CAST(… AS VARCHAR)",
        )
    Path(f"{stem}.values").write_bytes(values.tobytes())
    return to


def _integers(column: pa.ChunkedArray) -> "np.ndarray[Any, Any]":
    return np.asarray(pc.fill_null(column, NA_INTEGER).to_numpy()).astype("<i4")


def _doubles(column: pa.ChunkedArray, *, per: float = 1.0) -> "np.ndarray[Any, Any]":
    # Not safe: a timestamp beyond the year 2255 loses its last microseconds, as any in R does.
    numbers = np.array(column.cast(pa.float64(), safe=False).fill_null(0.0).to_numpy(), "<f8") / per
    if column.null_count:
        numbers[column.is_null().to_numpy()] = NA_REAL
    return numbers


def _whole_numbers(column: pa.ChunkedArray) -> "tuple[np.ndarray[Any, Any], str]":
    """R's integers have 32 bits; what may be wider becomes a double, as R users of databases are used to."""
    if column.type.bit_width < 32 or column.type == pa.int32():
        least = pc.min(column).as_py()
        if least is None or least > NA_INTEGER:
            return _integers(column.cast(pa.int32())), "integer"
    ends = pc.min_max(column).as_py()
    if any(end is not None and abs(end) > LARGEST_WHOLE for end in ends.values()):
        raise InvalidInputError(
            "A column holds whole numbers above 2^53, which R cannot hold exactly.",
            next_step="turn the column into text in the query: CAST(… AS VARCHAR)",
        )
    return _doubles(column), "double"


def _write_texts(column: pa.ChunkedArray, stem: str) -> "np.ndarray[Any, Any]":
    """Write each different text once; the values are their numbers, from 1, as in an R factor."""
    whole = column.cast(pa.large_string()).combine_chunks()  # large: many texts together may pass 2 GB
    coded = (whole.chunk(0) if isinstance(whole, pa.ChunkedArray) else whole).dictionary_encode()
    texts = pa.concat_arrays([coded.dictionary])  # begins at the beginning of its buffers
    lengths = pc.binary_length(texts).cast(pa.int32()).to_numpy()
    Path(f"{stem}.lengths").write_bytes(lengths.astype("<i4").tobytes())
    content = texts.buffers()[2]
    Path(f"{stem}.texts").write_bytes(b"" if content is None else memoryview(content)[: int(lengths.sum())])
    return np.asarray(pc.add(coded.indices, 1).fill_null(NA_INTEGER).to_numpy(zero_copy_only=False)).astype("<i4")


@told
def read_columns(names: Sequence[str], kinds: Sequence[str], stems: Sequence[str]) -> pa.Table:
    """Read a data frame that R wrote column by column, as `write_column` writes them.

    Args:
        names: The columns' names.
        kinds: The columns' kinds, as `write_column` gives them.
        stems: Where each column's files are.
    """
    return pa.table({name: _read_column(kind, stem) for name, kind, stem in zip(names, kinds, stems, strict=True)})


def _read_column(kind: str, stem: str) -> pa.Array:
    raw = Path(f"{stem}.values").read_bytes()
    if kind in {"logical", "integer", "character"}:
        codes = np.frombuffer(raw, "<i4")
        is_missing = codes == NA_INTEGER
        if kind == "character":
            return _read_texts(np.where(is_missing, 1, codes) - 1, is_missing, stem)
        return pa.array(codes, mask=is_missing).cast(pa.bool_() if kind == "logical" else pa.int32())
    numbers = np.frombuffer(raw, "<f8")
    is_missing = np.isnan(numbers)
    if kind == "double":
        return pa.array(numbers, mask=is_missing)
    whole = np.where(is_missing, 0, numbers)
    if kind == "Date":
        return pa.array(np.floor(whole).astype("<i4"), mask=is_missing).cast(pa.date32())
    if kind == "POSIXct":
        return pa.array(np.round(whole * 1e6).astype("<i8"), mask=is_missing).cast(pa.timestamp("us"))
    raise AnswerShapeError(f"A column of the kind {kind!r} cannot be handed in.", next_step="make it numbers or texts")


def _read_texts(codes: "np.ndarray[Any, Any]", is_missing: "np.ndarray[Any, Any]", stem: str) -> pa.Array:
    lengths = np.frombuffer(Path(f"{stem}.lengths").read_bytes(), "<i4")
    texts = Path(f"{stem}.texts").read_bytes()
    ends = np.concatenate([[0], np.cumsum(lengths)])
    words = [texts[start:end].decode() for start, end in pairwise(ends)]
    indices = pa.array(codes.astype("<i4"), mask=is_missing | (len(words) == 0))
    return pa.DictionaryArray.from_arrays(indices, pa.array(words, pa.string())).cast(pa.string())


@told
def check_from_r(exercise: str, kind: str, answer: Any) -> list[str]:
    """Check an answer that comes from R.

    Args:
        exercise: The exercise's id.
        kind: `blank`, `value` (a text, number or truth value), or `table` (what `read_columns` gave).
        answer: The answer.

    Returns:
        Whether it passed (`yes`, `no`, or `blank`), the verdict as text, as HTML, and as JSON.
    """
    card = check(exercise, None if kind == "blank" else answer)
    if isinstance(card, BlankCard):
        text, html = (said.replace("the three dots", "NULL") for said in (repr(card), card._repr_html_()))
        return ["blank", text, html, ""]
    verdict = card._repr_mimebundle_()[modules.VERDICT_MIME]
    passed = "yes" if verdict["passed"] else "no"
    return [passed, repr(card), card._repr_html_(), orjson.dumps(verdict).decode()]
