"""Showing results without giving single persons away: secret halves, coarse steps, keyed rounding.

Three things stand between a learner and one person's truth. Feedback is computed on a secret half of the persons and
the mark on the other, so nothing learnt from feedback helps the mark. A shown figure moves in steps worth at least
`PERSONS_PER_STEP` persons. And where a figure falls between two steps, a secret key and the whole answer together
decide
which one is shown, so two answers that differ by one person do not tell on which side of a step that person pushed it.
The shown value's expectation over keys is the exact value, and its error is below one step.
"""

import hashlib
import math
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

PERSONS_PER_STEP: Final = 5  # our choice: no shown figure moves by less than five persons' worth
STEPS_POINTS: Final = (1, 2, 4, 5, 10, 20, 25)  # they divide 100, so that all and none are shown as 100 % and 0 %


def is_in_feedback_half(pnr: pa.ChunkedArray | pa.Array, *, key: bytes) -> npt.NDArray[np.bool_]:
    """Say of each person whether feedback (true) or the mark (false) is computed on them.

    Args:
        pnr: Persons' identifiers.
        key: The site's grading key, at least 16 bytes.

    Returns:
        One boolean a person; about half are true; the same person always falls on the same side under one key.
    """
    seeded = hashlib.blake2b(key=key[:64], digest_size=8, person=b"sandkasse-half")
    sides = np.empty(len(pnr), dtype=bool)
    for index, value in enumerate(pnr.to_pylist()):
        digest = seeded.copy()
        digest.update(str(value).encode())
        sides[index] = bool(digest.digest()[0] & 1)
    return sides


class CoarseRounding:
    """Rounds shares to coarse steps; where a share falls between two, key and answer decide which.

    Args:
        key: The site's grading key.
        about: What is graded, and the whole answer in a canonical form.
    """

    def __init__(self, key: bytes, about: bytes) -> None:
        self._seeded = hashlib.blake2b(about, key=key[:64], digest_size=8, person=b"sandkasse-round")

    def share(self, numerator: float, denominator: float, *, name: str, persons: int | None = None) -> float | None:
        """Round a share to whole percentage points, or to a coarser step where a point is fewer than five persons.

        Args:
            numerator: Counted persons, or a value between 0 and `denominator`.
            denominator: Persons counted among.
            name: Which figure of the answer this is.
            persons: How many persons stand behind the figure, if not `denominator`.

        Returns:
            The rounded share, 0 to 1; None where too few persons stand behind it.
        """
        behind = denominator if persons is None else persons
        if denominator <= 0 or behind <= 0:
            return None
        step = next((points for points in STEPS_POINTS if points * behind >= 100 * PERSONS_PER_STEP), None)
        if step is None:
            return None
        points = math.floor(100 * numerator / denominator / step + self._unit(name)) * step
        return min(max(points, 0), 100) / 100

    def count(self, value: int, *, name: str) -> int:
        """Round a count of persons to a multiple of five."""
        return math.floor(value / PERSONS_PER_STEP + self._unit(name)) * PERSONS_PER_STEP

    def _unit(self, name: str) -> float:
        digest = self._seeded.copy()
        digest.update(b"\0" + name.encode())
        return int.from_bytes(digest.digest(), "big") / 2**64
