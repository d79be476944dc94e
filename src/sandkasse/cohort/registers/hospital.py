"""The patient register's tables: version 2 until 2018 with psychiatry beside it, version 3 from 2019 on."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sandkasse.cohort.observation import words as w
from sandkasse.cohort.observation.calendar import DAY_1995, DAY_1996, DAY_2019
from sandkasse.cohort.observation.care import OUTPATIENT
from sandkasse.cohort.registers.columns import Ints, Shard, coded, dates, persons_of, stable_order
from sandkasse.cohort.registers.pseudonym import RECORD_DIGITS, digit_bytes, identifiers, to_strings

Lpr3 = Literal["a", "f"]
Digits = npt.NDArray[np.uint8]

PSYCHIATRY = "psychiatry"
_MINUTES_A_DAY = 1440
_CONTACTS_A_PERSON = 1 << 16
_COURSE_GAP = 182
_KINDS = ("A", "B", "H", "+")
_ANSWERS = ("Nej", "Ja")


@dataclass(frozen=True)
class _Contacts:
    """Contacts of a shard as columns, all of shape (n_contacts,).

    Attributes:
        person: Position in the order of pnr.
        day: First day.
        last_day: Last day.
        kind: INPATIENT, OUTPATIENT or EMERGENCY.
        specialty: Its number.
        slots: Diagnoses, packed, shape (n_contacts, 3).
        course: Number of the contact whose record number the register uses: of an outpatient course the first one.
        record: Digits of the record numbers that are used, at those contacts, shape (n_contacts, RECORD_DIGITS).
    """

    person: npt.NDArray[np.int32]
    day: Ints
    last_day: Ints
    kind: Ints
    specialty: Ints
    slots: Ints
    course: Ints
    record: Digits

    def record_of(self, rows: Ints) -> pa.Array:
        """Give the record numbers of contacts."""
        return to_strings(np.take(self.record, self.course[rows], axis=0))


def emit_hospital(shard: Shard, people: pa.Array, *, lpr3: Lpr3) -> dict[str, pa.Table]:
    """Write hospital contacts down.

    Until 2018 visits of one person for one main diagnosis in one specialty are one outpatient course, unless they lie
    more than half a year apart; the visits themselves stand in `lpr_bes`. Psychiatry has tables of its own, from 1995.

    Args:
        shard: Lives and observed events.
        people: The persons' pnr.
        lpr3: Which delivery of the patient register from 2019 on.

    Returns:
        Tables by name.
    """
    contacts = _contacts(shard)
    psychiatric = contacts.specialty == shard.words.specialty_names.index(PSYCHIATRY)
    old = contacts.day < DAY_2019
    somatic = np.flatnonzero(old & ~psychiatric)
    mental = np.flatnonzero(old & psychiatric & (contacts.day >= DAY_1995))
    return {
        **_version_2(shard, people, contacts, somatic, ("lpr_adm", "lpr_diag", "lpr_bes")),
        **_version_2(shard, people, contacts, mental, ("t_psyk_adm", "t_psyk_diag", "t_psyk_bes")),
        **_operations_2(shard, contacts, somatic),
        **_version_3(shard, people, contacts, np.flatnonzero(~old), lpr3),
    }


def _contacts(shard: Shard) -> _Contacts:
    word = shard.seen.contact
    person = persons_of(shard, w.CONTACT)
    day, kind, specialty = word >> 47, (word >> 39) & 3, (word >> 41) & 63
    slots = np.stack([(word >> shift) & 0x1FFF for shift in (26, 13, 0)], axis=1)
    end = day * _MINUTES_A_DAY + shard.seen.minute + shard.seen.length
    course = np.arange(len(word))
    visits = np.flatnonzero((kind == OUTPATIENT) & (day < DAY_2019))
    course[visits] = _first_visits(person[visits], specialty[visits], slots[visits, 0] >> 3, day[visits], visits)
    first = np.flatnonzero(course == np.arange(len(word)))
    number = first - shard.seen.starts[person[first], w.CONTACT]
    of_person = shard.life.person[shard.order[person[first]]]
    own = identifiers(of_person * _CONTACTS_A_PERSON + number, seed=shard.seed, digits=RECORD_DIGITS)
    record = np.empty((len(word), RECORD_DIGITS), dtype=np.uint8)
    record[first] = digit_bytes(own, RECORD_DIGITS)
    return _Contacts(
        person=person,
        day=day,
        last_day=end // _MINUTES_A_DAY,
        kind=kind,
        specialty=specialty,
        slots=slots,
        course=course,
        record=record,
    )


def _first_visits(person: npt.NDArray[np.int32], specialty: Ints, main: Ints, day: Ints, number: Ints) -> Ints:
    """Give each visit the number of the first visit of its course; visits of a person come in the order of days."""
    if not len(number):
        return number
    order = stable_order((person.astype(np.int64) << 16) | (specialty << 10) | main)
    begins = np.ones(len(order), dtype=np.bool_)
    before, after = order[:-1], order[1:]
    begins[1:] = (person[before] != person[after]) | (specialty[before] != specialty[after])
    begins[1:] |= (main[before] != main[after]) | (day[after] - day[before] > _COURSE_GAP)
    first = number[order][np.maximum.accumulate(np.where(begins, np.arange(len(order)), 0))]
    given = np.empty(len(order), dtype=np.int64)
    given[order] = first
    return given


def _version_2(
    shard: Shard, people: pa.Array, contacts: _Contacts, chosen: Ints, names: tuple[str, str, str]
) -> dict[str, pa.Table]:
    rows = chosen[contacts.course[chosen] == chosen]
    visits = chosen[contacts.kind[chosen] == OUTPATIENT]
    last = contacts.last_day.copy()
    np.maximum.at(last, contacts.course[visits], contacts.last_day[visits])
    return {
        names[0]: pa.table(
            {
                "pnr": coded(contacts.person[rows], people),
                "recnum": contacts.record_of(rows),
                "d_inddto": dates(contacts.day[rows]),
                "c_spec": coded(contacts.specialty[rows], [code for code, _ in shard.words.specialties]),
                "c_pattype": coded(contacts.kind[rows], ["0", "1", "2", "3"]),
                "d_uddto": dates(last[rows]),
            }
        ),
        names[1]: _diagnoses(shard, contacts, chosen, ("recnum", "c_diag", "c_diagtype", None)),
        names[2]: pa.table({"recnum": contacts.record_of(visits), "d_ambdto": dates(contacts.day[visits])}),
    }


def _operations_2(shard: Shard, contacts: _Contacts, chosen: Ints) -> dict[str, pa.Table]:
    operated = chosen[shard.seen.operation[chosen] >= 0]
    is_new = contacts.day[operated] >= DAY_1996
    tables = {}
    for name, rows in (("lpr_opr", operated[~is_new]), ("lpr_sksopr", operated[is_new])):
        columns = {
            "recnum": contacts.record_of(rows),
            "c_opr": coded(shard.seen.operation[rows], shard.words.operations),
            "d_odto": dates(contacts.day[rows]),
        }
        if name == "lpr_sksopr":
            columns["c_oprart"] = coded(np.zeros(len(rows), np.int32), ["V"])
        tables[name] = pa.table(columns)
    return tables


def _version_3(shard: Shard, people: pa.Array, contacts: _Contacts, rows: Ints, lpr3: Lpr3) -> dict[str, pa.Table]:
    names = _LPR3[lpr3]
    start = contacts.day[rows] * _MINUTES_A_DAY + shard.seen.minute[rows]
    end = start + shard.seen.length[rows]
    operated = rows[shard.seen.operation[rows] >= 0]
    begun = contacts.day[operated] * _MINUTES_A_DAY + shard.seen.minute[operated]
    manner = shard.seen.manner[rows]
    return {
        names.contacts: pa.table(
            {
                "pnr": coded(contacts.person[rows], people),
                "dw_ek_kontakt": contacts.record_of(rows),
                names.start: _moments(start, lpr3),
                names.specialty: coded(contacts.specialty[rows], [text for _, text in shard.words.specialties]),
                names.end: _moments(end, lpr3),
                names.kind: coded(manner & 1, ["ALCA00", "ALCA03"]),
                "prioritet": coded(manner >> 1, ["ATA3", "ATA1"]),
            }
        ),
        names.diagnoses: _diagnoses(
            shard, contacts, rows, ("dw_ek_kontakt", names.code, names.code_kind, "senere_afkraeftet")
        ),
        names.operations: pa.table(
            {
                "dw_ek_kontakt": contacts.record_of(operated),
                names.operation: coded(shard.seen.operation[operated], shard.words.operations),
                names.operation_kind: coded(np.zeros(len(operated), np.int32), ["P"]),
                names.operated: _moments(begun, lpr3),
            }
        ),
    }


def _moments(minutes: Ints, lpr3: Lpr3) -> pa.Array:
    if lpr3 == "f":
        return dates(minutes // _MINUTES_A_DAY)
    return pa.array((minutes * 60_000).view("datetime64[ms]"), type=pa.timestamp("ms"))


@dataclass(frozen=True)
class _Names:
    """How a delivery of LPR3 names its tables and columns."""

    contacts: str
    diagnoses: str
    operations: str
    start: str
    end: str
    specialty: str
    kind: str
    code: str
    code_kind: str
    operation: str
    operation_kind: str
    operated: str


_LPR3 = {
    "a": _Names(
        contacts="lpr3a_kontakt",
        diagnoses="lpr3a_diagnose",
        operations="lpr3a_procregistrering",
        start="kont_starttidspunkt",
        end="kont_sluttidspunkt",
        specialty="kont_ans_hovedspec",
        kind="kont_type",
        code="diag_kode",
        code_kind="diag_type",
        operation="proc_kode",
        operation_kind="proc_kode_type",
        operated="proc_starttidspunkt",
    ),
    "f": _Names(
        contacts="lpr3f_kontakter",
        diagnoses="lpr3f_diagnoser",
        operations="lpr3f_procedurer_kirurgi",
        start="dato_start",
        end="dato_slut",
        specialty="hovedspeciale_ans",
        kind="kontakttype",
        code="diagnosekode",
        code_kind="diagnosetype",
        operation="procedurekode",
        operation_kind="proceduretype",
        operated="dato_start",
    ),
}


def _diagnoses(shard: Shard, contacts: _Contacts, rows: Ints, names: tuple[str, str, str, str | None]) -> pa.Table:
    """Write the diagnoses of contacts, each once in a course."""
    contact, slot = np.nonzero((contacts.slots[rows] >> 3) != w.NO_DIAGNOSIS)
    of_course = contacts.course[rows[contact]]
    found = contacts.slots[rows[contact], slot]
    # The order of the courses, and within one of its visits and their slots, stays; repetitions go.
    place = stable_order(of_course)
    pair = (of_course[place] << 13) | found[place]
    order = stable_order(pair)
    begins = np.ones(len(order), dtype=np.bool_)
    begins[1:] = pair[order[1:]] != pair[order[:-1]]
    kept = place[np.sort(order[begins])]
    columns = {
        names[0]: contacts.record_of(of_course[kept]),
        names[1]: coded(found[kept] >> 3, shard.words.diagnoses),
        names[2]: coded((found[kept] >> 1) & 3, _KINDS),
    }
    if names[3]:
        columns[names[3]] = coded(found[kept] & 1, _ANSWERS)
    return pa.table(columns)
