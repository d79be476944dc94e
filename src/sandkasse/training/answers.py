"""Making an answer out of what a learner has in hand: numbers, texts, and tables of Ibis, pandas, polars or Arrow.

None of these libraries is imported here unless the value itself comes from it.
"""

import sys
from collections.abc import Mapping
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from pyarrow import feather

from sandkasse.core.errors import AnswerShapeError
from sandkasse.training.graders.base import Answer
from sandkasse.training.wire import plain_table


def is_blank(value: Any) -> bool:
    """Say whether a value stands for an answer that is still to be given: three dots, or nothing."""
    return value is None or value is Ellipsis


def to_answer(value: Any) -> Answer:
    """Make an answer.

    Args:
        value: A number, text, truth value or date; a table of Ibis, pandas, polars, Arrow or DuckDB; an Ibis scalar;
            a list of texts (becomes a table of `pnr`); a pair of numbers (becomes a table of `low` and `high`).

    Returns:
        A number, text, truth value or Arrow table of plain types.

    Raises:
        AnswerShapeError: If the value is something else.
    """
    value = _unwrap_scalar(value)
    if isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, date):
        return value.isoformat()[:10]
    table = _to_table(value)
    if table is None:
        raise AnswerShapeError(
            f"Expected a number, a text or a table; got {type(value).__module__}.{type(value).__name__}.",
            next_step="hand in a number, a text, or a table of Ibis, pandas, polars or Arrow",
        )
    return plain_table(table)


def read_answer_text(text: str) -> Answer:
    """Make an answer of what somebody typed: the path of a CSV, Parquet or Arrow file, else a number or text.

    Identifiers in a CSV stay texts, with their leading zeros.

    Raises:
        AnswerShapeError: If the file is not a readable table.
    """
    path = Path(text)
    if path.suffix.lower() not in _READERS:
        with suppress(ValueError):
            return float(text)
        return text
    try:
        return plain_table(_READERS[path.suffix.lower()](path))
    except (OSError, pa.ArrowException) as exc:
        raise AnswerShapeError(
            f"The file {path.name} is not a readable table.", next_step="give a CSV, Parquet or Arrow file"
        ) from exc


def _read_csv(path: Path) -> pa.Table:
    as_text = {"pnr": pa.string(), "type": pa.string()}
    return pa_csv.read_csv(path, convert_options=pa_csv.ConvertOptions(column_types=as_text))


_READERS = {".csv": _read_csv, ".parquet": pq.read_table, ".arrow": feather.read_table, ".feather": feather.read_table}


def _unwrap_scalar(value: Any) -> Any:
    if _is_from(value, "ibis") and hasattr(value, "execute") and not hasattr(value, "columns"):
        value = value.execute()
    if _is_from(value, "numpy", "pandas") and hasattr(value, "item") and getattr(value, "ndim", 0) == 0:
        return value.item()
    if isinstance(value, pa.Scalar):
        return value.as_py()
    return value


def _to_table(value: Any) -> pa.Table | None:
    if isinstance(value, pa.Table):
        return value
    if isinstance(value, pa.RecordBatch):
        return pa.Table.from_batches([value])
    if _is_from(value, "ibis") and hasattr(value, "to_pyarrow"):
        return value.to_pyarrow()
    if _is_from(value, "pandas"):
        return _from_pandas(value)
    if _is_from(value, "polars", "duckdb", "narwhals"):
        return _from_polars_or_duckdb(value)
    return _from_sequence(value)


def _from_pandas(value: Any) -> pa.Table | None:
    import pandas as pd  # noqa: PLC0415  a learner who does not use it should not wait for it

    if isinstance(value, pd.Series):
        value = value.to_frame(name="pnr" if value.name is None else value.name)
    if not isinstance(value, pd.DataFrame):
        return None
    if any(name is not None for name in value.index.names):
        value = value.reset_index()
    try:
        return pa.Table.from_pandas(value.rename(columns=str), preserve_index=False)
    except (pa.ArrowException, TypeError, ValueError) as exc:
        raise AnswerShapeError(
            "A column of the table mixes kinds of values.", next_step="give each column one kind of values"
        ) from exc


def _from_polars_or_duckdb(value: Any) -> pa.Table | None:
    if hasattr(value, "collect"):
        value = value.collect()
    for name in ("to_arrow", "to_arrow_table"):
        if hasattr(value, name):
            found = getattr(value, name)()
            return found if isinstance(found, pa.Table) else None
    return None


def _from_sequence(value: Any) -> pa.Table | None:
    if isinstance(value, Mapping):
        return _from_columns({str(name): column for name, column in value.items()})
    if isinstance(value, tuple | list | set | frozenset) or _is_from(value, "numpy"):
        items = list(value)
        if items and all(isinstance(item, str) for item in items):
            return pa.table({"pnr": pa.array(items, pa.string())})
        if len(items) == 2 and all(_is_number(item) for item in items):
            return pa.table({"low": [float(items[0])], "high": [float(items[1])]})
    return None


def _from_columns(columns: dict[str, Any]) -> pa.Table:
    try:
        return pa.table(
            {name: column if isinstance(column, list | pa.Array) else list(column) for name, column in columns.items()}
        )
    except (pa.ArrowException, TypeError, ValueError) as exc:
        raise AnswerShapeError(
            "The columns of the table do not fit together.", next_step="give every column as many values of one kind"
        ) from exc


def _is_number(value: Any) -> bool:
    return not isinstance(value, bool) and hasattr(value, "__float__")


def _is_from(value: Any, *packages: str) -> bool:
    return any(cls.__module__.partition(".")[0] in packages for cls in type(value).__mro__) and any(
        package in sys.modules for package in packages
    )
