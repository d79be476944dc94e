"""What goes wrong between a person's care and the registers' rows: the tier `messy`, and false codes in both tiers.

It works on the finished, sorted words of a person and draws from streams of its own, so that the tier `clean` is what
remains where a row was not touched.
"""

import math

import numpy as np
import numpy.typing as npt

from sandkasse.cohort.kernels import helper
from sandkasse.cohort.observation import care as c
from sandkasse.cohort.observation import facts as f
from sandkasse.cohort.observation import purposes
from sandkasse.cohort.observation import traps as t
from sandkasse.cohort.observation import words as w
from sandkasse.cohort.observation.calendar import year_of
from sandkasse.cohort.observation.facts import Pen, Who, begin, push, push_trap, spell_at
from sandkasse.cohort.observation.false_codes import code_falsely
from sandkasse.cohort.observation.stream import draw, open_stream

_TICKS = 0x3FFFFFF
_DIAGNOSIS = 0x1FFF
_MAIN_AT, _SECOND_AT = 26, 13


@helper
def make_messy(pen: Pen, who: Who, care: c.CareArrays, starts: npt.NDArray[np.int64]) -> None:
    """Spoil a person's words by the traps that are on.

    Args:
        pen: What writes; all words have room.
        who: The person.
        care: Compiled parameters.
        starts: The person's first word of each kind, int64, shape (N_KINDS,).
    """
    traps, results, dispensings = pen.state.traps, starts[w.RESULT], starts[w.DISPENSING]
    contacts = starts[w.CONTACT]
    if traps[t.PRACTICE_DIFFERENCES]:
        _miss_own_devices(pen, who, care.mess, results)
    if traps[t.MISSING_BY_VALUE]:
        _miss_unremarkable(pen, who, care.mess, results)
    if traps[t.UNIT_MIXUPS]:
        _mix_units(pen, who, care.mess, results)
    if traps[t.MISCODED_OTHERS]:
        code_falsely(pen, who, care, contacts)
    if traps[t.LATE_CODES]:
        _code_late(pen, who, care, contacts)
    if traps[t.CODING_DRIFT]:
        _let_codes_drift(pen, who, care, contacts)
    if traps[t.REGION_DIFFERENCES]:
        _leave_secondary_out(pen, who, care, contacts)
    if traps[t.DUPLICATES]:
        begin(pen, who, purposes.MESS + 6)
        _repeat(pen, care.mess, w.RESULT, results)
        _repeat(pen, care.mess, w.DISPENSING, dispensings)


@helper
def _day_of(kind: int, word: int) -> int:
    return word >> 32 if kind == w.RESULT else word >> 20


@helper
def _miss_own_devices(pen: Pen, who: Who, mess: c.Mess, first: int) -> None:
    """Miss HbA1c that a practice measures itself."""
    end = pen.state.given[w.RESULT]
    kept = first
    for at in range(first, end):
        word = pen.out[w.RESULT, at]
        day = word >> 32
        is_missed = False
        if (word >> 26) & 63 <= c.HBA1C_DCCT:
            practice = who.days[f.SPELLS + 4 * max(spell_at(who.days, day), 0) + f.SPELL_PRACTICE]
            open_stream(pen.state.stream, pen.state.seed, practice, purposes.MESS)
            if draw(pen.state.stream) < mess.share[c.SHARE_DEVICE]:
                # Both units of one sample share their luck.
                open_stream(pen.state.stream, pen.state.seed, who.days[f.PERSON] * 65_536 + day, purposes.MESS + 1)
                is_missed = draw(pen.state.stream) < mess.share[c.SHARE_DEVICE_TESTS]
        if is_missed:
            push_trap(pen, t.PRACTICE_DIFFERENCES, day)
        else:
            pen.out[w.RESULT, kept] = word
            kept += 1
    pen.state.given[w.RESULT] = kept


@helper
def _miss_unremarkable(pen: Pen, who: Who, mess: c.Mess, first: int) -> None:
    """Miss results below the middle of their analysis; HbA1c has no middle."""
    begin(pen, who, purposes.MESS + 2)
    end = pen.state.given[w.RESULT]
    kept = first
    for at in range(first, end):
        word = pen.out[w.RESULT, at]
        is_low = (word & _TICKS) < mess.middle[(word >> 26) & 63, who.days[f.SEX]]
        is_unlucky = draw(pen.state.stream) < mess.share[c.SHARE_MISSING]
        is_missed = is_unlucky and is_low and (word >> 26) & 63 > c.HBA1C_DCCT
        if is_missed:
            push_trap(pen, t.MISSING_BY_VALUE, word >> 32)
        else:
            pen.out[w.RESULT, kept] = word
            kept += 1
    pen.state.given[w.RESULT] = kept


@helper
def _mix_units(pen: Pen, who: Who, mess: c.Mess, first: int) -> None:
    """Report results in another unit."""
    begin(pen, who, purposes.MESS + 3)
    for at in range(first, pen.state.given[w.RESULT]):
        word = pen.out[w.RESULT, at]
        factor = mess.other_unit[(word >> 26) & 63]
        if factor > 0.0 and draw(pen.state.stream) < mess.share[c.SHARE_MIXED]:
            ticks = max(1, math.floor((word & _TICKS) * factor + 0.5))
            pen.out[w.RESULT, at] = (word & ~_TICKS) | ticks
            push_trap(pen, t.UNIT_MIXUPS, word >> 32)


@helper
def _code_late(pen: Pen, who: Who, care: c.CareArrays, first: int) -> None:
    """Code contacts as observation; what they were for is coded at another one."""
    begin(pen, who, purposes.MESS + 4)
    for at in range(first, pen.state.given[w.CONTACT]):
        if draw(pen.state.stream) < care.mess.share[c.SHARE_LATE]:
            _recode(pen, care, at, 0)
            push_trap(pen, t.LATE_CODES, pen.out[w.CONTACT, at] >> 47)


@helper
def _let_codes_drift(pen: Pen, who: Who, care: c.CareArrays, first: int) -> None:
    """Code outpatient contacts as follow-up, more of them from year to year."""
    begin(pen, who, purposes.MESS + 5)
    years = care.mess.drift_years
    for at in range(first, pen.state.given[w.CONTACT]):
        word = pen.out[w.CONTACT, at]
        year = year_of(care.calendar.year_start, word >> 47)
        share = care.mess.share[c.SHARE_DRIFT] * (year - years[0]) / (years[1] - years[0])
        if draw(pen.state.stream) < share and (word >> 39) & 3 == c.OUTPATIENT:
            _recode(pen, care, at, 1)
            push_trap(pen, t.CODING_DRIFT, word >> 47)


@helper
def _recode(pen: Pen, care: c.CareArrays, at: int, which: int) -> None:
    word = pen.out[w.CONTACT, at]
    era = 1 if word >> 47 >= care.codes.icd10_from else 0
    main = w.pack_diagnosis(care.mess.code[which, era], w.MAIN, 0)
    pen.out[w.CONTACT, at] = (word & ~(_DIAGNOSIS << _MAIN_AT)) | (main << _MAIN_AT)


@helper
def _leave_secondary_out(pen: Pen, who: Who, care: c.CareArrays, first: int) -> None:
    """Leave the secondary diagnosis of a contact out, by the habits of the region."""
    begin(pen, who, purposes.MESS + 7)
    for at in range(first, pen.state.given[w.CONTACT]):
        word = pen.out[w.CONTACT, at]
        luck = draw(pen.state.stream)
        if (word >> _SECOND_AT) & _DIAGNOSIS == w.NOTHING:
            continue
        spell = max(spell_at(who.days, word >> 47), 0)
        municipality = who.days[f.SPELLS + 4 * spell + f.SPELL_PRACTICE] // care.places.practices
        if luck >= care.mess.secondary_kept[municipality]:
            pen.out[w.CONTACT, at] = (word & ~(_DIAGNOSIS << _SECOND_AT)) | (w.NOTHING << _SECOND_AT)
            push_trap(pen, t.REGION_DIFFERENCES, word >> 47)


@helper
def _repeat(pen: Pen, mess: c.Mess, kind: int, first: int) -> None:
    """Give words of a kind a second time."""
    for at in range(first, pen.state.given[kind]):
        if draw(pen.state.stream) < mess.share[c.SHARE_TWICE]:
            word = pen.out[kind, at]
            push(pen, kind, word)
            push_trap(pen, t.DUPLICATES, _day_of(kind, word))
