"""Identifiers of our own concepts: stable, apart, and 32 bits wide."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandkasse.transforms.omop.concept_ids import (
    BLOCKS,
    FIRST_OWN_CONCEPT,
    LAST_OWN_CONCEPT,
    VOCABULARY_CONCEPTS,
    own_concept_id,
)

# Written down once: an identifier that changes would break what others have stored.
KNOWN = {
    ("DK-ATC", "A10BA02"): 2_000_888_759,
    ("DK-SKS", "DE119"): 2_040_563_029,
    ("DK-SKS", "DE11"): 2_040_562_659,
    ("DK-ICD8", "25009"): 2_111_275_099,
    ("DK-OPERATION", "40480"): 2_112_240_480,
    ("DK-NPU", "NPU27300"): 2_113_027_300,
    ("DK-SPECIALE", "08"): 2_114_500_008,
}


@pytest.mark.parametrize(("key", "number"), KNOWN.items())
def test_known_codes_keep_their_identifier(key, number):
    assert own_concept_id(*key) == number


def test_blocks_lie_apart_in_the_free_range():
    ordered = sorted(BLOCKS, key=lambda block: block.start)
    assert ordered[0].start == FIRST_OWN_CONCEPT
    for one, other in pairwise(ordered):
        assert one.start + one.size <= other.start
    assert ordered[-1].start + ordered[-1].size <= min(VOCABULARY_CONCEPTS.values())
    assert max(VOCABULARY_CONCEPTS.values()) <= LAST_OWN_CONCEPT


@pytest.mark.parametrize(
    ("vocabulary", "code"),
    [("DK-ATC", "Q10BA02"), ("DK-ATC", "A10BA023"), ("DK-SKS", "D-119"), ("DK-SKS", "DE11999"), ("DK-NPU", "XYZ00001"),
     ("DK-NPU", "NPU1"), ("DK-SKS", ""), ("nothing", "A10BA02"), ("DK-ICD8", "2500")],
)  # fmt: skip
def test_codes_that_are_not_built_so_have_none(vocabulary, code):
    assert own_concept_id(vocabulary, code) == 0


ICD = st.from_regex(r"D[A-Z][0-9]{2}[0-9A-Z]{0,2}", fullmatch=True)
ATC = st.from_regex(r"[ABCDGHJLMNPRSV][012][0-9]([A-Z]([A-Z]([0-9]{2})?)?)?", fullmatch=True)


@given(st.sets(st.one_of(ICD.map(lambda c: ("DK-SKS", c)), ATC.map(lambda c: ("DK-ATC", c))), min_size=2, max_size=50))
def test_different_codes_have_different_identifiers(codes):
    numbers = {own_concept_id(*code) for code in codes}
    assert len(numbers) == len(codes)
    assert all(FIRST_OWN_CONCEPT <= number <= LAST_OWN_CONCEPT for number in numbers)
