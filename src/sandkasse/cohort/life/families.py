"""Who is whose mother and father: families within blocks of consecutive person numbers, made before any life is lived.

A block knows where its persons come from and live (draws of their own, as if they were alone). Its births, in order of
day, choose mothers among the women of the block, and the mothers choose fathers. Only then lives are lived, the elders
first, so that a child finds its parents' inherited parts. Choices are made by rejection: a candidate drawn at random of
those of the right age is taken with a probability in proportion to the weight, else another one is drawn.

Left out: twins, adoption, couples without children, children who come from abroad with their parents.
"""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sandkasse.cohort.kernels import helper
from sandkasse.cohort.kinship import FamilyTables
from sandkasse.cohort.life.population import N_SPELLS, draw_entry, draw_residence
from sandkasse.cohort.life.purposes import FATHER, FATHER_KEPT, MOTHER, PARENT_PRESENT
from sandkasse.cohort.life.record import LifeShard
from sandkasse.cohort.tables import CALENDAR_YEAR, MAX_AGE, N_TABLE_YEARS, TABLE_YEAR, LifeTables
from sandkasse.core.rng import Whole, uniform, uniform_pair

IntArray = npt.NDArray[np.int64]

BLOCK_PERSONS = 500
"""A person's relatives have numbers of the same block: number // BLOCK_PERSONS."""
N_DELIVERIES = 6
MOTHER_FROM, MOTHER_TO = 15, 50
TRIALS = 256
"""Candidates drawn before a child is left without known parent."""
REACH = 3.0
"""Standard deviations of the age difference within which fathers are sought."""
LINKED_FROM = -3653, 0
"""1 January 1960 and 1970."""
_GAPS = np.array([121, 40, 13, 4, 1], dtype=np.int64)
_KEY = 512  # of a sorting key: day × _KEY + place


class Block(NamedTuple):
    """Working arrays of one block, used again for each; places within the block stand for persons, -1 for nobody."""

    sex: IntArray  # (person,)
    birth_year: IntArray
    birth: IntArray
    entry: IntArray
    n_spells: IntArray
    start: IntArray  # (person, spell)
    end: IntArray
    place: IntArray
    own: IntArray  # (start, end or place; spell) of the child that settles
    order: IntArray  # (person,) persons by day of birth
    of_sex: IntArray  # (sex, person) men and women by day of birth
    n_of_sex: IntArray  # (sex,)
    mother: IntArray  # (person,)
    father: IntArray
    union: IntArray  # first child of the same parents
    partner: IntArray  # with whom the last child was had
    since: IntArray  # day of birth of the first child with that partner
    last_child: IntArray
    n_deliveries: IntArray
    deliveries: IntArray  # (person, delivery)
    inherited: npt.NDArray[np.float64]  # (person, trait) standard normal
    death: IntArray  # (person,) once lived
    last: IntArray  # day after the last day of residence, once lived
    row: IntArray  # row of the result, or -1
    needed: IntArray  # 1 for those asked for and their ancestors


def make_block(n_traits: int) -> Block:
    """Make the working arrays of one block.

    Args:
        n_traits: Number of traits.

    Returns:
        Arrays, contents undefined.
    """

    def whole(*shape: int) -> IntArray:
        return np.full(shape, -1, dtype=np.int64)

    n = BLOCK_PERSONS
    inherited = np.zeros((n, n_traits), dtype=np.float64)
    wide = {
        "start": whole(n, N_SPELLS),
        "end": whole(n, N_SPELLS),
        "place": whole(n, N_SPELLS),
        "own": whole(3, N_SPELLS),
        "of_sex": whole(2, n),
        "n_of_sex": whole(2),
        "deliveries": whole(n, N_DELIVERIES),
    }
    return Block(
        inherited=inherited, **{name: wide.get(name, whole(n)) for name in Block._fields if name != "inherited"}
    )


@helper
def populate(seed: np.uint64, first: Whole, tables: LifeTables, block: Block) -> None:
    """Draw where the persons of a block come from and live, and line them up by day of birth.

    Args:
        seed: Seed of the cohort.
        first: Number of the block's first person.
        tables: The compiled model.
        block: Written.
    """
    n = block.order.shape[0]
    for j in range(n):
        sex, birth_year, birth, entry = draw_entry(seed, first + j, tables)
        block.sex[j], block.birth_year[j], block.birth[j], block.entry[j] = sex, birth_year, birth, entry
        block.n_spells[j] = draw_residence(
            seed, first + j, sex, birth_year, birth, entry, tables, block.start[j], block.end[j], block.place[j]
        )
        block.order[j] = birth * _KEY + j
        block.mother[j], block.father[j], block.union[j] = -1, -1, j
        block.partner[j], block.since[j], block.last_child[j], block.n_deliveries[j] = -1, -1, -1, 0
    for gap in _GAPS:
        for i in range(gap, n):
            key, k = block.order[i], i
            while k >= gap and block.order[k - gap] > key:
                block.order[k] = block.order[k - gap]
                k -= gap
            block.order[k] = key
    block.n_of_sex[0], block.n_of_sex[1] = 0, 0
    for i in range(n):
        j = block.order[i] & (_KEY - 1)
        block.order[i] = j
        s = block.sex[j] - 1
        block.of_sex[s, block.n_of_sex[s]] = j
        block.n_of_sex[s] += 1


@helper
def is_here(block: Block, j: Whole, day: Whole) -> bool:
    """Whether a person, if alive, is in the country on a day.

    Args:
        block: The block.
        j: Place of the person.
        day: The day.

    Returns:
        True if so.
    """
    inside = False
    for s in range(block.n_spells[j]):
        inside |= block.start[j, s] <= day < block.end[j, s]
    return inside


@helper
def are_close(block: Block, man: Whole, woman: Whole) -> bool:
    """Whether a man and a woman are parent and child, or share a parent.

    Args:
        block: The block.
        man: His place.
        woman: Her place.

    Returns:
        True if so.
    """
    mother, father = block.mother[man], block.father[man]
    return bool(
        block.father[woman] == man
        or mother == woman
        or (mother >= 0 and mother == block.mother[woman])
        or (father >= 0 and father == block.father[woman])
    )


@helper
def first_born(block: Block, s: Whole, day: float) -> int:
    """Find the first of one sex born on a day or later.

    Args:
        block: The block.
        s: 0 for men, 1 for women.
        day: The day.

    Returns:
        Position in the order of birth of that sex.
    """
    low, high = 0, block.n_of_sex[s]
    while low < high:
        middle = (low + high) // 2
        if block.birth[block.of_sex[s, middle]] < day:
            low = middle + 1
        else:
            high = middle
    return low


@helper
def find_mother(
    seed: np.uint64, child: Whole, day: Whole, year: Whole, tables: LifeTables, families: FamilyTables, block: Block
) -> Whole:
    """Choose the mother of a child among the women of the block.

    Her weight is the fertility of her age in that year times the factor of the children that she has. She is in the
    country then (for births before the window: at its start), and had no other child within the spacing.

    Args:
        seed: Seed of the cohort.
        child: Number of the child.
        day: Day of birth.
        year: Year of birth.
        tables: The compiled model.
        families: The compiled families.
        block: The block so far.

    Returns:
        Her place, or -1 if none was found.
    """
    jan1 = tables.jan1
    low = first_born(block, 1, jan1[max(year - MOTHER_TO, CALENDAR_YEAR) - CALENDAR_YEAR])
    high = first_born(block, 1, jan1[max(year - MOTHER_FROM + 1, CALENDAR_YEAR) - CALENDAR_YEAR])
    if high <= low:
        return -1
    at = min(max(year - TABLE_YEAR, 0), N_TABLE_YEARS - 1)
    counts = max(day, jan1[int(tables.numbers[0]) - CALENDAR_YEAR])
    for trial in range(TRIALS):
        u, v = uniform_pair(seed, child, MOTHER, trial)
        woman = block.of_sex[1, low + int(u * (high - low))]
        n = block.n_deliveries[woman]
        if n >= families.parity.shape[0]:
            continue
        weight = tables.fertility[at, min(year - block.birth_year[woman], MAX_AGE)] * families.parity[n]
        if v * families.ceiling[at] >= weight:
            continue
        if n > 0 and day - block.deliveries[woman, n - 1] < tables.numbers[16]:
            continue
        if is_here(block, woman, counts):
            return int(woman)
    return -1


@helper
def find_father(
    seed: np.uint64, child: Whole, woman: Whole, day: Whole, tables: LifeTables, families: FamilyTables, block: Block
) -> Whole:
    """Choose a partner for a mother among the men of the block.

    His weight falls off as a normal density with the difference of their ages; men who have a partner weigh little.

    Args:
        seed: Seed of the cohort.
        child: Number of the child.
        woman: Place of the mother.
        day: Day of birth of the child.
        tables: The compiled model.
        families: The compiled families.
        block: The block so far.

    Returns:
        His place, or -1 if none was found.
    """
    mean, spread = families.numbers[0] * 365.25, families.numbers[1] * 365.25
    low = first_born(block, 0, block.birth[woman] - mean - REACH * spread)
    latest = min(block.birth[woman] - mean + REACH * spread, day - families.numbers[4] * 365.25)
    high = first_born(block, 0, latest)
    if high <= low:
        return -1
    counts = max(day, tables.jan1[int(tables.numbers[0]) - CALENDAR_YEAR])
    for trial in range(TRIALS):
        u, v = uniform_pair(seed, child, FATHER, trial)
        man = block.of_sex[0, low + int(u * (high - low))]
        other = block.partner[man]
        if other >= 0 and block.partner[other] == man:
            v /= families.numbers[3]
            if v >= 1.0:
                continue
        z = (block.birth[woman] - block.birth[man] - mean) / spread
        if v >= math.exp(-0.5 * z * z):
            continue
        if is_here(block, man, counts) and not are_close(block, man, woman):
            return int(man)
    return -1


@helper
def match_parents(seed: np.uint64, first: Whole, tables: LifeTables, families: FamilyTables, block: Block) -> None:
    """Give mothers and fathers to those born in the country, in order of their days of birth.

    Who is resident at the window's start has parents in the block with the probability that they live and are there.
    Who came from abroad has none. A mother may turn out to have died before the birth, since lives are lived later:
    registers then know of no mother, but what the child inherited stays.

    Args:
        seed: Seed of the cohort.
        first: Number of the block's first person.
        tables: The compiled model.
        families: The compiled families.
        block: Populated; written: mothers, fathers, unions, partners, deliveries.
    """
    opening = tables.jan1[int(tables.numbers[0]) - CALENDAR_YEAR]
    for i in range(block.order.shape[0]):
        j = block.order[i]
        day, year, child = block.birth[j], block.birth_year[j], first + j
        if block.entry[j] != day and block.entry[j] != opening:
            continue
        both, only = uniform_pair(seed, child, PARENT_PRESENT, np.int64(0))
        before = day < opening
        if before and both >= families.present[0, year - CALENDAR_YEAR]:
            continue
        woman = find_mother(seed, child, day, year, tables, families, block)
        if woman < 0:
            continue
        block.mother[j] = woman
        elder, man = block.last_child[woman], np.int64(-1)
        kept = False
        if elder >= 0 and uniform(seed, child, FATHER_KEPT, np.int64(0)) < families.numbers[2]:
            man = block.father[elder]
            kept = (man >= 0 and block.partner[man] == woman and is_here(block, man, max(day, opening))) or (
                man < 0 and before
            )
        if kept:
            block.union[j] = block.union[elder]
        else:
            man = np.int64(-1)
            if not before or only < families.present[1, year - CALENDAR_YEAR]:
                man = np.int64(find_father(seed, child, woman, day, tables, families, block))
            if man >= 0:
                block.partner[woman], block.partner[man] = man, woman
                block.since[woman], block.since[man] = day, day
        block.father[j] = man
        block.last_child[woman] = j
        block.deliveries[woman, block.n_deliveries[woman]] = day
        block.n_deliveries[woman] += 1


@helper
def mark_needed(block: Block) -> None:
    """Mark those who are asked for and their ancestors, whose lives decide what they inherit.

    Args:
        block: Matched, with `row`; written: `needed`.
    """
    for j in range(block.row.shape[0]):
        block.needed[j] = block.row[j] >= 0
    for i in range(block.order.shape[0] - 1, -1, -1):
        j = block.order[i]
        if block.needed[j] != 0:
            if block.mother[j] >= 0:
                block.needed[block.mother[j]] = 1
            if block.father[j] >= 0:
                block.needed[block.father[j]] = 1


@helper
def settle(block: Block, j: Whole, families: FamilyTables) -> None:
    """Let a child live where its mother lives, until it is old enough to leave home.

    The child's own comings and goings stay; what does not fit into its spells, it does not follow. After the mother's
    death, and while she is abroad, it stays where it is.

    Args:
        block: The mother's life is known; written: the child's spells.
        j: Place of the child.
        families: The compiled families.
    """
    m = block.mother[j]
    leaves = block.birth[j] + int(families.numbers[5] * 365.25)
    if m < 0 or block.start[j, 0] >= leaves:
        return
    total, n = block.n_spells[j], 0
    for s in range(total):
        block.own[0, s], block.own[1, s], block.own[2, s] = block.start[j, s], block.end[j, s], block.place[j, s]
    for s in range(total):
        begin, end, here = block.own[0, s], block.own[1, s], block.own[2, s]
        if begin < leaves:
            for t in range(block.n_spells[m]):
                if block.start[m, t] <= begin < min(block.end[m, t], block.last[m]):
                    here = block.place[m, t]
            for t in range(block.n_spells[m]):
                moves = block.start[m, t]
                goes_along = begin < moves < min(end, leaves) and moves < block.last[m]
                if goes_along and block.place[m, t] != here and n + total - s < N_SPELLS:
                    block.start[j, n], block.end[j, n], block.place[j, n] = begin, moves, here
                    n += 1
                    begin, here = moves, block.place[m, t]
        block.start[j, n], block.end[j, n], block.place[j, n] = begin, end, here
        n += 1
    block.n_spells[j] = n


def registered_parents(life: LifeShard) -> tuple[IntArray, IntArray]:
    """Give the parents whom the registers link to a person: mothers of those born from 1960 on, fathers from 1970 on.

    The civil registration system began in 1968 with links for the children who then lived at home.

    Args:
        life: True lives.

    Returns:
        Numbers of mothers and fathers, -1 where no register knows one, int64, shape (n_persons,) each.

    Source:
        The years from which links are complete: our reading of Danish register documentation.
    """
    mothers = np.where(life.birth_day >= LINKED_FROM[0], life.mother, -1)
    fathers = np.where(life.birth_day >= LINKED_FROM[1], life.father, -1)
    return mothers, fathers
