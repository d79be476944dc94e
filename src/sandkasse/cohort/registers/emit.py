"""The registers' tables from observed events: columns only, no draws and no decisions."""

from datetime import date
from functools import cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sandkasse.cohort.observation import words as w
from sandkasse.cohort.observation.calendar import END_DAY, day_of, week_of
from sandkasse.cohort.observation.society import Society
from sandkasse.cohort.observation.vocabulary import read_parameters
from sandkasse.cohort.registers.columns import Shard, coded, dates, order_by_pnr, persons_of
from sandkasse.cohort.registers.events import emit_events
from sandkasse.cohort.registers.hospital import Lpr3, emit_hospital
from sandkasse.cohort.registers.population import emit_population
from sandkasse.cohort.registers.pseudonym import PNR_DIGITS, digit_bytes, to_strings
from sandkasse.cohort.registers.rows import OLDEST, read_results, read_services

_FIRST_WEEK_2005 = week_of(day_of(date(2005, 1, 3)))
_WEEK_AFTER_LAST = week_of(END_DAY)


def _week_names() -> list[str]:
    """Name each week as yyww, by the year and week of ISO 8601."""
    mondays = (date.fromordinal(date(1969, 12, 29).toordinal() + 7 * week) for week in range(_WEEK_AFTER_LAST + 1))
    return [f"{iso.year % 100:02d}{iso.week:02d}" for iso in (monday.isocalendar() for monday in mondays)]


_WEEK_NAMES = _week_names()


def emit_registers(shard: Shard, *, lpr3: Lpr3) -> dict[str, pa.Table]:
    """Write a shard's events down as register tables, in the columns of the contract.

    Args:
        shard: Lives and observed events.
        lpr3: Which delivery of the patient register from 2019 on.

    Returns:
        Tables by name; texts are dictionary arrays, so that they are written fast and read as plain texts.
    """
    society = Society(
        life=shard.life,
        parameters=read_parameters(),
        conditions=shard.words.conditions,
        treatments=shard.words.treatments,
        seed=shard.seed,
    )
    people = to_strings(digit_bytes(shard.pnr, PNR_DIGITS))
    return {
        **emit_population(shard, people, society),
        "lmdb": _lmdb(shard, people),
        **emit_hospital(shard, people, lpr3=lpr3),
        **_services(shard, people),
        "lab_forsker": _lab_forsker(shard, people),
        **emit_events(shard, people, society),
    }


def _lmdb(shard: Shard, people: pa.Array) -> pa.Table:
    word = shard.seen.dispensing
    product = (word >> 10) & 1023
    return pa.table(
        {
            "pnr": coded(persons_of(shard, w.DISPENSING), people),
            "eksd": dates(word >> 20),
            "atc": coded(product, [code for code, _ in shard.words.products]),
            "volume": pa.array(np.array([pack for _, pack in shard.words.products])[product]),
            "apk": pa.array(((word >> 4) & 63).astype(np.int32)),
            "indo": coded(word & 15, shard.words.indications),
        }
    )


def _lab_forsker(shard: Shard, people: pa.Array) -> pa.Table:
    rows = read_results(
        shard.seen.result,
        shard.seen.starts[:, w.RESULT],
        birth_day=shard.life.birth_day[shard.order],
        sex=shard.life.sex[shard.order],
        ticks=np.array([10.0**decimals for _, _, decimals in shard.words.analyses]),
        limits=_limits(),
    )
    return pa.table(
        {
            "pnr": coded(rows.person, people),
            "samplingdate": dates(rows.day),
            "analysiscode": coded(rows.analysis, [code for code, _, _ in shard.words.analyses]),
            "value": pa.array(rows.value),
            "unit": coded(rows.analysis, [unit for _, unit, _ in shard.words.analyses]),
            "referenceinterval_lowerlimit": pa.array(rows.lower, from_pandas=True),
            "referenceinterval_upperlimit": pa.array(rows.upper, from_pandas=True),
        }
    )


@cache
def _limits() -> npt.NDArray[np.float64]:
    """Give reference limits, NaN where there is none, shape (lower and upper, n_analyses, men and women, age)."""
    parameters = read_parameters()
    limits = np.full((2, len(parameters["analyses"]), 2, OLDEST + 1), np.nan)
    for number, name in enumerate(parameters["analyses"]):
        for entry in parameters["reference_limits"].get(name, ()):
            for sex, word in enumerate(("man", "woman")):
                for end, limit in enumerate(entry[word]):
                    limits[end, number, sex, entry["from_age"] :] = np.nan if limit == "none" else limit
    return limits


def _services(shard: Shard, people: pa.Array) -> dict[str, pa.Table]:
    both = read_services(
        shard.seen.service,
        shard.seen.starts[:, w.SERVICE],
        first_week=_FIRST_WEEK_2005,
        end_week=_WEEK_AFTER_LAST,
    )
    return {
        name: pa.table(
            {
                "pnr": coded(rows.person, people),
                "barnmak": pa.array(rows.is_childs),
                "speciale": coded(rows.service, shard.words.services),
                "honuge": coded(rows.week, _WEEK_NAMES),
            }
        )
        for name, rows in zip(("sysi", "sssy"), both, strict=True)
    }


__all__ = ["Lpr3", "Shard", "coded", "emit_registers", "order_by_pnr"]
