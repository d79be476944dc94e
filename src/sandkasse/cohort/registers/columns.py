"""What all emitters share: the shard that they read, and columns from numbers."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sandkasse.cohort.life.record import LifeShard
from sandkasse.cohort.observation.observe import Observed
from sandkasse.cohort.observation.vocabulary import Vocabulary
from sandkasse.cohort.registers.pseudonym import PNR_DIGITS, identifiers

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Shard:
    """What the emitters read.

    Attributes:
        life: True lives; only residence, birth, sex and death are written down in registers.
        seen: What was observed, persons in `order`.
        order: Persons in the order of their pnr, int64, shape (n_persons,).
        pnr: Their pnr as numbers, in that order, int64.
        words: What the numbers in observed events mean.
        seed: Seed of the cohort.
    """

    life: LifeShard
    seen: Observed
    order: Ints
    pnr: Ints
    words: Vocabulary
    seed: int


def order_by_pnr(life: LifeShard, *, seed: int) -> tuple[Ints, Ints]:
    """Give the persons of a shard in the order of their pnr, and the pnr as numbers in that order."""
    pnr = identifiers(life.person, seed=seed, digits=PNR_DIGITS)
    order = np.argsort(pnr)
    return order.astype(np.int64), pnr[order]


def coded(indices: npt.NDArray[np.integer], values: pa.Array | Sequence[str]) -> pa.Array:
    """Give texts as indices into a dictionary without repetitions.

    Where a dictionary names a text twice, Arrow's Parquet writer gives different bytes from one time to the next.
    """
    if isinstance(values, pa.Array):
        return pa.DictionaryArray.from_arrays(pa.array(indices.astype(np.int32, copy=False)), values, safe=False)
    unique = {text: number for number, text in enumerate(dict.fromkeys(values))}
    if len(unique) == len(values):
        numbers = indices.astype(np.int32, copy=False)
    else:
        numbers = np.array([unique[text] for text in values], dtype=np.int32)[indices]
    return pa.DictionaryArray.from_arrays(pa.array(numbers), pa.array(list(unique), pa.string()), safe=False)


def dates(days: npt.NDArray[np.integer]) -> pa.Array:
    """Give days since 1970-01-01 as dates."""
    return pa.Array.from_buffers(pa.date32(), len(days), [None, pa.py_buffer(np.ascontiguousarray(days, np.int32))])


def ranked(numbers: npt.NDArray[np.integer]) -> tuple[Ints, npt.NDArray[np.int32]]:
    """Give the distinct numbers in order, and of each number its place among them, as `numpy.unique` would.

    Numbers that lie close together, as persons of a shard do, are counted rather than sorted.
    """
    if not len(numbers):
        return np.empty(0, np.int64), np.empty(0, np.int32)
    least = int(numbers.min())
    room = int(numbers.max()) - least + 1
    if room > 4 * len(numbers) + 100_000:
        unique, place = np.unique(numbers, return_inverse=True)
        return unique.astype(np.int64), place.astype(np.int32)
    at = numbers - least
    is_there = np.zeros(room, dtype=np.bool_)
    is_there[at] = True
    rank = np.cumsum(is_there, dtype=np.int32) - np.int32(1)
    return np.flatnonzero(is_there) + least, rank[at]


def stable_order(keys: Ints) -> Ints:
    """Give the order of keys, not negative, ties in the order in which they stand."""
    bits = max(len(keys) - 1, 1).bit_length()
    # Sorting whole numbers is several times as fast as sorting places by them.
    return np.sort((keys << bits) | np.arange(len(keys))) & ((1 << bits) - 1)


def persons_of(shard: Shard, kind: int) -> npt.NDArray[np.int32]:
    """Give the person of each word of a kind, as a position in `Shard.order`."""
    counts = np.diff(shard.seen.starts[:, kind])
    return np.repeat(np.arange(len(counts), dtype=np.int32), counts)
