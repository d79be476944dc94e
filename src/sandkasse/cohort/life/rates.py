"""Which clocks are open and how fast they run; seasons, in which the hazard changes within the year."""

from sandkasse.cohort.kernels import helper
from sandkasse.cohort.life.state import NEVER, STATE_OPEN, STATE_ROWS, STOPPED, Scratch
from sandkasse.cohort.tables import LifeTables
from sandkasse.core.rng import Whole


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
def settle_rates(tables: LifeTables, scratch: Scratch, y: Whole, span: float, n: Whole) -> int:
    """Compute the rates that hold now, and count the clocks that would reach their draw within a span.

    Rates of a year with a season go to `season_rate`, and are not counted. A function of its own, that is told the
    number n of clocks: were it a constant, the compiler would write out the loops instead of making vectors of them.
    """
    hits = 0
    for c in range(n):
        scratch.rate[c] = scratch.base[c] * scratch.ratio[c]
    for k in range(scratch.season_rate.shape[0]):
        scratch.season_rate[k] = 0.0
        c = tables.season_condition[k]
        if c >= 0 and tables.season_share[y, k, 0] >= 0.0:
            scratch.season_rate[k] = scratch.rate[c]
            scratch.rate[c] = 0.0
    for c in range(n):
        hits += 1 if scratch.rate[c] * span > scratch.left[c] else 0
    return hits


@helper
def let_pass(scratch: Scratch, span: float, n: Whole) -> None:
    """Let the n clocks of onset and death run for a span; n as in `settle_rates`."""
    for c in range(n):
        scratch.left[c] -= scratch.rate[c] * span


@helper
def season_until(tables: LifeTables, y: Whole, k: Whole, x: float) -> float:
    """Share of the year's onsets of a seasonal condition until a time, `x` twelfths into the year."""
    month = min(int(x), 11)
    before, after = float(tables.season_share[y, k, month]), float(tables.season_share[y, k, month + 1])
    return before + (x - month) * (after - before)


@helper
def season_days(tables: LifeTables, y: Whole, k: Whole, first: float, length: float, now: float, span: float) -> float:
    """Days of level hazard that a span of a seasonal year is worth; `first` and `length` are the year's."""
    x, z = 12.0 * (now - first) / length, 12.0 * (now + span - first) / length
    return length * (season_until(tables, y, k, z) - season_until(tables, y, k, x))


@helper
def season_wait(tables: LifeTables, y: Whole, k: Whole, first: float, length: float, now: float, days: float) -> float:
    """How long it takes in a seasonal year until a span is worth some days of level hazard."""
    x = 12.0 * (now - first) / length
    share = season_until(tables, y, k, x) + days / length
    month = min(int(x), 11)
    while month < 11 and tables.season_share[y, k, month + 1] < share:
        month += 1
    before, after = tables.season_share[y, k, month], tables.season_share[y, k, month + 1]
    x = month + (share - before) / (after - before) if after > before else 12.0
    return max(first + x * length / 12.0 - now, 0.0)


@helper
def hurry(
    tables: LifeTables, scratch: Scratch, y: Whole, first: float, length: float, now: float, span: float
) -> tuple[int, float]:
    """Find the seasonal condition that comes first within a span, -1 if none, and the span until it.

    Written: `season_days`, what that span is worth.
    """
    which = -1
    for k in range(scratch.season_rate.shape[0]):
        rate, c = scratch.season_rate[k], tables.season_condition[k]
        if rate > 0.0:
            scratch.season_days[k] = season_days(tables, y, k, first, length, now, span)
            if rate * scratch.season_days[k] > scratch.left[c]:
                span = min(season_wait(tables, y, k, first, length, now, scratch.left[c] / rate), span)
                which = c
    if which >= 0:
        for k in range(scratch.season_rate.shape[0]):
            if scratch.season_rate[k] > 0.0:
                scratch.season_days[k] = season_days(tables, y, k, first, length, now, span)
    return which, span


@helper
def let_season_pass(tables: LifeTables, scratch: Scratch) -> None:
    """Let the clocks of seasonal conditions run for the span that `hurry` found."""
    for k in range(scratch.season_rate.shape[0]):
        if scratch.season_rate[k] > 0.0:
            scratch.left[tables.season_condition[k]] -= scratch.season_rate[k] * scratch.season_days[k]
