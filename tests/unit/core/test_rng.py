import math

import numpy as np
import pytest

from sandkasse.core import rng

# The known-answer vectors that Random123 publishes for philox4x32, 10 rounds (kat_vectors).
VECTORS = [
    (
        (0x00000000, 0x00000000, 0x00000000, 0x00000000),
        (0x00000000, 0x00000000),
        (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8),
    ),
    (
        (0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF),
        (0xFFFFFFFF, 0xFFFFFFFF),
        (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD),
    ),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


@pytest.mark.parametrize(("counter", "key", "expected"), VECTORS)
def test_philox_gives_the_published_vectors(counter, key, expected):
    words = [np.uint64(word) for word in counter + key]
    assert tuple(int(word) for word in rng.philox4x32(*words)) == expected


def test_counter_words_are_person_purpose_index_and_key_is_seed():
    person, purpose, index, seed = 0x85A308D3243F6A88, 0x13198A2E, 0x03707344, 0x299F31D0A4093822
    words = (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1)
    first = ((((words[0] << 32) | words[1]) >> 12) + 0.5) * 2.0**-52
    second = ((((words[2] << 32) | words[3]) >> 12) + 0.5) * 2.0**-52
    pair = rng.uniform_pair(np.uint64(seed), np.uint64(person), purpose, index)
    assert pair == (first, second)


def test_derived_draws_equal_their_definition_bit_for_bit():
    for index in range(2000):
        u, v = rng.uniform_pair(7, 11, 3, index)
        assert rng.uniform(7, 11, 3, index) == u
        assert rng.exponential(7, 11, 3, index) == -math.log(u)
        assert rng.normal(7, 11, 3, index) == math.sqrt(-2.0 * math.log(u)) * math.cos(2.0 * math.pi * v)


def test_every_part_of_the_name_changes_the_draw():
    base = rng.uniform(1, 2, 3, 4)
    others = [rng.uniform(9, 2, 3, 4), rng.uniform(1, 9, 3, 4), rng.uniform(1, 2, 9, 4), rng.uniform(1, 2, 3, 9)]
    assert len({base, *others}) == 5


def test_unit_interval_is_open_at_both_ends():
    top = np.uint64(0xFFFFFFFF)
    assert rng.to_unit(np.uint64(0), np.uint64(0)) > 0.0
    assert rng.to_unit(top, top) < 1.0
