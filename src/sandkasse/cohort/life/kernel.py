"""One person's life: every clock runs until its integrated hazard reaches its exponential draw.

Time moves in spans in which nothing changes but the season: from event to event, at most to the end of the calendar
year. In a span each open clock has one rate, but for seasonal ones, which pass as their season lets them; the first
clock to reach its draw has its event. Conditions, treatments, exposures and interventions rescale rates and never
redraw a clock, so a life under an intervention shares its luck with the life that was lived.
"""

import math

import numpy as np
import numpy.typing as npt

from sandkasse.cohort.kernels import helper
from sandkasse.cohort.life.branch import keep
from sandkasse.cohort.life.course import end_spell, foresee_gifts, intervene, redraw, reset, stop_or_resume, strike
from sandkasse.cohort.life.purposes import ACUTE, ATTEMPTS, CAUSE, DETECTION, ONSET, START, STOP
from sandkasse.cohort.life.rates import (
    hurry,
    let_pass,
    let_season_pass,
    open_rows,
    settle_base,
    settle_rates,
    settle_rows,
)
from sandkasse.cohort.life.state import (
    AGAIN,
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
    REOPENS,
    REPEAT,
    RUNNING,
    STATE_ACTIVE,
    STATE_CHANGED,
    STATE_ROWS,
    STATE_STOPS,
    STATE_VARYING,
    STATE_WAITING,
    STOPPED,
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
IntArray = npt.NDArray[np.int64]

TALLY_STEP = 5


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
    words: IntArray,
    kept: IntArray,
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
        words: The memory of `scratch`.
        kept: Written: as `words` was just before a treatment first began that `scratch` watches.

    Returns:
        Day of death (`NEVER` if alive at the end), the condition of whose acute phase the person dies and the condition
        that the death is put down to (-1 if none).
    """
    n = scratch.onset.shape[0]
    counting = person.from_day >= FAR and tally.shape[0] > 0
    n_treatments = scratch.begun.shape[0]
    habits = 2 * n + n_treatments
    hazard, jan1 = tables.hazard, tables.jan1
    sex, born = person.sex - 1, person.birth_year - CALENDAR_YEAR
    luck, moment = seed, scratch.moment
    limit, entry = float(person.stop), float(person.entry)
    now, year = float(person.birth), int(person.birth_year)
    death_at, fatal = FAR, -1
    pregnant, resident, holds = False, bool(person.entry <= person.birth), bool(person.from_day <= person.birth)
    if person.goes_on:
        now, year, death_at, fatal = moment[0], int(moment[1]), moment[2], int(moment[3])
        pregnant, resident = bool(moment[4] != 0.0), bool(moment[5] != 0.0)
    else:
        reset(seed, person, tables, scratch)
        combine(tables, scratch, np.int64(0))
    if resident:
        open_rows(tables, scratch, person.sex, holds)
    place = next_due(scratch)
    coming = scratch.due[place] if place >= 0 else FAR
    while now < limit:
        year_first, year_end = float(jan1[year - CALENDAR_YEAR]), float(jan1[year + 1 - CALENDAR_YEAR])
        year_days = year_end - year_first
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
                        end_spell(scratch, t, np.int64(math.floor(now)))
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
                hits = settle_rates(tables, scratch, y, span, n + 1)
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
                sooner, span = hurry(tables, scratch, y, year_first, year_days, now, span)
                if sooner >= 0:
                    kind, which = 0, sooner
                if kind == 2 and scratch.watched[tables.row_treatment[which]] != 0:
                    moment[0], moment[1], moment[2], moment[3] = now, float(year), death_at, float(fatal)
                    moment[4], moment[5] = 1.0 if pregnant else 0.0, 1.0 if resident else 0.0
                    keep(scratch, words, kept)
                # Let the time pass.
                if counting and resident:
                    early, young = (year - int(tables.numbers[0])) // TALLY_STEP, age // TALLY_STEP
                    for c in range(n + 1):
                        if scratch.rate[c] > 0.0:
                            tally[sex, early, young, c, 0] += span * hazard[sex, born, age, c]
                            tally[sex, early, young, c, 1] += span * scratch.rate[c]
                    for k in range(scratch.season_rate.shape[0]):
                        if scratch.season_rate[k] > 0.0:
                            c = tables.season_condition[k]
                            tally[sex, early, young, c, 0] += scratch.season_days[k] * hazard[sex, born, age, c]
                            tally[sex, early, young, c, 1] += scratch.season_days[k] * scratch.season_rate[k]
                let_pass(scratch, span, n + 1)
                let_season_pass(tables, scratch)
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
                    scratch.row[starts] = which
                    if scratch.state[starts] == 0 and tables.row_stop[which] > 0.0:
                        scratch.stops[scratch.counts[STATE_STOPS]] = starts
                        scratch.counts[STATE_STOPS] += 1
                        scratch.stopping[starts] = tables.row_stop[which]
                        index = starts * ATTEMPTS + person.attempt
                        scratch.stop_left[starts] = exponential(luck, person.number, STOP, index)
                else:
                    if stop_or_resume(luck, person, tables, scratch, which, day):
                        begins = 2 * n + which
                    else:
                        ends = 2 * n + which
                    reopen = True
            if starts >= 0:
                if scratch.state[starts] == 0:
                    scratch.begun[starts] = math.floor(now)
                    scratch.begun_for[starts] = starts_for
                    scratch.spells[starts] = 1
                    scratch.state[starts] = RUNNING
                    begins = 2 * n + starts
                elif scratch.state[starts] == STOPPED:
                    scratch.again[starts] = math.floor(now)
                    scratch.again_for[starts] = starts_for
                    scratch.counts[STATE_STOPS] = strike(scratch.stops, scratch.counts[STATE_STOPS], starts)
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
