"""Opaque identifiers: keyed permutations of person and contact numbers, as digits.

A four-round Feistel network whose round function is Philox under the cohort's seed permutes the numbers of its domain.
Without the seed nothing about a person can be read from an identifier, and no two are equal.

Source:
    Luby and Rackoff (1988), How to construct pseudorandom permutations from pseudorandom functions,
    doi:10.1137/0217022.
"""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sandkasse.cohort.kernels import helper, kernel
from sandkasse.core import rng

PNR_DIGITS, RECORD_DIGITS = 12, 18
_FOR_PNR, _FOR_RECORD = 1900, 1901
_HALF_BITS = {PNR_DIGITS: 20, RECORD_DIGITS: 30}
_PURPOSE = {PNR_DIGITS: _FOR_PNR, RECORD_DIGITS: _FOR_RECORD}


@helper
def _permute(number: np.int64, seed: np.uint64, purpose: int, half_bits: int) -> np.int64:
    """Permute the numbers below 2 ** (2 * half_bits)."""
    mask = (np.uint64(1) << np.uint64(half_bits)) - np.uint64(1)
    left = (np.uint64(number) >> np.uint64(half_bits)) & mask
    right = np.uint64(number) & mask
    low = np.uint64(0xFFFFFFFF)
    for turn in range(4):
        drawn = rng.philox4x32(
            right, np.uint64(0), np.uint64(purpose), np.uint64(turn), seed & low, seed >> np.uint64(32)
        )
        left, right = right, left ^ (drawn[0] & mask)
    return np.int64((left << np.uint64(half_bits)) | right)


@kernel
def _permuted(
    numbers: npt.NDArray[np.int64],
    seed: np.uint64,
    purpose: int,
    half_bits: int,
    limit: int,
    out: npt.NDArray[np.int64],
) -> None:
    for k in range(numbers.shape[0]):
        value = _permute(numbers[k], seed, purpose, half_bits)
        while value >= limit:  # walk the cycle back into the domain of the digits
            value = _permute(value, seed, purpose, half_bits)
        out[k] = value


@kernel
def _write_digits(values: npt.NDArray[np.int64], digits: int, out: npt.NDArray[np.uint8]) -> None:
    for k in range(values.shape[0]):
        value = values[k]
        for place in range(digits - 1, -1, -1):
            rest = value // 10
            out[k, place] = 48 + (value - 10 * rest)
            value = rest


def identifiers(numbers: npt.NDArray[np.int64], *, seed: int, digits: int) -> npt.NDArray[np.int64]:
    """Permute numbers into identifiers of 12 (pnr) or 18 (contacts) digits.

    Args:
        numbers: Distinct numbers at or above 0 and below 10**digits, int64.
        seed: Seed of the cohort, in [0, 2**64).
        digits: PNR_DIGITS or RECORD_DIGITS.

    Returns:
        Distinct identifiers as numbers, int64, same shape.
    """
    out = np.empty(len(numbers), dtype=np.int64)
    _permuted(numbers, np.uint64(seed), _PURPOSE[digits], _HALF_BITS[digits], 10**digits, out)
    return out


def digit_bytes(values: npt.NDArray[np.int64], digits: int) -> npt.NDArray[np.uint8]:
    """Write numbers as zero-padded digits, uint8, shape (n_values, digits)."""
    out = np.empty((len(values), digits), dtype=np.uint8)
    _write_digits(values, digits, out)
    return out


def to_strings(written: npt.NDArray[np.uint8]) -> pa.Array:
    """Give rows of equally many bytes as an Arrow string array, without a Python string in between."""
    n, digits = written.shape
    offsets = np.arange(n + 1, dtype=np.int32) * np.int32(digits)
    return pa.StringArray.from_buffers(n, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(written)))
