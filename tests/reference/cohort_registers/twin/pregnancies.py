# ruff: noqa: C901 — the twin is read from top to bottom, beside the parameter files
"""Pregnancies, children, and the last day."""

from datetime import date

from register_twin.facts import Facts
from register_twin.world import END, FIRST, P, calendar, number

from sandkasse.cohort.observation import purposes


class Pregnancies(Facts):
    """Pregnancies, children, and the last day."""

    def pregnancies(self):
        p, length = P["pregnancies"], P["pregnancies"]["length_days"]
        for child, birth in enumerate(int(day) for day in self.life.delivery_day[self.i]):
            if birth >= END or birth < FIRST - int(365.25 * P["children"]["until_age"]):
                continue
            draws = self.stream(purposes.PREGNANCIES + child * 1000)
            for _ in range(draws.poisson(p["outpatient"])):
                day = birth - int(0.8 * length * draws.uniform())
                code = self.code(draws, "pregnancy", day)
                if self.spell(day):
                    self.contact(day, "obstetrics", 2, code)
            for _ in range(draws.poisson(p["gp"])):
                day = birth - int(0.8 * length * draws.uniform())
                if self.spell(day):
                    self.service(draws, "gp_pregnancy", day)
            if draws.uniform() < 0.3 and self.spell(birth - length // 2):
                self.panel(draws, "pregnancy", birth - length // 2)
            code = self.code(draws, "delivery", birth)
            if self.spell(birth):
                self.contact(birth, "obstetrics", 0, code)
            if birth - length <= self.onset["gdm"] < birth and "gestational_diabetes" not in self.off:
                self.gestational(draws, max(self.detected["gdm"], birth - length), birth)
            if "child_mark" not in self.off:
                self.child(self.stream(purposes.CHILDREN + child * 1000), birth)

    def gestational(self, draws, known, birth):
        p, seen = P["pregnancies"], False
        for _ in range(draws.poisson(p["gdm_outpatient"])):
            day = known + int((birth - known) * draws.uniform())
            code = self.code(draws, "gdm", day)
            tested = draws.uniform() < p["gdm_tests"]
            if known <= day < birth and self.spell(day):
                seen |= self.contact(day, "obstetrics", 2, code)
                if tested:
                    self.hba1c(draws, day)
        if draws.uniform() < p["gdm_insulin"] and known < birth:
            seen |= birth > number(date(1995, 1, 1))
            self.course(draws, "insulin_basal", known + 3, birth)
        if seen and self.spell(known):
            self.trap("gestational_diabetes", known)

    def child(self, draws, birth):
        c = P["children"]
        has_diabetes = draws.uniform() < c["share_with_diabetes"]
        diabetes_from = birth + int(365.25 * c["until_age"] * draws.uniform())
        until = min(birth + int(365.25 * c["until_age"]), self.stop)
        if birth >= until:
            return
        for year in range(self.year(birth), self.year(until - 1) + 1):
            for _ in range(draws.poisson(c["services_per_year"])):
                day = calendar(year, True)[int(draws.uniform() * 2048)]
                if birth <= day < until and self.spell(day):
                    self.service(draws, "gp_child", day, 1)
            if has_diabetes:
                for _ in range(draws.poisson(c["foot_per_year"])):
                    day = calendar(year, True)[int(draws.uniform() * 2048)]
                    if diabetes_from <= day < until and self.spell(day):
                        self.foot_care(draws, "foot_diabetes", day, 1)

    def last_day(self):
        fatal = int(self.life.fatal_condition[self.i])
        if fatal < 0 or not self.spell(self.death):
            return
        name = self.bench.MODEL.conditions[fatal]
        if name in P["conditions"]:
            draws = self.stream(purposes.LAST_DAY)
            admitted = draws.uniform() < P["last_days"]["admitted_on_death"]
            code = self.code(draws, P["conditions"][name]["codes"], self.death)
            if admitted:
                self.contact(self.death, P["conditions"][name]["specialty"], 0, code)
