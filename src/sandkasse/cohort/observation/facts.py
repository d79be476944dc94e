"""What a person's observation needs again and again, gathered once."""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sandkasse.cohort.kernels import helper
from sandkasse.cohort.observation import care as c
from sandkasse.cohort.observation import purposes
from sandkasse.cohort.observation import traps as t
from sandkasse.cohort.observation import words as w
from sandkasse.cohort.observation.calendar import END_DAY, FIRST_DAY, NEVER
from sandkasse.cohort.observation.stream import Stream, draw, draw_normal, open_stream

# Places in `Who.days`.
PERSON, SEX, BIRTH, DEATH, FATAL, FIRST, STOP, KNOWN, ONSET, N_SPELLS, HIGH = range(11)
SPELLS = 11  # then start, end, first day of the laboratories and practice of each spell
SPELL_START, SPELL_END, SPELL_LAB, SPELL_PRACTICE = range(4)
# Places in `Who.traits`.
SEEKING, SET_POINT, BMI_AT_20, BMI_SLOPE, ERRAND_PHASE, ERRAND_PERIOD = range(6)
MIDDLE = 182  # of the year, in days from its first
PRACTICES = 6  # then the factors for contacts and for blood samples of each spell's practice


class Lives(NamedTuple):
    """The arrays of a `LifeShard` that observation reads; see there.

    `occurrence` is its `occurrence_detected_day`.
    """

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
    treatment_again_day: npt.NDArray[np.int32]
    treatment_again_for: npt.NDArray[np.int8]
    resumed_treatment: npt.NDArray[np.int8]
    resumed_day: npt.NDArray[np.int32]
    resumed_stop_day: npt.NDArray[np.int32]
    delivery_day: npt.NDArray[np.int32]
    fatal_condition: npt.NDArray[np.int8]
    liability: npt.NDArray[np.float32]
    occurrence: npt.NDArray[np.int32]


class State(NamedTuple):
    """What changes while a person is observed, but for the words.

    Attributes:
        given: How many words of each kind were given, int64, shape (N_KINDS,); may pass the capacity.
        stream: The open stream of draws, uint64, from `make_stream`.
        beside: The person's stream for what comes with a contact or a panel, uint64, from `make_stream`.
        traps: Which traps are on, int8, shape (n_traps,).
        seed: Seed of the cohort, uint64.
    """

    given: npt.NDArray[np.int64]
    stream: Stream
    beside: Stream
    traps: t.Switches
    seed: np.uint64


class Pen(NamedTuple):
    """What writes.

    Attributes:
        out: Words of all kinds, int64, shape (N_KINDS, capacity).
        state: What changes, as a record.
    """

    out: npt.NDArray[np.int64]
    state: State


class Who(NamedTuple):
    """One person, as a record.

    Attributes:
        days: Numbers and days, int64; places as named above.
        traits: float64; places as named above.
        own: The person's own deviation of each analysis, standard normal, float64, shape (n_analyses,).
        known: Day on which each condition of `care.Conditions` became known, int64.
        burden: How ill each condition makes, float64.
        ill: How ill the known conditions make in the middle of each year, float64, shape (n_years,).
        onset: The life's onsets, int32, shape (n_conditions,).
        detected: The life's detections, int32, shape (n_conditions,).
        treatment: First beginning of each of the life's treatments, int32, shape (n_treatments,).
        treatment_stop: Its end, int32.
        treatment_for: Condition for which it was begun, int8.
        treatment_again: Second beginning, int32.
        treatment_again_for: Condition for which it was begun again, int8.
        resumed: Treatments taken up again after a stop, int8, -1 after the last, shape (n_resumptions,).
        resumed_day: When, int32.
        resumed_stop: Their stop, int32.
        occurrence: Detections of the conditions that come again, int32, shape (n_recurring, n_most), at least (1, 1).
        delivery: Days on which the person gives birth, int32, shape (n_deliveries,).
        glycaemia: Parameters of the true HbA1c, float64.
    """

    days: npt.NDArray[np.int64]
    traits: npt.NDArray[np.float64]
    own: npt.NDArray[np.float64]
    known: npt.NDArray[np.int64]
    burden: npt.NDArray[np.float64]
    ill: npt.NDArray[np.float64]
    onset: npt.NDArray[np.int32]
    detected: npt.NDArray[np.int32]
    treatment: npt.NDArray[np.int32]
    treatment_stop: npt.NDArray[np.int32]
    treatment_for: npt.NDArray[np.int8]
    treatment_again: npt.NDArray[np.int32]
    treatment_again_for: npt.NDArray[np.int8]
    resumed: npt.NDArray[np.int8]
    resumed_day: npt.NDArray[np.int32]
    resumed_stop: npt.NDArray[np.int32]
    occurrence: npt.NDArray[np.int32]
    delivery: npt.NDArray[np.int32]
    glycaemia: npt.NDArray[np.float64]


@helper
def push(pen: Pen, kind: int, word: int) -> None:
    """Give a word; beyond the capacity it is only counted, so that the caller can come again with more room."""
    at = pen.state.given[kind]
    if at < pen.out.shape[1]:
        pen.out[kind, at] = word
    pen.state.given[kind] = at + 1


@helper
def begin(pen: Pen, who: Who, purpose: int) -> None:
    """Open the person's stream of a purpose."""
    open_stream(pen.state.stream, pen.state.seed, who.days[PERSON], purpose)


@helper
def spell_at(days: npt.NDArray[np.int64], day: int) -> int:
    """Find the residence spell of a day, -1 if there is none: nothing is observed outside."""
    if day < days[FIRST] or day >= days[STOP]:
        return -1
    for spell in range(days[N_SPELLS]):
        at = SPELLS + 4 * spell
        if days[at + SPELL_START] <= day < days[at + SPELL_END]:
            return spell
    return -1


@helper
def band_of(days: npt.NDArray[np.int64], day: int) -> int:
    """Give the age band of the person on a day."""
    age = (day - days[BIRTH]) / 365.25
    band = 0
    while band < c.N_BANDS - 1 and age >= c.AGE_BANDS[band + 1]:
        band += 1
    return band


@helper
def _gather_burden(year_start: npt.NDArray[np.int64], who: Who) -> None:
    """Sum how ill the conditions known in the middle of each year make."""
    n_years = who.ill.shape[0]
    for year in range(n_years):
        who.ill[year] = 0.0
    for row in range(who.known.shape[0]):
        if who.known[row] < END_DAY:
            for year in range(n_years):
                if who.known[row] <= year_start[year] + MIDDLE:
                    who.ill[year] += who.burden[row]


@helper
def known_from(onset: int, detected: int, traps: t.Switches) -> int:
    """Day on which a condition is known: the life's, or soon after onset when nobody stays undiagnosed."""
    if detected == NEVER and onset != NEVER and not traps[t.UNDIAGNOSED]:
        return onset + 30
    return detected


@helper
def gather(pen: Pen, lives: Lives, care: c.CareArrays, i: int, who: Who) -> None:
    """Fill the facts of person `i` into `who`; its `burden` and `glycaemia` stay."""
    days, traits = who.days, who.traits
    days[PERSON] = lives.person[i]
    days[SEX] = lives.sex[i] - 1
    days[BIRTH] = lives.birth_day[i]
    days[DEATH] = lives.death_day[i]
    days[FATAL] = lives.fatal_condition[i]
    days[HIGH] = NEVER
    for k in range(who.onset.shape[0]):
        who.onset[k] = lives.onset_day[i, k]
        who.detected[k] = lives.detected_day[i, k]
    for k in range(who.treatment.shape[0]):
        who.treatment[k] = lives.treatment_day[i, k]
        who.treatment_stop[k] = lives.treatment_stop_day[i, k]
        who.treatment_for[k] = lives.treatment_for[i, k]
        who.treatment_again[k] = lives.treatment_again_day[i, k]
        who.treatment_again_for[k] = lives.treatment_again_for[i, k]
    for k in range(who.resumed.shape[0]):
        who.resumed[k] = lives.resumed_treatment[i, k]
        who.resumed_day[k] = lives.resumed_day[i, k]
        who.resumed_stop[k] = lives.resumed_stop_day[i, k]
    for k in range(lives.occurrence.shape[1]):
        for turn in range(lives.occurrence.shape[2]):
            who.occurrence[k, turn] = lives.occurrence[i, k, turn]
    for k in range(who.delivery.shape[0]):
        who.delivery[k] = lives.delivery_day[i, k]
    traits[SET_POINT] = lives.hba1c_set_point[i]
    traits[BMI_AT_20] = lives.bmi_at_20[i]
    traits[BMI_SLOPE] = lives.bmi_slope_per_year[i]
    _gather_known(pen, care.conditions, who)
    _gather_burden(care.calendar.year_start, who)
    open_stream(pen.state.stream, pen.state.seed, lives.person[i], purposes.PERSON)
    choice = draw(pen.state.stream)
    traits[SEEKING] = draw_normal(pen.state.stream)
    open_stream(pen.state.beside, pen.state.seed, lives.person[i], purposes.BESIDE)
    for analysis in range(who.own.shape[0]):
        is_first = analysis < care.laboratory.n_first
        who.own[analysis] = draw_normal(pen.state.stream if is_first else pen.state.beside)
        if care.laboratory.trait[analysis] >= 0:
            who.own[analysis] = lives.liability[i, care.laboratory.trait[analysis]]
    shortest, longest = care.drugs.errand_days[0], care.drugs.errand_days[1]
    traits[ERRAND_PERIOD] = shortest + (longest - shortest) * draw(pen.state.stream)
    traits[ERRAND_PHASE] = traits[ERRAND_PERIOD] * draw(pen.state.stream)
    _gather_spells(pen, lives, care.places, i, who, choice)


@helper
def _gather_known(pen: Pen, conditions: c.Conditions, who: Who) -> None:
    days = who.days
    days[KNOWN], days[ONSET] = NEVER, NEVER
    for row in range(conditions.column.shape[0]):
        column = conditions.column[row]
        who.known[row] = known_from(who.onset[column], who.detected[column], pen.state.traps)
    for row in conditions.diabetes:
        if row >= 0:
            days[KNOWN] = min(days[KNOWN], who.known[row])
            days[ONSET] = min(days[ONSET], who.onset[conditions.column[row]])


@helper
def _gather_spells(pen: Pen, lives: Lives, places: c.Places, i: int, who: Who, choice: float) -> None:
    days, traits = who.days, who.traits
    days[FIRST], days[STOP], days[N_SPELLS] = END_DAY, FIRST_DAY, 0
    for spell in range(lives.residence_start.shape[1]):
        start, end = int(lives.residence_start[i, spell]), int(lives.residence_end[i, spell])
        if start >= END_DAY or end <= FIRST_DAY or start >= end:
            continue
        number = days[N_SPELLS]
        at = SPELLS + 4 * number
        municipality = int(lives.municipality[i, spell])
        practice = municipality * places.practices + int(choice * places.practices)
        days[at + SPELL_START] = start
        days[at + SPELL_END] = end
        days[at + SPELL_LAB] = places.lab_start[municipality]
        days[at + SPELL_PRACTICE] = practice
        open_stream(pen.state.stream, pen.state.seed, practice, purposes.PRACTICE)
        traits[PRACTICES + 2 * number] = math.exp(places.sd_contacts * draw_normal(pen.state.stream))
        traits[PRACTICES + 2 * number + 1] = math.exp(places.sd_testing * draw_normal(pen.state.stream))
        days[FIRST] = max(FIRST_DAY, min(days[FIRST], start))
        days[STOP] = min(END_DAY, max(days[STOP], end))
        days[N_SPELLS] = number + 1


@helper
def push_trap(pen: Pen, trap: int, day: int) -> None:
    """Say in the truth that a trap was laid on a day."""
    push(pen, w.TRAP, w.pack_trap(trap, day))
