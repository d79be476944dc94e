"""How a life's course is set: its beginning, an intervention in its midst, the spells of its treatments."""

import numpy as np
import numpy.typing as npt

from sandkasse.cohort.kernels import helper
from sandkasse.cohort.life.purposes import ATTEMPTS, DEATH, DETECTION, ONSET, RESUME, STOP
from sandkasse.cohort.life.state import (
    EXPOSURE_STARTS,
    EXPOSURE_STOPS,
    FAR,
    GIVES,
    HALTS,
    INTERVENE,
    NEVER,
    NOTHING,
    PREGNANCY_BEGINS,
    PREGNANCY_ENDS,
    REPEAT,
    RUNNING,
    STATE_RESUMED,
    STATE_STOPS,
    STATE_WAITING,
    STOPPED,
    Person,
    Scratch,
    foresee,
)
from sandkasse.cohort.tables import MOST_RESUMED, LifeTables
from sandkasse.core.rng import Whole, exponential


@helper
def reset(  # noqa: PLR0912, C901 — one loop for each kind of array
    seed: np.uint64, person: Person, tables: LifeTables, scratch: Scratch
) -> None:
    """Begin a life: nothing has happened, every clock has its draw, exposures are foreseen."""
    n = scratch.onset.shape[0]
    for c in range(n):
        scratch.open[c] = 1.0
        scratch.left[c] = exponential(seed, person.number, ONSET, c * ATTEMPTS + person.attempt)
        scratch.onset[c] = NEVER
        scratch.detected[c] = NEVER
        scratch.times[c] = 0
        scratch.excluded[c] = 0
        scratch.waiting_left[c] = -1.0
    scratch.open[n] = 1.0
    scratch.left[n] = exponential(seed, person.number, DEATH, person.attempt)
    for t in range(scratch.begun.shape[0]):
        scratch.begun[t] = NEVER
        scratch.stopped[t] = NEVER
        scratch.begun_for[t] = -1
        scratch.again[t] = NEVER
        scratch.again_for[t] = -1
        scratch.state[t] = 0
        scratch.stopping[t] = 0.0
        scratch.spells[t] = 0
        scratch.spell[t] = -1
        scratch.row[t] = -1
    for i in range(scratch.occurrence.shape[0]):
        for k in range(scratch.occurrence.shape[1]):
            scratch.occurrence[i, k] = NEVER
            scratch.recognised[i, k] = NEVER
    for r in range(scratch.row_drawn.shape[0]):
        scratch.row_drawn[r] = 0
    for s in range(scratch.started.shape[0]):
        scratch.started[s] = 0
    for k in range(scratch.counts.shape[0]):
        scratch.counts[k] = 0
    holds = person.from_day <= person.birth
    for e in range(scratch.habit.shape[0]):
        scratch.habit[e] = 0
        if scratch.exposure_start[e] != NEVER and (scratch.exposed[e] != 0 or not holds):
            foresee(scratch, float(scratch.exposure_start[e]), EXPOSURE_STARTS + e)
            if scratch.exposure_stop[e] != NEVER:
                foresee(scratch, float(scratch.exposure_stop[e]), EXPOSURE_STOPS + e)
    for i in range(person.n_deliveries):
        foresee(scratch, scratch.deliveries[i] - tables.numbers[17], PREGNANCY_BEGINS)
        foresee(scratch, scratch.deliveries[i] - tables.numbers[18], PREGNANCY_ENDS)
    if person.entry > person.birth:
        foresee(scratch, float(person.entry), NOTHING)
    if holds:
        foresee_gifts(person, scratch, np.int64(-1), float(person.birth))
    elif person.from_day < FAR:
        foresee(scratch, person.from_day, INTERVENE)


@helper
def foresee_gifts(person: Person, scratch: Scratch, condition: Whole, now: float) -> None:
    """Note the treatments that the intervention gives for a condition, or (-1) to everybody, from an age on."""
    for t in range(scratch.allow.shape[0]):
        if scratch.give_from[t] < FAR and scratch.give_for[t] == condition:
            foresee(scratch, max(now, person.birth + scratch.give_from[t]), GIVES + t)


@helper
def intervene(person: Person, tables: LifeTables, scratch: Scratch, now: float) -> None:
    """Begin to hold an intervention in the midst of a life: end what it withholds, foresee what it gives."""
    for e in range(scratch.habit.shape[0]):
        if scratch.habit[e] == 1 and scratch.exposed[e] == 0:
            foresee(scratch, now, EXPOSURE_STOPS + e)
    for t in range(scratch.allow.shape[0]):
        if scratch.allow[t] == 0 and scratch.state[t] != 0:
            foresee(scratch, now, HALTS + t)
    foresee_gifts(person, scratch, np.int64(-1), now)
    for c in range(scratch.detected.shape[0]):
        if scratch.detected[c] != NEVER:
            foresee_gifts(person, scratch, c, now)


@helper
def redraw(person: Person, scratch: Scratch) -> None:
    """Draw what is left of every running clock anew: an exponential has no memory."""
    n = scratch.onset.shape[0]
    for c in range(n):
        thing = (scratch.times[c] * REPEAT + c) * ATTEMPTS + person.attempt
        scratch.left[c] = exponential(person.luck, person.number, ONSET, thing)
    scratch.left[n] = exponential(person.luck, person.number, DEATH, person.attempt)
    for i in range(scratch.counts[STATE_WAITING]):
        c = scratch.waiting[i]
        thing = ((scratch.times[c] - 1) * REPEAT + c) * ATTEMPTS + person.attempt
        scratch.waiting_left[c] = exponential(person.luck, person.number, DETECTION, thing)
    for r in range(scratch.row_drawn.shape[0]):
        scratch.row_drawn[r] = 0
    for i in range(scratch.counts[STATE_STOPS]):
        t = scratch.stops[i]
        if scratch.state[t] == RUNNING:
            thing = ((scratch.spells[t] - 1) * REPEAT + t) * ATTEMPTS + person.attempt
            scratch.stop_left[t] = exponential(person.luck, person.number, STOP, thing)
        else:
            thing = (scratch.spells[t] * REPEAT + t) * ATTEMPTS + person.attempt
            scratch.stop_left[t] = exponential(person.luck, person.number, RESUME, thing)


@helper
def strike(values: npt.NDArray[np.int64], count: Whole, value: Whole) -> int:
    """Take a value out of the first entries of a list, keeping the order of the others; give how many are left."""
    kept = 0
    for i in range(count):
        if values[i] != value:
            values[kept] = values[i]
            kept += 1
    return kept


@helper
def end_spell(scratch: Scratch, t: Whole, day: Whole) -> None:
    """Write down that a treatment's spell stops, the first one or one that was taken up again."""
    if scratch.spell[t] < 0:
        scratch.stopped[t] = day
    else:
        scratch.resumed_stop[scratch.spell[t]] = day


@helper
def stop_or_resume(luck: np.uint64, person: Person, tables: LifeTables, scratch: Scratch, t: Whole, day: Whole) -> bool:
    """Let a treatment stop, or be taken up again after a stop, and set its next clock; say whether it runs now.

    Who took up treatments `MOST_RESUMED` times takes up none again.
    """
    row, place = scratch.row[t], scratch.counts[STATE_RESUMED]
    thing = (scratch.spells[t] * REPEAT + t) * ATTEMPTS + person.attempt
    running = scratch.state[t] == RUNNING
    if running:
        end_spell(scratch, t, day)
        scratch.state[t] = STOPPED
    if place >= MOST_RESUMED or (running and tables.row_resume[row] == 0.0):
        scratch.counts[STATE_STOPS] = strike(scratch.stops, scratch.counts[STATE_STOPS], t)
        return False
    if running:
        scratch.stopping[t] = tables.row_resume[row]
        scratch.stop_left[t] = exponential(luck, person.number, RESUME, thing)
        return False
    scratch.resumed[place], scratch.resumed_day[place], scratch.resumed_stop[place] = t, day, NEVER
    scratch.counts[STATE_RESUMED] = place + 1
    scratch.spell[t] = place
    scratch.spells[t] += 1
    scratch.state[t] = RUNNING
    scratch.stopping[t] = tables.row_stop[row]
    scratch.stop_left[t] = exponential(luck, person.number, STOP, thing)
    return True
