"""How every OMOP table is finished: its official columns in order, and stable identifiers."""

import ibis
import ibis.expr.types as ir

from sandkasse.transforms.omop.definitions import read_definitions

EVENTS_A_PERSON = 1_000_000
"""More events of one kind than a person ever has; twelve digits of a person and these six make an identifier."""


def conform(table: str, rows: ir.Table) -> ir.Table:
    """Give rows the official columns of a table, in order and type; what was not named is null.

    Args:
        table: Name of the OMOP table.
        rows: Its rows, with any of its columns.

    Raises:
        KeyError: If `rows` has a column that the table does not have.
    """
    schema = read_definitions()[table].ibis_schema
    unknown = set(rows.columns) - set(schema.names)
    if unknown:
        raise KeyError(f"{table} has no columns {', '.join(sorted(unknown))}")
    return rows.select(
        **{
            name: (rows[name] if rows.schema()[name] == dtype else rows[name].cast(dtype))
            if name in rows.columns
            else ibis.null(dtype)
            for name, dtype in schema.items()
        }
    )


def number_rows(rows: ir.Table, name: str, *by: str) -> ir.Table:
    """Number each person's rows: the person's number followed by six digits.

    The identifier depends on the person's own rows alone, so it is the same however the data are divided.

    Args:
        rows: Rows with `person_id`.
        name: Name of the new column.
        by: Columns that order a person's rows; rows that are equal in all of them must be equal altogether.
    """
    order = ibis.row_number().over(group_by=rows.person_id, order_by=[rows[column] for column in by])
    return rows.mutate(**{name: rows.person_id * EVENTS_A_PERSON + order + 1})


def add_days(day: ir.DateValue, days: ir.IntegerValue) -> ir.DateValue:
    """Give the date so many days later.

    Engines make a moment of a date and an interval, which Ibis does not know: hence the way over moments.
    """
    moment = day.cast("timestamp") + days.as_interval("D")
    return moment.cast("date")
