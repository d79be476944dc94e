"""A slow, obvious twin of the life stage: plain Python numbers, one person at a time, nothing compiled."""

import importlib.util
import math
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pytest

_SPEC = importlib.util.spec_from_file_location("cohort_life_clocks", Path(__file__).with_name("clocks.py"))
clocks = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(clocks)

NEVER = 2**31 - 1
MASK = 0xFFFFFFFF


def philox(counter, key):
    for _ in range(10):
        left, right = 0xD2511F53 * counter[0], 0xCD9E8D57 * counter[2]
        counter = ((right >> 32) ^ counter[1] ^ key[0], right & MASK, (left >> 32) ^ counter[3] ^ key[1], left & MASK)
        key = ((key[0] + 0x9E3779B9) & MASK, (key[1] + 0xBB67AE85) & MASK)
    return counter


@dataclass
class Luck:
    """The named draws of one person."""

    seed: int
    person: int

    def pair(self, purpose, index):
        key = (self.seed & MASK, self.seed >> 32)
        words = philox((self.person & MASK, self.person >> 32, purpose, index), key)
        return tuple(((((words[i] << 32) | words[i + 1]) >> 12) + 0.5) * 2.0**-52 for i in (0, 2))

    def uniform(self, purpose, index):
        return self.pair(purpose, index)[0]

    def exponential(self, purpose, index):
        return -math.log(self.uniform(purpose, index))

    def normal(self, purpose, index):
        u, v = self.pair(purpose, index)
        return math.sqrt(-2.0 * math.log(u)) * math.cos(2.0 * math.pi * v)


def jan1(year):
    return (date(year, 1, 1) - date(1970, 1, 1)).days


def pick(cumulative, u):
    """First place whose cumulative share is at least u."""
    for place, share in enumerate(cumulative):
        if share >= u:
            return place
    return len(cumulative) - 1


def clip(value, low, high):
    return low if value < low else high if value > high else value


@dataclass
class Story:
    """What the twin tells of one person."""

    sex: int = 0
    birth: int = 0
    spells: list = field(default_factory=list)
    deliveries: list = field(default_factory=list)
    liability: list = field(default_factory=list)
    bmi: tuple = (0.0, 0.0)
    habits: list = field(default_factory=list)
    position: tuple = (0, 0.0)
    cause: int = -1
    occurrences: dict = field(default_factory=dict)
    set_point: float = 0.0
    death: int = NEVER
    fatal: int = -1
    onset: dict = field(default_factory=dict)
    detected: dict = field(default_factory=dict)
    spells_of_treatment: dict = field(default_factory=dict)
    under: list = field(default_factory=list)
    """Onsets and death under each intervention."""


class Twin:
    """The model, read from its tables as plain numbers."""

    def __init__(self, model):
        self.conditions = list(model.conditions)
        self.treatments = list(model.treatments)
        self.t, self.arms = model.tables, model.arms
        general = model.specification.general
        self.general = general
        self.start_year, self.end_year = general.window_start, general.window_end

    # --- where the person comes from and lives

    def entry(self, luck):
        t = self.t
        place = pick(t.entry_cumulative.tolist(), luck.uniform(1, 0))
        kind, year, age = int(t.entry_kind[place]), int(t.entry_year[place]), int(t.entry_age[place])
        u, v = luck.uniform(1, 1), luck.uniform(1, 2)
        if kind == 1:
            months = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365]
            birth = jan1(year) + months[age] + int(u * (months[age + 1] - months[age]))
            return int(t.entry_sex[place]), year, birth, birth
        born = year - 1 - age
        birth = jan1(born) + int(u * (jan1(born + 1) - jan1(born)))
        if kind == 0:
            return int(t.entry_sex[place]), born, birth, jan1(year)
        begin = max(jan1(year), birth)
        return int(t.entry_sex[place]), born, birth, begin + int(v * (jan1(year + 1) - begin))

    def place(self, luck, index):
        at = pick(self.t.municipality_cumulative.tolist(), luck.uniform(3, index))
        return int(self.t.municipality_code[at])

    def emigration(self, luck, index, sex, born, begin):
        left = luck.exponential(2, index)
        for year in range(self.start_year, self.end_year):
            first, last = max(begin, jan1(year)), jan1(year + 1)
            if last <= begin:
                continue
            rate = float(self.t.emigration[sex - 1, year - self.start_year, clip(year - born, 0, 110)])
            if rate * (last - first) > left:
                return max(first + int(left / rate), begin + 1)
            left -= rate * (last - first)
        return jan1(self.end_year)

    def residence(self, luck, sex, born, birth, entry):
        moves = self.general.moves
        move = NEVER
        if luck.uniform(3, 1) < moves.mover_share:
            years = moves.youngest + moves.mean_years_after * luck.exponential(3, 2)
            move = birth + int(years * 365.25)
        here, begin, spells = self.place(luck, 0), entry, []
        for away in range(3):
            leave = self.emigration(luck, away, sex, born, begin)
            if begin < move < leave and len(spells) < 3:
                spells.append((begin, move, here))
                here, begin, move = self.place(luck, 3), move, NEVER
            spells.append((begin, leave, here))
            if len(spells) == 4 or away == 2 or luck.uniform(2, 8 + away) >= moves.return_probability:
                break
            begin = leave + 30 + int(moves.return_mean_years * 365.25 * luck.exponential(2, 16 + away))
            if begin >= jan1(self.end_year):
                break
            here = self.place(luck, 4 + away)
        return spells

    def deliveries(self, luck, born, stop):
        spacing = self.general.pregnancy.spacing_days
        days, left, free = [], luck.exponential(4, 0), -1e9
        for year in range(born + 15, born + 51):
            if jan1(year) >= stop:
                break
            rate = float(self.t.fertility[clip(year - 1940, 0, 85), year - born])
            now, last = max(float(jan1(year)), free), float(jan1(year + 1))
            while now < last:
                if rate * (last - now) <= left:
                    left -= rate * (last - now)
                    break
                now += left / rate
                if now >= stop or len(days) == 6:
                    return days
                days.append(int(now))
                if len(days) == 6:
                    return days
                left = luck.exponential(4, len(days))
                now = free = now + spacing
        return days

    # --- what the person brings along

    def person(self, luck, attempt, sex, born, birth):
        t, general = self.t, self.general
        own = [
            float(t.family_weight[k]) * luck.normal(11, k * 4096 + attempt)
            + float(t.own_weight[k]) * luck.normal(10, k * 4096 + attempt)
            for k in range(len(general.traits))
        ]
        liability = clocks.settle_traits(t, own)
        path, cohort = general.body_mass, born - 1840
        trait = liability[[trait.name for trait in general.traits].index(path.trait)]
        share, rest = math.sqrt(path.trait_share), math.sqrt(1.0 - path.trait_share)
        first = float(t.bmi_at_20[sex - 1, cohort]) * math.exp(
            path.at_20_sd * (share * trait + rest * luck.normal(12, attempt))
        )
        slope = float(t.bmi_slope[sex - 1, cohort]) + path.slope_sd * (
            share * trait + rest * luck.normal(12, 4096 + attempt)
        )
        first = max(first, path.lowest)
        slope = max(slope, (path.lowest - first) / 45.0)
        habits = clocks.draw_habits(t, general, luck, attempt, sex, born, birth, liability)
        return liability, (first, slope), habits

    # --- the life

    def live(self, luck, attempt, who, arm):
        return clocks.Clocks(self.t, self.general, luck, attempt, who, arm).run()

    def tell(self, seed, number, arms=None):
        luck = Luck(seed, number)
        sex, born, birth, entry = self.entry(luck)
        spells = self.residence(luck, sex, born, birth, entry)
        stop = spells[-1][1]
        deliveries = self.deliveries(luck, born, stop) if sex == 2 else []
        attempt = 0
        while True:
            person = self.person(luck, attempt, sex, born, birth)
            who = SimpleNamespace(sex=sex, born=born, birth=birth, entry=entry, stop=stop, deliveries=deliveries)
            who.traits, who.bmi, who.habits = person
            life = self.live(luck, attempt, who, clocks.Natural())
            if life.death >= entry:
                break
            attempt += 1
        last = min(stop, life.death + 1)
        story = Story(sex=sex, birth=birth, death=life.death, fatal=life.fatal)
        story.spells = [(begin, min(end, last), code) for begin, end, code in spells if begin < last]
        story.deliveries = [day for day in deliveries if day <= life.death]
        story.liability, story.bmi = person[0], person[1]
        story.habits = [
            (start, quits if quits < last else NEVER) if start < last else (NEVER, NEVER) for start, quits in person[2]
        ]
        story.position = clocks.draw_position(self.t, self.general, luck, attempt, sex, born, person[0])
        story.cause, story.occurrences = life.cause, life.occurrences
        story.set_point = luck.normal(14, attempt)
        story.onset, story.detected, story.spells_of_treatment = life.onset, life.detected, life.given
        chosen = self.arms if arms is None else arms
        for arm in range(1, len(chosen.until)):
            other = self.live(luck, attempt, who, clocks.Arm(chosen, arm))
            story.under.append((other.onset, max(other.death, entry)))
        return story


@pytest.fixture(scope="session")
def make_twin():
    return Twin
