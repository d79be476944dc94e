"""Counting the rows that repeat a key.

The plain way is one grouped query. A hundred million text keys do not fit in 2 GB that way, and DuckDB spends its time
writing them to disk and back; grouped by a 64-bit hash of the text they nearly do. Equal keys have equal hashes, so no
repetition is missed. Different keys of one hash are told apart by an exact second look at the rows whose hash repeats.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

# Our choices. Below the first, the plain query is as quick. Above the second, the second look would cost as much as the
# plain query, and the count is given as the hashes have it: among n different keys, n²/2^65 pairs are expected to share
# a hash (0.0003 in a hundred million), so that the finding itself is beyond doubt.
HASH_FROM_ROWS = 2_000_000
LOOK_AGAIN_UP_TO = 1_000_000


def _value_to_hash(value):  # type: ignore[no-untyped-def]
    """Stand for the engine's own function; Ibis compiles the call and never runs this."""


_hash64: Callable[[Any], Any] = ibis.udf.scalar.builtin(
    _value_to_hash, name="hash", signature=((dt.string,), dt.uint64)
)


def count_repeats(
    data: ir.Table, columns: Sequence[str], run: Callable[[ir.Table], Mapping[str, Any]], *, rows: int
) -> int:
    """Count the rows beyond the first of each key; rows with a null in the key are left out.

    Args:
        data: The table in its engine.
        columns: The key.
        run: Runs an expression of one row.
        rows: The table's rows, by which the way is chosen.

    Returns:
        Rows minus different keys, among the rows without a null in the key.
    """
    complete = data.filter([data[name].notnull() for name in columns])
    text = [name for name in columns if data.schema()[name].is_string()]
    if rows < HASH_FROM_ROWS or not text or _engine(data) != "duckdb":
        return int(run(excess_rows(complete, columns))["excess"])
    hashed = complete.mutate(**{name: _hash64(complete[name]) for name in text})
    excess = int(run(excess_rows(hashed, columns))["excess"])
    if not 0 < excess <= LOOK_AGAIN_UP_TO:
        return excess
    return int(run(excess_rows(_suspects(complete, hashed, columns, text), columns))["excess"])


def excess_rows(complete: ir.Table, columns: Sequence[str]) -> ir.Table:
    """Count the rows beyond the first of each key, in one grouped query."""
    groups = complete.group_by(list(columns)).aggregate(n=complete.count())
    repeated = groups.filter(groups.n > 1)
    return repeated.aggregate(excess=(repeated.n - 1).sum().coalesce(0).cast("int64"))


def _suspects(complete: ir.Table, hashed: ir.Table, columns: Sequence[str], text: Sequence[str]) -> ir.Table:
    """Keep the rows whose hashed key occurs more than once."""
    groups = hashed.group_by(list(columns)).aggregate(n=hashed.count())
    repeated = groups.filter(groups.n > 1)
    matches = [(_hash64(complete[name]) if name in text else complete[name]) == repeated[name] for name in columns]
    return complete.semi_join(repeated, matches)


def _engine(data: ir.Table) -> str:
    try:
        return str(data.get_backend().name)
    except ibis.common.exceptions.IbisError:  # a table without an engine, compiled for one that the caller runs
        return ""
