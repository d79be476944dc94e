"""observation_period: the time in which a person was under the registers' eyes."""

import ibis
import ibis.expr.types as ir

from sandkasse.transforms.omop import concepts
from sandkasse.transforms.omop.registers import Inputs, union, within_life
from sandkasse.transforms.omop.shape import conform, number_rows

_SIGNS = (
    ("bef", "pnr", "referencetid"),
    ("vnds", "pnr", "haend_dato"),
    ("lmdb", "pnr", "eksd"),
    ("ddv", "pnr", "vaccinationsdato"),
    ("cancer", "pnr", "d_diagnosedato"),
    ("lab_forsker", "pnr", "samplingdate"),
    ("mfr", "cpr_barn", "foedselsdato"),
)
"""Registers whose dates show that a person was there; hospital contacts and services come in their own shape."""


def observation_period(inputs: Inputs) -> ir.Table:
    """Build observation_period.

    The population register says who is resident on each 1 January; between two of them every record of any register
    shows that a person was there. So:

    - a period goes from the first to the last sign of a person, and breaks only where a 1 January lies between two
      signs on which the register does not have the person (emigrated, and come back);
    - birth (from the day on which the registers begin) and death are signs;
    - who was resident on the last 1 January and did not die stays until the end of that year.

    So no record lies outside, periods never touch, and every person has at least one.
    """
    signs = inputs.made["_sign"]
    before = signs["last"].lag().over(group_by="person_id", order_by="year")
    next_status = ibis.greatest(ibis.date(before.year() + 1, 1, 1), ibis.literal(inputs.first_status))
    breaks = before.isnull() | ((next_status < signs["first"]) & (next_status <= ibis.literal(inputs.last_status)))
    marked = signs.mutate(breaks=breaks.cast("int32"))
    so_far = ibis.window(group_by="person_id", order_by="year", preceding=None, following=0)
    spells = marked.mutate(spell=marked.breaks.sum().over(so_far))
    periods = spells.group_by("person_id", "spell").aggregate(
        observation_period_start_date=spells["first"].min(), last=spells["last"].max()
    )
    person = inputs.made["_person"].select("person_id", "doddato")
    joined = periods.inner_join(person, "person_id")
    stays = (joined["last"] >= ibis.literal(inputs.last_status)) & joined.doddato.isnull()
    ended = joined.select(
        person_id=joined.person_id,
        observation_period_start_date=joined.observation_period_start_date,
        observation_period_end_date=ibis.ifelse(
            stays, ibis.greatest(joined["last"], ibis.literal(inputs.last_day)), joined["last"]
        ),
        period_type_concept_id=ibis.literal(concepts.REGISTRY),
    )
    return conform("observation_period", number_rows(ended, "observation_period_id", "observation_period_start_date"))


def signs(inputs: Inputs) -> ir.Table:
    """Give the first and the last sign of each person in each calendar year; no period breaks within a year.

    Returns:
        person_id, year, first, last.
    """
    made, registers = inputs.made, inputs.registers
    person = made["_person"]
    found = []
    for name, pnr, day in _SIGNS:
        if name in registers:
            found.append(_day(registers[name], pnr, day, person))
    if "_contact" in made:
        found += [_yearly(made["_contact"], "start_date"), _yearly(made["_contact"], "end_date")]
    if "_procedure" in made:
        found.append(_yearly(made["_procedure"], "start_date"))
    if "_service" in made:
        found.append(_yearly(made["_service"], "start_date"))
    found.append(_yearly(person.filter(person.doddato.notnull()), "doddato"))
    found.append(_yearly(_births(inputs), "foed_dato"))
    rows = union(found)
    return rows.group_by("person_id", "year").aggregate(first=rows["first"].min(), last=rows["last"].max())


def _births(inputs: Inputs) -> ir.Table:
    person = inputs.made["_person"]
    return person.filter(person.foed_dato >= ibis.literal(inputs.first_day))


def _day(table: ir.Table, pnr: str, day: str, person: ir.Table) -> ir.Table:
    rows = table.select(person_id=table[pnr].cast("int64"), day=table[day])
    return _yearly(within_life(rows, person, "day"), "day")


def _yearly(rows: ir.Table, day: str) -> ir.Table:
    dated = rows.select(person_id=rows.person_id, year=rows[day].year(), day=rows[day])
    return dated.group_by("person_id", "year").aggregate(first=dated.day.min(), last=dated.day.max())
