"""The slow twin of common causes and of the clocks: plain Python numbers, dictionaries, one event after another."""

import math
from dataclasses import replace
from datetime import date

NEVER = 2**31 - 1
FAR = 1e18


def jan1(year):
    return (date(year, 1, 1) - date(1970, 1, 1)).days


def clip(value, low, high):
    return low if value < low else high if value > high else value


def group_of(general, code):
    """Number of the group of municipalities that has a code."""
    return next((g for g, group in enumerate(general.places) if code in group.codes), 0)


def settle_traits(t, own, group):
    """Load each trait's own part on the earlier traits, and shift it by where the person lives first."""
    traits = []
    for k, value in enumerate(own):
        total = float(t.trait_scale[k]) * value
        for j, earlier in enumerate(traits):
            total += float(t.trait_load[k, j]) * earlier
        traits.append(total + float(t.place_shift[group, k]))
    return traits


def trait_ratio(t, target, traits):
    log_mean = float(t.trait_log_mean[target])
    if log_mean <= 0.0:
        return 1.0
    total = -log_mean
    for i in range(len(t.beta_target)):
        if t.beta_target[i] == target:
            total += float(t.beta_value[i]) * traits[int(t.beta_trait[i])]
    return math.exp(total)


def draw_habits(t, general, luck, attempt, sex, born, birth, traits):  # noqa: PLR0917
    """From when until when each habit lasts."""

    def share(intercept, beta):
        total = float(intercept)
        for weight, trait in zip(beta, traits, strict=True):
            total += float(weight) * trait
        return 1.0 / (1.0 + math.exp(-total))

    habits = []
    for e, row in enumerate(general.exposures):
        first, at = e * 4 * 4096 + attempt, (e, sex - 1, born - 1840)
        if luck.uniform(13, first) >= share(t.exposure_intercept[at], t.exposure_beta[e]):
            habits.append((NEVER, NEVER))
            continue
        years = row.starts_at_mean + row.starts_at_sd * luck.normal(13, first + 4096)
        start = birth + int(365.25 * max(years, row.starts_at_least))
        stop = NEVER
        if luck.uniform(13, first + 2 * 4096) < share(t.exposure_stop_intercept[at], t.exposure_stop_beta[e]):
            lasted = row.stops_after_mean_years * luck.exponential(13, first + 3 * 4096)
            stop = start + 1 + int(365.25 * lasted)
        habits.append((start, stop))
    return habits


def draw_position(t, general, luck, attempt, sex, born, traits):
    """Education and rank of income."""
    names = [trait.name for trait in general.traits]
    level, rank = 0, 0.0
    if general.education:
        share = general.education.trait_share
        score = math.sqrt(share) * traits[names.index(general.education.trait)]
        score += math.sqrt(1.0 - share) * luck.normal(15, attempt)
        level = 1 + sum(score > float(cut[sex - 1, born - 1840]) for cut in t.education_cut)
    if general.income:
        share = general.income.trait_share
        score = math.sqrt(share) * traits[names.index(general.income.trait)]
        score += math.sqrt(1.0 - share) * luck.normal(16, attempt)
        rank = 0.5 * math.erfc(-score / math.sqrt(2.0))
    return level, rank


def share_until(shares, x):
    """Share of a year's onsets until a time, `x` twelfths into the year."""
    month = min(int(x), 11)
    return shares[month] + (x - month) * (shares[month + 1] - shares[month])


class Natural:
    """The natural course: nothing is changed."""

    from_day, until, luck = FAR, -1, 0

    def allows(self, treatment):
        return True

    def exposes(self, exposure):
        return True

    def gives(self, condition):
        return []


class Arm(Natural):
    """One arm of `Arms`, read as plain numbers."""

    def __init__(self, arms, arm):
        self.arms, self.arm = arms, arm
        self.from_day, self.until, self.luck = float(arms.from_day[arm]), int(arms.until[arm]), int(arms.luck[arm])

    def allows(self, treatment):
        return self.arms.allow[self.arm, treatment] != 0

    def exposes(self, exposure):
        return self.arms.exposed[self.arm, exposure] != 0

    def gives(self, condition):
        """Treatments given for a condition (or -1), with the age in days."""
        return [
            (t, float(age))
            for t, age in enumerate(self.arms.give_from[self.arm])
            if age < FAR and self.arms.give_for[self.arm, t] == condition
        ]


class Clocks:
    """One life. A clock is an entry {name: what is left}; names are ("onset", c), ("death",), ("detect", c), …

    `who` has sex, born (year), birth (day), entry, stop, deliveries, traits, bmi (at 20, slope), habits.
    """

    def __init__(self, model, general, luck, attempt, who, arm):
        self.t, self.general, self.luck, self.attempt, self.who, self.arm = model, general, luck, attempt, who, arm
        self.n, self.m = len(self.t.acute_days), len(self.t.withheld)
        self.stop = who.stop if arm.until < 0 else arm.until
        self.now, self.year = float(who.birth), who.born
        self.fixed = {}
        self.onset, self.detected, self.latest, self.given, self.stopping = {}, {}, {}, {}, {}
        self.resumed, self.resting, self.state, self.row, self.spells = [], {}, {}, {}, {}
        self.occurrences = {c: [] for c in range(self.n)}  # [day, day of detection]
        self.death, self.fatal, self.cause, self.death_at = NEVER, -1, -1, math.inf
        self.clocks = {("onset", c): self.draw(20, c) for c in range(self.n)}
        self.clocks["death",] = self.draw(22, 0)
        self.closed, self.excluded, self.waiting = set(), set(), []
        self.active, self.rows_open, self.habit = [], set(), {}
        self.pregnant, self.resident = False, who.entry <= who.birth
        self.holds = arm.from_day <= who.birth
        self.plan = []
        for e, (start, stop) in enumerate(who.habits):
            if start != NEVER and (arm.exposes(e) or not self.holds):
                self.plan.append((float(start), ("habit", e)))
                if stop != NEVER:
                    self.plan.append((float(stop), ("quits", e)))
        for day in who.deliveries:
            self.plan.append((day - general.pregnancy.from_days_before, ("pregnant", True)))
            self.plan.append((day - general.pregnancy.to_days_before, ("pregnant", False)))
        if who.entry > who.birth:
            self.plan.append((float(who.entry), ("enters",)))
        if self.holds:
            self.plan_gifts(-1)
        elif arm.from_day < FAR:
            self.plan.append((arm.from_day, ("intervenes",)))
        if self.resident:
            self.look()

    def draw(self, purpose, thing):
        return self.luck.exponential(purpose, thing * 4096 + self.attempt)

    def trait(self, target):
        if target not in self.fixed:
            self.fixed[target] = trait_ratio(self.t, target, self.who.traits)
        return self.fixed[target]

    def plan_gifts(self, condition):
        for treatment, age in self.arm.gives(condition):
            self.plan.append((max(self.now, self.who.birth + age), ("gives", treatment)))

    def ratio(self, target):
        product = 1.0
        for effect in self.active:
            if self.t.effect_target[effect] == target:
                product *= float(self.t.effect_ratio[self.age, effect])
        return product

    def effects_of(self, source):
        return range(int(self.t.effect_first[source]), int(self.t.effect_first[source + 1]))

    def begin(self, source):
        self.end(source)  # what began before begins anew
        for effect in self.effects_of(source):
            if not self.t.effect_since[effect] <= self.now < self.t.effect_until[effect]:
                continue
            if self.t.effect_from[effect] <= 0.0:
                self.active.append(effect)
            else:
                self.plan.append((self.now + float(self.t.effect_from[effect]), ("begins", effect)))
            if self.t.effect_to[effect] < FAR:
                self.plan.append((self.now + float(self.t.effect_to[effect]), ("ends", effect)))

    def end(self, source):
        effects = set(self.effects_of(source))
        self.active = [other for other in self.active if other not in effects]
        self.plan = [item for item in self.plan if not (item[1][0] in {"begins", "ends"} and item[1][1] in effects)]

    def look(self):
        """Which rows of the treatment table can begin."""
        self.rows_open = set()
        for r in range(len(self.t.row_treatment)):
            treatment, condition = int(self.t.row_treatment[r]), int(self.t.row_condition[r])
            after, spells = int(self.t.row_after[r]), self.given.get(treatment, [])
            allowed = condition in self.detected or condition < 0
            allowed = allowed and int(self.t.row_only[r]) in {0, self.who.sex}
            allowed = allowed and (not self.holds or self.arm.allows(treatment))
            allowed = allowed and (after < 0 or after in self.given)
            again = self.state.get(treatment) == "stopped" and spells[0][2] != condition
            if allowed and (not spells or again):
                self.rows_open.add(r)

    def onset_rates(self, b):
        t, out = self.t, {}
        pregnancy_only = {int(c) for c in t.pregnancy_conditions}
        for k in range(self.n + 1):
            if k in self.closed or (k in pregnancy_only and not self.pregnant):
                continue
            base = (
                float(t.hazard[self.who.sex - 1, self.who.born - 1840, self.age, k])
                * self.trait(k)
                * float(t.bmi_ratio[b, k])
            )
            out["onset", k] = base * self.ratio(k)
        out["death",] = out.pop(("onset", self.n))
        return out

    def rates(self):
        """Rate of every clock that runs now, in the order in which ties are settled."""
        t, a = self.t, self.age
        y = clip(self.year - 1940, 0, 85)
        bmi = self.who.bmi[0] + self.who.bmi[1] * (clip(a, 20, 65) - 20)
        out = self.onset_rates(clip(int((bmi - 12.0) / 0.5), 0, 96))
        for c in self.waiting:
            found = float(t.detect_year[y, c]) * float(t.detect_age[a, c]) * self.trait(self.n + 1 + c)
            out["detect", c] = found * self.ratio(self.n + 1 + c)
        for r in sorted(self.rows_open):
            rate = float(t.row_rate[y, r]) * self.trait(2 * self.n + 1 + r)
            if not (rate > 0.0 and t.row_from[r] <= a < t.row_to[r]):
                continue
            if ("start", r) not in self.clocks:
                self.clocks["start", r] = self.draw(23, int(t.row_index[r]))
            condition = int(t.row_condition[r])
            if condition >= 0 and self.now - self.latest[condition] < t.row_early_days[r]:
                rate *= float(t.row_early_ratio[r])
            out["start", r] = rate
        for treatment, rate in self.stopping.items():
            out["stop", treatment] = rate
        for treatment, rate in self.resting.items():
            out["resume", treatment] = rate
        return out

    def shares(self):
        """Shares of the year's onsets until each twelfth, of the conditions that have a season in this year."""
        y = clip(self.year - 1940, 0, 85)
        out = {}
        for k, c in enumerate(self.t.season_condition.tolist()):
            if c >= 0 and self.t.season_share[y, k, 0] >= 0.0:
                out["onset", c] = self.t.season_share[y, k].tolist()
        return out

    def worth(self, shares, span):
        """Days of level hazard that a span from now is worth."""
        first, length = float(jan1(self.year)), float(jan1(self.year + 1)) - float(jan1(self.year))
        return length * (
            share_until(shares, 12.0 * (self.now + span - first) / length)
            - share_until(shares, 12.0 * (self.now - first) / length)
        )

    def wait(self, shares, days):
        """How long until a span from now is worth some days of level hazard."""
        first, length = float(jan1(self.year)), float(jan1(self.year + 1)) - float(jan1(self.year))
        x = 12.0 * (self.now - first) / length
        share, month = share_until(shares, x) + days / length, min(int(x), 11)
        while month < 11 and shares[month + 1] < share:
            month += 1
        x = 12.0
        if shares[month + 1] > shares[month]:
            x = month + (share - shares[month]) / (shares[month + 1] - shares[month])
        return max(first + x * length / 12.0 - self.now, 0.0)

    def run(self):  # noqa: C901 — one loop over time
        while self.now < self.stop:
            self.age = min(self.year - self.who.born, 110)
            year_end = float(jan1(self.year + 1))
            while self.now < year_end and self.now < self.stop:
                due = min(self.plan, key=lambda item: item[0], default=(math.inf, ""))
                if due[0] <= self.now:
                    self.plan.remove(due)
                    self.meet(due[1])
                    continue
                end = min(year_end, float(self.stop), due[0], self.death_at)
                span, first, rates = end - self.now, None, self.rates()
                seasonal = {name: shares for name, shares in self.shares().items() if rates.get(name, 0.0) > 0.0}
                for name, rate in rates.items():
                    if name not in seasonal and rate * span > self.clocks[name]:
                        span, first = max(self.clocks[name] / rate, 0.0), name
                for name, shares in seasonal.items():
                    if rates[name] * self.worth(shares, span) > self.clocks[name]:
                        span, first = min(self.wait(shares, self.clocks[name] / rates[name]), span), name
                for name, rate in rates.items():
                    self.clocks[name] -= rate * (self.worth(seasonal[name], span) if name in seasonal else span)
                if first is None:
                    self.now = end
                    if end >= self.death_at:
                        self.death, self.cause = math.floor(self.death_at), self.fatal
                        return self
                    continue
                self.now += span
                if first == ("death",):
                    self.death, self.fatal, self.cause = math.floor(self.now), -1, self.blame()
                    return self
                self.happen(first, math.floor(self.now))
            self.year += 1
        self.fatal = -1
        return self

    def blame(self):
        """To which condition a death is put down that no onset caused."""
        excess = [1.0] * self.n
        for effect in self.active:
            source = next(s for s in range(len(self.t.effect_first) - 1) if effect in self.effects_of(s))
            if self.t.effect_target[effect] == self.n and source < self.n:
                excess[source] *= float(self.t.effect_ratio[self.age, effect])
        whole, total = 1.0, 0.0
        for ratio in excess:
            if ratio > 1.0:
                whole *= ratio
                total += ratio - 1.0
        some, which = self.luck.pair(26, self.attempt)
        if some >= 1.0 - 1.0 / whole:
            return -1
        rest, cause = which * total, -1
        for c, ratio in enumerate(excess):
            if ratio > 1.0:
                cause = c
                rest -= ratio - 1.0
                if rest <= 0.0:
                    break
        return cause

    def meet(self, what):  # noqa: C901, PLR0912 — one case after another
        habits = 2 * self.n + self.m
        if what[0] == "habit":
            if self.arm.exposes(what[1]) or not self.holds:
                self.habit[what[1]] = True
                self.begin(habits + 2 * what[1])
        elif what[0] == "quits":
            if self.habit.get(what[1]):
                self.habit[what[1]] = False
                self.end(habits + 2 * what[1])
                self.begin(habits + 2 * what[1] + 1)
        elif what[0] == "pregnant":
            self.pregnant = what[1]
        elif what[0] == "enters":
            self.resident = True
            self.look()
        elif what[0] == "begins":
            self.active.append(what[1])
        elif what[0] == "ends":
            self.active = [effect for effect in self.active if effect != what[1]]
        elif what[0] == "reopens":
            if what[1] not in self.excluded:
                self.closed.discard(what[1])
                self.clocks["onset", what[1]] = self.draw(20, len(self.occurrences[what[1]]) * 256 + what[1])
        elif what[0] == "intervenes":
            self.intervene()
        elif what[0] == "gives":
            self.stopping.pop(what[1], None)
            self.resting.pop(what[1], None)
            gift_for = int(self.arm.arms.give_for[self.arm.arm, what[1]])
            self.start(what[1], gift_for, math.floor(self.now))
        elif what[0] == "halts":
            if self.state[what[1]] == "runs":
                self.end_spell(what[1], math.floor(self.now))
            self.state[what[1]] = "stopped"
            self.stopping.pop(what[1], None)
            self.resting.pop(what[1], None)
            self.end(2 * self.n + what[1])
            if self.resident:
                self.look()

    def end_spell(self, treatment, day):
        """The spell that runs stops: the latest that was taken up again, else the first."""
        again = [spell for spell in self.resumed if spell[0] == treatment]
        if again:
            again[-1][2] = day
        else:
            self.given[treatment][0][1] = day

    def intervene(self):  # noqa: C901 — one case after another
        self.holds = True
        for e, lasts in self.habit.items():
            if lasts and not self.arm.exposes(e):
                self.plan.append((self.now, ("quits", e)))
        for treatment in range(self.m):
            if treatment in self.given and not self.arm.allows(treatment):
                self.plan.append((self.now, ("halts", treatment)))
        for condition in (-1, *sorted(self.detected)):
            self.plan_gifts(condition)
        if self.arm.luck:
            self.luck = replace(self.luck, seed=(self.luck.seed + self.arm.luck) % 2**64)
            for c in range(self.n):
                self.clocks["onset", c] = self.draw(20, len(self.occurrences[c]) * 256 + c)
            self.clocks["death",] = self.draw(22, 0)
            for c in self.waiting:
                self.clocks["detect", c] = self.draw(21, (len(self.occurrences[c]) - 1) * 256 + c)
            for treatment in self.stopping:
                self.clocks["stop", treatment] = self.draw(24, (self.spells[treatment] - 1) * 256 + treatment)
            for treatment in self.resting:
                self.clocks["resume", treatment] = self.draw(27, self.spells[treatment] * 256 + treatment)
            self.clocks = {name: left for name, left in self.clocks.items() if name[0] != "start"}
        if self.resident:
            self.look()

    def start(self, treatment, condition, day):
        if self.state.get(treatment) in {None, "stopped"}:
            self.state[treatment] = "again" if treatment in self.given else "runs"
            self.spells.setdefault(treatment, 1)
            self.resting.pop(treatment, None)
            self.given.setdefault(treatment, []).append([day, NEVER, condition])
            self.begin(2 * self.n + treatment)
        if self.resident:
            self.look()

    def happen(self, name, day):  # noqa: C901, PLR0912, PLR0915 — one case after another
        t, (kind, which) = self.t, name
        if kind == "onset":
            thing = len(self.occurrences[which]) * 256 + which
            self.onset.setdefault(which, day)
            self.occurrences[which].append([day, NEVER])
            self.closed.add(which)
            if len(self.occurrences[which]) < t.recurs_most[which]:
                self.plan.append((self.now + float(t.recurs_after[which]), ("reopens", which)))
            excluded = {c for c in range(self.n) if t.excludes[which, c]}
            self.excluded |= excluded
            self.closed |= excluded
            self.clocks["detect", which] = self.draw(21, thing)
            if which not in self.waiting:
                self.waiting.append(which)
            self.begin(which)
            threshold = float(t.acute[clip(self.year - 1940, 0, 85), self.age, which])
            if threshold > 0.0:
                chance = self.draw(25, thing)
                dies = self.now + float(t.acute_days[which]) * chance / threshold
                if chance <= threshold and dies < self.death_at:
                    self.death_at, self.fatal = dies, which
        elif kind == "detect":
            self.detected.setdefault(which, day)
            self.latest[which] = day
            self.occurrences[which][-1][1] = day
            self.waiting.remove(which)
            self.begin(self.n + which)
            for r in range(len(t.row_condition)):
                if t.row_condition[r] == which and t.row_early_days[r] > 0.0:
                    self.plan.append((day + float(t.row_early_days[r]), ("passes",)))
            if self.holds:
                self.plan_gifts(which)
            if self.resident:
                self.look()
        elif kind == "start":
            treatment, condition = int(t.row_treatment[which]), int(t.row_condition[which])
            self.row[treatment] = which
            if treatment not in self.given and t.row_stop[which] > 0.0:
                self.stopping[treatment] = float(t.row_stop[which])
                self.clocks["stop", treatment] = self.draw(24, treatment)
            self.start(treatment, condition, day)
        elif kind == "stop":
            self.end_spell(which, day)
            self.state[which] = "stopped"
            del self.stopping[which]
            resume = float(t.row_resume[self.row[which]])
            if resume > 0.0 and len(self.resumed) < 16:
                self.resting[which] = resume
                self.clocks["resume", which] = self.draw(27, self.spells[which] * 256 + which)
            self.end(2 * self.n + which)
            self.look()
        else:
            del self.resting[which]
            if len(self.resumed) < 16:
                self.resumed.append([which, day, NEVER])
                self.state[which] = "runs"
                self.stopping[which] = float(t.row_stop[self.row[which]])
                self.clocks["stop", which] = self.draw(24, self.spells[which] * 256 + which)
                self.spells[which] += 1
                self.begin(2 * self.n + which)
            self.look()
