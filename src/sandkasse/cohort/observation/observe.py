"""Observe a shard of lives: run the kernel with enough room for its words."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sandkasse.cohort.life.record import NEVER, LifeShard
from sandkasse.cohort.observation import words as w
from sandkasse.cohort.observation.calendar import FIRST_YEAR, LAST_YEAR
from sandkasse.cohort.observation.care import Care
from sandkasse.cohort.observation.details import make_details
from sandkasse.cohort.observation.facts import PRACTICES, SPELLS, Lives, Pen, State, Who
from sandkasse.cohort.observation.kernel import observe_persons
from sandkasse.cohort.observation.stream import make_stream
from sandkasse.cohort.observation.traps import Switches
from sandkasse.cohort.records import as_record

Words = npt.NDArray[np.int64]

# Only what is written to costs memory, but too little room costs the whole work a second time. Of the fullest kind, the
# services, a shard's persons have some 430 words on average and 480 of density `register`.
_ROOM_PER_PERSON = 800
_ROOM_AT_LEAST = 20_000


@dataclass(frozen=True)
class Observed:
    """What was seen of a shard, as words sorted within each person.

    Attributes:
        service: Primary-care services, int64.
        dispensing: Dispensings, int64.
        result: Laboratory results, int64.
        contact: Hospital contacts with their diagnoses, int64.
        trap: Traps, int64.
        minute: Minute of the day at which each contact starts, int16; see `ContactDetails`.
        length: How many minutes it lasts, int32.
        operation: Number of its operation code, -1 if there was none, int16.
        manner: 1 if it was virtual, 2 if it was acute, int8.
        starts: First word of each person and kind, int64, shape (n_persons + 1, N_KINDS); persons in the order given.
    """

    service: Words
    dispensing: Words
    result: Words
    contact: Words
    trap: Words
    minute: npt.NDArray[np.int16]
    length: npt.NDArray[np.int32]
    operation: npt.NDArray[np.int16]
    manner: npt.NDArray[np.int8]
    starts: npt.NDArray[np.int64]


def observe(
    life: LifeShard,
    care: Care,
    *,
    glycaemia: npt.NDArray[np.float64],
    seed: int,
    traps: Switches,
    order: npt.NDArray[np.int64],
) -> Observed:
    """Observe the lives of a shard.

    Args:
        life: True lives.
        care: Compiled parameters of care.
        glycaemia: Parameters of the true HbA1c curve (`CompiledModel.glycaemia`).
        seed: Seed of the cohort, in [0, 2**64).
        traps: Which traps are on, bool, shape (n_traps,).
        order: In which order persons are written, int64, shape (n_persons,).

    Returns:
        What was seen; each person's words depend on the person's life, the parameters and the seed alone.
    """
    occurrence = _occurrences(life)
    lives = Lives(
        **{name: getattr(life, name) for name in Lives._fields if name != "occurrence"}, occurrence=occurrence
    )
    who = _room_for_one(life, care, glycaemia, occurrence)
    starts = np.zeros((len(order) + 1, w.N_KINDS), dtype=np.int64)
    capacity = len(order) * _ROOM_PER_PERSON + _ROOM_AT_LEAST
    while True:
        state = as_record(State(np.zeros(w.N_KINDS, np.int64), make_stream(), make_stream(), traps, np.uint64(seed)))
        pen = Pen(np.empty((w.N_KINDS, capacity), dtype=np.int64), state)
        details = make_details(capacity)
        observe_persons(pen, who, lives, care.arrays, order, starts, details)
        given = starts[-1]
        if given.max() <= capacity:
            service, dispensing, result, contact, trap = (pen.out[kind, : given[kind]] for kind in range(w.N_KINDS))
            n = given[w.CONTACT]
            return Observed(
                service=service,
                dispensing=dispensing,
                result=result,
                contact=contact,
                trap=trap,
                minute=details.minute[:n],
                length=details.length[:n],
                operation=details.operation[:n],
                manner=details.manner[:n],
                starts=starts,
            )
        capacity = int(given.max())


def _occurrences(life: LifeShard) -> npt.NDArray[np.int32]:
    """Give the detections of conditions that come again, one column that never happens where there are none."""
    if 0 in life.occurrence_detected_day.shape[1:]:
        return np.full((len(life.person), 1, 1), NEVER, dtype=np.int32)
    return life.occurrence_detected_day


def _room_for_one(
    life: LifeShard, care: Care, glycaemia: npt.NDArray[np.float64], occurrence: npt.NDArray[np.int32]
) -> Who:
    n_spells, n_conditions = life.residence_start.shape[1], life.onset_day.shape[1]
    n_treatments, n_care = life.treatment_day.shape[1], len(care.burden)
    return as_record(
        Who(
            days=np.zeros(SPELLS + 4 * n_spells, np.int64),
            traits=np.zeros(PRACTICES + 2 * n_spells, np.float64),
            own=np.zeros(len(care.words.analyses), np.float64),
            known=np.zeros(n_care, np.int64),
            burden=care.burden,
            ill=np.zeros(LAST_YEAR + 1 - FIRST_YEAR, np.float64),
            onset=np.zeros(n_conditions, np.int32),
            detected=np.zeros(n_conditions, np.int32),
            treatment=np.zeros(n_treatments, np.int32),
            treatment_stop=np.zeros(n_treatments, np.int32),
            treatment_for=np.zeros(n_treatments, np.int8),
            treatment_again=np.zeros(n_treatments, np.int32),
            treatment_again_for=np.zeros(n_treatments, np.int8),
            resumed=np.zeros(life.resumed_day.shape[1], np.int8),
            resumed_day=np.zeros(life.resumed_day.shape[1], np.int32),
            resumed_stop=np.zeros(life.resumed_day.shape[1], np.int32),
            occurrence=np.full(occurrence.shape[1:], NEVER, np.int32),
            delivery=np.zeros(life.delivery_day.shape[1], np.int32),
            glycaemia=glycaemia,
        )
    )
