"""One person's life: every clock runs until its integrated hazard reaches its exponential draw.

Time moves in spans in which nothing changes: from event to event, at most to the end of the calendar year. In a span
each open clock has one rate; the first clock to reach its draw has its event. Conditions, treatments, exposures and
interventions rescale rates and never redraw a clock, so a life under an intervention shares its luck with the life that
was lived.
"""

import math

import numpy as np
import numpy.typing as npt

from sandkasse.cohort.kernels import helper
from sandkasse.cohort.life.purposes import ACUTE, ATTEMPTS, CAUSE, DEATH, DETECTION, ONSET, START, STOP
from sandkasse.cohort.life.state import (
    EFFECT_BEGINS,
    EFFECT_ENDS,
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
    REOPENS,
    STATE_ACTIVE,
    STATE_CHANGED,
    STATE_OPEN,
    STATE_ROWS,
    STATE_STOPS,
    STATE_VARYING,
    STATE_WAITING,
    Person,
    Scratch,
    begin_effect,
    combine,
    end_effect,
    foresee,
    forget,
    next_due,
    start_source,
    stop_source,
)
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
from sandkasse.core.rng import Whole, exponential, uniform_pair

FloatArray = npt.NDArray[np.float64]

TALLY_STEP = 5
REPEAT = np.int64(256)
"""Draws of a condition's k-th repetition are those of thing number `REPEAT` × k + condition; so of a redrawn row."""
RUNNING, STOPPED, AGAIN = 1, 2, 3


@helper
def open_rows(tables: LifeTables, scratch: Scratch, sex: Whole, holds: bool) -> None:
    """List the treatments that can begin now."""
    n = 0
    for r in range(tables.row_treatment.shape[0]):
        treatment, condition, after = tables.row_treatment[r], tables.row_condition[r], tables.row_after[r]
        can = condition < 0 or scratch.detected[condition] != NEVER
        if tables.row_only[r] != 0 and tables.row_only[r] != sex:
            can = False
        if holds and scratch.allow[treatment] == 0:
            can = False
        if after >= 0 and scratch.state[after] == 0:
            can = False
        state = scratch.state[treatment]
        if not (state == 0 or (state == STOPPED and scratch.begun_for[treatment] != condition)):
            can = False
        if can:
            scratch.row_open[n] = r
            n += 1
    scratch.counts[STATE_OPEN] = n


@helper
def settle_rows(tables: LifeTables, scratch: Scratch, y: Whole, age: Whole) -> None:
    """List those of them that can begin this year, with their rates."""
    n, first = 0, 2 * scratch.onset.shape[0] + 1
    for i in range(scratch.counts[STATE_OPEN]):
        r = scratch.row_open[i]
        if tables.row_from[r] <= age < tables.row_to[r]:
            rate = tables.row_rate[y, r] * scratch.fixed[first + r]
            if rate > 0.0:
                scratch.row_now[n] = r
                scratch.row_base[n] = rate
                n += 1
    scratch.counts[STATE_ROWS] = n


@helper
def settle_base(
    tables: LifeTables, scratch: Scratch, sex: Whole, born: Whole, age: Whole, b: Whole, pregnant: bool
) -> None:
    """Compute this year's rates of the open clocks before events; `sex` and `born` count from 0."""
    for c in range(scratch.base.shape[0]):
        scratch.base[c] = tables.hazard[sex, born, age, c] * scratch.fixed[c] * tables.bmi_ratio[b, c] * scratch.open[c]
    if not pregnant:
        for i in range(tables.pregnancy_conditions.shape[0]):
            if tables.pregnancy_conditions[i] >= 0:
                scratch.base[tables.pregnancy_conditions[i]] = 0.0


@helper
def settle_rates(scratch: Scratch, span: float) -> int:
    """Compute the rates that hold now, and count the clocks that would reach their draw within a span.

    A function of its own, since the compiler makes the most of short loops that stand alone.
    """
    n = scratch.rate.shape[0]
    hits = 0
    for c in range(n):
        scratch.rate[c] = scratch.base[c] * scratch.ratio[c]
    for c in range(n):
        hits += 1 if scratch.rate[c] * span > scratch.left[c] else 0
    return hits


@helper
def let_pass(scratch: Scratch, span: float) -> None:
    """Let the clocks of onset and death run for a span."""
    for c in range(scratch.rate.shape[0]):
        scratch.left[c] -= scratch.rate[c] * span


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
        if scratch.allow[t] == 0 and (scratch.state[t] == RUNNING or scratch.state[t] == AGAIN):
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
        scratch.stop_left[t] = exponential(person.luck, person.number, STOP, t * ATTEMPTS + person.attempt)


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
def attribute(seed: np.uint64, person: Person, tables: LifeTables, scratch: Scratch, age: Whole) -> int:
    """Draw which condition a death that no onset caused is put down to; -1 for none of them.

    With r the product of a condition's hazard ratios of death that hold now, and R that of all conditions, some
    condition is the cause with probability 1 - 1 / R, each in proportion to r - 1.
    """
    n = scratch.onset.shape[0]
    for c in range(n):
        scratch.excess[c] = 1.0
    for i in range(scratch.counts[STATE_ACTIVE]):
        effect = scratch.active[i]
        if tables.effect_target[effect] == n and tables.effect_source[effect] < n:
            scratch.excess[tables.effect_source[effect]] *= tables.effect_ratio[age, effect]
    whole, total = 1.0, 0.0
    for c in range(n):
        if scratch.excess[c] > 1.0:
            whole *= scratch.excess[c]
            total += scratch.excess[c] - 1.0
    some, which = uniform_pair(seed, person.number, CAUSE, person.attempt)
    if some >= 1.0 - 1.0 / whole:
        return -1
    rest, cause = which * total, -1
    for c in range(n):
        if scratch.excess[c] > 1.0:
            cause = c
            rest -= scratch.excess[c] - 1.0
            if rest <= 0.0:
                break
    return cause


@helper
def live(  # noqa: PLR0912, PLR0915, C901 — one loop over time, kept whole so that the compiler sees it whole
    seed: np.uint64,
    person: Person,
    tables: LifeTables,
    scratch: Scratch,
    tally: FloatArray,
) -> tuple[Whole, Whole, Whole]:
    """Live one life from birth to death, final emigration or the window's end.

    Args:
        seed: Seed of the cohort.
        person: What the person brings along; in `scratch`, deliveries, exposures, the traits' hazard ratios and the
            intervention are filled too.
        tables: The compiled model.
        scratch: Written: onsets, detections, treatments.
        tally: Either of size 0, or adds up, over the resident time at risk of the lived life, the hazard table
            and the person's own hazard, and (under the last target) acute deaths, shape
            (sex, five years, five ages, condition + death + acute death, 2).

    Returns:
        Day of death (`NEVER` if alive at the end), the condition of whose acute phase the person dies and the condition
        that the death is put down to (-1 if none).
    """
    reset(seed, person, tables, scratch)
    n = scratch.onset.shape[0]
    counting = person.from_day >= FAR and tally.shape[0] > 0
    n_treatments = scratch.begun.shape[0]
    habits = 2 * n + n_treatments
    hazard, jan1 = tables.hazard, tables.jan1
    sex, born = person.sex - 1, person.birth_year - CALENDAR_YEAR
    luck = seed
    limit, entry = float(person.stop), float(person.entry)
    now, year = float(person.birth), int(person.birth_year)
    death_at, fatal = FAR, -1
    pregnant, resident, holds = False, bool(person.entry <= person.birth), bool(person.from_day <= person.birth)
    if resident:
        open_rows(tables, scratch, person.sex, holds)
    place = next_due(scratch)
    coming = scratch.due[place] if place >= 0 else FAR
    combine(tables, scratch, np.int64(0))
    while now < limit:
        year_end = float(jan1[year + 1 - CALENDAR_YEAR])
        y = min(max(year - TABLE_YEAR, 0), N_TABLE_YEARS - 1)
        age = min(year - person.birth_year, MAX_AGE)
        bmi = person.bmi_at_20 + person.bmi_slope * (min(max(age, 20), 65) - 20)
        b = min(max(int((bmi - BMI_LOWEST) / BMI_STEP), 0), N_BMI - 1)
        # What changed is gathered in flags and done in one place below, so that it is compiled once.
        rebase, relist = True, True
        if scratch.counts[STATE_VARYING] > 0:
            scratch.counts[STATE_CHANGED] = 1
        while now < year_end and now < limit:
            if rebase:
                settle_base(tables, scratch, sex, born, age, b, pregnant)
            if relist:
                settle_rows(tables, scratch, y, age)
            if scratch.counts[STATE_CHANGED] != 0:
                combine(tables, scratch, age)
            rebase, relist, reopen = False, False, False
            begins, ends, starts, starts_for = -1, -1, -1, -1
            if coming <= now:
                what = scratch.what[place]
                forget(scratch, place)
                if what >= EFFECT_ENDS:
                    end_effect(tables, scratch, what - EFFECT_ENDS)
                elif what >= EFFECT_BEGINS:
                    begin_effect(tables, scratch, what - EFFECT_BEGINS)
                elif what >= GIVES:
                    starts = what - GIVES
                    starts_for = scratch.give_for[starts]
                    scratch.counts[STATE_STOPS] = strike(scratch.stops, scratch.counts[STATE_STOPS], starts)
                elif what >= HALTS:
                    t = what - HALTS
                    if scratch.state[t] == RUNNING:
                        scratch.stopped[t] = math.floor(now)
                    scratch.counts[STATE_STOPS] = strike(scratch.stops, scratch.counts[STATE_STOPS], t)
                    scratch.state[t] = STOPPED
                    ends = 2 * n + t
                    reopen = True
                elif what >= REOPENS:
                    c = what - REOPENS
                    if scratch.excluded[c] == 0:
                        thing = (scratch.times[c] * REPEAT + c) * ATTEMPTS + person.attempt
                        scratch.left[c] = exponential(luck, person.number, ONSET, thing)
                        scratch.open[c] = 1.0
                        rebase = True
                elif what >= EXPOSURE_STOPS:
                    e = what - EXPOSURE_STOPS
                    if scratch.habit[e] == 1:
                        scratch.habit[e] = 2
                        begins, ends = habits + 2 * e + 1, habits + 2 * e
                elif what >= EXPOSURE_STARTS:
                    e = what - EXPOSURE_STARTS
                    if scratch.exposed[e] != 0 or not holds:
                        scratch.habit[e] = 1
                        begins = habits + 2 * e
                elif what == INTERVENE:
                    holds = True
                    intervene(person, tables, scratch, now)
                    if person.luck != luck:
                        luck = person.luck
                        redraw(person, scratch)
                    reopen = True
                elif what == NOTHING:
                    if now >= entry and not resident:
                        resident = True
                        reopen = True
                else:
                    pregnant = what == PREGNANCY_BEGINS
                    rebase = True
            else:
                span = min(year_end, limit, coming, death_at) - now
                # Which clock comes first within the span? kind: 0 onset or death, 1 detection, 2 start, 3 stop.
                kind, which = -1, -1
                hits = settle_rates(scratch, span)
                if hits > 0:
                    for c in range(n + 1):
                        if scratch.rate[c] * span > scratch.left[c]:
                            span = max(scratch.left[c] / scratch.rate[c], 0.0)
                            kind, which = 0, c
                for i in range(scratch.counts[STATE_WAITING]):
                    c = scratch.waiting[i]
                    rate = tables.detect_year[y, c] * tables.detect_age[age, c] * scratch.fixed[n + 1 + c]
                    rate *= scratch.ratio[n + 1 + c]
                    scratch.waiting_rate[c] = rate
                    if rate * span > scratch.waiting_left[c]:
                        span = max(scratch.waiting_left[c] / rate, 0.0)
                        kind, which = 1, c
                for i in range(scratch.counts[STATE_ROWS]):
                    r = scratch.row_now[i]
                    rate = scratch.row_base[i]
                    c = tables.row_condition[r]
                    if scratch.row_drawn[r] == 0:
                        index = tables.row_index[r] * ATTEMPTS + person.attempt
                        scratch.row_left[r] = exponential(luck, person.number, START, index)
                        scratch.row_drawn[r] = 1
                    if c >= 0 and now - scratch.latest[c] < tables.row_early_days[r]:
                        rate *= tables.row_early_ratio[r]
                    scratch.row_rate[r] = rate
                    if rate * span > scratch.row_left[r]:
                        span = max(scratch.row_left[r] / rate, 0.0)
                        kind, which = 2, r
                for i in range(scratch.counts[STATE_STOPS]):
                    t = scratch.stops[i]
                    if scratch.stopping[t] * span > scratch.stop_left[t]:
                        span = max(scratch.stop_left[t] / scratch.stopping[t], 0.0)
                        kind, which = 3, t
                # Let the time pass.
                if counting and resident:
                    early, young = (year - int(tables.numbers[0])) // TALLY_STEP, age // TALLY_STEP
                    for c in range(n + 1):
                        if scratch.rate[c] > 0.0:
                            tally[sex, early, young, c, 0] += span * hazard[sex, born, age, c]
                            tally[sex, early, young, c, 1] += span * scratch.rate[c]
                let_pass(scratch, span)
                for i in range(scratch.counts[STATE_WAITING]):
                    c = scratch.waiting[i]
                    scratch.waiting_left[c] -= scratch.waiting_rate[c] * span
                for i in range(scratch.counts[STATE_ROWS]):
                    r = scratch.row_now[i]
                    scratch.row_left[r] -= scratch.row_rate[r] * span
                for i in range(scratch.counts[STATE_STOPS]):
                    t = scratch.stops[i]
                    scratch.stop_left[t] -= scratch.stopping[t] * span
                if kind < 0:
                    # min() gave one of these four; adding the span back could miss it by rounding.
                    now = min(year_end, limit, coming, death_at)
                    if now >= death_at:
                        if counting and resident:
                            early, young = (year - int(tables.numbers[0])) // TALLY_STEP, age // TALLY_STEP
                            tally[sex, early, young, n + 1, 0] += 1.0
                        return math.floor(death_at), fatal, fatal
                    continue
                now += span
                day = math.floor(now)
                if kind == 0 and which == n:
                    return day, -1, attribute(luck, person, tables, scratch, age)
                if kind == 0:
                    thing = (scratch.times[which] * REPEAT + which) * ATTEMPTS + person.attempt
                    if scratch.times[which] == 0:
                        scratch.onset[which] = day
                    if scratch.waiting_left[which] < 0.0:
                        scratch.waiting[scratch.counts[STATE_WAITING]] = which
                        scratch.counts[STATE_WAITING] += 1
                    scratch.waiting_left[which] = exponential(luck, person.number, DETECTION, thing)
                    scratch.open[which] = 0.0
                    scratch.base[which] = 0.0
                    scratch.left[which] = 0.0  # rounding may have left less than nothing
                    column = tables.recurs_column[which]
                    if column >= 0:
                        scratch.occurrence[column, scratch.times[which]] = day
                    scratch.times[which] += 1
                    if column >= 0 and scratch.times[which] < tables.recurs_most[which]:
                        foresee(scratch, now + tables.recurs_after[which], REOPENS + which)
                    for other in range(n):
                        if tables.excludes[which, other]:
                            scratch.excluded[other] = 1
                            scratch.open[other] = 0.0
                            scratch.base[other] = 0.0
                    begins = which
                    threshold = tables.acute[y, age, which]
                    if threshold > 0.0:
                        chance = exponential(luck, person.number, ACUTE, thing)
                        if chance <= threshold and now + tables.acute_days[which] * chance / threshold < death_at:
                            death_at = now + tables.acute_days[which] * chance / threshold
                            fatal = which
                elif kind == 1:
                    if scratch.detected[which] == NEVER:
                        scratch.detected[which] = day
                    scratch.latest[which] = day
                    if tables.recurs_column[which] >= 0:
                        scratch.recognised[tables.recurs_column[which], scratch.times[which] - 1] = day
                    scratch.waiting_left[which] = -1.0
                    scratch.counts[STATE_WAITING] = strike(scratch.waiting, scratch.counts[STATE_WAITING], which)
                    begins = n + which
                    for r in range(tables.row_condition.shape[0]):
                        if tables.row_condition[r] == which and tables.row_early_days[r] > 0.0:
                            foresee(scratch, day + tables.row_early_days[r], NOTHING)
                    if holds:
                        foresee_gifts(person, scratch, which, now)
                    reopen = True
                elif kind == 2:
                    starts, starts_for = tables.row_treatment[which], tables.row_condition[which]
                    if scratch.state[starts] == 0 and tables.row_stop[which] > 0.0:
                        scratch.stops[scratch.counts[STATE_STOPS]] = starts
                        scratch.counts[STATE_STOPS] += 1
                        scratch.stopping[starts] = tables.row_stop[which]
                        index = starts * ATTEMPTS + person.attempt
                        scratch.stop_left[starts] = exponential(luck, person.number, STOP, index)
                else:
                    scratch.stopped[which] = day
                    scratch.counts[STATE_STOPS] = strike(scratch.stops, scratch.counts[STATE_STOPS], which)
                    scratch.state[which] = STOPPED
                    ends = 2 * n + which
                    reopen = True
            if starts >= 0:
                if scratch.state[starts] == 0:
                    scratch.begun[starts] = math.floor(now)
                    scratch.begun_for[starts] = starts_for
                    scratch.state[starts] = RUNNING
                    begins = 2 * n + starts
                elif scratch.state[starts] == STOPPED:
                    scratch.again[starts] = math.floor(now)
                    scratch.again_for[starts] = starts_for
                    scratch.state[starts] = AGAIN
                    begins = 2 * n + starts
                reopen = True
            if ends >= 0:
                stop_source(tables, scratch, ends)
            if begins >= 0:
                start_source(tables, scratch, begins, now)
            if reopen and resident:
                open_rows(tables, scratch, person.sex, holds)
                relist = True
            place = next_due(scratch)
            coming = scratch.due[place] if place >= 0 else FAR
        year += 1
    return NEVER, -1, -1
