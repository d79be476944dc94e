"""The working state of one life: what is active, what is to come, which clocks run; compiled helpers."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sandkasse.cohort.kernels import helper
from sandkasse.cohort.tables import MOST_RESUMED, LifeTables
from sandkasse.core.rng import Whole

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

NEVER = 2**31 - 1
FAR = 1.0e18
NOTHING, PREGNANCY_BEGINS, PREGNANCY_ENDS, INTERVENE = np.int64(0), np.int64(1), np.int64(2), np.int64(3)
EXPOSURE_STARTS, EXPOSURE_STOPS, REOPENS = np.int64(1_000), np.int64(2_000), np.int64(3_000)
HALTS, GIVES, EFFECT_BEGINS, EFFECT_ENDS = np.int64(4_000), np.int64(5_000), np.int64(10_000), np.int64(1_000_000)
STATE_ACTIVE, STATE_DUE, STATE_VARYING, STATE_CHANGED = np.int64(0), np.int64(1), np.int64(2), np.int64(3)
STATE_WAITING, STATE_OPEN, STATE_ROWS, STATE_STOPS = np.int64(4), np.int64(5), np.int64(6), np.int64(7)
STATE_RESUMED = np.int64(8)
"""Places of `Scratch.counts`: how many active effects, things to come, active effects that vary with age; whether the
active effects changed; how many conditions wait for detection, rows are open, rows can begin this year, treatments can
stop or be taken up again; how often a treatment was."""
RUNNING, STOPPED, AGAIN = 1, 2, 3
"""What a treatment that was begun does: `Scratch.state`; `AGAIN` is running for another condition than at first."""
REPEAT = np.int64(256)
"""Draws of a condition's k-th repetition are those of thing number `REPEAT` × k + condition, of a spell likewise."""


class Person(NamedTuple):
    """What a person brings into the life: compiled callers fill it."""

    number: Whole
    attempt: Whole
    sex: Whole
    birth_year: Whole
    birth: Whole
    entry: Whole
    stop: Whole
    bmi_at_20: float
    bmi_slope: float
    n_deliveries: Whole
    from_day: float
    """From when on the intervention in `Scratch` holds; `FAR` for the natural course."""
    luck: np.uint64
    """Seed of the draws from that day on."""
    goes_on: bool
    """Whether the life goes on from the state that `Scratch` holds, and does not begin with birth."""


class Scratch(NamedTuple):
    """Working arrays of one kernel, used again for each person; the first ones are its result."""

    onset: IntArray  # (condition,) first onset
    detected: IntArray  # (condition,) first detection
    begun: IntArray  # (treatment,) day of the first start
    stopped: IntArray
    begun_for: IntArray
    again: IntArray  # day of the second start, for another condition
    again_for: IntArray
    resumed: IntArray  # (resumption,) treatments taken up again, in order
    resumed_day: IntArray
    resumed_stop: IntArray
    spell: IntArray  # (treatment,) its latest resumption, or -1
    spells: IntArray  # (treatment,) spells so far, but for the one for another condition
    row: IntArray  # (treatment,) row that began it
    occurrence: IntArray  # (recurring condition, occurrence) onsets
    recognised: IntArray  # (recurring condition, occurrence) their detection
    deliveries: IntArray
    exposure_start: IntArray  # (exposure,)
    exposure_stop: IntArray
    fixed: FloatArray  # (trait target,) hazard ratio of the traits
    allow: IntArray  # (treatment,) under the intervention; 1 or 0
    exposed: IntArray  # (exposure,)
    give_from: FloatArray  # (treatment,) days of age, or FAR
    give_for: IntArray  # (treatment,) condition, or -1
    open: FloatArray  # (condition + death,) 1 or 0
    times: IntArray  # (condition,) occurrences so far
    excluded: IntArray  # (condition,)
    latest: IntArray  # (condition,) latest detection
    left: FloatArray  # (condition + death,) integrated hazard that is left until the event
    base: FloatArray  # rate of this year before events
    rate: FloatArray
    ratio: FloatArray  # (target,) product of the active effects
    waiting: IntArray  # (condition,) those present and not detected, in order
    waiting_left: FloatArray
    waiting_rate: FloatArray
    row_open: IntArray  # (row,) rows that are open
    row_drawn: IntArray
    row_left: FloatArray
    row_rate: FloatArray
    row_now: IntArray  # rows that can begin this year
    row_base: FloatArray
    state: IntArray  # (treatment,)
    stops: IntArray  # treatments that can stop, or be taken up again
    stopping: FloatArray  # (treatment,) rate of it
    stop_left: FloatArray
    habit: IntArray  # (exposure,) 0 never so far, 1 now, 2 before
    started: IntArray  # (source,)
    active: IntArray  # active effects, in order
    counts: IntArray  # see STATE_ACTIVE and the others
    excess: FloatArray  # (condition,) product of its active effects on death
    season_rate: FloatArray  # (seasonal condition,) rate of the year, 0 in a level year
    season_days: FloatArray  # (seasonal condition,) days of level hazard that the span is worth
    watched: IntArray  # (treatment,) 1 if the state before its first start is to be kept
    moment: FloatArray  # where a life goes on: day, year, death to come, its condition, pregnant, resident
    due: FloatArray  # times of what is to come; the last two, since `branch` copies them in part
    what: IntArray


def make_scratch(tables: LifeTables, n_deliveries: int) -> Scratch:
    """Make the working arrays of one kernel call.

    Args:
        tables: The compiled model.
        n_deliveries: Most deliveries of one person.

    Returns:
        Arrays of the model's sizes, contents undefined.
    """
    c, t, r = tables.acute_days.shape[0], tables.withheld.shape[0], tables.row_rate.shape[1]
    e, habits = tables.effect_target.shape[0], tables.exposure_intercept.shape[0]
    # A record has no empty arrays.
    recurring, most = max(1, int(tables.recurs_column.max(initial=-1)) + 1), int(tables.recurs_most.max(initial=1))
    far = 2 * e + 2 * n_deliveries + r * most + c + 4 * habits + 4 * t + 8

    def days(*n: int) -> IntArray:
        return np.full(n, NEVER, dtype=np.int64)

    def numbers(n: int) -> FloatArray:
        return np.zeros(n, dtype=np.float64)

    return Scratch(
        onset=days(c),
        detected=days(c),
        begun=days(t),
        stopped=days(t),
        begun_for=days(t),
        again=days(t),
        again_for=days(t),
        resumed=days(MOST_RESUMED),
        resumed_day=days(MOST_RESUMED),
        resumed_stop=days(MOST_RESUMED),
        spell=days(t),
        spells=days(t),
        row=days(t),
        occurrence=days(recurring, most),
        recognised=days(recurring, most),
        deliveries=days(n_deliveries),
        exposure_start=days(habits),
        exposure_stop=days(habits),
        fixed=numbers(2 * c + 1 + r),
        allow=days(t),
        exposed=days(habits),
        give_from=numbers(t),
        give_for=days(t),
        open=numbers(c + 1),
        times=days(c),
        excluded=days(c),
        latest=days(c),
        left=numbers(c + 1),
        base=numbers(c + 1),
        rate=numbers(c + 1),
        ratio=numbers(2 * c + 1),
        waiting=days(c),
        waiting_left=numbers(c),
        waiting_rate=numbers(c),
        row_open=days(r),
        row_drawn=days(r),
        row_left=numbers(r),
        row_rate=numbers(r),
        row_now=days(r),
        row_base=numbers(r),
        state=days(t),
        stops=days(t),
        stopping=numbers(t),
        stop_left=numbers(t),
        habit=days(habits),
        started=days(2 * c + t + 2 * habits),
        active=days(e),
        counts=days(9),
        excess=numbers(c),
        season_rate=numbers(tables.season_condition.shape[0]),
        season_days=numbers(tables.season_condition.shape[0]),
        watched=days(t),
        moment=numbers(6),
        due=numbers(far),
        what=days(far),
    )


@helper
def combine(tables: LifeTables, scratch: Scratch, age: Whole) -> None:
    """Multiply the hazard ratios of the active effects, in their order of arrival, for each target."""
    ratio = scratch.ratio
    for k in range(ratio.shape[0]):
        ratio[k] = 1.0
    for i in range(scratch.counts[STATE_ACTIVE]):
        effect = scratch.active[i]
        ratio[tables.effect_target[effect]] *= tables.effect_ratio[age, effect]
    scratch.counts[STATE_CHANGED] = 0


@helper
def foresee(scratch: Scratch, when: float, what: Whole) -> None:
    """Note that something is to come."""
    n = scratch.counts[STATE_DUE]
    scratch.due[n] = when
    scratch.what[n] = what
    scratch.counts[STATE_DUE] = n + 1


@helper
def next_due(scratch: Scratch) -> int:
    """Place of what comes first among the things to come, the one noted first if several do; -1 if nothing is."""
    best = -1
    for i in range(scratch.counts[STATE_DUE]):
        if best < 0 or scratch.due[i] < scratch.due[best]:
            best = i
    return best


@helper
def forget(scratch: Scratch, place: Whole) -> None:
    """Strike one of the things to come, keeping the order of the others."""
    n = scratch.counts[STATE_DUE] - 1
    for i in range(place, n):
        scratch.due[i] = scratch.due[i + 1]
        scratch.what[i] = scratch.what[i + 1]
    scratch.counts[STATE_DUE] = n


@helper
def begin_effect(tables: LifeTables, scratch: Scratch, effect: Whole) -> None:
    """Make an effect active."""
    scratch.active[scratch.counts[STATE_ACTIVE]] = effect
    scratch.counts[STATE_ACTIVE] += 1
    scratch.counts[STATE_VARYING] += tables.effect_varies[effect]
    scratch.counts[STATE_CHANGED] = 1


@helper
def end_effect(tables: LifeTables, scratch: Scratch, effect: Whole) -> None:
    """Make an effect inactive, keeping the order of the others; nothing if it is not active."""
    kept = 0
    for i in range(scratch.counts[STATE_ACTIVE]):
        if scratch.active[i] != effect:
            scratch.active[kept] = scratch.active[i]
            kept += 1
        else:
            scratch.counts[STATE_VARYING] -= tables.effect_varies[effect]
            scratch.counts[STATE_CHANGED] = 1
    scratch.counts[STATE_ACTIVE] = kept


@helper
def stop_source(tables: LifeTables, scratch: Scratch, source: Whole) -> None:
    """End the effects of a source, and forget those to come."""
    first, last = tables.effect_first[source], tables.effect_first[source + 1]
    for effect in range(first, last):
        end_effect(tables, scratch, effect)
    place = 0
    while place < scratch.counts[STATE_DUE]:
        what = scratch.what[place]
        if what >= EFFECT_BEGINS and first <= (what - EFFECT_BEGINS) % (EFFECT_ENDS - EFFECT_BEGINS) < last:
            forget(scratch, place)
        else:
            place += 1


@helper
def start_source(tables: LifeTables, scratch: Scratch, source: Whole, now: float) -> None:
    """Begin, or foresee, the effects that a source has in these years; a source that started before begins anew."""
    if scratch.started[source]:
        stop_source(tables, scratch, source)
    scratch.started[source] = 1
    for effect in range(tables.effect_first[source], tables.effect_first[source + 1]):
        if now < tables.effect_since[effect] or now >= tables.effect_until[effect]:
            continue
        if tables.effect_from[effect] <= 0.0:
            begin_effect(tables, scratch, effect)
        else:
            foresee(scratch, now + tables.effect_from[effect], EFFECT_BEGINS + effect)
        if tables.effect_to[effect] < FAR:
            foresee(scratch, now + tables.effect_to[effect], EFFECT_ENDS + effect)
