"""Random draws in sequence: one stream for each person and purpose, four 32-bit draws from one Philox block."""

import math

import numpy as np

from sandkasse.cohort.kernels import helper
from sandkasse.core import rng

STREAM_WORDS = 11
_LOW = np.uint64(0xFFFFFFFF)
_SHIFT = np.uint64(32)
_ONE = np.uint64(1)
_LANE = 10
_TO_UNIT = 2.0**-32


@helper
def open_stream(stream, seed, person, purpose):  # type: ignore[no-untyped-def]
    """Begin the stream of one person and purpose.

    Args:
        stream: State, uint64, shape (STREAM_WORDS,): counter, key, current block, next lane.
        seed: Seed of the cohort, 64 bits.
        person: Number of the person (or of a practice) in the whole cohort.
        purpose: What the draws are for, below 2**32.
    """
    key = np.uint64(seed)
    who = np.uint64(person)
    stream[0] = who & _LOW
    stream[1] = who >> _SHIFT
    stream[2] = np.uint64(purpose)
    stream[3] = np.uint64(0)
    stream[4] = key & _LOW
    stream[5] = key >> _SHIFT
    stream[_LANE] = np.uint64(4)


@helper
def draw(stream):  # type: ignore[no-untyped-def]
    """Draw the stream's next uniform in the open interval (0, 1), with 32 random bits."""
    lane = stream[_LANE]
    if lane == 4:
        stream[6], stream[7], stream[8], stream[9] = rng.philox4x32(
            stream[0], stream[1], stream[2], stream[3], stream[4], stream[5]
        )
        stream[3] += _ONE
        lane = np.uint64(0)
    stream[_LANE] = lane + _ONE
    return (float(stream[6 + int(lane)]) + 0.5) * _TO_UNIT


@helper
def draw_normal(stream):  # type: ignore[no-untyped-def]
    """Draw a standard normal (Box and Muller 1958, doi:10.1214/aoms/1177706645)."""
    radius = math.sqrt(-2.0 * math.log(draw(stream)))
    return radius * math.cos(2.0 * math.pi * draw(stream))


@helper
def draw_exponential(stream):  # type: ignore[no-untyped-def]
    """Draw an exponential of mean 1."""
    return -math.log(draw(stream))


@helper
def draw_poisson(stream, mean):  # type: ignore[no-untyped-def]
    """Draw a Poisson count by inversion of one uniform; means above 30 are not meant, and counts end at 100."""
    if mean <= 0.0:
        return 0
    left = draw(stream)
    chance = math.exp(-mean)
    count = 0
    while left > chance and count < 100:
        left -= chance
        count += 1
        chance *= mean / count
    return count
