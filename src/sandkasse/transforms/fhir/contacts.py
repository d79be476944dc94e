"""Hospital contacts in all generations of the patient register: Encounter."""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from sandkasse.transforms.fhir import assemble
from sandkasse.transforms.fhir.codes import coding, concept, read_codes, titled
from sandkasse.transforms.fhir.danish_time import with_offset
from sandkasse.transforms.fhir.parts import Part
from sandkasse.transforms.fhir.source import Rows, Source, identifier

_ENCOUNTER = """
{"resourceType":"Encounter",
"id":"${id}",
${meta}
"identifier":[${system}${key}"}],
"status":"finished",
"class":${class_},
${type_}
${specialty}
${priority}
${period}
"subject":{"reference":"Patient/${pnr}"}}
"""

_VISIT = """
{"resourceType":"Encounter",
"id":"${encounter}-v${number}",
${meta}
"status":"finished",
"class":${class_},
${period}
"partOf":{"reference":"Encounter/${encounter}"},
"subject":{"reference":"Patient/${pnr}"}}
"""

WHY_LEFT_OUT = "name a contact that is not there, so nobody knows whose they are"
CONTACT = "contact_"


@dataclass(frozen=True)
class Generation:
    """How one delivery of the patient register names what it holds.

    Attributes:
        prefix: Begins the ids of its encounters.
        system: Our name of the identifiers of its contacts.
        contacts: Table of contacts.
        key: Column that names a contact, here and in the tables below it.
        start: Column of the contact's beginning.
        end: Column of its end; read where it is there.
        specialty: Column of the specialty.
        specialty_is_code: Whether the specialty is a code, or words.
        patient_type: Column of c_pattype, if the delivery has one.
        contact_type: Column of the SKS code for the form of the contact; read where it is there.
        priority: Column of the SKS code for acute or planned; read where it is there.
    """

    prefix: str
    system: str
    contacts: str
    key: str
    start: str
    end: str
    specialty: str
    specialty_is_code: bool
    patient_type: str | None = None
    contact_type: str | None = None
    priority: str | None = None


LPR2 = Generation(
    prefix="lpr2-",
    system="lpr2_contact",
    contacts="lpr_adm",
    key="recnum",
    start="d_inddto",
    end="d_uddto",
    specialty="c_spec",
    specialty_is_code=True,
    patient_type="c_pattype",
)
PSYCHIATRY = replace(LPR2, prefix="psyk-", system="psyk_contact", contacts="t_psyk_adm")
LPR3_A = Generation(
    prefix="lpr3-",
    system="lpr3_contact",
    contacts="lpr3a_kontakt",
    key="dw_ek_kontakt",
    start="kont_starttidspunkt",
    end="kont_sluttidspunkt",
    specialty="kont_ans_hovedspec",
    specialty_is_code=False,
    contact_type="kont_type",
    priority="prioritet",
)
LPR3_F = Generation(
    prefix="lpr3-",
    system="lpr3_contact",
    contacts="lpr3f_kontakter",
    key="dw_ek_kontakt",
    start="dato_start",
    end="dato_slut",
    specialty="hovedspeciale_ans",
    specialty_is_code=False,
    contact_type="kontakttype",
    priority="prioritet",
)
GENERATIONS = (LPR2, PSYCHIATRY, LPR3_A, LPR3_F)


def read_below(
    era: Generation, part: Part, table: str, columns: tuple[str, ...], *, optional: tuple[str, ...] = ()
) -> Rows:
    """Read a table whose rows belong to contacts, with each row's person, encounter, and number within its contact.

    Args:
        era: Whose contacts.
        part: Which persons.
        table: The table.
        columns: Its columns beside the key.
        optional: Columns that are read where they are there.

    Returns:
        Rows with the columns `pnr`, `encounter` (its id), `number`, and the contact's beginning; without those whose
        contact is not there.
    """
    below = part.read(table, (era.key, *columns), optional=optional)
    if era.contacts not in part:
        return Rows(below.slice(0, 0), left_out=len(below))
    contacts = part.read(era.contacts, ("pnr", era.key, era.start))
    key = below[era.key].combine_chunks()
    at = pc.index_in(key, value_set=contacts[era.key].combine_chunks())
    known = at.is_valid()
    rows, at, key = below.filter(known), at.drop_null(), key.filter(known)
    for name, column in (("pnr", "pnr"), (CONTACT + era.start, era.start)):
        rows = rows.append_column(name, contacts[column].combine_chunks().take(at))
    rows = rows.append_column("encounter", assemble.join(era.prefix, key))
    return Rows(rows.append_column("number", assemble.number_within(key)), left_out=len(below) - len(rows))


def moments(column: pa.Array) -> pa.Array:
    """Give dates or local moments as FHIR writes them; null stays null."""
    return with_offset(column) if pa.types.is_timestamp(column.type) else assemble.write_days(column)


def columns_of(rows: pa.Table, *optional: str) -> dict[str, Any]:
    """Give a table's columns by name, each in one piece; those that it lacks of the optional ones are empty."""
    nothing = pa.nulls(len(rows))
    return dict.fromkeys(optional, nothing) | {name: rows[name].combine_chunks() for name in rows.column_names}


def _read(era: Generation, part: Part) -> Rows:
    columns = ["pnr", era.key, era.start, era.specialty, *([era.patient_type] if era.patient_type else [])]
    optional = [column for column in (era.end, era.contact_type, era.priority) if column]
    contacts = part.read(era.contacts, columns, optional=optional)
    key = assemble.identifiers(contacts[era.key].combine_chunks(), what=f"{era.contacts}.{era.key}")
    # A contact that is written twice is two encounters; diagnoses belong to the first.
    number = assemble.each_value(assemble.number_within(key), lambda text: "" if text == "1" else f".{text}")
    return Rows(contacts.append_column("id", assemble.join(era.prefix, key, number)))


def _write(era: Generation, rows: pa.Table, meta: str) -> pa.Array:
    column = columns_of(rows, era.end, era.contact_type or "", era.priority or "")
    return assemble.fill(
        _ENCOUNTER,
        meta=meta,
        id=column["id"],
        system=identifier(era.system),
        key=column[era.key],
        class_=_classes(era, column),
        type_=assemble.each_value(column[era.contact_type], _type) if era.contact_type else "",
        priority=assemble.member("priority", column[era.priority], _sks) if era.priority else "",
        specialty=assemble.member("serviceType", column[era.specialty], partial(_specialty, era)),
        period=_periods(column[era.start], column[era.end]),
        pnr=column["pnr"],
    )


def _read_visits(era: Generation, table: str, part: Part) -> Rows:
    return read_below(era, part, table, ("d_ambdto",))


def _write_visits(rows: pa.Table, meta: str) -> pa.Array:
    column = columns_of(rows)
    return assemble.fill(
        _VISIT,
        meta=meta,
        encounter=column["encounter"],
        number=column["number"],
        class_=_class_of("2"),
        period=_periods(column["d_ambdto"], column["d_ambdto"]),
        pnr=column["pnr"],
    )


SOURCES = (
    *(Source("Encounter", era.contacts, partial(_read, era), partial(_write, era)) for era in GENERATIONS),
    *(
        Source("Encounter", table, partial(_read_visits, era, table), _write_visits, WHY_LEFT_OUT)
        for era, table in ((LPR2, "lpr_bes"), (PSYCHIATRY, "t_psyk_bes"))
    ),
)


def _classes(era: Generation, column: dict[str, Any]) -> pa.Array | str:
    if era.patient_type:
        return assemble.each_value(column[era.patient_type], _class_of)
    return assemble.each_value(column[era.contact_type or ""], _class_of_form)


def _class_of(patient_type: str | None) -> str:
    return _class(read_codes().patient_types.get(patient_type or ""))


def _class_of_form(contact_type: str | None) -> str:
    return _class(read_codes().contact_types.get(contact_type or ""))


def _class(known: Any) -> str:
    if known is None:  # R4 asks for a class; the register does not tell it
        return coding("null_flavor", "UNK", "unknown")
    return coding("act_code", known["code"], known["display"])


def _type(contact_type: str | None) -> str:
    return f'"type":[{_sks(contact_type)}],' if contact_type else ""


def _sks(code: str) -> str:
    return concept(coding("sks", code))


def _specialty(era: Generation, value: str) -> str:
    if not era.specialty_is_code:
        return concept(words=value)
    return titled("lpr_specialty", value, "SKS specialty codes")


def _periods(starts: pa.Array, ends: pa.Array) -> pa.Array:
    """Write Periods of what is known; an end before the beginning is left out, as FHIR does not allow it (per-1)."""
    ends = ends.cast(starts.type)
    begun = pc.coalesce(starts, ends)
    ended = pc.if_else(pc.fill_null(pc.greater_equal(ends, begun), False), ends, None)
    begins, finishes = starts.is_valid(), ended.is_valid()
    first = assemble.where(begins, '"start":"', moments(starts), '"')
    comma = pc.if_else(pc.and_(begins, finishes), ",", "")
    last = assemble.where(finishes, '"end":"', moments(ended), '"')
    return assemble.where(pc.or_(begins, finishes), '"period":{', first, comma, last, "},")
