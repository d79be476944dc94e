"""Lives made by hand, without the life stage, and the registers that follow from them."""

import os
from dataclasses import dataclass, replace
from datetime import date
from functools import cache

import numpy as np
import pyarrow as pa

from sandkasse.cohort.kernels import cache_folder, enable_cache
from sandkasse.cohort.life.record import NEVER, LifeShard
from sandkasse.cohort.model import load_model
from sandkasse.cohort.observation.calendar import END_DAY, FIRST_DAY, day_of
from sandkasse.cohort.observation.care import Care
from sandkasse.cohort.observation.compile_care import compile_care
from sandkasse.cohort.observation.observe import Observed, observe
from sandkasse.cohort.observation.traps import NAMES as TRAP_NAMES
from sandkasse.cohort.observation.traps import trap_switches
from sandkasse.cohort.observation.vocabulary import read_parameters
from sandkasse.cohort.registers.emit import Shard, emit_registers, order_by_pnr
from sandkasse.cohort.registers.truth import Names, emit_truth
from sandkasse.core.settings import read_settings

enable_cache(cache_folder(read_settings(os.environ).kernels))
MODEL = load_model()
NAMES = Names(MODEL.conditions, MODEL.treatments, MODEL.traits)
GLYCAEMIA = MODEL.glycaemia


@dataclass(frozen=True)
class Made:
    """Lives and everything that was written of them."""

    life: LifeShard
    seen: Observed
    shard: Shard
    registers: dict[str, pa.Table]
    truth: dict[str, pa.Table]


@cache
def care() -> Care:
    return compile_care(
        read_parameters(),
        conditions=MODEL.conditions,
        treatments=MODEL.treatments,
        recurring=MODEL.recurring,
        traits=MODEL.traits,
    )


def day(year: int, month: int = 1, of_month: int = 1) -> int:
    return day_of(date(year, month, of_month))


def plain_lives(n: int, *, first_person: int = 0, seed: int = 1) -> LifeShard:
    """Make n residents of 1977–2024 without any condition: births 1930–1990, municipalities in all regions."""
    rng = np.random.default_rng(seed)

    def never(*columns: int) -> np.ndarray:
        return np.full((n, *columns), NEVER, dtype=np.int32)

    birth = rng.integers(day(1930), day(1990), n).astype(np.int32)
    start, end = never(2), never(2)
    start[:, 0] = np.maximum(birth, FIRST_DAY)
    end[:, 0] = END_DAY
    municipality = np.zeros((n, 2), dtype=np.int16)
    municipality[:, 0] = rng.choice([101, 370, 461, 751, 851], n)
    n_conditions, n_treatments = len(MODEL.conditions), len(MODEL.treatments)
    none = np.full((n, n_treatments), -1, dtype=np.int8)
    return LifeShard(
        person=np.arange(first_person, first_person + n, dtype=np.int64),
        sex=rng.integers(1, 3, n).astype(np.int8),
        birth_day=birth,
        residence_start=start,
        residence_end=end,
        municipality=municipality,
        death_day=never(),
        liability=rng.standard_normal((n, len(MODEL.traits))).astype(np.float32),
        bmi_at_20=rng.normal(22.5, 2.0, n).astype(np.float32),
        bmi_slope_per_year=rng.normal(0.08, 0.03, n).astype(np.float32),
        exposure_start=never(len(MODEL.exposures)),
        exposure_stop=never(len(MODEL.exposures)),
        education_level=np.ones(n, dtype=np.int8),
        income_rank=np.full(n, 0.5, dtype=np.float32),
        onset_day=never(n_conditions),
        detected_day=never(n_conditions),
        treatment_day=never(n_treatments),
        occurrence_day=never(max(1, len(MODEL.recurring)), 3),
        occurrence_detected_day=never(max(1, len(MODEL.recurring)), 3),
        onset_day_under=never(1, n_conditions),
        death_day_under=never(1),
        treatment_stop_day=never(n_treatments),
        treatment_for=none,
        treatment_again_day=never(n_treatments),
        treatment_again_for=none.copy(),
        resumed_treatment=np.full((n, 16), -1, dtype=np.int8),
        resumed_day=never(16),
        resumed_stop_day=never(16),
        delivery_day=never(6),
        fatal_condition=np.full(n, -1, dtype=np.int8),
        cause_of_death=np.full(n, -1, dtype=np.int8),
        hba1c_set_point=rng.standard_normal(n).astype(np.float32),
        mother=np.full(n, -1, dtype=np.int64),
        father=np.full(n, -1, dtype=np.int64),
        partner=np.full(n, -1, dtype=np.int64),
        partner_since=never(),
    )


def give_condition(life: LifeShard, who: slice, name: str, onset: int, *, detected: int | None) -> None:
    """Let persons have a condition from a day on, known from another, or never."""
    column = MODEL.conditions.index(name)
    life.onset_day[who, column] = onset
    life.detected_day[who, column] = NEVER if detected is None else detected


def give_treatment(
    life: LifeShard, who: slice, name: str, start: int, *, begun_for: str, stop: int | None = None
) -> None:
    """Let persons take a treatment."""
    column = MODEL.treatments.index(name)
    life.treatment_day[who, column] = start
    life.treatment_stop_day[who, column] = NEVER if stop is None else stop
    life.treatment_for[who, column] = MODEL.conditions.index(begun_for)


def varied_lives(n: int, *, seed: int) -> LifeShard:
    """Make lives of every kind: conditions, treatments, births, gaps in residence, deaths, late arrivals."""
    life = plain_lives(n, first_person=1000 * seed, seed=seed)
    rng = np.random.default_rng(seed + 10_000)
    birth = rng.integers(day(1900), day(2020), n).astype(np.int32)
    death = np.where(rng.random(n) < 0.4, birth + rng.integers(1, 36_000, n), NEVER).astype(np.int32)
    death[(death >= END_DAY) | (death < FIRST_DAY + 30)] = NEVER
    start = np.maximum(np.maximum(birth, FIRST_DAY), rng.integers(FIRST_DAY - 9000, END_DAY - 4000, n)).astype(np.int32)
    stop = np.where(death == NEVER, END_DAY, death + 1).astype(np.int32)
    start = np.minimum(start, stop - 1)
    has_gap = (rng.random(n) < 0.3) & (stop - start > 1000)
    middle = (start + stop) // 2
    life.birth_day[:] = birth
    life.death_day[:] = death
    life.residence_start[:, 0] = start
    life.residence_end[:, 0] = np.where(has_gap, middle, stop)
    life.residence_start[:, 1] = np.where(has_gap, middle + 300, NEVER)
    life.residence_end[:, 1] = np.where(has_gap, stop, NEVER)
    life.municipality[:, 1] = np.where(has_gap, 751, 0)
    _vary_conditions(life, rng)
    _vary_treatments(life, rng)
    is_mother = (life.sex == 2) & (rng.random(n) < 0.5)
    life.delivery_day[is_mother, 0] = np.minimum(
        birth[is_mother] + rng.integers(7000, 14_000, is_mother.sum()), END_DAY + 9
    )
    gdm = MODEL.conditions.index("gdm")
    life.onset_day[is_mother, gdm] = life.delivery_day[is_mother, 0] - 80
    life.detected_day[is_mother, gdm] = life.delivery_day[is_mother, 0] - 70
    dead = death != NEVER
    life.fatal_condition[dead] = np.where(rng.random(dead.sum()) < 0.3, MODEL.conditions.index("mi"), -1)
    return replace(life)


def _vary_conditions(life: LifeShard, rng: np.random.Generator) -> None:
    n = len(life.person)
    for column, name in enumerate(MODEL.conditions):
        if name == "gdm":
            continue
        has = rng.random(n) < 0.3
        onset = life.birth_day + rng.integers(4000, 30_000, n)
        detected = onset + rng.integers(0, 2500, n)
        life.onset_day[has, column] = onset[has]
        is_known = has & (rng.random(n) < 0.8)
        life.detected_day[is_known, column] = detected[is_known]
        if name in MODEL.recurring:
            often = MODEL.recurring.index(name)
            life.occurrence_day[has, often, 0] = onset[has]
            life.occurrence_detected_day[is_known, often, 0] = detected[is_known]
            again = is_known & (rng.random(n) < 0.6)
            life.occurrence_day[again, often, 1] = detected[again] + 200
            life.occurrence_detected_day[again, often, 1] = detected[again] + 230


def _vary_treatments(life: LifeShard, rng: np.random.Generator) -> None:
    n = len(life.person)
    for column in range(len(MODEL.treatments)):
        takes = rng.random(n) < 0.4
        begins = rng.integers(FIRST_DAY, END_DAY, n)
        life.treatment_day[takes, column] = begins[takes]
        life.treatment_for[takes, column] = rng.integers(0, len(MODEL.conditions), takes.sum())
        ends = takes & (rng.random(n) < 0.5)
        life.treatment_stop_day[ends, column] = begins[ends] + 900
        again = ends & (rng.random(n) < 0.5)
        life.treatment_again_day[again, column] = begins[again] + 2000
        life.treatment_again_for[again, column] = MODEL.conditions.index("t2d")
        resumes = np.nonzero(ends & (rng.random(n) < 0.3))[0]
        place = (life.resumed_treatment[resumes] >= 0).sum(axis=1)
        resumes, place = resumes[place < 16], place[place < 16]
        life.resumed_treatment[resumes, place] = column
        life.resumed_day[resumes, place] = begins[resumes] + 1200
        stops = rng.random(len(resumes)) < 0.5
        life.resumed_stop_day[resumes[stops], place[stops]] = begins[resumes[stops]] + 1800


def make(
    life: LifeShard, *, seed: int = 1, without: tuple[str, ...] = (), lpr3: str = "a", tier: str = "clean"
) -> Made:
    """Observe lives and write everything down, in memory."""
    order, pnr = order_by_pnr(life, seed=seed)
    traps = trap_switches(without, tier=tier)
    seen = observe(life, care(), glycaemia=GLYCAEMIA, seed=seed, traps=traps, order=order)
    shard = Shard(life=life, seen=seen, order=order, pnr=pnr, words=care().words, seed=seed)
    return Made(life, seen, shard, emit_registers(shard, lpr3=lpr3), emit_truth(shard, NAMES, traps))


def rows(table: pa.Table) -> list[dict[str, object]]:
    return table.to_pylist()


def trap_names() -> tuple[str, ...]:
    return TRAP_NAMES


def as_date(number: int) -> date:
    return date.fromordinal(date(1970, 1, 1).toordinal() + number)
