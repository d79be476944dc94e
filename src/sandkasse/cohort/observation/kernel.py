"""What is seen of each life: the compiled kernel, one person after the other, events as words.

Every component (a condition's care, a therapy, …) draws from its own stream, named by person and purpose, so that
switching a trap off or adding a component leaves all other rows as they were.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sandkasse.cohort.kernels import helper, kernel
from sandkasse.cohort.life.glycaemia import bmi_on, hba1c_mmol_mol
from sandkasse.cohort.observation import care as c
from sandkasse.cohort.observation import words as w
from sandkasse.cohort.observation.stream import (
    STREAM_WORDS,
    draw,
    draw_exponential,
    draw_normal,
    draw_poisson,
    open_stream,
)

NEVER = 2**31 - 1
INPATIENT, OUTPATIENT, EMERGENCY = 0, 2, 3

# Purposes of the draws; the life uses those below 1000.
FOR_CONDITION = 1000
FOR_THERAPY = 1100
FOR_PRACTICE = 1200
FOR_CONTACT_TIME = 1201

_SERVICE, _DISPENSING, _RESULT, _CONTACT, _TRAP = w.SERVICE, w.DISPENSING, w.RESULT, w.CONTACT, w.TRAP
_DAY_1990 = 7305
_DAY_1995 = 9131
_DAY_2011 = 14975
_DAY_2017 = 17167


class Lives(NamedTuple):
    """The arrays of a `LifeShard` that observation reads; see there."""

    person: npt.NDArray[np.int64]
    sex: npt.NDArray[np.int8]
    birth_day: npt.NDArray[np.int32]
    residence_start: npt.NDArray[np.int32]
    residence_end: npt.NDArray[np.int32]
    municipality: npt.NDArray[np.int16]
    death_day: npt.NDArray[np.int32]
    hba1c_set_point: npt.NDArray[np.float32]
    bmi_at_20: npt.NDArray[np.float32]
    bmi_slope_per_year: npt.NDArray[np.float32]
    onset_day: npt.NDArray[np.int32]
    detected_day: npt.NDArray[np.int32]
    treatment_day: npt.NDArray[np.int32]
    treatment_stop_day: npt.NDArray[np.int32]
    treatment_for: npt.NDArray[np.int8]
    delivery_day: npt.NDArray[np.int32]
    glycaemia: npt.NDArray[np.float64]


class Sink(NamedTuple):
    """Where words go: one buffer for each kind of event, and how many words each has been given."""

    service: npt.NDArray[np.int64]
    dispensing: npt.NDArray[np.int64]
    result: npt.NDArray[np.int64]
    contact: npt.NDArray[np.int64]
    trap: npt.NDArray[np.int64]
    given: npt.NDArray[np.int64]


@helper
def _push(buffer, given, kind, word):  # type: ignore[no-untyped-def]
    """Append a word; beyond the buffer's end only count, so that the caller can come again with a larger one."""
    at = given[kind]
    if at < buffer.shape[0]:
        buffer[at] = word
    given[kind] = at + 1


@helper
def _spell(lives, i, day):  # type: ignore[no-untyped-def]
    """Find the residence spell that contains a day, or -1: nothing is observed outside."""
    if day < c.FIRST_DAY or day >= c.END_DAY or day > lives.death_day[i]:
        return -1
    for s in range(lives.residence_start.shape[1]):
        if lives.residence_start[i, s] <= day < lives.residence_end[i, s]:
            return s
    return -1


@helper
def _day_in(table, care, year, u):  # type: ignore[no-untyped-def]
    row = year - c.FIRST_YEAR
    return int(care.year_start[row]) + int(table[row, int(u * c.QUANTILES)])


@helper
def _year_of(care, day):  # type: ignore[no-untyped-def]
    """Calendar year of a day, limited to the simulated years."""
    year = c.FIRST_YEAR + int((day - c.FIRST_DAY) / 365.25)
    year = min(max(year, c.FIRST_YEAR), c.LAST_YEAR)
    if year > c.FIRST_YEAR and care.year_start[year - c.FIRST_YEAR] > day:
        year -= 1
    return year


@helper
def _practice_factor(stream, seed, practice, sd):  # type: ignore[no-untyped-def]
    open_stream(stream, seed, practice, FOR_PRACTICE)
    return np.exp(sd * draw_normal(stream))


@helper
def _service(sink, traps, stream, day, service):  # type: ignore[no-untyped-def]
    """Write a service down under the week of its settlement, which lies some weeks after it."""
    delay = draw_exponential(stream)
    if day < _DAY_1990:
        return
    week = (day + 3) // 7
    settled = week
    if traps[c.SETTLEMENT_WEEK]:
        settled += int(delay * 2.5)
    _push(sink.service, sink.given, _SERVICE, w.pack_service(settled, service, 0))


@helper
def _hba1c(sink, lives, care, traps, stream, i, day):  # type: ignore[no-untyped-def]
    """Take an HbA1c: before the detection of diabetes a high value is overlooked, or the test was not taken at all."""
    error = draw_normal(stream)
    overlooked = draw(stream) < care.number[c.OVERLOOKED]
    spell = _spell(lives, i, day)
    if spell < 0 or day < _DAY_2011:
        return
    birth = int(lives.birth_day[i])
    value = hba1c_mmol_mol(
        day,
        birth,
        float(lives.hba1c_set_point[i]),
        bmi_on(day, birth, float(lives.bmi_at_20[i]), float(lives.bmi_slope_per_year[i])),
        lives.onset_day[i],
        lives.treatment_day[i],
        lives.treatment_stop_day[i],
        lives.glycaemia,
    )
    ticks = max(15, int(np.floor(value + error * care.number[c.MEASUREMENT_SD] + 0.5)))
    if ticks >= 48 and day < _detected(lives, care, traps, i) and not overlooked:
        return
    if traps[c.LAB_COVERAGE] and day < care.lab_start[care.region_of[lives.municipality[i, spell]]]:
        _push(sink.trap, sink.given, _TRAP, w.pack_trap(c.LAB_COVERAGE, day))
        return
    in_percent = traps[c.HBA1C_UNITS] and day < care.number[c.DCCT_AND_IFCC_UNTIL]
    if not (traps[c.HBA1C_UNITS] and day < care.number[c.DCCT_ONLY_UNTIL]):
        _push(sink.result, sink.given, _RESULT, w.pack_result(day, 0, ticks))
    if in_percent:
        tenths = int(np.floor((0.0915 * ticks + 2.15) * 10.0 + 0.5))
        _push(sink.result, sink.given, _RESULT, w.pack_result(day, 1, tenths))
        _push(sink.trap, sink.given, _TRAP, w.pack_trap(c.HBA1C_UNITS, day))


@helper
def _detected(lives, care, traps, i):  # type: ignore[no-untyped-def]
    """Day on which diabetes of either type is known; without the trap everybody's is, from soon after onset."""
    first = NEVER
    for which in (c.T1D, c.T2D):
        column = care.column[which]
        if column >= 0:
            first = min(first, effective_detection(lives.onset_day[i, column], lives.detected_day[i, column], traps))
    return first


@helper
def effective_detection(onset, detected, traps):  # type: ignore[no-untyped-def]
    """Day on which a condition is known to the health system: the life's, or soon after onset without undiagnosed."""
    if detected == NEVER and onset != NEVER and not traps[c.UNDIAGNOSED]:
        return int(onset) + 30
    return int(detected)


@helper
def _code(care, stream, which, day):  # type: ignore[no-untyped-def]
    """Draw a code of a set, in the classification of the day; NO_DIAGNOSIS where the set has none."""
    u = draw(stream)
    era = 1 if day >= care.number[c.ICD10_FROM] else 0
    n = care.diagnosis_n[which, era]
    return int(care.diagnosis[which, era, int(u * n)]) if n > 0 else w.NO_DIAGNOSIS


@helper
def _contact(sink, traps, care, day, specialty, patient_type, main, second):  # type: ignore[no-untyped-def]  # noqa: PLR0913
    """Write a hospital contact down, unless the register did not yet take contacts of its kind."""
    if patient_type != INPATIENT and day < care.number[c.OUTPATIENTS_FROM] and traps[c.OUTPATIENT_1995]:
        return
    if main == w.NO_DIAGNOSIS:
        return
    none = w.pack_diagnosis(w.NO_DIAGNOSIS, w.MAIN, 0)
    first = w.pack_diagnosis(main, w.MAIN, 0)
    extra = w.pack_diagnosis(second, w.SECONDARY, 0) if second != w.NO_DIAGNOSIS else none
    _push(sink.contact, sink.given, _CONTACT, w.pack_contact(day, specialty, patient_type, first, extra, none))


@helper
def _diabetes_set(care, traps, stream, row, sets):  # type: ignore[no-untyped-def]
    """Choose the set of codes of one contact: now and then the other type's, or an unspecified type's."""
    u = draw(stream)
    which = care.condition_set[row]
    column = care.condition_column[row]
    is_t1d = column == care.column[c.T1D]
    if not traps[c.TYPE_CONFUSION] or not (is_t1d or column == care.column[c.T2D]):
        return int(which)
    confused = care.number[c.CONFUSION_T1D] if is_t1d else care.number[c.CONFUSION_T2D]
    if u < confused:
        return int(sets[1]) if is_t1d else int(sets[0])
    if u < confused + care.number[c.UNSPECIFIED_TYPE]:
        return int(sets[2])
    return int(which)


@helper
def _condition(sink, lives, care, traps, stream, seed, i, row, sets):  # type: ignore[no-untyped-def]  # noqa: PLR0913, C901
    """Care of one detected condition: the admission, outpatient contacts, visits with tests, podiatry."""
    column = care.condition_column[row]
    detected = effective_detection(lives.onset_day[i, column], lives.detected_day[i, column], traps)
    if detected == NEVER or detected >= c.END_DAY:
        return
    is_diabetes = column == care.column[c.T1D] or column == care.column[c.T2D]
    rates = care.condition_rate[row]
    specialty = care.condition_specialty[row]
    spell = _spell(lives, i, detected)
    practice = 100 * int(lives.municipality[i, max(spell, 0)])
    open_stream(stream, seed, lives.person[i], FOR_CONDITION + 90)
    practice += int(draw(stream) * care.number[c.PRACTICES])
    contacts = _practice_factor(stream, seed, practice, care.number[c.SD_CONTACTS])
    testing = _practice_factor(stream, seed, practice + 1000000, care.number[c.SD_TESTING])
    open_stream(stream, seed, lives.person[i], FOR_CONDITION + row)
    if is_diabetes:
        _hba1c(sink, lives, care, traps, stream, i, detected)
    if draw(stream) < rates[c.ADMITTED] and spell >= 0:
        chosen = _diabetes_set(care, traps, stream, row, sets)
        code = _code(care, stream, chosen, detected)
        _contact(sink, traps, care, detected, specialty, INPATIENT, code, w.NO_DIAGNOSIS)
    last = min(int(lives.death_day[i]), c.END_DAY - 1)
    for year in range(_year_of(care, detected), _year_of(care, last) + 1):
        is_early = care.year_start[year - c.FIRST_YEAR] - detected < 365.25 * rates[c.EARLY_YEARS]
        for _ in range(draw_poisson(stream, rates[c.OUTPATIENT_EARLY if is_early else c.OUTPATIENT_LATE])):
            day = _day_in(care.elective_day, care, year, draw(stream))
            chosen = _diabetes_set(care, traps, stream, row, sets)
            code = _code(care, stream, chosen, day)
            if day >= detected and _spell(lives, i, day) >= 0:
                _contact(sink, traps, care, day, specialty, OUTPATIENT, code, w.NO_DIAGNOSIS)
                if is_diabetes:
                    _hba1c(sink, lives, care, traps, stream, i, day)
        for _ in range(draw_poisson(stream, rates[c.GP_VISITS] * contacts)):
            day = _day_in(care.elective_day, care, year, draw(stream))
            if day >= detected and _spell(lives, i, day) >= 0:
                _service(sink, traps, stream, day, 0)
                if is_diabetes and draw(stream) < min(1.0, rates[c.TESTS] * testing):
                    _service(sink, traps, stream, day, 1)
                    _hba1c(sink, lives, care, traps, stream, i, day)
        for _ in range(draw_poisson(stream, rates[c.FOOT])):
            day = _day_in(care.elective_day, care, year, draw(stream))
            if day >= detected and _spell(lives, i, day) >= 0:
                _service(sink, traps, stream, day, 2)


@helper
def _product(care, stream, drug_class, day):  # type: ignore[no-untyped-def]
    """Draw a product of a class among those on the market, by their shares; -1 if there is none."""
    u = draw(stream)
    first, end = care.class_products[drug_class]
    total = 0.0
    for k in range(first, end):
        if care.product_days[k, 0] <= day < care.product_days[k, 1]:
            total += care.product_share[k]
    left = u * total
    for k in range(first, end):
        if care.product_days[k, 0] <= day < care.product_days[k, 1]:
            left -= care.product_share[k]
            if left <= 0.0:
                return int(k)
    return -1


@helper
def _dispense(sink, traps, care, day, product, packs, indication):  # type: ignore[no-untyped-def]
    """Write a dispensing down, under the code that its drug had on that day."""
    coded = product
    if traps[c.ATC_MOVED_2017] and day < _DAY_2017:
        coded = int(care.product_before_2017[product])
        if coded != product:
            _push(sink.trap, sink.given, _TRAP, w.pack_trap(c.ATC_MOVED_2017, day))
    _push(sink.dispensing, sink.given, _DISPENSING, w.pack_dispensing(day, coded, packs, indication))


@helper
def _therapy(sink, lives, care, traps, stream, i, drug_class, start, stop, indication):  # type: ignore[no-untyped-def]  # noqa: PLR0913
    """Dispensings of one class from `start` to `stop`; refills follow pack size and adherence. The stream is open."""
    adherence = care.number[c.ADHERENCE_LOWEST] + (1.0 - care.number[c.ADHERENCE_LOWEST]) * draw(stream)
    use = care.class_ddd_per_day[drug_class] * adherence
    day = float(max(start, _DAY_1995 - int(90.0 * draw(stream))))
    product = -1
    while day < stop:
        today = int(day)
        if (today + 3) % 7 == 6:
            today += 1
        if product < 0 or draw(stream) < care.number[c.SWITCH_PRODUCT] or today >= care.product_days[product, 1]:
            product = _product(care, stream, drug_class, today)
            if product < 0:
                day += 365.0
                continue
        pack = care.product_pack[product]
        packs = max(1, min(15, int(care.number[c.DAYS_IN_STOCK] * use / pack + draw(stream))))
        if today >= _DAY_1995 and _spell(lives, i, today) >= 0:
            _dispense(sink, traps, care, today, product, packs, indication)
        day += packs * pack / use * (0.85 + 0.3 * draw(stream))


@helper
def _therapies(sink, lives, care, traps, stream, seed, i):  # type: ignore[no-untyped-def]
    """The treatments of the life, as the pharmacies see them."""
    for row in range(care.therapy.shape[0]):
        treatment, drug_class, only_for, only_with = care.therapy[row]
        start = int(lives.treatment_day[i, treatment])
        begun_for = int(lives.treatment_for[i, treatment])
        if start >= c.END_DAY or (only_for >= 0 and begun_for != only_for):
            continue
        if only_with >= 0 and lives.onset_day[i, only_with] == NEVER:
            continue
        trap = care.therapy_trap[row]
        open_stream(stream, seed, lives.person[i], FOR_THERAPY + row)
        stop = min(int(lives.treatment_stop_day[i, treatment]), int(lives.death_day[i]), c.END_DAY)
        indication = 0
        if care.therapy_indications[row] > 0:
            u = draw(stream)
            if u < care.therapy_indicated[row]:
                indication = 1 + int(u / care.therapy_indicated[row] * care.therapy_indications[row])
        if trap >= 0:
            if not traps[trap]:
                continue
            _push(sink.trap, sink.given, _TRAP, w.pack_trap(trap, start))
        _therapy(sink, lives, care, traps, stream, i, drug_class, start, stop, indication)


@helper
def _person(sink, lives, care, traps, stream, seed, i, sets):  # type: ignore[no-untyped-def]  # noqa: PLR0913
    for row in range(care.condition_column.shape[0]):
        _condition(sink, lives, care, traps, stream, seed, i, row, sets)
    _therapies(sink, lives, care, traps, stream, seed, i)
    for which in (c.T1D, c.T2D):
        column = care.column[which]
        if column >= 0 and lives.onset_day[i, column] < c.END_DAY and traps[c.UNDIAGNOSED]:
            if lives.detected_day[i, column] == NEVER:
                _push(sink.trap, sink.given, _TRAP, w.pack_trap(c.UNDIAGNOSED, lives.onset_day[i, column]))


@helper
def _sort_tail(buffer, start, end):  # type: ignore[no-untyped-def]
    if start < end <= buffer.shape[0]:
        buffer[start:end].sort()


@helper
def _minutes(sink, lives, stream, seed, i, minute, first, end):  # type: ignore[no-untyped-def]  # noqa: PLR0913
    """Draw the time of day at which each contact starts: office hours for outpatients, otherwise any."""
    open_stream(stream, seed, lives.person[i], FOR_CONTACT_TIME)
    for at in range(first, min(end, minute.shape[0])):
        u = draw(stream)
        is_outpatient = (sink.contact[at] >> 39) & 3 == OUTPATIENT
        minute[at] = 480 + int(u * 420.0) // 5 * 5 if is_outpatient else int(u * 1440.0)


@kernel
def observe_persons(sink, lives, care, traps, seed, order, starts, sets, minute):  # type: ignore[no-untyped-def]  # noqa: PLR0913
    """Observe all persons of a shard, in the order given, and sort each person's words.

    Args:
        sink: Buffers for words; where one was too short, `sink.given` says how long it must be.
        lives: Lives of the shard.
        care: Compiled parameters.
        traps: Which traps are on, bool, shape (n_traps,).
        seed: Seed of the cohort.
        order: Persons of the shard in the order of their pnr, int64, shape (n_persons,).
        starts: Receives the first word of each person and kind, int64, shape (n_persons + 1, N_KINDS).
        sets: Sets of codes of type 1, type 2 and unspecified diabetes, int64, shape (3,).
        minute: Receives the minute of the day at which each contact starts, int16, as long as `sink.contact`.
    """
    stream = np.zeros(STREAM_WORDS, dtype=np.uint64)
    for position in range(order.shape[0]):
        for kind in range(w.N_KINDS):
            starts[position, kind] = sink.given[kind]
        _person(sink, lives, care, traps, stream, seed, order[position], sets)
        _sort_tail(sink.service, starts[position, w.SERVICE], sink.given[w.SERVICE])
        _sort_tail(sink.dispensing, starts[position, w.DISPENSING], sink.given[w.DISPENSING])
        _sort_tail(sink.result, starts[position, w.RESULT], sink.given[w.RESULT])
        _sort_tail(sink.contact, starts[position, w.CONTACT], sink.given[w.CONTACT])
        first, end = starts[position, w.CONTACT], sink.given[w.CONTACT]
        _minutes(sink, lives, stream, seed, order[position], minute, first, end)
        _sort_tail(sink.trap, starts[position, w.TRAP], sink.given[w.TRAP])
    for kind in range(w.N_KINDS):
        starts[order.shape[0], kind] = sink.given[kind]
