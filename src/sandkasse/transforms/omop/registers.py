"""The Danish registers in one shape: persons, contacts, diagnoses, services, whatever delivery they came in.

Every function takes the register tables that are there and gives an Ibis expression, so that a register that is missing
is skipped and a new delivery is one more branch here. Nothing is decided here about OMOP.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import reduce

import ibis
import ibis.expr.types as ir

from sandkasse.transforms.omop.shape import add_days

REGISTERS = (
    "bef",
    "dod",
    "lmdb",
    "lpr_adm",
    "lpr_diag",
    "lpr3a_kontakt",
    "lpr3a_diagnose",
    "lpr3f_kontakter",
    "lpr3f_diagnoser",
    "sysi",
    "sssy",
    "lab_forsker",
)
"""The register tables that are read, where they are there."""

# Identifiers of contacts have 18 digits at most; each register's lie in a range of their own below 2 ** 63.
DAYS_A_WEEK = 7
LPR3_FROM = 1_000_000_000_000_000_000
SERVICES_FROM = 2_000_000_000_000_000_000


@dataclass(frozen=True)
class Inputs:
    """What a table is made from.

    Attributes:
        registers: The register tables that are there, by name.
        codes: What each code means: columns vocabulary, code, source_concept_id, concept_id, domain, unit,
            unit_concept_id; one row for each concept that a code stands for.
        first_day: First day of which any register tells.
        first_status: First day on which the population register says who is resident.
        last_status: The last such day.
        made: What was made before: the shapes of this module under `_<name>`, and OMOP tables under their own names.
    """

    registers: Mapping[str, ir.Table]
    codes: ir.Table
    first_day: date
    first_status: date
    last_status: date
    made: Mapping[str, ir.Table] = field(default_factory=dict)

    @property
    def last_day(self) -> date:
        """The day on which observation ends: the last of the year of the last status."""
        return self.last_status.replace(month=12, day=31)

    def codes_of(self, *vocabularies: str) -> ir.Table:
        """Give the meaning of the codes of some vocabularies."""
        return self.codes.filter(self.codes.vocabulary.isin(vocabularies))


def union(tables: list[ir.Table]) -> ir.Table:
    """Put the rows of tables with the same columns one below the other."""
    return reduce(lambda one, other: one.union(other), tables)


def persons(inputs: Inputs) -> ir.Table:
    """Give everybody of whom sex and date of birth are known.

    The population register repeats them each year; the earliest row counts, and the latest for the municipality. Who
    was never in it (dead or gone before it begins) cannot be described, and is left out, as the convention has it.

    Returns:
        person_id, pnr, koen, foed_dato, kom, doddato.
    """
    bef = inputs.registers["bef"]
    known = bef.group_by("pnr").aggregate(
        koen=bef.koen.argmin(bef.referencetid),
        foed_dato=bef.foed_dato.min(),
        kom=bef.kom.argmax(bef.referencetid),
    )
    if "dod" in inputs.registers:
        dod = inputs.registers["dod"]
        deaths = dod.group_by("pnr").aggregate(doddato=dod.doddato.min())
        known = known.left_join(deaths, "pnr").drop("pnr_right")
    else:
        known = known.mutate(doddato=ibis.null("date"))
    return known.mutate(person_id=known.pnr.cast("int64")).select(
        "person_id", "pnr", "koen", "foed_dato", "kom", "doddato"
    )


def contacts(inputs: Inputs) -> ir.Table:
    """Give the hospital contacts of all versions of the patient register, of known persons within their lives.

    Returns:
        visit_occurrence_id, person_id, start_date, start_datetime, end_date, kind (inpatient, outpatient, emergency or
        null), kind_source, specialty (a text or a code as the register has it).
    """
    readers = (("lpr_adm", _lpr2), ("lpr3a_kontakt", _lpr3a), ("lpr3f_kontakter", _lpr3f))
    parts = [read(inputs.registers[name]) for name, read in readers if name in inputs.registers]
    return within_life(union(parts), inputs.made["_person"], "start_date")


def diagnoses(inputs: Inputs) -> ir.Table:
    """Give the diagnoses of all versions of the patient register, on the day of their contact.

    Diagnoses that were retracted later (`senere_afkraeftet`) are left out.

    Returns:
        visit_occurrence_id, person_id, start_date, start_datetime, code, kind.
    """
    parts = []
    for name, number, code, kind, shift in (
        ("lpr_diag", "recnum", "c_diag", "c_diagtype", 0),
        ("lpr3a_diagnose", "dw_ek_kontakt", "diag_kode", "diag_type", LPR3_FROM),
        ("lpr3f_diagnoser", "dw_ek_kontakt", "diagnosekode", "diagnosetype", LPR3_FROM),
    ):
        if name not in inputs.registers:
            continue
        table = inputs.registers[name]
        kept = table.filter(table.senere_afkraeftet != "Ja") if "senere_afkraeftet" in table.columns else table
        parts.append(
            kept.select(
                visit_occurrence_id=kept[number].cast("int64") + shift, code=kept[code].upper(), kind=kept[kind]
            )
        )
    found = union(parts)
    contact = inputs.made["_contact"]
    return found.inner_join(contact, "visit_occurrence_id").select(
        "visit_occurrence_id", "person_id", "start_date", "start_datetime", "code", "kind"
    )


def services(inputs: Inputs) -> ir.Table:
    """Give the services that the public health insurance paid for, dated on the Monday of their week.

    The registers know the week only. Services marked as given to a child (`barnmak`) are left out: they belong to
    somebody else than the person they are written under. In the week of birth the day of birth counts.

    Returns:
        visit_occurrence_id, person_id, start_date, code, group (the first two digits: who gave the service).
    """
    parts = [
        table.filter(table.barnmak == 0).select("pnr", "speciale", "honuge")
        for table in (inputs.registers[name] for name in ("sysi", "sssy") if name in inputs.registers)
    ]
    rows = union(parts)
    year = rows.honuge.substr(0, 2).cast("int32")
    week = rows.honuge.substr(2, 2).cast("int32")
    # The registers begin in 1990.
    fourth = ibis.date(ibis.ifelse(year >= 90, year + 1900, year + 2000), 1, 4)
    monday = add_days(fourth, week * 7 - 7 - fourth.day_of_week.index().cast("int32"))
    dated = rows.select(
        person_id=rows.pnr.cast("int64"), code=rows.speciale, week=rows.honuge.cast("int64"), monday=monday
    )
    person = inputs.made["_person"]
    known = dated.inner_join(person.select("person_id", "foed_dato", "doddato"), "person_id")
    known = known.mutate(start_date=ibis.greatest(known.monday, known.foed_dato))
    alive = known.filter(known.doddato.isnull() | (known.start_date <= known.doddato))
    in_week = alive.filter(alive.foed_dato.delta(alive.monday, unit="day") < DAYS_A_WEEK)
    group = in_week.code.substr(0, 2)
    return in_week.select(
        visit_occurrence_id=SERVICES_FROM + in_week.person_id * 1_000_000 + in_week.week * 100 + group.cast("int64"),
        person_id=in_week.person_id,
        start_date=in_week.start_date,
        code=in_week.code,
        group=group,
    )


def within_life(rows: ir.Table, person: ir.Table, day: str) -> ir.Table:
    """Keep the rows of known persons that lie between birth and death.

    Args:
        rows: Any rows with `person_id`.
        person: What `persons` gave.
        day: The column with their date.
    """
    columns = rows.columns
    joined = rows.inner_join(person.select("person_id", "foed_dato", "doddato"), "person_id")
    kept = joined.filter(joined[day] >= joined.foed_dato, joined.doddato.isnull() | (joined[day] <= joined.doddato))
    return kept.select(*columns)


_KINDS = {"0": "inpatient", "1": "inpatient", "2": "outpatient", "3": "emergency"}


def _lpr2(adm: ir.Table) -> ir.Table:
    """Shape the second version of the patient register; the day of discharge counts where the extract has it."""
    discharged = adm.d_uddto.coalesce(adm.d_inddto) if "d_uddto" in adm.columns else adm.d_inddto
    return adm.select(
        visit_occurrence_id=adm.recnum.cast("int64"),
        person_id=adm.pnr.cast("int64"),
        start_date=adm.d_inddto,
        start_datetime=ibis.null("timestamp(6)"),
        end_date=ibis.greatest(discharged, adm.d_inddto),
        kind=adm.c_pattype.cases(*_KINDS.items(), else_=None),
        kind_source=adm.c_pattype,
        specialty=adm.c_spec,
    )


def _lpr3a(kontakt: ir.Table) -> ir.Table:
    return _lpr3(kontakt, kontakt.kont_starttidspunkt.date(), kontakt.kont_starttidspunkt, "kont_ans_hovedspec")


def _lpr3f(kontakter: ir.Table) -> ir.Table:
    return _lpr3(kontakter, kontakter.dato_start, None, "hovedspeciale_ans")


_LPR3 = "LPR3"


def _lpr3(kontakt: ir.Table, start: ir.DateColumn, moment: ir.TimestampColumn | None, specialty: str) -> ir.Table:
    """Shape the third version, which has no kind of contact: it is derived where the end of the contact is known.

    A contact of twelve hours or more counts as an inpatient's, as the Danish Health Data Authority counts them.
    """
    return kontakt.select(
        visit_occurrence_id=kontakt.dw_ek_kontakt.cast("int64") + LPR3_FROM,
        person_id=kontakt.pnr.cast("int64"),
        start_date=start,
        start_datetime=ibis.null("timestamp(6)") if moment is None else moment.cast("timestamp(6)"),
        end_date=start,
        kind=ibis.null("string"),
        kind_source=ibis.literal(_LPR3),
        specialty=kontakt[specialty],
    )
