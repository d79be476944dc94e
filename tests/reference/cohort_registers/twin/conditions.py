# ruff: noqa: C901, PLR0912 — the twin is read from top to bottom, beside the parameter files
"""What known conditions and treatments bring."""

from datetime import date

from register_twin.facts import Facts
from register_twin.world import END, NEVER, P, calendar, number

from sandkasse.cohort.observation import purposes


class Conditions(Facts):
    """What known conditions and treatments bring."""

    def conditions(self):
        recurring = list(getattr(self.bench.MODEL, "recurring", ()))
        for row, (name, known) in enumerate(self.known.items()):
            if known >= self.stop:
                continue
            c, draws = P["conditions"][name], self.stream(purposes.CONDITION + row)
            if name in recurring:
                for day in self.occurrences(name):
                    if day < self.stop:
                        self.first_day(draws, name, day)
                        self.after(draws, name, day)
                continue
            self.first_day(draws, name, known)
            followed, podiatry = draws.uniform() < c["at_hospital"], draws.uniform() < c.get("foot_share", 0.0)
            first = self.year(max(known, self.first))
            for year in range(first, self.years[-1] + 1):
                early = number(date(year, 1, 1)) - known < 365.25 * c["early_years"]
                rate = c["outpatient_early" if early else "outpatient_late"] if followed else 0.0
                for _ in range(draws.poisson(rate)):
                    day = calendar(year, True)[int(draws.uniform() * 2048)]
                    if day >= known and self.spell(day):
                        self.outpatient(draws, name, day)
                for _ in range(draws.poisson(c["gp"])):
                    day = calendar(year, True)[int(draws.uniform() * 2048)]
                    if day >= known and self.spell(day):
                        self.check_up(draws, name, day)
                if podiatry:
                    for _ in range(draws.poisson(c["foot"])):
                        day = calendar(year, True)[int(draws.uniform() * 2048)]
                        if day >= known and self.spell(day):
                            self.foot_care(draws, "foot_diabetes_first" if year == first else "foot_diabetes", day)

    def occurrences(self, name):
        days = self.life.occurrence_detected_day[self.i, list(self.bench.MODEL.recurring).index(name)]
        return [int(day) for day in days if day != NEVER]

    def first_day(self, draws, name, known):
        c, luck = P["conditions"][name], draws.uniform()
        if not self.spell(known):
            return
        if luck < c["admitted"] + c.get("emergency", 0.0):
            code = self.code(draws, self.diabetes_set(draws, name, c["codes"]), known)
            self.contact(known, c["specialty"], 0 if luck < c["admitted"] else 3, code)
        if c.get("confirmed"):
            low, high = P["hba1c"]["repeated_days"]
            first = known - low - int((high - low) * draws.uniform())
            if first >= max(number(date(2011, 1, 1)), self.has_diabetes_from) and self.spell(first):
                self.hba1c(draws, first, is_telling=True)
        self.panel(draws, c["panel"], known)

    def after(self, draws, name, begun):
        c = P["conditions"][name]
        years = c["early_years"]
        followed = draws.uniform() < c["at_hospital"]
        for _ in range(draws.poisson(years * c["outpatient_early"] if followed else 0.0)):
            day = begun + int(365.25 * years * draws.uniform())
            if self.spell(day):
                self.outpatient(draws, name, day)
        for _ in range(draws.poisson(years * c["gp"])):
            day = begun + int(365.25 * years * draws.uniform())
            if self.spell(day):
                self.check_up(draws, name, day)

    def check_up(self, draws, name, day):
        c = P["conditions"][name]
        self.at_practice(draws, "gp_consultation", day)
        if draws.uniform() < c["tests"] * self.spell(day)[4]:
            self.service(draws, "gp_blood_sample", day)
            self.panel(draws, c["panel"], day)

    def services_elsewhere(self):
        rows = [row for row in P["condition_services"] if row["condition"] in self.known]
        for k, row in enumerate(rows):
            known = self.known[row["condition"]]
            if known >= self.stop:
                continue
            draws = self.stream(purposes.CONDITION_SERVICE + k)
            if draws.uniform() >= row["share"]:
                continue
            first, until = max(known, self.first), min(self.stop, known + int(365.25 * row["years"]))
            if first >= until:
                continue
            for year in range(self.year(first), self.year(until - 1) + 1):
                for _ in range(draws.poisson(row["per_year"])):
                    day = calendar(year, True)[int(draws.uniform() * 2048)]
                    if first <= day < until and self.spell(day):
                        self.service(draws, row["service"], day)

    def outpatient(self, draws, name, day):
        c = P["conditions"][name]
        which = self.diabetes_set(draws, name, c["later"])
        written = self.contact(day, c["specialty"], 2, self.code(draws, which, day))
        if name in ("t1d", "t2d"):
            if not written:
                self.trap("outpatient_1995", day)
            elif which not in (name, "diabetes_unspecified"):
                self.trap("type_confusion", day)
        if draws.uniform() < c["tests"]:
            self.panel(draws, c["panel"], day)

    def treatments(self):
        life, i, model = self.life, self.i, self.bench.MODEL
        names = [
            t for t in P["therapies"] if {t[key] for key in ("treatment", "begun_for", "with") if key in t} <= self.has
        ]
        for row, t in enumerate(names):
            k = model.treatments.index(t["treatment"])
            if "with" in t and self.onset[t["with"]] == NEVER:
                continue
            first, again = int(life.treatment_for[i, k]), int(life.treatment_again_for[i, k])
            spells = [(purposes.THERAPY, int(life.treatment_day[i, k]), int(life.treatment_stop_day[i, k]), first)]
            for spell, (treatment, start, stop) in enumerate(self.resumed):
                if treatment == k:
                    spells.append((purposes.RESUMED + len(names) * spell, start, stop, first))
            spells.append((purposes.THERAPY_AGAIN, int(life.treatment_again_day[i, k]), NEVER, again))
            for purpose, begin, end, begun_for in spells:
                meant = t.get("begun_for")
                if meant is not None and begun_for != model.conditions.index(meant):
                    continue
                if begin >= END or t.get("trap") in self.off:
                    continue
                draws = self.stream(purpose + row)
                u, indication = draws.uniform(), 0
                if t.get("indications", 0) and u < t["indicated"]:
                    indication = 1 + int(u / t["indicated"] * t["indications"])
                if "trap" in t and end > number(date(1995, 1, 1)):
                    self.trap(t["trap"], begin)
                self.course(draws, t["class"], begin, end, indication)
        recurring = getattr(model, "recurring", ())
        drugs = [t for t in P["condition_drugs"] if t["condition"] in self.known and t.get("unless") not in self.has]
        for row, t in enumerate(drugs):
            known = self.known[t["condition"]]
            if known >= END:
                continue
            draws = self.stream(purposes.CONDITION_DRUG + row)
            for day in self.occurrences(t["condition"]) if t["condition"] in recurring else [known]:
                if day < END:
                    given, start = draws.uniform() < t["share"], day + int(t["delay_days"] * draws.exponential())
                    if given:
                        self.course(draws, t["class"], start, start + int(t["days"]) if "days" in t else END)
