"""Words and identifiers lose nothing, whatever the numbers."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sandkasse.cohort.observation import words as w
from sandkasse.cohort.observation.calendar import END_DAY, FIRST_DAY
from sandkasse.cohort.registers.pseudonym import PNR_DIGITS, RECORD_DIGITS, digit_bytes, identifiers, to_strings

DAYS = st.integers(FIRST_DAY, END_DAY)
# Deadlines are off: the first example compiles.
SEEDS = st.integers(0, 2**64 - 1)


@settings(deadline=None)
@given(DAYS, st.integers(0, 63), st.integers(0, 3), *[st.integers(0, 8191)] * 3)
def test_a_contacts_word_is_positive_and_gives_back_its_parts(day, specialty, kind, first, second, third):
    word = w.pack_contact(day, specialty, kind, first, second, third)
    assert 0 < word < 2**63
    parts = (word >> 47, (word >> 41) & 63, (word >> 39) & 3, (word >> 26) & 8191, (word >> 13) & 8191, word & 8191)
    assert parts == (day, specialty, kind, first, second, third)


@settings(deadline=None)
@given(DAYS, st.integers(0, 63), st.integers(0, 2**26 - 1))
def test_a_results_word_gives_back_its_parts(day, analysis, ticks):
    word = w.pack_result(day, analysis, ticks)
    assert (word >> 32, (word >> 26) & 63, word & 0x3FFFFFF) == (day, analysis, ticks)


@settings(deadline=None)
@given(DAYS, st.integers(0, 1023), st.integers(1, 15), st.integers(0, 15))
def test_a_dispensings_word_gives_back_its_parts(day, product, packs, indication):
    word = w.pack_dispensing(day, product, packs, indication)
    assert (word >> 20, (word >> 10) & 1023, (word >> 4) & 63, word & 15) == (day, product, packs, indication)


@settings(deadline=None)
@given(st.integers(-60_000, END_DAY), st.integers(0, 14))
def test_a_traps_word_sorts_by_trap_and_day(day, trap):
    word = w.pack_trap(trap, day)
    assert (word >> 20, (word & 0xFFFFF) - w.TRAP_DAY_SHIFT) == (trap, day)


@settings(deadline=None)
@given(SEEDS, st.lists(st.integers(0, 10**11), min_size=2, max_size=50, unique=True))
def test_distinct_numbers_have_distinct_identifiers_of_their_length(seed, numbers):
    for digits in (PNR_DIGITS, RECORD_DIGITS):
        values = identifiers(np.array(numbers, dtype=np.int64), seed=seed, digits=digits)
        texts = to_strings(digit_bytes(values, digits)).to_pylist()
        assert len(set(texts)) == len(numbers)
        assert all(len(text) == digits and int(text) == value for text, value in zip(texts, values, strict=True))
