"""The truth behind a cohort, as tables: who had what since when, and which traps the registers hold."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sandkasse.cohort.life.record import NEVER, LifeShard
from sandkasse.cohort.observation import words as w
from sandkasse.cohort.observation.traps import NAMES, UNDIAGNOSED, Switches
from sandkasse.cohort.registers.columns import Shard, coded
from sandkasse.cohort.registers.pseudonym import PNR_DIGITS, digit_bytes, to_strings

_ONSETS = ("t1d", "t2d", "mi", "stroke", "hf", "ckd")
Days = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Names:
    """Column names of the life's two-dimensional arrays."""

    conditions: Sequence[str]
    treatments: Sequence[str]
    traits: Sequence[str]


def emit_truth(shard: Shard, names: Names, traps: Switches) -> dict[str, pa.Table]:
    """Write the truth of a shard down.

    Args:
        shard: Lives and observed events.
        names: What the columns of the life's arrays are.
        traps: Which traps were on, bool, shape (n_traps,).

    Returns:
        `persons` (one row each; first onset and first recognition of every condition in a column each), `events` (pnr,
        event, name, date) and `traps` (pnr, trap, date), in the order of pnr.
    """
    people = to_strings(digit_bytes(shard.pnr, PNR_DIGITS))
    return {
        "persons": _persons(shard, people, names, traps),
        "events": _events(shard, people, names),
        "traps": _traps(shard, people),
    }


def _days(days: Days) -> pa.Array:
    return pa.array(np.ascontiguousarray(days, dtype=np.int32), mask=days == NEVER).cast(pa.date32())


def _column(life: Days, names: Sequence[str], name: str) -> Days:
    if name in names:
        return life[:, names.index(name)]
    return np.full(len(life), NEVER, dtype=np.int32)


def _persons(shard: Shard, people: pa.Array, names: Names, traps: Switches) -> pa.Table:
    life, order = shard.life, shard.order
    onset = {name: _column(life.onset_day, names.conditions, name)[order] for name in (*_ONSETS, "gdm", "pcos")}
    diabetes = np.minimum(onset["t1d"], onset["t2d"])
    kind = np.where(onset["t1d"] <= onset["t2d"], 0, 1)
    ends = np.where(life.residence_end == NEVER, np.int32(-(2**31)), life.residence_end)
    last = np.argmax(ends, axis=1)
    rows = np.arange(len(order))
    columns = {
        "pnr": people,
        "koen": pa.array(life.sex[order]),
        "foed_dato": _days(life.birth_day[order]),
        "doddato": _days(life.death_day[order]),
        "first_resident": _days(life.residence_start.min(axis=1)[order]),
        "last_resident": _days((ends.max(axis=1) - 1).astype(np.int32)[order]),
        "kom_last": pa.array([f"{code:03d}" for code in life.municipality[rows, last][order]]),
        "mother_pnr": _relatives(life.mother, shard, people),
        "father_pnr": _relatives(life.father, shard, people),
        "t1d_onset": _days(onset["t1d"]),
        "t2d_onset": _days(onset["t2d"]),
        "diabetes_onset": _days(diabetes),
        "diabetes_type": pa.DictionaryArray.from_arrays(
            pa.array(kind.astype(np.int32), mask=diabetes == NEVER), pa.array(["T1D", "T2D"])
        ),
        "diabetes_detected": _days(detected_diabetes(life, names.conditions, traps)[order]),
        **{f"{name}_onset": _days(onset[name]) for name in ("mi", "stroke", "hf", "ckd")},
        "gdm_first": _days(onset["gdm"]),
        "pcos": pa.array(onset["pcos"] != NEVER),
        "smoking_start": _days(life.smoking_start[order]),
        "smoking_stop": _days(life.smoking_stop[order]),
        "bmi_at_20": pa.array(life.bmi_at_20[order].astype(np.float64)),
        "bmi_slope_per_year": pa.array(life.bmi_slope_per_year[order].astype(np.float64)),
    }
    for number, trait in enumerate(names.traits):
        columns[f"liability_{trait}"] = pa.array(life.liability[order, number].astype(np.float64))
    for name in _ONSETS:
        columns[f"{name}_onset_untreated"] = _days(_column(life.onset_day_untreated, names.conditions, name)[order])
    columns["doddato_untreated"] = _days(life.death_day_untreated[order])
    for name in names.conditions:
        if f"{name}_onset" not in columns:
            columns[f"{name}_onset"] = _days(_column(life.onset_day, names.conditions, name)[order])
        columns[f"{name}_detected"] = _days(detected(life, names.conditions, name, traps)[order])
    return pa.table(columns)


def _relatives(numbers: npt.NDArray[np.int64], shard: Shard, people: pa.Array) -> pa.Array:
    """Give the pnr of each person's relative, null where there is none or where it lies beyond the cohort's end."""
    everyone, order = shard.life.person, shard.order
    ascending = np.argsort(everyone)
    at = np.minimum(np.searchsorted(everyone, numbers, sorter=ascending), len(everyone) - 1)
    row = ascending[at]
    rank = np.empty(len(order), dtype=np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    return pa.DictionaryArray.from_arrays(pa.array(rank[row][order], mask=(everyone[row] != numbers)[order]), people)


def detected(life: LifeShard, conditions: Sequence[str], name: str, traps: Switches) -> Days:
    """Day on which a condition first became known, int32; soon after onset where nobody stays undiagnosed."""
    onset = _column(life.onset_day, conditions, name)
    found = _column(life.detected_day, conditions, name)
    if traps[UNDIAGNOSED]:
        return found
    return np.where((found == NEVER) & (onset != NEVER), onset + np.int32(30), found).astype(np.int32)


def detected_diabetes(life: LifeShard, conditions: Sequence[str], traps: Switches) -> Days:
    """Day on which diabetes of either type became known, int32; soon after onset where nobody stays undiagnosed."""
    return np.minimum(detected(life, conditions, "t1d", traps), detected(life, conditions, "t2d", traps))


def _events(shard: Shard, people: pa.Array, names: Names) -> pa.Table:
    life, order = shard.life, shard.order
    groups = [
        ("onset", names.conditions, life.onset_day),
        ("detected", names.conditions, life.detected_day),
        ("treatment", names.treatments, life.treatment_day),
        ("treatment_stop", names.treatments, life.treatment_stop_day),
        ("delivery", ("child",) * life.delivery_day.shape[1], life.delivery_day),
        ("death", ("death",), life.death_day[:, None]),
    ]
    labels = [(event, name) for event, listed, _ in groups for name in listed]
    days = np.concatenate([table[:, : len(listed)] for _, listed, table in groups], axis=1)[order]
    person, label = np.nonzero(days != NEVER)
    at = np.lexsort((label, days[person, label], person))
    person, label = person[at].astype(np.int32), label[at].astype(np.int32)
    return pa.table(
        {
            "pnr": pa.DictionaryArray.from_arrays(pa.array(person), people),
            "event": coded(label, [event for event, _ in labels]),
            "name": coded(label, [name for _, name in labels]),
            "date": _days(days[person, label]),
        }
    )


def _traps(shard: Shard, people: pa.Array) -> pa.Table:
    word = shard.seen.trap
    counts = np.diff(shard.seen.starts[:, w.TRAP])
    person = np.repeat(np.arange(len(counts), dtype=np.int64), counts)
    trap = word >> 20
    # The words of a person are sorted, so that the first of each trap is its earliest.
    first = np.ones(len(word), dtype=bool)
    first[1:] = (person[1:] != person[:-1]) | (trap[1:] != trap[:-1])
    day = ((word & 0xFFFFF) - w.TRAP_DAY_SHIFT)[first].astype(np.int32)
    return pa.table(
        {
            "pnr": pa.DictionaryArray.from_arrays(pa.array(person[first].astype(np.int32)), people),
            "trap": pa.DictionaryArray.from_arrays(pa.array(trap[first].astype(np.int32)), pa.array(NAMES)),
            "date": pa.array(day).cast(pa.date32()),
        }
    )
