"""Identifiers for codes that have none in the international vocabularies, by a rule that needs no table and no hash.

Identifiers from 2,000,000,000 on are left to each site (OHDSI's convention). A concept identifier is a 32-bit number,
so 147 million are free. Each vocabulary has a block of them, and a code is read as a number whose digits are its
characters: the same code has the same identifier everywhere, for ever. A code that is not built as its block expects
has none (0).
"""

from dataclasses import dataclass

FIRST_OWN_CONCEPT = 2_000_000_000
LAST_OWN_CONCEPT = 2**31 - 1

_DIGITS = "0123456789"
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ANY = "-" + _DIGITS + _LETTERS  # "-" stands for: no further character
_ATC_GROUPS = "ABCDGHJLMNPRSV"


@dataclass(frozen=True)
class Block:
    """A block of identifiers.

    Attributes:
        vocabulary: The vocabulary whose codes it numbers.
        start: Its first identifier.
        prefix: What every code begins with.
        places: The characters that may stand in each place after the prefix; where a `-` is among them, the code may
            end there.
    """

    vocabulary: str
    start: int
    prefix: str
    places: tuple[str, ...]

    @property
    def size(self) -> int:
        """How many identifiers it holds."""
        size = 1
        for place in self.places:
            size *= len(place)
        return size

    def number(self, code: str) -> int | None:
        """Give the identifier of a code, or None if it is not built as this block expects."""
        if not code.startswith(self.prefix):
            return None
        rest = code[len(self.prefix) :]
        if len(rest) > len(self.places) or "-" in rest:
            return None
        number = 0
        for place, character in zip(self.places, rest.ljust(len(self.places), "-"), strict=True):
            digit = place.find(character)
            if digit < 0:
                return None
            number = number * len(place) + digit
        return self.start + number


# The second place of an ATC code is 0, 1 or 2 at most: the highest group is V20.
_ATC = (_ATC_GROUPS, "012", _DIGITS, "-" + _LETTERS, "-" + _LETTERS, "-" + _DIGITS, "-" + _DIGITS)
BLOCKS: tuple[Block, ...] = (
    Block("DK-ATC", 2_000_000_000, "", _ATC),
    Block("DK-SKS", 2_040_000_000, "D", (_LETTERS, _DIGITS, _DIGITS, _ANY, _ANY)),
    Block("DK-SKS", 2_045_000_000, "K", (_LETTERS, _LETTERS, _LETTERS, _DIGITS, _DIGITS, _ANY)),
    Block("DK-ICD8", 2_111_000_000, "", (_DIGITS,) * 5 + ("-" + _DIGITS,)),
    Block("DK-OPERATION", 2_112_200_000, "", (_DIGITS,) * 5),
    Block("DK-NPU", 2_113_000_000, "NPU", (_DIGITS,) * 5),
    Block("DK-NPU", 2_113_100_000, "DNK", (_DIGITS,) * 5),
    Block("DK-YDELSE", 2_113_200_000, "", (_DIGITS,) * 4 + ("-" + _DIGITS,) * 2),
    Block("DK-SPECIALE", 2_114_500_000, "", (_DIGITS,) * 2),
    *(
        Block("DK-SKS", 2_115_000_000 + 1_800_000 * position, letter, (_LETTERS,) * 3 + (_DIGITS,) * 2)
        for position, letter in enumerate("ABCEFGNORTUVWXZ")
    ),
)
"""Every block, in the order of their identifiers."""

VOCABULARY_CONCEPTS = {
    name: 2_147_000_000 + position
    for position, name in enumerate(
        ("DK-ATC", "DK-SKS", "DK-ICD8", "DK-NPU", "DK-YDELSE", "DK-SPECIALE", "DK-OPERATION")
    )
}
"""The concepts that stand for the vocabularies themselves."""


def own_concept_id(vocabulary: str, code: str) -> int:
    """Give the identifier of a code of one of our own vocabularies, or 0.

    Args:
        vocabulary: `DK-SKS`, `DK-ICD8`, `DK-ATC`, `DK-NPU`, `DK-OPERATION`, `DK-YDELSE` or `DK-SPECIALE`.
        code: The code as the register has it, in capital letters.

    Returns:
        A number from 2,000,000,000 to 2,147,483,647, or 0 if the code is not built as codes of this vocabulary are.
    """
    for block in BLOCKS:
        if block.vocabulary == vocabulary and (number := block.number(code)) is not None:
            return number
    return 0
