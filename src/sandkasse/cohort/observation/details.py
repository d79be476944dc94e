"""Details of each contact, drawn once all are known and sorted: when it starts, how long it lasts, what is done."""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sandkasse.cohort.kernels import helper
from sandkasse.cohort.observation import care as c
from sandkasse.cohort.observation import facts as f
from sandkasse.cohort.observation import purposes
from sandkasse.cohort.observation import words as w
from sandkasse.cohort.observation.calendar import DAY_1981, DAY_1989, DAY_1996, DAY_2019, FIRST_YEAR, year_of
from sandkasse.cohort.observation.facts import Pen, Who, begin, spell_at
from sandkasse.cohort.observation.stream import draw

_DAY = 1440
VIRTUAL, ACUTE = 1, 2


class ContactDetails(NamedTuple):
    """Columns beside the words of contacts, all of shape (capacity,).

    Attributes:
        minute: Minute of the day at which the contact starts, int16.
        length: How many minutes it lasts, int32.
        operation: Number of the operation code, -1 if there was none, int16.
        manner: 1 if it was virtual, 2 if it was acute, int8.
    """

    minute: npt.NDArray[np.int16]
    length: npt.NDArray[np.int32]
    operation: npt.NDArray[np.int16]
    manner: npt.NDArray[np.int8]


def make_details(capacity: int) -> ContactDetails:
    """Make room for the details of so many contacts."""
    return ContactDetails(
        np.empty(capacity, np.int16),
        np.empty(capacity, np.int32),
        np.empty(capacity, np.int16),
        np.empty(capacity, np.int8),
    )


@helper
def detail_contacts(pen: Pen, who: Who, care: c.CareArrays, details: ContactDetails, first: int, end: int) -> None:
    """Draw the details of a person's contacts, in their order; six draws each."""
    begin(pen, who, purposes.CONTACT_TIME)
    for at in range(first, min(end, details.minute.shape[0])):
        word = pen.out[w.CONTACT, at]
        day, kind, main = word >> 47, (word >> 39) & 3, (word >> 29) & 1023
        u = draw(pen.state.stream)
        specialty = (word >> 41) & 63
        if specialty == care.stays.casualty and day >= DAY_2019:  # LPR3 has no emergency type, but says what is acute
            kind = c.EMERGENCY
        minute = 480 + int(u * 420.0) // 5 * 5 if kind == c.OUTPATIENT else int(u * 1440.0)
        details.minute[at] = minute
        length = _length(pen, who, care, day, kind, specialty)
        spell = spell_at(who.days, day)
        room = (who.days[f.SPELLS + 4 * spell + f.SPELL_END] - day) * _DAY - 1 - minute
        details.length[at] = min(length, max(room, 0))
        details.operation[at] = _operation(pen, care.stays, day, kind, main)
        is_acute = draw(pen.state.stream) < care.stays.acute[main]
        is_virtual = draw(pen.state.stream) < care.stays.virtual and day >= care.stays.virtual_from
        manner = 0
        if kind == c.EMERGENCY or (kind == c.INPATIENT and is_acute):
            manner = ACUTE
        elif kind == c.OUTPATIENT and is_virtual and details.operation[at] < 0:
            manner = VIRTUAL
        details.manner[at] = manner


@helper
def _length(pen: Pen, who: Who, care: c.CareArrays, day: int, kind: int, specialty: int) -> int:
    """Draw how many minutes a contact lasts."""
    stays, u = care.stays, draw(pen.state.stream)
    if kind == c.OUTPATIENT:
        return int(stays.outpatient[0] + u * (stays.outpatient[1] - stays.outpatient[0]))
    if kind == c.EMERGENCY:
        return int(stays.emergency[0] + u * (stays.emergency[1] - stays.emergency[0]))
    mean = stays.mean_days[year_of(care.calendar.year_start, day) - FIRST_YEAR]
    if specialty == stays.psychiatry:
        mean *= stays.psychiatry_factor
    age = (day - who.days[f.BIRTH]) / 365.25
    mean *= 1.0 + stays.per_year_of_age * max(0.0, age - 50.0)
    return int(max(stays.least, -math.log(u) * mean * _DAY))


@helper
def _operation(pen: Pen, stays: c.Stays, day: int, kind: int, main: int) -> int:
    """Draw the operation of a contact by its main diagnosis, in the classification of the day; -1 if there is none."""
    luck, choice = draw(pen.state.stream), draw(pen.state.stream)
    row = stays.operation[main]
    if row < 0:
        return -1
    place = 0 if kind == c.INPATIENT else 1 if kind == c.OUTPATIENT else 2
    era = 0 if day < DAY_1981 else 1 if day < DAY_1989 else 2 if day < DAY_1996 else 3
    n = stays.n[row, era]
    if n == 0 or luck >= stays.share[row, place]:
        return -1
    return int(stays.code[row, era, int(choice * n)])
