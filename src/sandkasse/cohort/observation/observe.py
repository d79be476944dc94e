"""Observe a shard of lives: run the kernel with buffers that are long enough."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sandkasse.cohort.life.record import LifeShard
from sandkasse.cohort.observation import words as w
from sandkasse.cohort.observation.care import TRAPS, Care
from sandkasse.cohort.observation.kernel import Lives, Sink, observe_persons
from sandkasse.core.errors import InvalidInputError

Words = npt.NDArray[np.int64]

_FIRST_GUESS_PER_PERSON = (160, 160, 120, 60, 8)


@dataclass(frozen=True)
class Observed:
    """What was seen of a shard, as words sorted within each person.

    Attributes:
        service: Primary-care services, int64.
        dispensing: Dispensings, int64.
        result: Laboratory results, int64.
        contact: Hospital contacts with their diagnoses, int64.
        trap: Traps, int64.
        minute: Minute of the day at which each contact starts, int16.
        starts: First word of each person and kind, int64, shape (n_persons + 1, N_KINDS); persons in the order given.
    """

    service: Words
    dispensing: Words
    result: Words
    contact: Words
    trap: Words
    minute: npt.NDArray[np.int16]
    starts: npt.NDArray[np.int64]


def trap_switches(without: Iterable[str]) -> npt.NDArray[np.bool_]:
    """Switch all traps on except those named.

    Raises:
        InvalidInputError: If there is no trap of a given name.
    """
    switches = np.ones(len(TRAPS), dtype=np.bool_)
    for name in without:
        if name not in TRAPS:
            raise InvalidInputError(f"There is no trap named {name!r}.", next_step=f"choose among {', '.join(TRAPS)}")
        switches[TRAPS.index(name)] = False
    return switches


def observe(
    life: LifeShard,
    care: Care,
    *,
    glycaemia: npt.NDArray[np.float64],
    seed: int,
    traps: npt.NDArray[np.bool_],
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
    n = len(order)
    lives = _lives(life, glycaemia)
    sets = np.array([care.words.sets.index(name) for name in ("t1d", "t2d", "diabetes_unspecified")], dtype=np.int64)
    starts = np.zeros((n + 1, w.N_KINDS), dtype=np.int64)
    lengths = [n * guess + 1024 for guess in _FIRST_GUESS_PER_PERSON]
    while True:
        buffers = [np.empty(length, dtype=np.int64) for length in lengths]
        given = np.zeros(w.N_KINDS, dtype=np.int64)
        sink = Sink(*buffers, given)
        minute = np.empty(lengths[w.CONTACT], dtype=np.int16)
        observe_persons(sink, lives, care.arrays, traps, np.uint64(seed), order, starts, sets, minute)
        if all(int(used) <= length for used, length in zip(given, lengths, strict=True)):
            cut = [buffer[: int(used)] for buffer, used in zip(buffers, given, strict=True)]
            return Observed(*cut, minute=minute[: int(given[w.CONTACT])], starts=starts)
        lengths = [max(length, int(used)) for used, length in zip(given, lengths, strict=True)]


def _lives(life: LifeShard, glycaemia: npt.NDArray[np.float64]) -> Lives:
    named = {name: getattr(life, name) for name in Lives._fields if name != "glycaemia"}
    return Lives(**named, glycaemia=glycaemia)
