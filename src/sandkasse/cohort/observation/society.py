"""What registers hold of persons beside their care: families, schooling, income, births, vaccinations, tumours, deaths.

Draws are named by person and purpose, as everywhere; whole columns are computed at once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

from sandkasse.cohort.life.record import NEVER, LifeShard
from sandkasse.cohort.observation import purposes
from sandkasse.cohort.observation.calendar import END_DAY, FIRST_DAY, LAST_YEAR, day_of
from sandkasse.cohort.observation.care import AGE_BANDS
from sandkasse.cohort.observation.stream import draw_uniforms

Ints = npt.NDArray[np.int64]
Days = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]
_YEAR = 365.25
_MOTHERS_FROM, _FATHERS_FROM = day_of(date(1960, 1, 1)), day_of(date(1970, 1, 1))


def _normal(first: Floats, second: Floats) -> Floats:
    return np.sqrt(-2.0 * np.log(first)) * np.cos(2.0 * np.pi * second)


@dataclass(frozen=True)
class Events:
    """Rows about persons, each array of shape (n_rows,).

    Attributes:
        person: Row of the person in the shard.
        day: int64.
        what: Number of a word, its meaning depends on the register.
        also: A second such number, -1 if there is none.
    """

    person: Ints
    day: Ints
    what: Ints
    also: Ints


@dataclass(frozen=True)
class Births:
    """Children born in the country to mothers who lived there, each array of shape (n_births,).

    Attributes:
        child: Row of the child in the shard.
        mother: Number of the mother.
        gestation: Days.
        weight: Grams.
        parity: How many children she has had, with this one.
    """

    child: Ints
    mother: Ints
    gestation: Ints
    weight: Ints
    parity: Ints


@dataclass(frozen=True)
class Society:
    """A shard's persons among others.

    Attributes:
        life: Their lives.
        parameters: As `read_parameters` gives them.
        conditions: Columns of the life's conditions.
        treatments: Columns of the life's treatments.
        seed: Seed of the cohort.
    """

    life: LifeShard
    parameters: Mapping[str, Any]
    conditions: Sequence[str]
    treatments: Sequence[str]
    seed: int

    @cached_property
    def _rows(self) -> tuple[Ints, Ints]:
        order = np.argsort(self.life.person)
        return order, self.life.person[order]

    def rows_of(self, numbers: Ints) -> Ints:
        """Find the rows of persons by their numbers, -1 where the shard does not hold one."""
        order, known = self._rows
        place = np.clip(np.searchsorted(known, numbers), 0, len(known) - 1)
        return np.where((numbers >= 0) & (known[place] == numbers), order[place], -1)

    def _draw(self, purpose: int, n: int, numbers: Ints | None = None) -> Floats:
        return draw_uniforms(self.life.person if numbers is None else numbers, purpose, seed=self.seed, n=n)

    @cached_property
    def parents(self) -> tuple[Ints, Ints]:
        """Numbers of mothers and fathers as the registers know them, -1 where they do not, int64."""
        life = self.life
        mother = np.where(life.birth_day >= _MOTHERS_FROM, life.mother, -1)
        return mother, np.where(life.birth_day >= _FATHERS_FROM, life.father, -1)

    @cached_property
    def marriages(self) -> tuple[Days, Days, Days, Ints]:
        """Days of marriage, divorce and widowhood, and the spouse's row or -1; int32, shape (n_persons,) each.

        Who has had a child with somebody may marry that person; others may marry somebody who is not in the data.
        """
        life, p = self.life, self.parameters["marriages"]
        other = self.rows_of(life.partner)
        is_mutual = (other >= 0) & (life.partner[np.maximum(other, 0)] == life.person)
        key = np.where(is_mutual, np.minimum(life.person, life.partner), life.person)
        u = self._draw(purposes.MARRIAGE, 6, key)
        z = _normal(u[:, 1], u[:, 2])
        born = np.where(is_mutual, np.minimum(life.birth_day, life.birth_day[np.maximum(other, 0)]), life.birth_day)
        by_birth = {
            name: np.interp(1970.0 + born / _YEAR, p["born"], p[name])
            for name in ("share_of_couples", "share_of_others", "share_divorced", "others_age_mean")
        }
        couple = life.partner_since + _YEAR * (p["after_child_mean"] + p["after_child_sd"] * z)
        couple = np.maximum(couple, np.maximum(life.birth_day, life.birth_day[np.maximum(other, 0)]) + 18 * _YEAR)
        alone = life.birth_day + _YEAR * np.maximum(18.0, by_birth["others_age_mean"] + p["others_age_sd"] * z)
        share = np.where(is_mutual, by_birth["share_of_couples"], by_birth["share_of_others"])
        married = np.where(u[:, 0] < share, np.where(is_mutual, couple, alone), NEVER)
        ends = np.where(
            u[:, 3] < by_birth["share_divorced"], married - _YEAR * p["divorced_after_mean"] * np.log(u[:, 4]), NEVER
        )
        ends = np.where(married < NEVER, ends, NEVER)
        spouse = np.where(is_mutual, other, -1)
        widowed = np.where(
            is_mutual, life.death_day[np.maximum(other, 0)], self._end_of_unseen_spouse(married, u[:, 5])
        )
        whole = [np.minimum(days, NEVER).astype(np.int32) for days in (married, ends, widowed)]
        return whole[0], whole[1], whole[2], spouse

    def _end_of_unseen_spouse(self, married: Floats, u: Floats) -> Floats:
        """Day on which a spouse dies who is not in the data, not before the wedding; `NEVER` without one."""
        p, is_man = self.parameters["marriages"], self.life.sex == 1
        age = np.where(is_man, p["unseen_wife_dies_at"], p["unseen_husband_dies_at"])
        age += p["unseen_spouse_dies_scale"] * np.log(u / (1.0 - u))
        older = np.where(is_man, -p["wives_are_younger"], p["wives_are_younger"])
        dies = np.maximum(self.life.birth_day + _YEAR * (age - older), married + 1.0)
        return np.where(married < NEVER, dies, NEVER)

    def civil_status(self, days: Ints) -> npt.NDArray[np.int8]:
        """Say whether persons are unmarried, married, divorced or widowed (0 to 3), shape (n_persons, n_days)."""
        married, divorced, widowed, _ = (column[:, None] for column in self.marriages)
        day = days[None, :]
        status = np.where(day >= married, 1, 0)
        is_over = (day >= divorced) | (day >= widowed)
        return np.where((status == 1) & is_over, np.where(divorced <= widowed, 2, 3), status).astype(np.int8)

    def families(self, days: Ints) -> Ints:
        """Give the number of the family that a person lives in: its oldest number, int64, shape (n_persons, n_days)."""
        life = self.life
        married, divorced, widowed, spouse = self.marriages
        together = np.minimum(married, life.partner_since)[:, None] <= days
        together &= (days < np.minimum(divorced, widowed)[:, None]) & (spouse >= 0)[:, None]
        key = np.where(spouse >= 0, np.minimum(life.person, life.person[np.maximum(spouse, 0)]), life.person)
        own = np.where(together, key[:, None], life.person[:, None])
        leaves = self.parameters["marriages"]["leaves_home_at"] + 4.0 * (
            self._draw(purposes.LEAVING_HOME, 1)[:, 0] - 0.5
        )
        at_home = (days[None, :] - life.birth_day[:, None]) < (_YEAR * leaves)[:, None]
        mother, father = (self.rows_of(numbers) for numbers in self.parents)
        first_child = np.full(len(life.person), NEVER, dtype=np.int32)
        for parent in (mother, father):
            np.minimum.at(first_child, parent[parent >= 0], life.birth_day[parent >= 0])
        at_home &= days[None, :] < first_child[:, None]
        lives_with = np.where(mother >= 0, mother, father)
        has_parent = (lives_with >= 0)[:, None] & (days < life.death_day[np.maximum(lives_with, 0)][:, None])
        return np.where(at_home & has_parent, own[np.maximum(lives_with, 0)], own)

    def education(self, days: Ints) -> npt.NDArray[np.int8]:
        """Give the level that persons have completed: 0 none yet, 1 to 3, shape (n_persons, n_days)."""
        age = (days[None, :] - self.life.birth_day[:, None]) / _YEAR
        reached = np.select([age >= 26.0, age >= 20.0, age >= 15.0], [3, 2, 1], 0)
        level: npt.NDArray[np.int8] = np.minimum(reached, self.life.education_level[:, None]).astype(np.int8)
        return level

    def incomes(self, years: Ints, rows: Ints, at: Ints) -> Ints:
        """Give the personal income of persons in calendar years in whole kroner.

        Args:
            years: The years that incomes are drawn for, int64.
            rows: Person of each income, int64, shape (n_incomes,).
            at: Its place in `years`, int64, shape (n_incomes,).

        Returns:
            Incomes, int64, shape (n_incomes,).
        """
        life, p = self.life, self.parameters["income"]
        middle = np.array([day_of(date(int(year), 7, 1)) for year in years])
        age = (middle[at] - life.birth_day[rows]) / _YEAR
        median = np.empty(len(rows))
        level = np.maximum(self.education(middle), 1)[rows, at]
        for number, name in enumerate(("basic", "middle", "higher"), start=1):
            of_level = np.flatnonzero(level == number)
            median[of_level] = np.interp(age[of_level], p["ages"], p[name])
        u = self._draw(purposes.INCOME, 2 * len(years))
        noise = p["log_sd_rank"] * self._income_spread[rows]
        noise += p["log_sd_year"] * _normal(u[rows, 2 * at], u[rows, 2 * at + 1])
        grown = np.exp((p["growth"] * (years - p["base_year"]))[at] + noise)
        kroner: Ints = np.round(median * grown * np.where(life.sex == 2, p["women"], 1.0)[rows]).astype(np.int64)
        return kroner

    @cached_property
    def _income_spread(self) -> Floats:
        """The rank of each person's income as a standard normal, float64, shape (n_persons,)."""
        normal = NormalDist()
        return np.array([normal.inv_cdf(min(max(float(rank), 1e-4), 1 - 1e-4)) for rank in self.life.income_rank])

    def births(self) -> Births:
        """List the births of the shard's children whose mothers the registers know."""
        life, p = self.life, self.parameters["births"]
        mother = self.rows_of(life.mother)
        starts = np.where(mother >= 0, life.birth_day >= FIRST_DAY, False) & (
            life.residence_start.min(axis=1) <= life.birth_day
        )
        lived = (life.residence_start[np.maximum(mother, 0)] <= life.birth_day[:, None]) & (
            life.residence_end[np.maximum(mother, 0)] > life.birth_day[:, None]
        )
        child = np.flatnonzero(starts & lived.any(axis=1) & (life.birth_day < END_DAY))
        at, born = mother[child], life.birth_day[child]
        u = self._draw(purposes.BIRTH, 6, life.person[child])
        days = p["gestation_mean"] + p["gestation_sd"] * _normal(u[:, 0], u[:, 1])
        days = np.where(u[:, 2] < p["preterm_share"], days - p["preterm_days"] * -np.log(u[:, 3]), days)
        days = np.clip(days, 160.0, 300.0)
        smokes = (life.smoking_start[at] <= born) & (born < life.smoking_stop[at])
        weight = p["weight_at_280"] + p["weight_per_day"] * (days - 280.0) + p["weight_sd"] * _normal(u[:, 4], u[:, 5])
        weight += p["boy"] * (life.sex[child] == 1) + p["smoker"] * smokes + p["diabetes"] * self._is_diabetic(at, born)
        parity = (life.delivery_day[at] <= born[:, None]).sum(axis=1)
        return Births(
            child=child,
            mother=life.mother[child],
            gestation=days.astype(np.int64),
            weight=np.clip(weight, 350.0, 6500.0).astype(np.int64),
            parity=np.maximum(parity, 1).astype(np.int64),
        )

    def _is_diabetic(self, rows: Ints, days: Days) -> npt.NDArray[np.bool_]:
        found = np.zeros(len(rows), dtype=np.bool_)
        for name in ("t1d", "t2d"):
            if name in self.conditions:
                found |= self.life.onset_day[rows, self.conditions.index(name)] <= days
        if "gdm" in self.conditions:
            onset = self.life.onset_day[rows, self.conditions.index("gdm")]
            found |= (onset <= days) & (days - onset.astype(np.int64) < 280)
        return found

    def is_resident(self, rows: Ints, days: Ints) -> npt.NDArray[np.bool_]:
        """Say whether persons live in the country on days; shape as the arguments."""
        start, end = self.life.residence_start[rows], self.life.residence_end[rows]
        within: npt.NDArray[np.bool_] = np.logical_or.reduce((start <= days[:, None]) & (days[:, None] < end), axis=1)
        return within

    def tumours(self) -> Events:
        """List recognised cancers: `what` a code, `also` a morphology, numbered over all `tumours` in order."""
        found, first_code, first_form = [], 0, 0
        for number, (name, entry) in enumerate(self.parameters["tumours"].items()):
            if name in self.conditions:
                day = self.life.detected_day[:, self.conditions.index(name)]
                rows = np.flatnonzero((day >= FIRST_DAY) & (day < END_DAY))
                rows = rows[self.is_resident(rows, day[rows].astype(np.int64))]
                u = self._draw(purposes.TUMOUR + number, 2, self.life.person[rows])
                what = first_code + (u[:, 0] * len(entry["icd10"])).astype(np.int64)
                also = first_form + (u[:, 1] * len(entry["morphology"])).astype(np.int64)
                found.append(Events(rows, day[rows].astype(np.int64), what, also))
            first_code += len(entry["icd10"])
            first_form += len(entry["morphology"])
        return _joined(found)

    def vaccinations(self) -> Events:
        """List vaccinations; `what` is the number of the vaccine."""
        rules = self.parameters["vaccinations"]
        found = []
        for number, entry in enumerate(self.parameters["vaccines"].values()):
            rows, days = self._doses(entry, number)
            keep = (days >= day_of(date(rules["first_year"], 1, 1))) & (days < END_DAY)
            rows, days = rows[keep], days[keep]
            u = draw_uniforms(self.life.person[rows] * 65_536 + days, purposes.VACCINE_KEPT, seed=self.seed, n=1)[:, 0]
            keep = (days >= day_of(rules["complete_from"])) | (u < rules["kept_before"])
            keep &= self.is_resident(rows, days)
            rows, days = rows[keep], days[keep]
            found.append(Events(rows, days, np.full(len(rows), number), np.full(len(rows), -1)))
        return _joined(found)

    def _doses(self, entry: Mapping[str, Any], number: int) -> tuple[Ints, Ints]:
        life = self.life
        everybody = np.arange(len(life.person))
        u = self._draw(purposes.VACCINE + number, 2)
        if "treatment" not in entry:
            born = life.birth_day >= day_of(date(entry["born_from"], 1, 1))
            born &= u[:, 0] < entry["coverage"]
            born &= (life.sex == 2) | ("only" not in entry)
            chosen = np.flatnonzero(born)
            delay = (60.0 * u[chosen, 1] ** 2).astype(np.int64)
            days = [life.birth_day[chosen].astype(np.int64) + age + delay for age in entry["ages_days"]]
            return np.tile(chosen, len(days)), np.concatenate(days)
        if entry["treatment"] not in self.treatments:
            return np.empty(0, np.int64), np.empty(0, np.int64)
        column = self.treatments.index(entry["treatment"])
        begun, stopped = life.treatment_day[:, column], life.treatment_stop_day[:, column]
        again = life.treatment_again_day[:, column]
        rows, given = [], []
        chosen = np.flatnonzero(begun < END_DAY)
        for later in entry.get("doses", ()):
            rows.append(chosen)
            given.append(begun[chosen].astype(np.int64) + later)
        autumns = entry.get("autumns", {"from_years": [LAST_YEAR + 1]})
        for year in range(autumns["from_years"][0], LAST_YEAR + 1):
            turn = (u + 0.61803 * year) % 1.0  # even over the years of a person, and over the persons of a year
            day = day_of(date(year, 10, 1)) + (60.0 * turn[:, 0]).astype(np.int64)
            from_age = autumns["from_ages"][np.searchsorted(autumns["from_years"], year, side="right") - 1]
            runs = ((begun <= day) & (day < stopped)) | (again <= day)
            runs &= (day - life.birth_day >= from_age * _YEAR) & (turn[:, 1] < autumns["share"])
            rows.append(everybody[runs])
            given.append(day[runs])
        return np.concatenate(rows), np.concatenate(given)

    def deaths(self) -> Events:
        """List deaths of residents: `what` a condition, or the number of conditions plus another cause; `also` a
        second condition or -1.
        """  # noqa: D205 — one sentence on two lines
        life, others = self.life, list(self.parameters["other_deaths"].values())
        rows = np.flatnonzero(died_resident(life))
        day = life.death_day[rows].astype(np.int64)
        u = self._draw(purposes.CAUSE_OF_DEATH, 3, life.person[rows])
        cause = life.cause_of_death[rows].astype(np.int64)
        band = np.searchsorted(AGE_BANDS, (day - life.birth_day[rows]) / _YEAR, side="right") - 1
        weights = np.cumsum(np.array([entry["weight"] for entry in others]), axis=0)
        luck = u[:, 0] * weights[-1, np.maximum(band, 0)]
        other = (luck[:, None] >= weights[:, np.maximum(band, 0)].T).sum(axis=1)
        known = life.detected_day[rows] <= day[:, None]
        known[np.flatnonzero(cause >= 0), cause[cause >= 0]] = False
        order = (np.arange(known.shape[1])[None, :] * 7 + (u[:, 1] * 97).astype(np.int64)[:, None]) % known.shape[1]
        also = np.where(known, order + 1, 0).argmax(axis=1)
        has_second = known.any(axis=1) & (u[:, 2] < self.parameters["contributing"]["share"])
        what = np.where(cause >= 0, cause, len(self.conditions) + np.minimum(other, len(others) - 1))
        return Events(rows, day, what, np.where(has_second, also, -1))


def died_resident(life: LifeShard) -> npt.NDArray[np.bool_]:
    """Say who died as a resident in the registers' years: deaths of those who had emigrated are in none of them.

    Args:
        life: True lives.

    Returns:
        bool, shape (n_persons,).
    """
    day = life.death_day[:, None]
    is_there = ((life.residence_start <= day) & (day < life.residence_end)).any(axis=1)
    return np.asarray(is_there & (life.death_day >= FIRST_DAY) & (life.death_day < END_DAY))


def _joined(parts: Sequence[Events]) -> Events:
    if not parts:
        return Events(*(np.empty(0, np.int64) for _ in range(4)))
    columns = [np.concatenate([getattr(part, name) for part in parts]) for name in ("person", "day", "what", "also")]
    return Events(*(column.astype(np.int64) for column in columns))
