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
    resumed: list = field(default_factory=list)
    under: list = field(default_factory=list)
    """Onsets and death under each intervention."""
    inherited: list = field(default_factory=list)
    mother: int = -1
    father: int = -1
    partner: tuple = (-1, NEVER)


@dataclass
class Member:
    """What the twin knows of a member of a kinship block before any life is lived."""

    number: int
    sex: int
    born: int
    birth: int
    entry: int
    spells: list
    mother: "Member | None" = None
    father: "Member | None" = None
    union: "Member | None" = None
    partner: "Member | None" = None
    since: int = NEVER
    children: list = field(default_factory=list)

    def is_here(self, day):
        return any(begin <= day < end for begin, end, _ in self.spells)

    def is_close_to(self, woman):
        parents = [parent for parent in (self.mother, self.father) if parent is not None]
        shared = [(self.mother, woman.mother), (self.father, woman.father)]
        siblings = any(mine is not None and mine is hers for mine, hers in shared)
        return woman.father is self or woman in parents or siblings

    def is_taken(self):
        return self.partner is not None and self.partner.partner is self


class Twin:
    """The model, read from its tables as plain numbers."""

    def __init__(self, model):
        self.conditions = list(model.conditions)
        self.treatments = list(model.treatments)
        self.t, self.f, self.arms = model.tables, model.families, model.arms
        self.blocks, self.told = {}, {}
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

    # --- families

    def block(self, seed, number):
        """Everyone of the block of 500 numbers, with mothers and fathers found."""
        first = number // 500 * 500
        if (seed, first) not in self.blocks:
            members = []
            for other in range(first, first + 500):
                luck = Luck(seed, other)
                sex, born, birth, entry = self.entry(luck)
                spells = self.residence(luck, sex, born, birth, entry)
                members.append(Member(other, sex, born, birth, entry, spells))
            for member in members:
                member.union = member
            members.sort(key=lambda member: (member.birth, member.number))
            for child in members:
                self.find_parents(Luck(seed, child.number), child, members)
            self.blocks[seed, first] = {member.number: member for member in members}
        return self.blocks[seed, first]

    def residence_alone(self, seed, number):
        """The spells that a person would have without a mother to live with."""
        return self.block(seed, number)[number].spells

    def find_parents(self, luck, child, members):
        opening = jan1(self.start_year)
        if child.entry not in {child.birth, opening}:
            return
        u, v = luck.pair(34, 0)
        before = child.birth < opening
        if before and u >= self.f.present[0, child.born - 1840]:
            return
        mother = self.find_mother(luck, child, members)
        if mother is None:
            return
        child.mother = mother
        father, kept = None, False
        if mother.children and luck.uniform(37, 0) < self.general.families.kept:
            father = mother.children[-1].father
            kept = before if father is None else father.partner is mother and father.is_here(max(child.birth, opening))
        if kept:
            child.union = mother.children[-1].union
        else:
            father = None
            if not before or v < self.f.present[1, child.born - 1840]:
                father = self.find_father(luck, child, mother, members)
            if father is not None:
                mother.partner, father.partner = father, mother
                mother.since = father.since = child.birth
        child.father = father
        mother.children.append(child)

    def find_mother(self, luck, child, members):
        rows, opening = self.general.families, jan1(self.start_year)
        women = [one for one in members if one.sex == 2 and 15 <= child.born - one.born <= 50]
        y = clip(child.born - 1940, 0, 85)
        for trial in range(256 if women else 0):
            u, v = luck.pair(35, trial)
            woman = women[int(u * len(women))]
            had = len(woman.children)
            if had >= len(rows.parity):
                continue
            weight = float(self.t.fertility[y, child.born - woman.born]) * rows.parity[had]
            if v * float(self.f.ceiling[y]) >= weight:
                continue
            if had and child.birth - woman.children[-1].birth < self.general.pregnancy.spacing_days:
                continue
            if woman.is_here(max(child.birth, opening)):
                return woman
        return None

    def find_father(self, luck, child, mother, members):
        rows, opening = self.general.families, jan1(self.start_year)
        mean, spread = rows.older_by_mean * 365.25, rows.older_by_sd * 365.25
        low = mother.birth - mean - 3.0 * spread
        high = min(mother.birth - mean + 3.0 * spread, child.birth - rows.father_from * 365.25)
        men = [one for one in members if one.sex == 1 and low <= one.birth < high]
        for trial in range(256 if men else 0):
            u, v = luck.pair(36, trial)
            man = men[int(u * len(men))]
            if man.is_taken():
                v /= rows.taken
                if v >= 1.0:
                    continue
            z = (mother.birth - man.birth - mean) / spread
            if v >= math.exp(-0.5 * z * z):
                continue
            if man.is_here(max(child.birth, opening)) and not man.is_close_to(mother):
                return man
        return None

    def settle(self, child, mother):
        """The child's spells, at the mother's places while it lives at home; `mother` is her story."""
        leaves = child.birth + int(self.general.moves.youngest * 365.25)
        if child.spells[0][0] >= leaves:
            return child.spells
        out = []
        for s, (start, end, code) in enumerate(child.spells):
            begin, here = start, code
            if begin < leaves:
                for first, last, place in mother.spells:
                    if first <= begin < last:
                        here = place
                for moves, _, place in mother.spells:
                    room = len(out) + len(child.spells) - s < 4
                    if begin < moves < min(end, leaves) and place != here and room:
                        out.append((begin, moves, here))
                        begin, here = moves, place
            out.append((begin, end, here))
        return out

    # --- what the person brings along

    def inherit(self, luck, k, attempt, member, parents):
        inherited = luck.normal(30, k * 4096 + attempt)
        if member.mother is None:
            return inherited
        mother, father = parents
        other = Luck(luck.seed, member.union.number).normal(31, k) if father is None else father.inherited[k]
        return 0.5 * (mother.inherited[k] + other) + math.sqrt(0.5) * inherited

    def liability(self, luck, attempt, member, inherited):
        out = []
        for k, trait in enumerate(self.general.traits):
            own = 1.0 - trait.heritability - trait.shared_environment
            total = math.sqrt(trait.heritability) * inherited[k]
            total += math.sqrt(max(own, 0.0)) * luck.normal(10, k * 4096 + attempt)
            if trait.shared_environment > 0.0:
                if member.mother is None:
                    home = luck.normal(33, k * 4096 + attempt)
                else:
                    home = Luck(luck.seed, member.mother.number).normal(32, k)
                total += math.sqrt(trait.shared_environment) * home
            out.append(total)
        return out

    def person(self, luck, attempt, member, inherited, home):
        t, general = self.t, self.general
        sex, born, birth = member.sex, member.born, member.birth
        own = self.liability(luck, attempt, member, inherited)
        liability = clocks.settle_traits(t, own, clocks.group_of(general, home))
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

    def tell(self, seed, number):
        """Tell a life, after the lives of the parents."""
        if (seed, number) not in self.told:
            member = self.block(seed, number)[number]
            parents = [
                None if parent is None else self.tell(seed, parent.number) for parent in (member.mother, member.father)
            ]
            self.told[seed, number] = self.tell_member(Luck(seed, number), member, parents)
        return self.told[seed, number]

    def tell_member(self, luck, member, parents):
        sex, born, birth, entry = member.sex, member.born, member.birth, member.entry
        stop = member.spells[-1][1]
        deliveries = [child.birth for child in member.children] if sex == 2 else []
        mother, father = parents
        spells = member.spells if mother is None else self.settle(member, mother)
        attempt = 0
        while True:
            inherited = [self.inherit(luck, k, attempt, member, parents) for k in range(len(self.general.traits))]
            person = self.person(luck, attempt, member, inherited, spells[0][2])
            who = SimpleNamespace(sex=sex, born=born, birth=birth, entry=entry, stop=stop, deliveries=deliveries)
            who.traits, who.bmi, who.habits = person
            life = self.live(luck, attempt, who, clocks.Natural())
            if life.death >= entry:
                break
            attempt += 1
        last = min(stop, life.death + 1)
        story = Story(sex=sex, birth=birth, death=life.death, fatal=life.fatal, inherited=inherited)
        story.spells = [(begin, min(end, last), code) for begin, end, code in spells if begin < last]
        story.deliveries = [day for day in deliveries if day <= life.death]
        story.liability, story.bmi = person[0], person[1]
        if mother is not None and birth <= mother.death:
            story.mother = member.mother.number
        if father is not None and birth - 266 <= father.death:
            story.father = member.father.number
        if member.partner is not None:
            story.partner = (member.partner.number, member.since)
        story.habits = [
            (start, quits if quits < last else NEVER) if start < last else (NEVER, NEVER) for start, quits in person[2]
        ]
        story.position = clocks.draw_position(self.t, self.general, luck, attempt, sex, born, person[0])
        story.cause, story.occurrences = life.cause, life.occurrences
        story.set_point = luck.normal(14, attempt)
        story.onset, story.detected, story.spells_of_treatment = life.onset, life.detected, life.given
        story.resumed = life.resumed
        for arm in range(1, len(self.arms.until)):
            other = self.live(luck, attempt, who, clocks.Arm(self.arms, arm))
            story.under.append((other.onset, max(other.death, entry)))
        return story


@pytest.fixture(scope="session")
def make_twin():
    return Twin
