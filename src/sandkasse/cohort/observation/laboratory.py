"""Tests: panels of analyses, and HbA1c in old and new units."""

import math

from sandkasse.cohort.kernels import helper
from sandkasse.cohort.life.glycaemia import bmi_on, hba1c_mmol_mol
from sandkasse.cohort.observation import care as c
from sandkasse.cohort.observation import facts as f
from sandkasse.cohort.observation import traps as t
from sandkasse.cohort.observation import words as w
from sandkasse.cohort.observation.calendar import DAY_2011, NEVER
from sandkasse.cohort.observation.facts import Pen, Who, push, push_trap, spell_at
from sandkasse.cohort.observation.stream import draw, draw_exponential, draw_normal

DIAGNOSTIC_LIMIT = 48  # mmol/mol; World Health Organization 2011, WHO/NMH/CHP/CPM/11.1
_MOST_TICKS = 60_000_000
_LOWEST_HBA1C = 15
_TAKES_EFFECT = 30


@helper
def take_panel(pen: Pen, who: Who, laboratory: c.Laboratory, panel: int, day: int) -> None:
    """Take a panel of tests on a day on which the person is resident; nothing is kept of days before the register.

    The day lies within residence.
    """
    if day < DAY_2011:
        return
    spell = spell_at(who.days, day)
    is_kept = day >= who.days[f.SPELLS + 4 * spell + f.SPELL_LAB] or not pen.state.traps[t.LAB_COVERAGE]
    for analysis in laboratory.panel[panel]:
        if analysis < 0:
            break
        if analysis == c.HBA1C:
            _take_hba1c(pen, who, laboratory, day, False)
        else:
            ticks = _value(who, laboratory, analysis, day, draw_normal(pen.state.stream))
            if is_kept:
                push(pen, w.RESULT, w.pack_result(day, analysis, ticks))
    _take_beside(pen, who, laboratory, panel, day, is_kept)


@helper
def _take_beside(pen: Pen, who: Who, laboratory: c.Laboratory, panel: int, day: int, is_kept: bool) -> None:
    """Take what is ordered with a panel, group by group.

    Normals come in pairs (Box and Muller 1958, doi:10.1214/aoms/1177706645), both of which are used.
    """
    other, has_other = 0.0, False
    for place in range(laboratory.beside.shape[1]):
        group = laboratory.beside[panel, place]
        if group < 0:
            break
        if draw(pen.state.beside) >= laboratory.beside_share[panel, place]:
            continue
        for analysis in laboratory.group[group]:
            if analysis < 0:
                break
            deviation = other
            if not has_other:
                radius = math.sqrt(-2.0 * math.log(draw(pen.state.beside)))
                angle = 2.0 * math.pi * draw(pen.state.beside)
                deviation, other = radius * math.cos(angle), radius * math.sin(angle)
            has_other = not has_other
            if is_kept:
                ticks = _value(who, laboratory, analysis, day, deviation)
                push(pen, w.RESULT, w.pack_result(day, analysis, ticks))


@helper
def take_hba1c(pen: Pen, who: Who, laboratory: c.Laboratory, day: int) -> None:
    """Take an HbA1c alone, on a day on which the person is resident."""
    if day >= DAY_2011:
        _take_hba1c(pen, who, laboratory, day, False)


@helper
def take_first_hba1c(pen: Pen, who: Who, laboratory: c.Laboratory, known: int) -> None:
    """Take the test that made somebody ask for the second one, on which diabetes became known."""
    first, last = laboratory.repeated_days[0], laboratory.repeated_days[1]
    day = known - first - int((last - first) * draw(pen.state.stream))
    if day >= max(DAY_2011, who.days[f.ONSET]) and spell_at(who.days, day) >= 0:
        _take_hba1c(pen, who, laboratory, day, True)


@helper
def _is_running(who: Who, treatment: int, day: int) -> bool:
    """Say whether a treatment has been running for a month."""
    since = day - _TAKES_EFFECT
    is_running = who.treatment[treatment] <= since < who.treatment_stop[treatment]
    is_running |= who.treatment_again[treatment] <= since
    for spell in range(who.resumed.shape[0]):
        if who.resumed[spell] == treatment:
            is_running |= who.resumed_day[spell] <= since < who.resumed_stop[spell]
    return bool(is_running)


@helper
def _value(who: Who, laboratory: c.Laboratory, analysis: int, day: int, deviation: float) -> int:
    """Give an analysis in units of its last decimal, from its standard normal deviation within the person."""
    shape = laboratory.shape[analysis]
    age = (day - who.days[f.BIRTH]) / 365.25
    value = shape[who.days[f.SEX]] + shape[2] * (age - 50.0) + shape[3] * who.own[analysis]
    value += shape[4] * deviation
    for row in range(laboratory.shift_first[analysis], laboratory.shift_first[analysis + 1]):
        condition, treatment = laboratory.shift[row, 0], laboratory.shift[row, 1]
        if condition >= 0 and who.known[condition] <= day:
            value += laboratory.shift_by[row]
        if treatment >= 0 and _is_running(who, treatment, day):
            value += laboratory.shift_by[row]
    if laboratory.is_log[analysis]:
        value = math.exp(value)
    ticks = math.floor(float(value * laboratory.ticks[analysis]) + 0.5)
    return min(max(ticks, 1), _MOST_TICKS)


@helper
def _take_hba1c(pen: Pen, who: Who, laboratory: c.Laboratory, day: int, is_telling: bool) -> None:
    """Take an HbA1c, and perhaps a second one if it is high and the person not known to have diabetes.

    Two high values would have led to detection. So before it a high value of a person with diabetes, and any but the
    first high value of a person without, was overlooked or the test was not taken at all.
    """
    days = who.days
    ticks = _measure_hba1c(pen, who, laboratory, day)
    is_overlooked = draw(pen.state.stream) < laboratory.overlooked
    if ticks < DIAGNOSTIC_LIMIT or day >= days[f.KNOWN] or is_telling:
        _report_hba1c(pen, who, laboratory, day, ticks)
        return
    is_first = days[f.ONSET] > day and days[f.HIGH] == NEVER
    if not is_first and not is_overlooked:
        return
    _report_hba1c(pen, who, laboratory, day, ticks)
    if is_first:
        days[f.HIGH] = day
    _repeat_hba1c(pen, who, laboratory, day)


@helper
def _repeat_hba1c(pen: Pen, who: Who, laboratory: c.Laboratory, day: int) -> None:
    """Test again after a high value, perhaps; a value that is high again would have led to detection."""
    first, last = laboratory.repeated_days[0], laboratory.repeated_days[1]
    is_repeated = draw(pen.state.stream) < laboratory.repeated_share
    again = day + first + int((last - first) * draw(pen.state.stream))
    if is_repeated and again < who.days[f.KNOWN] and spell_at(who.days, again) >= 0:
        ticks = _measure_hba1c(pen, who, laboratory, again)
        if ticks < DIAGNOSTIC_LIMIT:
            _report_hba1c(pen, who, laboratory, again, ticks)


@helper
def _measure_hba1c(pen: Pen, who: Who, laboratory: c.Laboratory, day: int) -> int:
    """Measure HbA1c in whole mmol/mol: the true value, something that raises it now and then, and the error."""
    birth = who.days[f.BIRTH]
    bmi = bmi_on(day, birth, who.traits[f.BMI_AT_20], who.traits[f.BMI_SLOPE])
    value = hba1c_mmol_mol(
        day,
        birth,
        who.traits[f.SET_POINT],
        bmi,
        who.onset,
        who.treatment,
        who.treatment_stop,
        who.glycaemia,
        who.treatment_again,
        who.days[f.KNOWN],
    )
    if draw(pen.state.stream) < laboratory.raised_share:
        value += laboratory.raised_mean * draw_exponential(pen.state.stream)
    spread = laboratory.measurement_sd + laboratory.sd_per_excess * max(0.0, value - DIAGNOSTIC_LIMIT)
    return max(_LOWEST_HBA1C, math.floor(value + spread * draw_normal(pen.state.stream) + 0.5))


@helper
def _report_hba1c(pen: Pen, who: Who, laboratory: c.Laboratory, day: int, ticks: int) -> None:
    """Report an HbA1c in per cent, in both units, or in mmol/mol, as laboratories did at the time."""
    spell = spell_at(who.days, day)
    if day < who.days[f.SPELLS + 4 * spell + f.SPELL_LAB] and pen.state.traps[t.LAB_COVERAGE]:
        if ticks >= DIAGNOSTIC_LIMIT:
            push_trap(pen, t.LAB_COVERAGE, day)
        return
    has_units = pen.state.traps[t.HBA1C_UNITS]
    if not has_units or day >= laboratory.dcct_only_until:
        push(pen, w.RESULT, w.pack_result(day, c.HBA1C, ticks))
    if has_units and day < laboratory.dcct_and_ifcc_until:
        tenths = math.floor((0.0915 * ticks + 2.15) * 10.0 + 0.5)
        push(pen, w.RESULT, w.pack_result(day, c.HBA1C_DCCT, tenths))
        if ticks >= DIAGNOSTIC_LIMIT:
            push_trap(pen, t.HBA1C_UNITS, day)
