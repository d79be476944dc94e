"""Hospital contacts: how they are coded, and those for causes that are not simulated as conditions."""

import math

from sandkasse.cohort.kernels import helper
from sandkasse.cohort.observation import care as c
from sandkasse.cohort.observation import facts as f
from sandkasse.cohort.observation import purposes
from sandkasse.cohort.observation import traps as t
from sandkasse.cohort.observation import words as w
from sandkasse.cohort.observation.calendar import DAY_2019, FIRST_YEAR, NEVER, day_in, year_of
from sandkasse.cohort.observation.facts import Pen, Who, band_of, begin, push, push_trap, spell_at
from sandkasse.cohort.observation.laboratory import take_hba1c, take_panel
from sandkasse.cohort.observation.stream import draw, draw_poisson, draw_row

_ACUTE_PANEL = 3  # place in `Laboratory.screened`
_KINDS = (c.INPATIENT, c.OUTPATIENT, c.EMERGENCY)
_YEAR = 365.25
_SELDOM = 0.3  # how much more seldom other contacts than admissions carry secondary diagnoses: our choice


@helper
def choose_code(pen: Pen, codes: c.Codes, which: int, day: int) -> int:
    """Draw a code of a set, in the classification of the day; NO_DIAGNOSIS where the set has none."""
    u = draw(pen.state.stream)
    era = 1 if day >= codes.icd10_from else 0
    n = codes.n[which, era]
    if n == 0:
        return w.NO_DIAGNOSIS
    return int(codes.code[which, era, int(u * n)])


@helper
def have_contact(
    pen: Pen, codes: c.Codes, day: int, specialty: int, kind: int, main: int, others: tuple[int, int]
) -> bool:
    """Write a hospital contact down, unless the register did not take contacts of its kind yet.

    Args:
        pen: What writes.
        codes: Codes and eras.
        day: A day of residence.
        specialty: Number of the department's specialty.
        kind: INPATIENT, OUTPATIENT or EMERGENCY.
        main: Number of the main diagnosis.
        others: Two further diagnoses, packed.

    Returns:
        Whether it was written.
    """
    if main == w.NO_DIAGNOSIS:
        return False
    if kind != c.INPATIENT and day < codes.outpatients_from and pen.state.traps[t.OUTPATIENT_1995]:
        return False
    counted = c.OUTPATIENT if kind == c.EMERGENCY and day >= codes.emergency_until else kind
    first = w.pack_diagnosis(main, w.MAIN, 0)
    push(pen, w.CONTACT, w.pack_contact(day, specialty, counted, first, others[0], others[1]))
    return True


@helper
def go_to_hospital(pen: Pen, who: Who, care: c.CareArrays) -> None:
    """Go to hospital for other causes, year by year, as inpatient, outpatient and emergency."""
    year_start = care.calendar.year_start
    first = year_of(year_start, who.days[f.FIRST])
    last = year_of(year_start, who.days[f.STOP] - 1)
    seeking = math.exp(0.25 * who.traits[f.SEEKING])
    for number in range(3):
        begin(pen, who, purposes.INPATIENT + number)
        # What the register did not take yet need not be drawn.
        is_late = number > 0 and pen.state.traps[t.OUTPATIENT_1995]
        from_year = max(first, year_of(year_start, care.codes.outpatients_from)) if is_late else first
        for year in range(from_year, last + 1):
            middle = year_start[year - FIRST_YEAR] + f.MIDDLE
            band = band_of(who.days, middle)
            rate = care.hospital.rate[number, who.days[f.SEX], band]
            rate *= seeking * (1.0 + care.hospital.illness[number] * who.ill[year - FIRST_YEAR])
            if who.days[f.DEATH] - year_start[year - FIRST_YEAR] < _YEAR:
                rate += care.hospital.last_year[number]
            for _ in range(draw_poisson(pen.state.stream, rate)):
                day = day_in(care.calendar, number == 1, year, draw(pen.state.stream))
                if spell_at(who.days, day) >= 0:
                    _one_contact(pen, who, care, number, band, day)


@helper
def _one_contact(pen: Pen, who: Who, care: c.CareArrays, number: int, band: int, day: int) -> None:
    hospital = care.hospital
    cause = draw_row(pen.state.stream, hospital.cause_share[1 if number == 2 else 0, band])
    main = _fitting(who, care.codes, choose_code(pen, care.codes, hospital.cause_set[cause], day), day)
    second = _secondary(pen, who, care, number, day)
    error, kind_of_error = draw(pen.state.stream), draw(pen.state.stream)
    third = w.NOTHING
    if who.days[f.ONSET] == NEVER:
        main, third = _err(pen, care.codes, day, main, error, kind_of_error)
    have_contact(pen, care.codes, day, hospital.cause_specialty[cause], _KINDS[number], main, (second, third))
    if draw(pen.state.stream) < hospital.samples[number]:
        take_panel(pen, who, care.laboratory, care.laboratory.screened[_ACUTE_PANEL], day)
        if draw(pen.state.stream) < care.laboratory.hospital_hba1c:
            take_hba1c(pen, who, care.laboratory, day)


@helper
def _fitting(who: Who, codes: c.Codes, code: int, day: int) -> int:
    """Give a code that the person can have by sex and age: the same, or the one that stands in for it."""
    if code == w.NO_DIAGNOSIS or codes.instead[code] < 0:
        return code
    is_old_enough = day - who.days[f.BIRTH] >= codes.from_age[code] * 365.25
    return code if who.days[f.SEX] == codes.of_sex[code] and is_old_enough else int(codes.instead[code])


@helper
def _secondary(pen: Pen, who: Who, care: c.CareArrays, number: int, day: int) -> int:
    """Draw a secondary diagnosis among the conditions known on the day, packed; often there is none."""
    conditions = care.conditions
    for row in range(conditions.column.shape[0]):
        if who.known[row] <= day:
            chance = conditions.rate[row, c.ALSO_CODED] * (1.0 if number == 0 else _SELDOM)
            if draw(pen.state.stream) < chance:
                which = choose_diabetes_set(pen, care, row, conditions.codes[row, 1])
                code = choose_code(pen, care.codes, which, day)
                return w.pack_diagnosis(code, w.SECONDARY, 0) if code != w.NO_DIAGNOSIS else w.NOTHING
    return w.NOTHING


@helper
def choose_diabetes_set(pen: Pen, care: c.CareArrays, row: int, which: int) -> int:
    """Choose the set of codes of a contact: for diabetes now and then the other type's, or an unspecified type's."""
    codes, diabetes = care.codes, care.conditions.diabetes
    if row not in (diabetes[0], diabetes[1]):
        return which
    u = draw(pen.state.stream)
    own = 0 if row == diabetes[0] else 1
    if not pen.state.traps[t.TYPE_CONFUSION]:
        return int(codes.diabetes[own])
    if u < codes.confused[own]:
        return int(codes.diabetes[1 - own])
    return int(codes.diabetes[2] if u < codes.confused[own] + codes.unspecified else codes.diabetes[own])


@helper
def _err(pen: Pen, codes: c.Codes, day: int, main: int, error: float, kind_of_error: float) -> tuple[int, int]:
    """Give a contact of a person without diabetes a diabetes code by mistake: the main one, or another beside it.

    Returns:
        The main diagnosis, and another one, packed.
    """
    era = 1 if day >= codes.icd10_from else 0
    wrong = codes.code[codes.diabetes[1 if kind_of_error < 0.8 else 2], era, 0]
    if error < codes.miscoded:
        if not pen.state.traps[t.MISCODED]:
            return main, w.NOTHING
        push_trap(pen, t.MISCODED, day)
        if kind_of_error < 0.3:
            return wrong, w.NOTHING
        return main, w.pack_diagnosis(wrong, w.SECONDARY, 0)
    if error < codes.miscoded + codes.retracted and day >= DAY_2019 and pen.state.traps[t.RETRACTED]:
        push_trap(pen, t.RETRACTED, day)
        return main, w.pack_diagnosis(wrong, w.SECONDARY, 1)
    return main, w.NOTHING
