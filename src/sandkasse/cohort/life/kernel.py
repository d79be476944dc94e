"""One person's life: every clock runs until its integrated hazard reaches its exponential draw.

Time moves in spans in which nothing changes: from event to event, at most to the end of the calendar year. In a span
each open clock has one rate; the first clock to reach its draw has its event. Conditions, treatments and exposures
rescale rates and never redraw a clock, so a life without treatment shares its luck with the life that was lived.
"""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sandkasse.cohort.kernels import helper
from sandkasse.cohort.life.purposes import ACUTE, ATTEMPTS, DEATH, DETECTION, ONSET, START, STOP
from sandkasse.cohort.tables import (
    BMI_LOWEST,
    BMI_STEP,
    CALENDAR_YEAR,
    MAX_AGE,
    N_BMI,
    N_TABLE_YEARS,
    TABLE_YEAR,
    LifeTables,
)
from sandkasse.core.rng import Whole, exponential

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

NEVER = 2**31 - 1
FAR = 1.0e18
TALLY_STEP = 5
SMOKING_STARTS, SMOKING_STOPS = np.int64(0), np.int64(1)
PREGNANCY_BEGINS, PREGNANCY_ENDS, NOTHING = np.int64(2), np.int64(3), np.int64(4)
EFFECT_BEGINS, EFFECT_ENDS = np.int64(1_000), np.int64(1_000_000)
RUNNING, STOPPED, AGAIN = 1, 2, 3


class Person(NamedTuple):
    """What a person brings into the life: compiled callers fill it."""

    number: Whole
    attempt: Whole
    sex: Whole
    birth_year: Whole
    birth: Whole
    entry: Whole
    stop: Whole
    smoking_start: Whole
    smoking_stop: Whole
    bmi_at_20: float
    bmi_slope: float
    n_deliveries: Whole


class Scratch(NamedTuple):
    """Working arrays of one kernel, used again for each person; the first seven are its result."""

    onset: IntArray  # (condition,)
    detected: IntArray
    begun: IntArray  # (treatment,) day of the first start
    stopped: IntArray
    begun_for: IntArray
    again: IntArray  # day of the second start, for another condition
    again_for: IntArray
    deliveries: IntArray
    fixed: FloatArray  # (condition + death,) hazard ratio of the traits
    open: BoolArray  # (condition + death,)
    draw: FloatArray
    used: FloatArray  # integrated hazard so far
    base: FloatArray  # rate of this year before events
    rate: FloatArray
    ratio: FloatArray  # (target,) product of the active effects
    waiting: BoolArray  # (condition,) present and not detected
    waiting_draw: FloatArray
    waiting_used: FloatArray
    waiting_rate: FloatArray
    row_open: BoolArray  # (row,)
    row_draw: FloatArray
    row_used: FloatArray
    row_rate: FloatArray
    state: IntArray  # (treatment,)
    stopping: FloatArray  # (treatment,) rate of stopping
    stop_draw: FloatArray
    stop_used: FloatArray
    active: IntArray  # active effects, in order
    cancelled: BoolArray  # (effect,)
    due: FloatArray  # times of what is to come
    what: IntArray
    counts: IntArray  # number of active effects, number of things to come


def make_scratch(tables: LifeTables, n_deliveries: int) -> Scratch:
    """Make the working arrays of one kernel call.

    Args:
        tables: The compiled model.
        n_deliveries: Most deliveries of one person.

    Returns:
        Arrays of the model's sizes, contents undefined.
    """
    c, t, r = tables.acute_days.shape[0], tables.withheld.shape[0], tables.row_rate.shape[1]
    e = tables.effect_target.shape[0]
    far = 2 * e + 2 * n_deliveries + r + 8

    def days(n: int) -> IntArray:
        return np.full(n, NEVER, dtype=np.int64)

    def numbers(n: int) -> FloatArray:
        return np.zeros(n, dtype=np.float64)

    def flags(n: int) -> BoolArray:
        return np.zeros(n, dtype=np.bool_)

    return Scratch(
        onset=days(c),
        detected=days(c),
        begun=days(t),
        stopped=days(t),
        begun_for=days(t),
        again=days(t),
        again_for=days(t),
        deliveries=days(n_deliveries),
        fixed=numbers(c + 1),
        open=flags(c + 1),
        draw=numbers(c + 1),
        used=numbers(c + 1),
        base=numbers(c + 1),
        rate=numbers(c + 1),
        ratio=numbers(2 * c + 1),
        waiting=flags(c),
        waiting_draw=numbers(c),
        waiting_used=numbers(c),
        waiting_rate=numbers(c),
        row_open=flags(r),
        row_draw=numbers(r),
        row_used=numbers(r),
        row_rate=numbers(r),
        state=days(t),
        stopping=numbers(t),
        stop_draw=numbers(t),
        stop_used=numbers(t),
        active=days(e),
        cancelled=flags(e),
        due=numbers(far),
        what=days(far),
        counts=days(2),
    )


@helper
def combine(tables: LifeTables, scratch: Scratch, age: Whole) -> None:
    """Multiply the hazard ratios of the active effects, in their order of arrival, for each target."""
    ratio = scratch.ratio
    for k in range(ratio.shape[0]):
        ratio[k] = 1.0
    for i in range(scratch.counts[0]):
        effect = scratch.active[i]
        ratio[tables.effect_target[effect]] *= tables.effect_ratio[effect, age]


@helper
def foresee(scratch: Scratch, when: float, what: Whole) -> None:
    """Note that something is to come."""
    n = scratch.counts[1]
    scratch.due[n] = when
    scratch.what[n] = what
    scratch.counts[1] = n + 1


@helper
def next_due(scratch: Scratch) -> int:
    """Place of what comes first among the things to come, the one noted first if several do; -1 if nothing is."""
    best = -1
    for i in range(scratch.counts[1]):
        if best < 0 or scratch.due[i] < scratch.due[best]:
            best = i
    return best


@helper
def forget(scratch: Scratch, place: int) -> None:
    """Strike one of the things to come, keeping the order of the others."""
    n = scratch.counts[1] - 1
    for i in range(place, n):
        scratch.due[i] = scratch.due[i + 1]
        scratch.what[i] = scratch.what[i + 1]
    scratch.counts[1] = n


@helper
def begin_effect(scratch: Scratch, effect: int) -> None:
    """Make an effect active."""
    scratch.active[scratch.counts[0]] = effect
    scratch.counts[0] += 1


@helper
def end_effect(scratch: Scratch, effect: int) -> None:
    """Make an effect inactive, keeping the order of the others; nothing if it is not active."""
    kept = 0
    for i in range(scratch.counts[0]):
        if scratch.active[i] != effect:
            scratch.active[kept] = scratch.active[i]
            kept += 1
    scratch.counts[0] = kept


@helper
def start_source(tables: LifeTables, scratch: Scratch, source: int, now: float) -> None:
    """Begin, or foresee, the effects of a source."""
    for effect in range(tables.effect_first[source], tables.effect_first[source + 1]):
        scratch.cancelled[effect] = False
        if tables.effect_from[effect] <= 0.0:
            begin_effect(scratch, effect)
        else:
            foresee(scratch, now + tables.effect_from[effect], EFFECT_BEGINS + effect)
        if tables.effect_to[effect] < FAR:
            foresee(scratch, now + tables.effect_to[effect], EFFECT_ENDS + effect)


@helper
def stop_source(tables: LifeTables, scratch: Scratch, source: int) -> None:
    """End the effects of a source, those to come too."""
    for effect in range(tables.effect_first[source], tables.effect_first[source + 1]):
        scratch.cancelled[effect] = True
        end_effect(scratch, effect)


@helper
def open_rows(tables: LifeTables, scratch: Scratch, treated: bool) -> None:
    """Decide which treatments can begin now."""
    for r in range(tables.row_treatment.shape[0]):
        treatment, condition, after = tables.row_treatment[r], tables.row_condition[r], tables.row_after[r]
        can = scratch.detected[condition] != NEVER and (treated or not tables.withheld[treatment])
        if after >= 0 and scratch.state[after] == 0:
            can = False
        state = scratch.state[treatment]
        if not (state == 0 or (state == STOPPED and scratch.begun_for[treatment] != condition)):
            can = False
        scratch.row_open[r] = can


@helper
def reset(seed: np.uint64, person: Person, tables: LifeTables, scratch: Scratch) -> None:
    """Begin a life: nothing has happened, every clock has its draw, exposures are foreseen."""
    n = scratch.onset.shape[0]
    for c in range(n + 1):
        scratch.open[c] = True
        scratch.used[c] = 0.0
        purpose = ONSET if c < n else DEATH
        thing = c if c < n else 0
        scratch.draw[c] = exponential(seed, person.number, purpose, thing * ATTEMPTS + person.attempt)
    for c in range(n):
        scratch.onset[c] = NEVER
        scratch.detected[c] = NEVER
        scratch.waiting[c] = False
    for t in range(scratch.begun.shape[0]):
        scratch.begun[t] = NEVER
        scratch.stopped[t] = NEVER
        scratch.begun_for[t] = -1
        scratch.again[t] = NEVER
        scratch.again_for[t] = -1
        scratch.state[t] = 0
        scratch.stopping[t] = 0.0
    for r in range(scratch.row_open.shape[0]):
        scratch.row_open[r] = False
        scratch.row_draw[r] = -1.0
    scratch.counts[0] = 0
    scratch.counts[1] = 0
    if person.smoking_start != NEVER:
        foresee(scratch, float(person.smoking_start), SMOKING_STARTS)
        if person.smoking_stop != NEVER:
            foresee(scratch, float(person.smoking_stop), SMOKING_STOPS)
    for i in range(person.n_deliveries):
        foresee(scratch, scratch.deliveries[i] - tables.numbers[17], PREGNANCY_BEGINS)
        foresee(scratch, scratch.deliveries[i] - tables.numbers[18], PREGNANCY_ENDS)
    if person.entry > person.birth:
        foresee(scratch, float(person.entry), NOTHING)


@helper
def live(  # noqa: PLR0912, PLR0915, C901 — one loop over time, kept whole so that the compiler sees it whole
    seed: np.uint64,
    person: Person,
    treated: bool,
    tables: LifeTables,
    scratch: Scratch,
    tally: FloatArray,
) -> tuple[Whole, Whole]:
    """Live one life from birth to death, final emigration or the window's end.

    Args:
        seed: Seed of the cohort.
        person: What the person brings along; `scratch.deliveries` and `scratch.fixed` are filled too.
        treated: False for the life without the treatments that the model withholds.
        tables: The compiled model.
        scratch: Written: onsets, detections, treatments.
        tally: Either of size 0, or adds up, over the resident time at risk of the lived life, the hazard table
            and the person's own hazard, and (under the last target) acute deaths, shape
            (sex, five years, five ages, condition + death + acute death, 2).

    Returns:
        Day of death (`NEVER` if alive at the end) and the condition of whose acute phase the person dies (-1 if none).
    """
    reset(seed, person, tables, scratch)
    n = scratch.onset.shape[0]
    counting = treated and tally.shape[0] > 0
    n_treatments, n_rows = scratch.begun.shape[0], scratch.row_open.shape[0]
    smoking = 2 * n + n_treatments
    hazard, jan1 = tables.hazard, tables.jan1
    sex = person.sex - 1
    limit, entry = float(person.stop), float(person.entry)
    now, year = float(person.birth), int(person.birth_year)
    death_at, fatal = FAR, -1
    pregnant, resident, any_waiting, any_row, any_stop, varies = (
        False,
        person.entry <= person.birth,
        False,
        False,
        False,
        False,
    )
    place = next_due(scratch)
    coming = scratch.due[place] if place >= 0 else FAR
    age = 0
    combine(tables, scratch, np.int64(0))
    while now < limit:
        year_end = float(jan1[year + 1 - CALENDAR_YEAR])
        y = min(max(year - TABLE_YEAR, 0), N_TABLE_YEARS - 1)
        age = min(year - person.birth_year, MAX_AGE)
        bmi = person.bmi_at_20 + person.bmi_slope * (min(max(age, 20), 65) - 20)
        b = min(max(int((bmi - BMI_LOWEST) / BMI_STEP), 0), N_BMI - 1)
        for c in range(n + 1):
            scratch.base[c] = hazard[sex, y, age, c] * scratch.fixed[c] * tables.bmi_ratio[b, c]
        if varies:
            combine(tables, scratch, age)
        while now < year_end and now < limit:
            # What an event sets off is gathered here and done in one place below: sources whose effects begin and end.
            begins, ends, reopen = -1, -1, False
            if coming <= now:
                what = scratch.what[place]
                forget(scratch, place)
                if what == SMOKING_STARTS:
                    begins = smoking
                elif what == SMOKING_STOPS:
                    begins, ends = smoking + 1, smoking
                elif what == PREGNANCY_BEGINS:
                    pregnant = True
                elif what == PREGNANCY_ENDS:
                    pregnant = False
                elif what >= EFFECT_ENDS:
                    end_effect(scratch, what - EFFECT_ENDS)
                elif what >= EFFECT_BEGINS:
                    if not scratch.cancelled[what - EFFECT_BEGINS]:
                        begin_effect(scratch, what - EFFECT_BEGINS)
                elif now >= entry and not resident:
                    resident = True
                    reopen = True
            else:
                span = min(year_end, limit, coming, death_at) - now
                # Which clock comes first within the span? kind: 0 onset or death, 1 detection, 2 start, 3 stop.
                kind, which = -1, -1
                for c in range(n + 1):
                    rate = 0.0
                    if scratch.open[c] and (c == n or pregnant or not tables.only_pregnant[c]):
                        rate = scratch.base[c] * scratch.ratio[c]
                        need = scratch.draw[c] - scratch.used[c]
                        if rate * span > need:
                            span = max(need / rate, 0.0)
                            kind, which = 0, c
                    scratch.rate[c] = rate
                if any_waiting:
                    for c in range(n):
                        if scratch.waiting[c]:
                            rate = tables.detect_year[y, c] * tables.detect_age[age, c] * scratch.ratio[n + 1 + c]
                            need = scratch.waiting_draw[c] - scratch.waiting_used[c]
                            if rate * span > need:
                                span = max(need / rate, 0.0)
                                kind, which = 1, c
                            scratch.waiting_rate[c] = rate
                if any_row:
                    for r in range(n_rows):
                        if scratch.row_open[r]:
                            if scratch.row_draw[r] < 0.0:
                                index = tables.row_index[r] * ATTEMPTS + person.attempt
                                scratch.row_draw[r] = exponential(seed, person.number, START, index)
                                scratch.row_used[r] = 0.0
                            rate = tables.row_rate[y, r]
                            if now - scratch.detected[tables.row_condition[r]] < tables.row_early_days[r]:
                                rate *= tables.row_early_ratio[r]
                            need = scratch.row_draw[r] - scratch.row_used[r]
                            if rate * span > need:
                                span = max(need / rate, 0.0)
                                kind, which = 2, r
                            scratch.row_rate[r] = rate
                if any_stop:
                    for t in range(n_treatments):
                        if scratch.stopping[t] > 0.0:
                            need = scratch.stop_draw[t] - scratch.stop_used[t]
                            if scratch.stopping[t] * span > need:
                                span = max(need / scratch.stopping[t], 0.0)
                                kind, which = 3, t
                # Let the time pass.
                if counting and resident:
                    early, young = (year - int(tables.numbers[0])) // TALLY_STEP, age // TALLY_STEP
                    for c in range(n + 1):
                        if scratch.rate[c] > 0.0:
                            tally[sex, early, young, c, 0] += span * hazard[sex, y, age, c]
                            tally[sex, early, young, c, 1] += span * scratch.rate[c]
                for c in range(n + 1):
                    scratch.used[c] += scratch.rate[c] * span
                if any_waiting:
                    for c in range(n):
                        if scratch.waiting[c]:
                            scratch.waiting_used[c] += scratch.waiting_rate[c] * span
                if any_row:
                    for r in range(n_rows):
                        if scratch.row_open[r]:
                            scratch.row_used[r] += scratch.row_rate[r] * span
                if any_stop:
                    for t in range(n_treatments):
                        scratch.stop_used[t] += scratch.stopping[t] * span
                if kind < 0:
                    # min() gave one of these four; adding the span back could miss it by rounding.
                    now = min(year_end, limit, coming, death_at)
                    if now >= death_at:
                        if counting and resident:
                            early, young = (year - int(tables.numbers[0])) // TALLY_STEP, age // TALLY_STEP
                            tally[sex, early, young, n + 1, 0] += 1.0
                        return math.floor(death_at), fatal
                    continue
                now += span
                day = math.floor(now)
                if kind == 0 and which == n:
                    return day, -1
                if kind == 0:
                    scratch.onset[which] = day
                    scratch.open[which] = False
                    for other in range(n):
                        if tables.excludes[which, other]:
                            scratch.open[other] = False
                    scratch.waiting[which] = True
                    any_waiting = True
                    thing = which * ATTEMPTS + person.attempt
                    scratch.waiting_used[which] = 0.0
                    scratch.waiting_draw[which] = exponential(seed, person.number, DETECTION, thing)
                    begins = which
                    threshold = tables.acute[y, age, which]
                    if threshold > 0.0:
                        luck = exponential(seed, person.number, ACUTE, thing)
                        if luck <= threshold and now + tables.acute_days[which] * luck / threshold < death_at:
                            death_at = now + tables.acute_days[which] * luck / threshold
                            fatal = which
                elif kind == 1:
                    scratch.detected[which] = day
                    scratch.waiting[which] = False
                    begins = n + which
                    for r in range(n_rows):
                        if tables.row_condition[r] == which and tables.row_early_days[r] > 0.0:
                            foresee(scratch, day + tables.row_early_days[r], NOTHING)
                    reopen = bool(resident)
                elif kind == 2:
                    t = tables.row_treatment[which]
                    if scratch.state[t] == 0:
                        scratch.begun[t] = day
                        scratch.begun_for[t] = tables.row_condition[which]
                        scratch.state[t] = RUNNING
                        if tables.row_stop[which] > 0.0:
                            scratch.stopping[t] = tables.row_stop[which]
                            scratch.stop_used[t] = 0.0
                            scratch.stop_draw[t] = exponential(seed, person.number, STOP, t * ATTEMPTS + person.attempt)
                            any_stop = True
                    else:
                        scratch.again[t] = day
                        scratch.again_for[t] = tables.row_condition[which]
                        scratch.state[t] = AGAIN
                    begins = 2 * n + t
                    reopen = True
                else:
                    scratch.stopped[which] = day
                    scratch.stopping[which] = 0.0
                    scratch.state[which] = STOPPED
                    ends = 2 * n + which
                    reopen = True
            if ends >= 0:
                stop_source(tables, scratch, ends)
            if begins >= 0:
                start_source(tables, scratch, begins, now)
            if reopen:
                open_rows(tables, scratch, treated)
                any_row = True
            varies = scratch.counts[0] > 0
            combine(tables, scratch, age)
            place = next_due(scratch)
            coming = scratch.due[place] if place >= 0 else FAR
        year += 1
    return NEVER, -1
