"""Random draws in sequence: one stream for each person and purpose, four 32-bit draws from one Philox block.

Sixteen blocks are drawn ahead at once: the compiler makes one loop over vectors of them, which takes about as long as
one block alone would.
"""

import math

import numpy as np
import numpy.typing as npt

from sandkasse.cohort.kernels import helper, kernel

Stream = npt.NDArray[np.uint64]

_NEXT, _BUFFER = 6, 8  # places of the next draw's place, and of the first draw
_BLOCKS = 16
_END = np.uint64(_BUFFER + 4 * _BLOCKS)
_M0, _M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_W0, _W1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
_LOW = np.uint64(0xFFFFFFFF)
_SHIFT = np.uint64(32)
_ONE = np.uint64(1)
_ZERO = np.uint64(0)
_TO_UNIT = 2.0**-32
_MOST = 100


def make_stream() -> Stream:
    """Make room for a stream: counter, key, next place, nothing, then the draws of the blocks drawn ahead."""
    return np.zeros(_BUFFER + 4 * _BLOCKS, np.uint64)


@helper
def open_stream(stream: Stream, seed: np.uint64, person: int, purpose: int) -> None:
    """Begin the stream of one person and purpose.

    Args:
        stream: From `make_stream`.
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
    stream[_NEXT] = _END


@helper
def _round(
    c0: np.uint64, c1: np.uint64, c2: np.uint64, c3: np.uint64, k0: np.uint64, k1: np.uint64
) -> tuple[np.uint64, np.uint64, np.uint64, np.uint64]:
    p0, p1 = _M0 * c0, _M1 * c2
    return (p1 >> _SHIFT) ^ c1 ^ k0, p1 & _LOW, (p0 >> _SHIFT) ^ c3 ^ k1, p0 & _LOW


@helper
def _refill(stream: Stream) -> None:
    """Draw sixteen blocks of Philox4x32-10 ahead, as `core.rng.philox4x32` gives them one by one.

    The ten rounds are written out, since the compiler makes vectors of a loop only if there is none in it.
    """
    c0, c1, c2, first, k0, k1 = stream[0], stream[1], stream[2], stream[3], stream[4], stream[5]
    for block in range(_BLOCKS):
        a, b, c, d, x, y = c0, c1, c2, first + np.uint64(block), k0, k1
        a, b, c, d = _round(a, b, c, d, x, y)
        x, y = (x + _W0) & _LOW, (y + _W1) & _LOW
        a, b, c, d = _round(a, b, c, d, x, y)
        x, y = (x + _W0) & _LOW, (y + _W1) & _LOW
        a, b, c, d = _round(a, b, c, d, x, y)
        x, y = (x + _W0) & _LOW, (y + _W1) & _LOW
        a, b, c, d = _round(a, b, c, d, x, y)
        x, y = (x + _W0) & _LOW, (y + _W1) & _LOW
        a, b, c, d = _round(a, b, c, d, x, y)
        x, y = (x + _W0) & _LOW, (y + _W1) & _LOW
        a, b, c, d = _round(a, b, c, d, x, y)
        x, y = (x + _W0) & _LOW, (y + _W1) & _LOW
        a, b, c, d = _round(a, b, c, d, x, y)
        x, y = (x + _W0) & _LOW, (y + _W1) & _LOW
        a, b, c, d = _round(a, b, c, d, x, y)
        x, y = (x + _W0) & _LOW, (y + _W1) & _LOW
        a, b, c, d = _round(a, b, c, d, x, y)
        x, y = (x + _W0) & _LOW, (y + _W1) & _LOW
        a, b, c, d = _round(a, b, c, d, x, y)
        at = _BUFFER + 4 * block
        stream[at], stream[at + 1], stream[at + 2], stream[at + 3] = a, b, c, d
    stream[3] = first + np.uint64(_BLOCKS)
    stream[_NEXT] = _BUFFER


@helper
def draw(stream: Stream) -> float:
    """Draw the stream's next uniform in the open interval (0, 1), with 32 random bits."""
    if stream[_NEXT] == _END:
        _refill(stream)
    at = stream[_NEXT]
    stream[_NEXT] = at + _ONE
    return (float(np.int64(stream[at])) + 0.5) * _TO_UNIT


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
def _fill_uniforms(
    stream: Stream, numbers: npt.NDArray[np.int64], purpose: int, seed: np.uint64, out: npt.NDArray[np.float64]
) -> None:
    for i in range(numbers.shape[0]):
        open_stream(stream, seed, numbers[i], purpose)
        for k in range(out.shape[1]):
            out[i, k] = draw(stream)


def draw_uniforms(numbers: npt.NDArray[np.int64], purpose: int, *, seed: int, n: int) -> npt.NDArray[np.float64]:
    """Draw n uniforms in (0, 1) of one purpose for each number, float64, shape (n_numbers, n)."""
    out = np.empty((len(numbers), n))
    _fill_uniforms(make_stream(), np.ascontiguousarray(numbers, np.int64), purpose, np.uint64(seed), out)
    return out
