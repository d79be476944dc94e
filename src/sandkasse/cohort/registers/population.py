"""Registers of persons: population, migration, deaths and their causes, education, income."""

from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sandkasse.cohort.observation.calendar import END_DAY, FIRST_DAY, LAST_YEAR, day_of
from sandkasse.cohort.observation.society import Society, died_resident
from sandkasse.cohort.registers.columns import Ints, Shard, coded, dates, ranked
from sandkasse.cohort.registers.pseudonym import PNR_DIGITS, RECORD_DIGITS, digit_bytes, identifiers, to_strings

_BEF_DAYS = np.array([day_of(date(year, 1, 1)) for year in range(1986, LAST_YEAR + 1)], dtype=np.int64)
_REFORM = day_of(date(2007, 1, 1))
_CIVIL = ("U", "G", "F", "E")
_NO_CONTACT = (1 << 16) - 1
_YEARS_OF_DEATH = (day_of(date(2002, 1, 1)), day_of(date(2022, 1, 1)))
_ICD10_FROM = day_of(date(1994, 1, 1))


def emit_population(shard: Shard, people: pa.Array, society: Society) -> dict[str, pa.Table]:
    """Write down who lives where and with whom, who comes, goes and dies, what they learnt and earn.

    Args:
        shard: Lives and observed events.
        people: The persons' pnr.
        society: The same persons among others.

    Returns:
        Tables by name.
    """
    return {
        "bef": _bef(shard, people, society),
        "vnds": _vnds(shard, people),
        "dod": _dod(shard, people),
        **_causes(shard, people, society),
        "udda": _udda(shard, people, society),
        "ind": _ind(shard, people, society),
    }


def residents_on(shard: Shard, days: Ints) -> npt.NDArray[np.int8]:
    """Give the residence spell of each person on each day, -1 if there is none; persons in the order of pnr."""
    life, order = shard.life, shard.order
    spell = np.full((len(order), len(days)), -1, dtype=np.int8)
    for number in range(life.residence_start.shape[1]):
        start = life.residence_start[order, number][:, None]
        end = life.residence_end[order, number][:, None]
        spell[(start <= days) & (end > days)] = number
    return spell


def persons_coded(numbers: Ints, *, seed: int) -> pa.Array:
    """Give the pnr of persons by their numbers, null where the number is -1."""
    place, texts = _pnr_of(numbers, seed=seed)
    return pa.DictionaryArray.from_arrays(pa.array(place, mask=place < 0), texts)


def _pnr_of(numbers: Ints, *, seed: int) -> tuple[npt.NDArray[np.int32], pa.Array]:
    is_known = numbers >= 0
    known, rank = ranked(numbers[is_known])
    place = np.full(len(numbers), -1, dtype=np.int32)
    place[is_known] = rank
    return place, to_strings(digit_bytes(identifiers(known, seed=seed, digits=PNR_DIGITS), PNR_DIGITS))


def _relatives_coded(relative: Ints, person: Ints, *, seed: int) -> pa.Array:
    """Give the pnr of a relative in each row, null where there is none.

    Args:
        relative: Number of each person's relative, -1 where there is none, int64, shape (n_persons,).
        person: Person of each row, shape (n_rows,).
        seed: Seed of the cohort.
    """
    is_written = np.zeros(len(relative), dtype=np.bool_)
    is_written[person] = True
    place, texts = _pnr_of(np.where(is_written, relative, -1), seed=seed)
    return pa.DictionaryArray.from_arrays(pa.array(place[person], mask=place[person] < 0), texts)


def _bef(shard: Shard, people: pa.Array, society: Society) -> pa.Table:
    life, order = shard.life, shard.order
    spell = residents_on(shard, _BEF_DAYS)
    person, at = np.nonzero(spell >= 0)
    municipality = life.municipality[order[person], spell[person, at]].astype(np.int64)
    former = np.arange(1000)
    for new, old in society.parameters["before_2007"].items():
        former[int(new)] = old
    municipality = np.where(_BEF_DAYS[at] < _REFORM, former[municipality], municipality)
    family = society.families(_BEF_DAYS)[order[person], at]
    unique, place = ranked(family)
    # A number of contacts that no person has: what it gives is no record number, and no pnr.
    numbers = identifiers(unique * (_NO_CONTACT + 1) + _NO_CONTACT, seed=shard.seed, digits=RECORD_DIGITS)
    mother, father = society.parents
    return pa.table(
        {
            "pnr": coded(person, people),
            "koen": pa.array(life.sex[order[person]]),
            "foed_dato": dates(life.birth_day[order[person]]),
            "kom": coded(municipality, [f"{code:03d}" for code in range(1000)]),
            "referencetid": dates(_BEF_DAYS[at]),
            "civst": coded(society.civil_status(_BEF_DAYS)[order[person], at], _CIVIL),
            "familie_id": coded(place, to_strings(digit_bytes(numbers, RECORD_DIGITS))),
            "mor_id": _relatives_coded(mother[order], person, seed=shard.seed),
            "far_id": _relatives_coded(father[order], person, seed=shard.seed),
        }
    )


def _vnds(shard: Shard, people: pa.Array) -> pa.Table:
    """Migrations: a spell that begins later than at birth or with our data, or ends before death and their end.

    A spell that begins on the day on which another one ends is a move within the country.
    """
    life, order = shard.life, shard.order
    start, end = life.residence_start[order].astype(np.int64), life.residence_end[order].astype(np.int64)
    arrives = (start > FIRST_DAY) & (start < END_DAY) & (start > life.birth_day[order][:, None])
    arrives &= ~(start[:, :, None] == end[:, None, :]).any(axis=2)
    leaves = (end > FIRST_DAY) & (end < END_DAY) & (end != life.death_day[order].astype(np.int64)[:, None] + 1)
    leaves &= ~(end[:, :, None] == start[:, None, :]).any(axis=2)
    who = np.concatenate([np.nonzero(arrives)[0], np.nonzero(leaves)[0]])
    day = np.concatenate([start[arrives], end[leaves]])
    kind = np.concatenate([np.zeros(arrives.sum(), np.int64), np.ones(leaves.sum(), np.int64)])
    rows = np.lexsort((kind, day, who))
    return pa.table(
        {
            "pnr": coded(who[rows], people),
            "indud_kode": coded(kind[rows], ["I", "U"]),
            "haend_dato": dates(day[rows]),
        }
    )


def _dod(shard: Shard, people: pa.Array) -> pa.Table:
    died = shard.life.death_day[shard.order]
    person = np.flatnonzero(died_resident(shard.life)[shard.order])
    return pa.table({"pnr": coded(person, people), "doddato": dates(died[person])})


def _causes(shard: Shard, people: pa.Array, society: Society) -> dict[str, pa.Table]:
    """Causes of death, in ICD-8 until 1993 and in ICD-10 without the Danish D later, in the tables of their years."""
    deaths = society.deaths()
    position = np.empty(len(shard.order), dtype=np.int64)
    position[shard.order] = np.arange(len(shard.order))
    rows = np.argsort(position[deaths.person], kind="stable")
    person, day = position[deaths.person][rows], deaths.day[rows]
    codes = _death_codes(shard, society)
    era = (day >= _ICD10_FROM).astype(np.int64)
    main, second = 2 * deaths.what[rows] + era, deaths.also[rows]
    texts = [code for pair in codes for code in pair]
    also = np.where(second >= 0, 2 * second + era, len(texts))
    texts.append("")
    names = {
        "dodsaars": ("d_dodsdto", "c_dod1", "c_dod2"),
        "dodsaasg": ("d_dodsdato", "c_dodtilgrundl_acme", "c_dod_1a"),
        "dodsaarsager": ("doedsdato", "doedsaarsag_tilgrundliggende", "doedsaarsag_kode_1"),
    }
    tables = {}
    for number, (name, columns) in enumerate(names.items()):
        keep = np.searchsorted(_YEARS_OF_DEATH, day, side="right") == number
        tables[name] = pa.table(
            {
                "pnr": coded(person[keep], people),
                columns[0]: dates(day[keep]),
                columns[1]: coded(main[keep], texts),
                columns[2]: coded(also[keep], texts),
            }
        )
    return tables


def _death_codes(shard: Shard, society: Society) -> list[tuple[str, str]]:
    """Give the ICD-8 and the ICD-10 code of each cause: the conditions', then the others'."""
    sets, other = society.parameters["sets"], society.parameters["other_deaths"]
    unknown = other["unknown"]
    found = []
    for name in shard.words.conditions:
        entry = sets.get(name, {})
        icd8 = (entry.get("icd8") or unknown["icd8"])[0]
        icd10 = (entry.get("icd10") or unknown["icd10"])[0]
        found.append((icd8, icd10.removeprefix("D")))
    return found + [(entry["icd8"][0], entry["icd10"][0]) for entry in other.values()]


def _udda(shard: Shard, people: pa.Array, society: Society) -> pa.Table:
    p = society.parameters["educations"]
    years = np.arange(p["first_year"], LAST_YEAR + 1)
    days = np.array([day_of(date(int(year), 9, 30)) for year in years], dtype=np.int64)
    level = society.education(days)[shard.order]
    person, at = np.nonzero((residents_on(shard, days) >= 0) & (level > 0))
    return pa.table(
        {
            "pnr": coded(person, people),
            "hfaudd": coded(level[person, at] - 1, p["codes"]),
            "aar": pa.array(years[at].astype(np.int16)),
        }
    )


def _ind(shard: Shard, people: pa.Array, society: Society) -> pa.Table:
    p = society.parameters["income"]
    years = np.arange(p["first_year"], LAST_YEAR + 1)
    days = np.array([day_of(date(int(year), 12, 31)) for year in years], dtype=np.int64)
    is_old_enough = days[None, :] - shard.life.birth_day[shard.order][:, None] >= 365.25 * p["youngest"]
    person, at = np.nonzero((residents_on(shard, days) >= 0) & is_old_enough)
    income = society.incomes(years, shard.order[person], at)
    return pa.table(
        {
            "pnr": coded(person, people),
            "perindkialt_13": pa.array(income.astype(np.int32)),
            "aar": pa.array(years[at].astype(np.int16)),
        }
    )
