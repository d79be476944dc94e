"""A slow, obvious twin of the life stage: plain Python numbers, one person at a time, nothing compiled."""

import math
from dataclasses import dataclass, field
from datetime import date

import pytest

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
    smoking: tuple = (NEVER, NEVER)
    set_point: float = 0.0
    death: int = NEVER
    fatal: int = -1
    onset: dict = field(default_factory=dict)
    detected: dict = field(default_factory=dict)
    spells_of_treatment: dict = field(default_factory=dict)
    onset_untreated: dict = field(default_factory=dict)
    death_untreated: int = NEVER
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
        self.t, self.f = model.tables, model.families
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

    def person(self, luck, attempt, member, inherited):
        t, general = self.t, self.general
        sex, born, birth = member.sex, member.born, member.birth
        liability = self.liability(luck, attempt, member, inherited)
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
        smoking, habit = (NEVER, NEVER), general.exposures[0]
        if luck.uniform(13, attempt) < t.smoking_ever[sex - 1, cohort]:
            years = habit.starts_at_mean + habit.starts_at_sd * luck.normal(13, 4096 + attempt)
            start = birth + int(365.25 * max(years, 10.0))
            smoking = (start, NEVER)
            if luck.uniform(13, 2 * 4096 + attempt) < t.smoking_stops[sex - 1, cohort]:
                smoked = habit.stops_after_mean_years * luck.exponential(13, 3 * 4096 + attempt)
                smoking = (start, start + 1 + int(365.25 * smoked))
        return liability, (first, slope), smoking

    def trait_ratio(self, target, liability):
        total = spread = 0.0
        for k, value in enumerate(liability):
            beta = float(self.t.trait_beta[target, k])
            total += beta * value
            spread += beta * beta
        return math.exp(total - 0.5 * spread) if spread > 0.0 else 1.0

    # --- the life

    def live(self, luck, attempt, sex, born, birth, entry, stop, deliveries, person, treated):  # noqa: PLR0917
        return Clocks(self, luck, attempt, sex, born, birth, entry, stop, deliveries, person, treated).run()

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
        attempt = 0
        while True:
            inherited = [self.inherit(luck, k, attempt, member, parents) for k in range(len(self.general.traits))]
            person = self.person(luck, attempt, member, inherited)
            life = self.live(luck, attempt, sex, born, birth, entry, stop, deliveries, person, treated=True)
            if life.death >= entry:
                break
            attempt += 1
        last = min(stop, life.death + 1)
        story = Story(sex=sex, birth=birth, death=life.death, fatal=life.fatal, inherited=inherited)
        mother, father = parents
        spells = member.spells if mother is None else self.settle(member, mother)
        story.spells = [(begin, min(end, last), code) for begin, end, code in spells if begin < last]
        story.deliveries = [day for day in deliveries if day <= life.death]
        story.liability, story.bmi = person[0], person[1]
        if mother is not None and birth <= mother.death:
            story.mother = member.mother.number
        if father is not None and birth - 266 <= father.death:
            story.father = member.father.number
        if member.partner is not None:
            story.partner = (member.partner.number, member.since)
        start, quits = person[2]
        if start < last:
            story.smoking = (start, quits if quits < last else NEVER)
        story.set_point = luck.normal(14, attempt)
        story.onset, story.detected, story.spells_of_treatment = life.onset, life.detected, life.given
        story.onset_untreated, story.death_untreated = life.onset, life.death
        if any(self.t.withheld[t] for t in life.given):
            other = self.live(luck, attempt, sex, born, birth, entry, stop, deliveries, person, treated=False)
            story.onset_untreated, story.death_untreated = other.onset, other.death
        return story


class Clocks:
    """One life. A clock is a dict entry {name: [draw, used]}; names are ("onset", c), ("death",), ("detect", c), …"""

    def __init__(  # noqa: PLR0917
        self, twin, luck, attempt, sex, born, birth, entry, stop, deliveries, person, treated
    ):
        self.twin, self.t, self.luck, self.attempt, self.treated = twin, twin.t, luck, attempt, treated
        self.n, self.m = len(twin.conditions), len(twin.treatments)
        self.sex, self.born, self.entry, self.stop = sex, born, entry, stop
        self.now, self.year = float(birth), born
        self.bmi, self.traits = person[1], [twin.trait_ratio(k, person[0]) for k in range(self.n + 1)]
        self.onset, self.detected, self.given, self.stopping = {}, {}, {}, {}
        self.death, self.fatal, self.death_at = NEVER, -1, math.inf
        self.clocks = {("onset", c): self.new(20, c) for c in range(self.n)}
        self.clocks["death",] = self.new(22, 0)
        self.excluded, self.active, self.dead_effects, self.rows_open = set(), [], set(), set()
        self.pregnant, self.resident = False, entry <= birth
        self.plan = []
        if person[2][0] != NEVER:
            self.plan.append((float(person[2][0]), "smoking starts"))
            if person[2][1] != NEVER:
                self.plan.append((float(person[2][1]), "smoking stops"))
        for day in deliveries:
            self.plan.append((day - twin.general.pregnancy.from_days_before, "pregnancy begins"))
            self.plan.append((day - twin.general.pregnancy.to_days_before, "pregnancy ends"))
        if entry > birth:
            self.plan.append((float(entry), "look"))

    def new(self, purpose, thing):
        return [self.luck.exponential(purpose, thing * 4096 + self.attempt), 0.0]

    def ratio(self, target):
        product = 1.0
        for effect in self.active:
            if self.t.effect_target[effect] == target:
                product *= float(self.t.effect_ratio[effect, self.age])
        return product

    def effects_of(self, source):
        return range(int(self.t.effect_first[source]), int(self.t.effect_first[source + 1]))

    def begin(self, source):
        for effect in self.effects_of(source):
            self.dead_effects.discard(effect)
            if self.t.effect_from[effect] <= 0.0:
                self.active.append(effect)
            else:
                self.plan.append((self.now + float(self.t.effect_from[effect]), ("begins", effect)))
            if self.t.effect_to[effect] < 1e18:
                self.plan.append((self.now + float(self.t.effect_to[effect]), ("ends", effect)))

    def end(self, source):
        for effect in self.effects_of(source):
            self.dead_effects.add(effect)
            self.active = [other for other in self.active if other != effect]

    def look(self):
        """Which rows of the treatment table can begin."""
        self.rows_open = set()
        for r in range(len(self.t.row_treatment)):
            treatment, condition = int(self.t.row_treatment[r]), int(self.t.row_condition[r])
            after, spells = int(self.t.row_after[r]), self.given.get(treatment, [])
            allowed = condition in self.detected and (self.treated or not self.t.withheld[treatment])
            allowed = allowed and (after < 0 or after in self.given)
            fresh = not spells
            again = len(spells) == 1 and spells[0][1] != NEVER and spells[0][2] != condition
            if allowed and (fresh or again):
                self.rows_open.add(r)

    def rates(self):
        """Rate of every clock that runs now, in the order in which ties are settled."""
        t, out = self.t, {}
        y, a = clip(self.year - 1940, 0, 85), self.age
        bmi = self.bmi[0] + self.bmi[1] * (clip(a, 20, 65) - 20)
        b = clip(int((bmi - 12.0) / 0.5), 0, 96)
        for k in range(self.n + 1):
            name = ("onset", k) if k < self.n else ("death",)
            if k < self.n and (k in self.onset or k in self.excluded or (t.only_pregnant[k] and not self.pregnant)):
                continue
            base = float(t.hazard[self.sex - 1, y, a, k]) * self.traits[k] * float(t.bmi_ratio[b, k])
            out[name] = base * self.ratio(k)
        for c in sorted(self.onset):
            if c not in self.detected:
                out["detect", c] = float(t.detect_year[y, c]) * float(t.detect_age[a, c]) * self.ratio(self.n + 1 + c)
        for r in sorted(self.rows_open):
            if ("start", r) not in self.clocks:
                self.clocks["start", r] = self.new(23, int(t.row_index[r]))
            rate = float(t.row_rate[y, r])
            if self.now - self.detected[int(t.row_condition[r])] < t.row_early_days[r]:
                rate *= float(t.row_early_ratio[r])
            out["start", r] = rate
        for treatment in sorted(self.stopping):
            out["stop", treatment] = self.stopping[treatment]
        return out

    def run(self):
        while self.now < self.stop:
            self.age = min(self.year - self.born, 110)
            year_end = float(jan1(self.year + 1))
            while self.now < year_end and self.now < self.stop:
                due = min(self.plan, key=lambda item: item[0], default=(math.inf, ""))
                if due[0] <= self.now:
                    self.plan.remove(due)
                    self.meet(due[1])
                    continue
                end = min(year_end, float(self.stop), due[0], self.death_at)
                span, first, rates = end - self.now, None, self.rates()
                for name, rate in rates.items():
                    need = self.clocks[name][0] - self.clocks[name][1]
                    if rate * span > need:
                        span, first = max(need / rate, 0.0), name
                for name, rate in rates.items():
                    self.clocks[name][1] += rate * span
                if first is None:
                    self.now = end
                    if end >= self.death_at:
                        self.death = math.floor(self.death_at)
                        return self
                    continue
                self.now += span
                if first == ("death",):
                    self.death, self.fatal = math.floor(self.now), -1
                    return self
                self.happen(first, math.floor(self.now))
            self.year += 1
        self.fatal = -1
        return self

    def meet(self, what):
        smoking = 2 * self.n + self.m
        if what == "smoking starts":
            self.begin(smoking)
        elif what == "smoking stops":
            self.end(smoking)
            self.begin(smoking + 1)
        elif what in {"pregnancy begins", "pregnancy ends"}:
            self.pregnant = what == "pregnancy begins"
        elif what == "look":
            if self.now >= self.entry and not self.resident:
                self.resident = True
                self.look()
        elif what[0] == "begins":
            if what[1] not in self.dead_effects:
                self.active.append(what[1])
        else:
            self.active = [effect for effect in self.active if effect != what[1]]

    def happen(self, name, day):
        t, (kind, which) = self.t, name
        if kind == "onset":
            self.onset[which] = day
            self.excluded |= {c for c in range(self.n) if t.excludes[which, c]}
            self.clocks["detect", which] = self.new(21, which)
            self.begin(which)
            threshold = float(t.acute[clip(self.year - 1940, 0, 85), self.age, which])
            if threshold > 0.0:
                luck = self.luck.exponential(25, which * 4096 + self.attempt)
                dies = self.now + float(t.acute_days[which]) * luck / threshold
                if luck <= threshold and dies < self.death_at:
                    self.death_at, self.fatal = dies, which
        elif kind == "detect":
            self.detected[which] = day
            self.begin(self.n + which)
            for r in range(len(t.row_condition)):
                if t.row_condition[r] == which and t.row_early_days[r] > 0.0:
                    self.plan.append((day + float(t.row_early_days[r]), "look"))
            if self.resident:
                self.look()
        elif kind == "start":
            treatment, condition = int(t.row_treatment[which]), int(t.row_condition[which])
            self.given.setdefault(treatment, []).append([day, NEVER, condition])
            if len(self.given[treatment]) == 1 and t.row_stop[which] > 0.0:
                self.stopping[treatment] = float(t.row_stop[which])
                self.clocks["stop", treatment] = self.new(24, treatment)
            self.begin(2 * self.n + treatment)
            self.look()
        else:
            self.given[which][0][1] = day
            del self.stopping[which]
            self.end(2 * self.n + which)
            self.look()


@pytest.fixture(scope="session")
def make_twin():
    return Twin
