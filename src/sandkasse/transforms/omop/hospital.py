"""The patient register in one shape, whatever version and delivery: contacts, visits, diagnoses, procedures.

Version 2 (until 2018) has psychiatry in tables of its own; version 3 (from 2019) comes in one of two deliveries. A
delivery is one row in each of the lists here. Each version numbers its contacts by itself, with 18 digits at most:
their identifiers lie in ranges of their own below 2 ** 63.
"""

import ibis
import ibis.expr.types as ir

from sandkasse.transforms.omop.registers import Inputs, union, within_life

LPR3_FROM = 1_000_000_000_000_000_000
PSYCHIATRY_FROM = 3_000_000_000_000_000_000
INPATIENT_HOURS = 12
"""From so many hours on, a contact of version 3, which has no kind of contact, counts as an inpatient's: our choice."""

CONTACTS = ("lpr_adm", "t_psyk_adm", "lpr3a_kontakt", "lpr3f_kontakter")
DIAGNOSES = (
    ("lpr_diag", "recnum", "c_diag", "c_diagtype", 0),
    ("t_psyk_diag", "recnum", "c_diag", "c_diagtype", PSYCHIATRY_FROM),
    ("lpr3a_diagnose", "dw_ek_kontakt", "diag_kode", "diag_type", LPR3_FROM),
    ("lpr3f_diagnoser", "dw_ek_kontakt", "diagnosekode", "diagnosetype", LPR3_FROM),
)
PROCEDURES = (
    ("lpr_opr", "recnum", "c_opr", "d_odto", 0),
    ("lpr_sksopr", "recnum", "c_opr", "d_odto", 0),
    ("lpr3a_procregistrering", "dw_ek_kontakt", "proc_kode", "proc_starttidspunkt", LPR3_FROM),
    ("lpr3f_procedurer_kirurgi", "dw_ek_kontakt", "procedurekode", "dato_start", LPR3_FROM),
)
ATTENDANCES = (("lpr_bes", 0), ("t_psyk_bes", PSYCHIATRY_FROM))

_KINDS = {"0": "inpatient", "1": "inpatient", "2": "outpatient", "3": "emergency"}
_ACUTE = "ATA1"
_SOURCE_LPR3 = "LPR3"


def contacts(inputs: Inputs) -> ir.Table:
    """Give the hospital contacts of all versions, of known persons within their lives.

    A contact that was delivered twice is one contact. A contact does not last beyond death.

    Returns:
        visit_occurrence_id, person_id, start_date, start_datetime, end_date, end_datetime, kind (inpatient, outpatient,
        emergency or null), kind_source, specialty (a text or a code as the register has it).
    """
    readers = {"lpr_adm": _lpr2, "t_psyk_adm": _psychiatry, "lpr3a_kontakt": _lpr3a, "lpr3f_kontakter": _lpr3f}
    parts = [read(inputs.registers[name]) for name, read in readers.items() if name in inputs.registers]
    person = inputs.made["_person"]
    rows = union(parts).distinct()
    joined = rows.inner_join(person.select("person_id", "foed_dato", "doddato"), "person_id")
    alive = joined.filter(
        joined.start_date >= joined.foed_dato, joined.doddato.isnull() | (joined.start_date <= joined.doddato)
    )
    end = ibis.greatest(alive.end_date, alive.start_date)
    return alive.mutate(end_date=ibis.ifelse(end > alive.doddato, alive.doddato, end)).select(*rows.columns)


def diagnoses(inputs: Inputs) -> ir.Table:
    """Give the diagnoses of the patient register, on the first day of their contact.

    Diagnoses that were retracted later (`senere_afkraeftet`) are left out.

    Returns:
        visit_occurrence_id, person_id, start_date, start_datetime, code, kind.
    """
    parts = []
    for name, number, code, kind, shift in DIAGNOSES:
        if name in inputs.registers:
            table = inputs.registers[name]
            kept = table.filter(_stands(table)) if "senere_afkraeftet" in table.columns else table
            parts.append(
                kept.select(
                    visit_occurrence_id=kept[number].cast("int64") + shift, code=kept[code].upper(), kind=kept[kind]
                )
            )
    joined = union(parts).inner_join(inputs.made["_contact"], "visit_occurrence_id")
    return joined.select("visit_occurrence_id", "person_id", "start_date", "start_datetime", "code", "kind")


def procedures(inputs: Inputs) -> ir.Table:
    """Give the operations and other procedures of the patient register, on their own day.

    A procedure outside the dates of its contact keeps its day and loses the contact.

    Returns:
        visit_occurrence_id, person_id, start_date, code.
    """
    parts = [
        table.select(
            visit_occurrence_id=table[number].cast("int64") + shift,
            code=table[code].upper(),
            day=table[day].cast("date"),
        )
        for name, number, code, day, shift in PROCEDURES
        if name in inputs.registers
        for table in (inputs.registers[name],)
    ]
    joined = union(parts).inner_join(inputs.made["_contact"], "visit_occurrence_id")
    day = joined.day.coalesce(joined.start_date)
    rows = joined.select(
        visit_occurrence_id=ibis.ifelse(
            day.between(joined.start_date, joined.end_date), joined.visit_occurrence_id, ibis.null("int64")
        ),
        person_id=joined.person_id,
        start_date=day,
        code=joined.code,
    )
    return within_life(rows, inputs.made["_person"], "start_date")


def attendances(inputs: Inputs) -> ir.Table:
    """Give the days on which a patient attended, of outpatient courses.

    Returns:
        visit_occurrence_id, person_id, day, specialty; days outside the course are left out.
    """
    parts = [
        table.select(visit_occurrence_id=table.recnum.cast("int64") + shift, day=table.d_ambdto)
        for name, shift in ATTENDANCES
        if name in inputs.registers
        for table in (inputs.registers[name],)
    ]
    joined = union(parts).distinct().inner_join(inputs.made["_contact"], "visit_occurrence_id")
    inside = joined.filter(joined.day.between(joined.start_date, joined.end_date))
    return inside.select("visit_occurrence_id", "person_id", "day", "specialty")


def _stands(diagnosis: ir.Table) -> ir.BooleanValue:
    """Whether a diagnosis was not retracted; where the register does not say, it was not."""
    return (diagnosis.senere_afkraeftet != "Ja").fill_null(True)


def _lpr2(adm: ir.Table, shift: int = 0) -> ir.Table:
    """Shape the second version; the day of discharge counts where the extract has it."""
    discharged = adm.d_uddto.coalesce(adm.d_inddto) if "d_uddto" in adm.columns else adm.d_inddto
    return adm.select(
        visit_occurrence_id=adm.recnum.cast("int64") + shift,
        person_id=adm.pnr.cast("int64"),
        start_date=adm.d_inddto,
        start_datetime=ibis.null("timestamp(6)"),
        end_date=discharged,
        end_datetime=ibis.null("timestamp(6)"),
        kind=adm.c_pattype.cases(*_KINDS.items(), else_=None),
        kind_source=adm.c_pattype,
        specialty=adm.c_spec,
    )


def _psychiatry(adm: ir.Table) -> ir.Table:
    return _lpr2(adm, PSYCHIATRY_FROM)


def _lpr3a(kontakt: ir.Table) -> ir.Table:
    """Shape delivery A of the third version, which has moments."""
    start = kontakt.kont_starttidspunkt.cast("timestamp(6)")
    if "kont_sluttidspunkt" not in kontakt.columns:
        return _lpr3(kontakt, start, None, ibis.null("string"), ("kont_type", "kont_ans_hovedspec"))
    end = kontakt.kont_sluttidspunkt.cast("timestamp(6)")
    lasts_long = end.delta(start, unit="hour") >= INPATIENT_HOURS
    return _lpr3(kontakt, start, end, _kind(kontakt, lasts_long), ("kont_type", "kont_ans_hovedspec"))


def _lpr3f(kontakter: ir.Table) -> ir.Table:
    """Shape delivery F of the third version, which has dates."""
    start = kontakter.dato_start
    if "dato_slut" not in kontakter.columns:
        return _lpr3(kontakter, start, None, ibis.null("string"), ("kontakttype", "hovedspeciale_ans"))
    end = kontakter.dato_slut
    return _lpr3(kontakter, start, end, _kind(kontakter, end > start), ("kontakttype", "hovedspeciale_ans"))


def _kind(kontakt: ir.Table, lasts_long: ir.BooleanValue) -> ir.StringValue:
    """Derive what the third version does not say: long is an inpatient, short and acute an emergency; our choice."""
    is_acute = kontakt.prioritet == _ACUTE if "prioritet" in kontakt.columns else ibis.literal(False)
    return ibis.cases((lasts_long, "inpatient"), (is_acute, "emergency"), else_="outpatient")


def _lpr3(kontakt: ir.Table, start: ir.Value, end: ir.Value | None, kind: ir.Value, names: tuple[str, str]) -> ir.Table:
    type_, specialty = names
    is_moment = start.type().is_timestamp()
    none = ibis.null("timestamp(6)")
    return kontakt.select(
        visit_occurrence_id=kontakt.dw_ek_kontakt.cast("int64") + LPR3_FROM,
        person_id=kontakt.pnr.cast("int64"),
        start_date=start.cast("date"),
        start_datetime=start if is_moment else none,
        end_date=(start if end is None else end.coalesce(start)).cast("date"),
        end_datetime=end if is_moment and end is not None else none,
        kind=kind,
        kind_source=kontakt[type_] if type_ in kontakt.columns else ibis.literal(_SOURCE_LPR3),
        specialty=kontakt[specialty],
    )
