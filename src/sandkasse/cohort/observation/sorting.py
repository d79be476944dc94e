"""Sort a person's words: a few hundred numbers that lie more or less evenly between the least and the greatest."""

import numpy as np
import numpy.typing as npt

from sandkasse.cohort.kernels import helper

MOST_DEALT = 1 << 14
_FEW = 16

Words = npt.NDArray[np.int64]


@helper
def sort_words(words: Words, first: int, end: int, spare: Words, piles: Words) -> None:
    """Sort a stretch of words.

    They are dealt into about as many piles as there are words, by how far each lies from the least one to the greatest.
    Then every word is near its place, and insertions do the rest: a third of the time that comparing alone takes.

    Args:
        words: Numbers at or above 0, int64.
        first: First of the stretch.
        end: The one after its last.
        spare: Room for `MOST_DEALT` words, int64; longer stretches are sorted by comparing.
        piles: Room for twice as many and one, int64.
    """
    n = end - first
    if n <= _FEW:
        _insert(words, first, words, first, n)
        return
    if n > MOST_DEALT:
        _compare(words, first, end)
        return
    least, greatest = words[first], words[first]
    for k in range(first + 1, end):
        least = min(least, words[k])
        greatest = max(greatest, words[k])
    n_piles, shift = 32, 0
    while n_piles < n:
        n_piles *= 2
    while (greatest - least) >> shift >= n_piles:
        shift += 1
    for pile in range(n_piles + 1):
        piles[pile] = 0
    for k in range(first, end):
        piles[((words[k] - least) >> shift) + 1] += 1
    for pile in range(n_piles):
        piles[pile + 1] += piles[pile]
    for k in range(first, end):
        pile = (words[k] - least) >> shift
        spare[piles[pile]] = words[k]
        piles[pile] += 1
    _insert(spare, 0, words, first, n)


@helper
def _insert(source: Words, begin: int, words: Words, first: int, n: int) -> None:
    """Take n words from `begin` on, one after the other, and insert each where it belongs among those before."""
    for k in range(n):
        word = source[begin + k]
        at = first + k
        while at > first and words[at - 1] > word:
            words[at] = words[at - 1]
            at -= 1
        words[at] = word


@helper
def _compare(words: Words, first: int, end: int) -> None:
    """Sort by comparing (Shell 1959, doi:10.1145/368370.368387)."""
    gap = 1
    while gap < (end - first) // 3:
        gap = 3 * gap + 1
    while gap > 0:
        for k in range(first + gap, end):
            word = words[k]
            at = k
            while at >= first + gap and words[at - gap] > word:
                words[at] = words[at - gap]
                at -= gap
            words[at] = word
        gap //= 3
