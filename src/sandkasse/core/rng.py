"""Counter-based random draws: Philox4x32-10, compiled, the same number for the same question for ever.

A draw is named, not taken from a stream: the key is the seed, the counter is (person, purpose, index). A new purpose
leaves every other draw as it was, and any person can be made alone, on any worker, in any order.

Source:
    Salmon, Moraes, Dror, Shaw (2011), Parallel random numbers: as easy as 1, 2, 3, doi:10.1145/2063384.2063405.
"""

import math
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numba import njit

Function = TypeVar("Function", bound=Callable[..., Any])
Whole = int | np.integer[Any]
"""A whole number as compiled code passes it."""


def _compiled(function: Function) -> Function:
    """Compile without fast-math: the last bit counts."""
    dispatcher: Any = njit(nogil=True, fastmath=False)(function)
    return dispatcher  # type: ignore[no-any-return]


_M0 = np.uint64(0xD2511F53)
_M1 = np.uint64(0xCD9E8D57)
_W0 = np.uint64(0x9E3779B9)
_W1 = np.uint64(0xBB67AE85)
_LOW = np.uint64(0xFFFFFFFF)
_SHIFT = np.uint64(32)
_TO_52 = np.uint64(12)
_TWO_TO_MINUS_52 = 2.0**-52
_TAU = 2.0 * math.pi


@_compiled
def philox4x32(
    c0: np.uint64, c1: np.uint64, c2: np.uint64, c3: np.uint64, k0: np.uint64, k1: np.uint64
) -> tuple[np.uint64, np.uint64, np.uint64, np.uint64]:
    """Encrypt one counter block with Philox4x32 in ten rounds.

    Args:
        c0: First counter word, below 2**32, held in 64 bits; likewise `c1`, `c2`, `c3`.
        c1: Second counter word.
        c2: Third counter word.
        c3: Fourth counter word.
        k0: First key word, below 2**32.
        k1: Second key word, below 2**32.

    Returns:
        Four random words below 2**32, each held in 64 bits.

    Source:
        Salmon et al. (2011), doi:10.1145/2063384.2063405.
    """
    for _ in range(10):
        p0 = _M0 * c0
        p1 = _M1 * c2
        c0, c1, c2, c3 = (p1 >> _SHIFT) ^ c1 ^ k0, p1 & _LOW, (p0 >> _SHIFT) ^ c3 ^ k1, p0 & _LOW
        k0 = (k0 + _W0) & _LOW
        k1 = (k1 + _W1) & _LOW
    return c0, c1, c2, c3


@_compiled
def to_unit(high: np.uint64, low: np.uint64) -> float:
    """Turn two random words into a number of the open interval (0, 1), on a grid of 2**52 midpoints.

    With 53 bits the largest midpoint would round to 1.

    Args:
        high: Word below 2**32, held in 64 bits.
        low: Word below 2**32, held in 64 bits.

    Returns:
        A number above 0 and below 1.
    """
    return (float(((high << _SHIFT) | low) >> _TO_52) + 0.5) * _TWO_TO_MINUS_52


@_compiled
def uniform_pair(seed: Whole, person: Whole, purpose: Whole, index: Whole) -> tuple[float, float]:
    """Draw two independent uniforms in the open interval (0, 1), each with 52 random bits.

    Args:
        seed: Seed of the cohort, 64 bits.
        person: Number of the person, 64 bits.
        purpose: What the draw is for, below 2**32.
        index: Which draw of this purpose, below 2**32.

    Returns:
        Two uniforms.
    """
    key = np.uint64(seed)
    who = np.uint64(person)
    a, b, c, d = philox4x32(
        who & _LOW,
        who >> _SHIFT,
        np.uint64(purpose) & _LOW,
        np.uint64(index) & _LOW,
        key & _LOW,
        key >> _SHIFT,
    )
    return to_unit(a, b), to_unit(c, d)


@_compiled
def uniform(seed: Whole, person: Whole, purpose: Whole, index: Whole) -> float:
    """Draw one uniform in the open interval (0, 1).

    Args:
        seed: Seed of the cohort, 64 bits.
        person: Number of the person, 64 bits.
        purpose: What the draw is for, below 2**32.
        index: Which draw of this purpose, below 2**32.

    Returns:
        A uniform with 52 random bits.
    """
    return uniform_pair(seed, person, purpose, index)[0]


@_compiled
def exponential(seed: Whole, person: Whole, purpose: Whole, index: Whole) -> float:
    """Draw a unit exponential.

    Args:
        seed: Seed of the cohort, 64 bits.
        person: Number of the person, 64 bits.
        purpose: What the draw is for, below 2**32.
        index: Which draw of this purpose, below 2**32.

    Returns:
        An exponential of mean 1, above 0.
    """
    return -math.log(uniform_pair(seed, person, purpose, index)[0])


@_compiled
def normal(seed: Whole, person: Whole, purpose: Whole, index: Whole) -> float:
    """Draw a standard normal, by the transform of Box and Muller.

    Args:
        seed: Seed of the cohort, 64 bits.
        person: Number of the person, 64 bits.
        purpose: What the draw is for, below 2**32.
        index: Which draw of this purpose, below 2**32.

    Returns:
        A standard normal.

    Source:
        Box and Muller (1958), doi:10.1214/aoms/1177706645.
    """
    u, v = uniform_pair(seed, person, purpose, index)
    return math.sqrt(-2.0 * math.log(u)) * math.cos(_TAU * v)
