"""Random draws in sequence: one stream for each person and purpose, four 32-bit draws from one Philox block."""

import math

import numpy as np
import numpy.typing as npt

from sandkasse.cohort.kernels import helper, kernel
from sandkasse.core import rng

Stream = npt.NDArray[np.uint64]

STREAM_WORDS = 11
_LOW = np.uint64(0xFFFFFFFF)
_SHIFT = np.uint64(32)
_ONE = np.uint64(1)
_FOUR = np.uint64(4)
_ZERO = np.uint64(0)
_LANE = 10
_TO_UNIT = 2.0**-32
_MOST = 100


@helper
def open_stream(stream: Stream, seed: np.uint64, person: int, purpose: int) -> None:
    """Begin the stream of one person and purpose.

    Args:
        stream: State, uint64, shape (STREAM_WORDS,): counter, key, current block, next lane.
        seed: Seed of the cohort.
        person: Number of the person, or of a practice, in the whole cohort.
        purpose: What the draws are for, below 2**32.
    """
    who = np.uint64(person)
    stream[0] = who & _LOW
    stream[1] = who >> _SHIFT
    stream[2] = np.uint64(purpose)
    stream[3] = _ZERO
    stream[4] = seed & _LOW
    stream[5] = seed >> _SHIFT
    stream[_LANE] = _FOUR


@helper
def draw(stream: Stream) -> float:
    """Draw the stream's next uniform in the open interval (0, 1), with 32 random bits."""
    lane = stream[_LANE]
    if lane == _FOUR:
        stream[6], stream[7], stream[8], stream[9] = rng.philox4x32(
            stream[0], stream[1], stream[2], stream[3], stream[4], stream[5]
        )
        stream[3] += _ONE
        lane = _ZERO
    stream[_LANE] = lane + _ONE
    return (float(stream[np.uint64(6) + lane]) + 0.5) * _TO_UNIT


@helper
def draw_normal(stream: Stream) -> float:
    """Draw a standard normal (Box and Muller 1958, doi:10.1214/aoms/1177706645)."""
    radius = math.sqrt(-2.0 * math.log(draw(stream)))
    return radius * math.cos(2.0 * math.pi * draw(stream))


@helper
def draw_exponential(stream: Stream) -> float:
    """Draw an exponential of mean 1."""
    return -math.log(draw(stream))


@helper
def draw_poisson(stream: Stream, mean: float) -> int:
    """Draw a Poisson count by inversion of one uniform; for means up to 40, counts end at 100."""
    if mean <= 0.0:
        return 0
    left = draw(stream)
    chance = math.exp(-mean)
    count = 0
    while left > chance and count < _MOST:
        left -= chance
        count += 1
        chance *= mean / count
    return count


@helper
def draw_row(stream: Stream, shares: npt.NDArray[np.float64]) -> int:
    """Draw the number of a row by its cumulative share, the last of which is 1; float64, shape (n_rows,)."""
    u = draw(stream)
    row = 0
    while row < shares.shape[0] - 1 and u >= shares[row]:
        row += 1
    return row


@kernel
def _fill_uniforms(numbers: npt.NDArray[np.int64], purpose: int, seed: np.uint64, out: npt.NDArray[np.float64]) -> None:
    stream = np.zeros(STREAM_WORDS, np.uint64)
    for i in range(numbers.shape[0]):
        open_stream(stream, seed, numbers[i], purpose)
        for k in range(out.shape[1]):
            out[i, k] = draw(stream)


def draw_uniforms(numbers: npt.NDArray[np.int64], purpose: int, *, seed: int, n: int) -> npt.NDArray[np.float64]:
    """Draw n uniforms in (0, 1) of one purpose for each number, float64, shape (n_numbers, n)."""
    out = np.empty((len(numbers), n))
    _fill_uniforms(np.ascontiguousarray(numbers, np.int64), purpose, np.uint64(seed), out)
    return out
