"""The registers' tables from observed events: columns only, no draws and no decisions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sandkasse.cohort.life.record import LifeShard
from sandkasse.cohort.observation import words as w
from sandkasse.cohort.observation.calendar import DAY_2019, END_DAY, FIRST_DAY, NEVER, day_of, week_of
from sandkasse.cohort.observation.observe import Observed
from sandkasse.cohort.observation.vocabulary import Vocabulary
from sandkasse.cohort.registers.pseudonym import PNR_DIGITS, RECORD_DIGITS, digit_bytes, identifiers, to_strings

Lpr3 = Literal["a", "f"]
Ints = npt.NDArray[np.int64]

_BEF_DAYS = np.array([day_of(date(year, 1, 1)) for year in range(1986, 2025)], dtype=np.int32)
_MINUTES_A_DAY = 1440
_CONTACTS_A_PERSON = 1 << 16
_KINDS = ("A", "B", "H", "+")
_ANSWERS = ("Nej", "Ja")


_FIRST_WEEK_2005 = week_of(day_of(date(2005, 1, 3)))
_WEEK_AFTER_LAST = week_of(END_DAY)


def _week_names() -> list[str]:
    """Name each week as yyww, by the year and week of ISO 8601."""
    mondays = (date.fromordinal(date(1969, 12, 29).toordinal() + 7 * week) for week in range(_WEEK_AFTER_LAST + 1))
    return [f"{iso.year % 100:02d}{iso.week:02d}" for iso in (monday.isocalendar() for monday in mondays)]


_WEEK_NAMES = _week_names()


@dataclass(frozen=True)
class Shard:
    """What the emitters read.

    Attributes:
        life: True lives; only residence, birth, sex and death are written down in registers.
        seen: What was observed, persons in `order`.
        order: Persons in the order of their pnr, int64, shape (n_persons,).
        pnr: Their pnr as numbers, in that order, int64.
        words: What the numbers in observed events mean.
        seed: Seed of the cohort.
    """

    life: LifeShard
    seen: Observed
    order: Ints
    pnr: Ints
    words: Vocabulary
    seed: int


def order_by_pnr(life: LifeShard, *, seed: int) -> tuple[Ints, Ints]:
    """Give the persons of a shard in the order of their pnr, and the pnr as numbers in that order."""
    pnr = identifiers(life.person, seed=seed, digits=PNR_DIGITS)
    order = np.argsort(pnr)
    return order.astype(np.int64), pnr[order]


def emit_registers(shard: Shard, *, lpr3: Lpr3) -> dict[str, pa.Table]:
    """Write a shard's events down as register tables, in the columns of the contract.

    Args:
        shard: Lives and observed events.
        lpr3: Which delivery of the patient register from 2019 on.

    Returns:
        Tables by name; texts are dictionary arrays, so that they are written fast and read as plain texts.
    """
    people = to_strings(digit_bytes(shard.pnr, PNR_DIGITS))
    return {
        "bef": _bef(shard, people),
        "dod": _dod(shard, people),
        "lmdb": _lmdb(shard, people),
        **_lpr(shard, people, lpr3),
        **_services(shard, people),
        "lab_forsker": _lab_forsker(shard, people),
    }


def coded(indices: npt.NDArray[np.integer], values: pa.Array | Sequence[str]) -> pa.Array:
    """Give texts as indices into a dictionary without repetitions.

    Where a dictionary names a text twice, Arrow's Parquet writer gives different bytes from one time to the next.
    """
    if isinstance(values, pa.Array):
        return pa.DictionaryArray.from_arrays(pa.array(indices.astype(np.int32, copy=False)), values, safe=False)
    unique = {text: number for number, text in enumerate(dict.fromkeys(values))}
    number_of = np.array([unique[text] for text in values], dtype=np.int32)
    return pa.DictionaryArray.from_arrays(pa.array(number_of[indices]), pa.array(list(unique), pa.string()), safe=False)


def _dates(days: npt.NDArray[np.integer]) -> pa.Array:
    return pa.Array.from_buffers(pa.date32(), len(days), [None, pa.py_buffer(np.ascontiguousarray(days, np.int32))])


def _persons_of(shard: Shard, kind: int) -> npt.NDArray[np.int32]:
    counts = np.diff(shard.seen.starts[:, kind])
    return np.repeat(np.arange(len(counts), dtype=np.int32), counts)


def _bef(shard: Shard, people: pa.Array) -> pa.Table:
    life, order = shard.life, shard.order
    spell = np.full((len(order), len(_BEF_DAYS)), -1, dtype=np.int8)
    for number in range(life.residence_start.shape[1]):
        start = life.residence_start[order, number][:, None]
        end = life.residence_end[order, number][:, None]
        spell[(start <= _BEF_DAYS) & (end > _BEF_DAYS)] = number
    person, at = np.nonzero(spell >= 0)
    municipality = life.municipality[order[person], spell[person, at]]
    return pa.table(
        {
            "pnr": coded(person, people),
            "koen": pa.array(life.sex[order[person]]),
            "foed_dato": _dates(life.birth_day[order[person]]),
            "kom": coded(municipality, [f"{code:03d}" for code in range(1000)]),
            "referencetid": _dates(_BEF_DAYS[at]),
        }
    )


def _dod(shard: Shard, people: pa.Array) -> pa.Table:
    died = shard.life.death_day[shard.order]
    person = np.flatnonzero((died != NEVER) & (died >= FIRST_DAY) & (died < END_DAY))
    return pa.table({"pnr": coded(person, people), "doddato": _dates(died[person])})


def _lmdb(shard: Shard, people: pa.Array) -> pa.Table:
    word = shard.seen.dispensing
    product = (word >> 10) & 1023
    return pa.table(
        {
            "pnr": coded(_persons_of(shard, w.DISPENSING), people),
            "eksd": _dates(word >> 20),
            "atc": coded(product, [code for code, _ in shard.words.products]),
            "volume": pa.array(np.array([pack for _, pack in shard.words.products])[product]),
            "apk": pa.array(((word >> 4) & 63).astype(np.int32)),
            "indo": coded(word & 15, shard.words.indications),
        }
    )


def _lab_forsker(shard: Shard, people: pa.Array) -> pa.Table:
    word = shard.seen.result
    analysis = (word >> 26) & 63
    scale = np.array([10.0**decimals for _, _, decimals in shard.words.analyses])
    return pa.table(
        {
            "pnr": coded(_persons_of(shard, w.RESULT), people),
            "samplingdate": _dates(word >> 32),
            "analysiscode": coded(analysis, [code for code, _, _ in shard.words.analyses]),
            "value": pa.array((word & 0x3FFFFFF).astype(np.float64) / scale[analysis]),
        }
    )


def _services(shard: Shard, people: pa.Array) -> dict[str, pa.Table]:
    word = shard.seen.service
    person = _persons_of(shard, w.SERVICE)
    week = word >> 17
    tables = {}
    for name, keep in (
        ("sysi", week < _FIRST_WEEK_2005),
        ("sssy", (week >= _FIRST_WEEK_2005) & (week < _WEEK_AFTER_LAST)),
    ):
        kept = word[keep]
        tables[name] = pa.table(
            {
                "pnr": coded(person[keep], people),
                "barnmak": pa.array((kept & 1).astype(np.int8)),
                "speciale": coded((kept >> 1) & 0xFFFF, shard.words.services),
                "honuge": coded(kept >> 17, _WEEK_NAMES),
            }
        )
    return tables


def _lpr(shard: Shard, people: pa.Array, lpr3: Lpr3) -> dict[str, pa.Table]:
    word = shard.seen.contact
    person = _persons_of(shard, w.CONTACT)
    day = word >> 47
    number = np.arange(len(word)) - shard.seen.starts[person, w.CONTACT]
    of_person = shard.life.person[shard.order[person]]
    record = identifiers(of_person * _CONTACTS_A_PERSON + number, seed=shard.seed, digits=RECORD_DIGITS)
    record_digits = digit_bytes(record, RECORD_DIGITS)
    old = np.flatnonzero(day < DAY_2019)
    new = np.flatnonzero(day >= DAY_2019)
    specialty = (word >> 41) & 63
    tables = {
        "lpr_adm": pa.table(
            {
                "pnr": coded(person[old], people),
                "recnum": to_strings(record_digits[old]),
                "d_inddto": _dates(day[old]),
                "c_spec": coded(specialty[old], [code for code, _ in shard.words.specialties]),
                "c_pattype": coded((word[old] >> 39) & 3, ["0", "1", "2", "3"]),
            }
        ),
        "lpr_diag": _diagnoses(shard, word[old], record_digits[old], ("recnum", "c_diag", "c_diagtype", None)),
    }
    start = day[new].astype(np.int64) * _MINUTES_A_DAY + shard.seen.minute[new]
    moment = (
        _dates(day[new]) if lpr3 == "f" else pa.array((start * 60_000).view("datetime64[ms]"), type=pa.timestamp("ms"))
    )
    contacts, diagnoses, columns = _LPR3[lpr3]
    tables[contacts] = pa.table(
        {
            "pnr": coded(person[new], people),
            "dw_ek_kontakt": to_strings(record_digits[new]),
            columns[0]: moment,
            columns[1]: coded(specialty[new], [text for _, text in shard.words.specialties]),
        }
    )
    names = ("dw_ek_kontakt", columns[2], columns[3], "senere_afkraeftet")
    tables[diagnoses] = _diagnoses(shard, word[new], record_digits[new], names)
    return tables


_LPR3 = {
    "a": ("lpr3a_kontakt", "lpr3a_diagnose", ("kont_starttidspunkt", "kont_ans_hovedspec", "diag_kode", "diag_type")),
    "f": ("lpr3f_kontakter", "lpr3f_diagnoser", ("dato_start", "hovedspeciale_ans", "diagnosekode", "diagnosetype")),
}


def _diagnoses(
    shard: Shard, word: Ints, record: npt.NDArray[np.uint8], names: tuple[str, str, str, str | None]
) -> pa.Table:
    slots = np.stack([(word >> shift) & 0x1FFF for shift in (26, 13, 0)], axis=1)
    contact, slot = np.nonzero((slots >> 3) != w.NO_DIAGNOSIS)
    found = slots[contact, slot]
    columns = {
        names[0]: to_strings(record[contact]),
        names[1]: coded(found >> 3, shard.words.diagnoses),
        names[2]: coded((found >> 1) & 3, _KINDS),
    }
    if names[3]:
        columns[names[3]] = coded(found & 1, _ANSWERS)
    return pa.table(columns)
