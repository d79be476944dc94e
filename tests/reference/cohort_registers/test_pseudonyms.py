"""Identifiers equal a plain Feistel network."""

import struct

from sandkasse.cohort.registers.pseudonym import PNR_DIGITS, RECORD_DIGITS, identifiers
from sandkasse.core import rng


def test_pseudonyms_equal_a_plain_feistel_network():
    """The keyed permutation, written out with Python's integers."""

    def permute(value, seed, purpose, bits):
        left, right, mask = value >> bits, value & (1 << bits) - 1, (1 << bits) - 1
        for turn in range(4):
            words = (right, 0, purpose, turn, seed & 0xFFFFFFFF, seed >> 32)
            drawn = rng.philox4x32.py_func(*(rng.np.uint64(x) for x in words))
            left, right = right, left ^ (int(drawn[0]) & mask)
        return left << bits | right

    seed = struct.unpack("<Q", b"sandkass")[0]
    numbers = rng.np.arange(0, 5_000_000, 99_991, dtype=rng.np.int64)
    for digits, purpose, bits in ((PNR_DIGITS, 1900, 20), (RECORD_DIGITS, 1901, 30)):
        expected = []
        for value in numbers.tolist():
            found = permute(value, seed, purpose, bits)
            while found >= 10**digits:
                found = permute(found, seed, purpose, bits)
            expected.append(found)
        assert identifiers(numbers, seed=seed, digits=digits).tolist() == expected
