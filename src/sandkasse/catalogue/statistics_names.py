"""Names and labels as SAS and Stata take them."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from sandkasse.contract import Column

LONGEST_NAME = 32  # of a variable or table: SAS XPORT version 8 and Stata alike
# Words that Stata keeps for itself (help reserved); `str1` and so on are caught below.
_RESERVED = frozenset(
    {"_all", "_b", "byte", "_coef", "_cons", "double", "float", "if", "in", "int", "long", "_n", "_N", "_pi", "_pred"}
    | {"_rc", "_skip", "strL", "using", "with"}
)
_LETTERS = str.maketrans({"æ": "ae", "ø": "oe", "å": "aa", "Æ": "AE", "Ø": "OE", "Å": "AA", "ß": "ss"})


@dataclass(frozen=True)
class Rules:
    """What a program takes.

    Attributes:
        label_bytes: Bytes of UTF-8 in a label.
        text_bytes: Bytes of UTF-8 in a text.
        reserved: Names that no variable may have.
    """

    label_bytes: int
    text_bytes: int
    reserved: frozenset[str] = frozenset()


SAS = Rules(label_bytes=256, text_bytes=32_767)
STATA = Rules(label_bytes=80, text_bytes=2_000_000_000, reserved=_RESERVED)


def valid_names(names: Sequence[str], rules: Rules) -> dict[str, str]:
    """Give each name one that the program takes; a name that is fit keeps itself.

    Names that differ by case alone are one name to SAS, so they get numbers, in both programs alike.

    Args:
        names: The columns' names.
        rules: The program's.
    """
    given: dict[str, str] = {}
    taken: set[str] = set()
    for name in names:
        fit = _fit(name, rules)
        number = 2
        candidate = fit
        while candidate.lower() in taken:
            ending = f"_{number}"
            candidate, number = fit[: LONGEST_NAME - len(ending)] + ending, number + 1
        taken.add(candidate.lower())
        given[name] = candidate
    return given


def label_of(column: Column | None, rules: Rules) -> str | None:
    """Make a label of what the contract says: the column's title or its description's first sentence, and its unit."""
    if column is None:
        return None
    text = column.title or re.split(r"(?<=\.)\s", column.description, maxsplit=1)[0].rstrip(".")
    if column.unit and column.unit not in text:
        text = f"{text} ({column.unit})" if text else column.unit
    return cut(" ".join(text.split()), rules.label_bytes) or None


def cut(text: str, n_bytes: int) -> str:
    """Shorten a text to so many bytes of UTF-8, between two characters."""
    return text.encode()[:n_bytes].decode(errors="ignore").rstrip()


def _fit(name: str, rules: Rules) -> str:
    plain = unicodedata.normalize("NFKD", name.translate(_LETTERS)).encode("ascii", "ignore").decode()
    plain = re.sub(r"[^A-Za-z0-9_]", "_", plain)
    if not plain or not re.match(r"[A-Za-z_]", plain):
        plain = f"_{plain}"
    plain = plain[:LONGEST_NAME]
    if plain in rules.reserved or (rules.reserved and re.fullmatch(r"str\d+", plain)):
        plain = f"{plain}_"
    return plain
