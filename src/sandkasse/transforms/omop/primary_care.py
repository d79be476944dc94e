"""Services that the public health insurance paid for, of both versions of the register."""

import ibis
import ibis.expr.types as ir

from sandkasse.transforms.omop.registers import Inputs, union
from sandkasse.transforms.omop.shape import add_days

SERVICES = ("sysi", "sssy")
SERVICES_FROM = 2_000_000_000_000_000_000
"""Identifiers of weeks with services: this, the person's twelve digits, the week's four, the provider's two."""
DAYS_A_WEEK = 7


def services(inputs: Inputs) -> ir.Table:
    """Give the services, dated on the Monday of their week.

    The registers know the week only. Services marked as given to a child (`barnmak`) are left out: they belong to
    somebody else than the person they are written under. In the week of birth the day of birth counts.

    Returns:
        visit_occurrence_id, person_id, start_date, code; `provider_group` reads who gave a service from the first.
    """
    parts = [
        table.filter(table.barnmak == 0).select("pnr", "speciale", "honuge")
        for table in (inputs.registers[name] for name in SERVICES if name in inputs.registers)
    ]
    rows = union(parts)
    coded = rows.select("honuge", person_id=rows.pnr.cast("int64"), code=rows.speciale)
    person = inputs.made["_person"].select("person_id", "foed_dato", "doddato")
    known = coded.inner_join(_mondays(rows), "honuge").inner_join(person, "person_id")
    known = known.mutate(start_date=ibis.greatest(known.monday, known.foed_dato))
    alive = known.filter(known.doddato.isnull() | (known.start_date <= known.doddato))
    in_week = alive.filter(alive.foed_dato.delta(alive.monday, unit="day") < DAYS_A_WEEK)
    group = in_week.code.substr(0, 2).cast("int64")
    return in_week.select(
        visit_occurrence_id=SERVICES_FROM + in_week.person_id * 1_000_000 + in_week.week * 100 + group,
        person_id=in_week.person_id,
        start_date=in_week.start_date,
        code=in_week.code,
    )


def provider_group(visit_occurrence_id: ir.IntegerValue) -> ir.StringValue:
    """Give who gave the services of a visit: the first two digits of their codes, which its identifier ends with."""
    return (visit_occurrence_id % 100).cast("string").lpad(2, "0")


def _mondays(rows: ir.Table) -> ir.Table:
    """Give the weeks that occur, with their number and their Monday: they are few, and dates take time."""
    weeks = rows.select("honuge").distinct()
    year = weeks.honuge.substr(0, 2).cast("int32")
    week = weeks.honuge.substr(2, 2).cast("int32")
    # The registers begin in 1990. The fourth of January is always in the first week.
    fourth = ibis.date(ibis.ifelse(year >= 90, year + 1900, year + 2000), 1, 4)
    return weeks.select(
        "honuge",
        week=weeks.honuge.cast("int64"),
        monday=add_days(fourth, week * DAYS_A_WEEK - DAYS_A_WEEK - fourth.day_of_week.index().cast("int32")),
    )
