"""A life that goes on from the midst of another one: compiled helpers.

An intervention that only withholds treatments leaves a life as it was, draw for draw, until the first of them would
begin. What a life has come to just before that is kept, and the lives under such interventions go on from there.
"""

import numpy as np
import numpy.typing as npt

from sandkasse.cohort.kernels import helper
from sandkasse.cohort.life.state import FAR, STATE_DUE, Scratch
from sandkasse.cohort.tables import Arms
from sandkasse.core.rng import Whole

IntArray = npt.NDArray[np.int64]


@helper
def only_withholds(arms: Arms, arm: Whole) -> bool:
    """Whether an intervention holds from birth and changes nothing but which treatments may begin."""
    only = bool(arms.from_day[arm] <= -FAR and arms.until[arm] < 0 and arms.luck[arm] == 0)
    for t in range(arms.give_from.shape[1]):
        only &= bool(arms.give_from[arm, t] >= FAR)
    for e in range(arms.exposed.shape[1]):
        only &= bool(arms.exposed[arm, e] != 0)
    return only


@helper
def keep(scratch: Scratch, words: IntArray, kept: IntArray) -> None:
    """Copy all that `scratch` holds, so that lives can go on from here; it is kept once in a life.

    Args:
        scratch: The working state; its list of what is to come is long, nearly empty and at its end.
        words: The memory of `scratch` as 64-bit words.
        kept: Written: as many words.
    """
    for t in range(scratch.watched.shape[0]):
        scratch.watched[t] = 0
    copy_state(words, kept, scratch.due.shape[0], scratch.counts[STATE_DUE])


@helper
def go_back(scratch: Scratch, words: IntArray, kept: IntArray) -> None:
    """Make `scratch` what it was when it was kept."""
    far = scratch.due.shape[0]
    copy_state(kept, words, far, np.int64(0))
    copy_state(kept, words, far, scratch.counts[STATE_DUE])


@helper
def copy_state(source: IntArray, target: IntArray, far: Whole, coming: Whole) -> None:
    """Copy a state but for what lies beyond its `coming` first entries of the two lists of length `far` at its end."""
    first = source.shape[0] - 2 * far
    for i in range(first + coming):
        target[i] = source[i]
    for i in range(first + far, first + far + coming):
        target[i] = source[i]
