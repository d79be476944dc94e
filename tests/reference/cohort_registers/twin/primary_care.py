"""What practices are paid for."""

import math
from datetime import date

from register_twin.facts import Facts
from register_twin.world import WORDS, P, calendar, number

from sandkasse.cohort.observation import purposes
from sandkasse.core import rng


class PrimaryCare(Facts):
    """What practices are paid for."""

    def service(self, draws, name, day, child=0):
        if day < number(date(1990, 1, 1)):
            return None
        weeks = int(P["settlement"]["mean_weeks"] * draws.exponential())
        weeks = 0 if "settlement_week" in self.off else weeks
        self.settle(name, day, weeks, child)
        return weeks

    def settle(self, name, day, weeks, child=0):
        week = (day + 3) // 7 + weeks
        self.words["service"].append((week << 17) | (WORDS.service_names.index(name) << 1) | child)

    def at_practice(self, draws, name, day):
        weeks = self.service(draws, name, day)
        if weeks is not None:
            come = P["ancillary_services"]
            for _ in range(self.beside.poisson(P["density"]["light"])):
                self.settle(list(come)[self.beside.choose(list(come.values()))], day, weeks)

    def elsewhere(self, draws, name, day):
        weeks = self.service(draws, name, day)
        if weeks is not None and name in P["follow_up_services"]:
            follows = P["follow_up_services"][name]
            for _ in range(self.beside.poisson(follows["mean"])):
                later = day + int(7.0 * follows["weeks"] * self.beside.uniform())
                if self.spell(later):
                    self.settle(follows["service"], later, weeks)

    def foot_care(self, draws, name, day, child=0):
        before = len(self.words["service"])
        self.service(draws, name, day, child)
        if len(self.words["service"]) > before:
            if child:
                self.trap("child_mark", day)
            elif self.words["service"][-1] >> 17 != (day + 3) // 7:
                self.trap("settlement_week", day)

    def is_last_year(self, year):
        return self.death - number(date(year, 1, 1)) < 365.25

    def visits(self):
        v, s, draws = P["visits"], P["sampling"], self.stream(purposes.VISITS)
        seeking = math.exp(v["log_sd_persons"] * self.seeking - 0.5 * v["log_sd_persons"] * v["log_sd_persons"])
        for year in self.years:
            middle = number(date(year, 1, 1)) + 182
            band, ill = self.band(middle), self.burden(middle)
            spell = self.spell(middle) or self.spells[0]
            extra = 1.0 + v["illness"] * ill
            if self.is_last_year(year):
                extra += v["last_year_of_life"]
            rate = v[self.sex][band] * seeking * extra * spell[3]
            sampled = s["share"][band] * spell[4]
            sampled *= s["evened"] if "sicker_tested_more" in self.off else 1.0 + s["illness"] * ill
            for _ in range(draws.poisson(min(rate, 40.0))):
                day = calendar(year, True)[int(draws.uniform() * 2048)]
                if self.spell(day):
                    self.visit(draws, band, sampled, ill, day)

    def visit(self, draws, band, sampled, ill, day):
        v, u = P["visits"], draws.uniform()
        kind = "gp_consultation"
        if u < v["home"][band]:
            kind = "gp_home_visit"
        else:
            u -= v["home"][band]
            if u < v["email"]:
                kind = "gp_email" if day >= number(v["email_from"]) else "gp_telephone"
            elif u < v["email"] + v["telephone"]:
                kind = "gp_telephone"
        self.at_practice(draws, kind, day)
        if draws.uniform() < P["prescribing"]["share"][band]:
            names = [name for name, entry in P["classes"].items() if "passing" in entry]
            name = names[draws.choose([P["classes"][name]["passing"][band] for name in names])]
            k = self.product(draws, name, day)
            if k is not None and day >= number(date(1995, 1, 1)):
                self.dispense(k, day, 1, 0)
        if draws.uniform() >= sampled:
            return
        self.service(draws, "gp_blood_sample", day)
        if ill > 0.0 and "sicker_tested_more" not in self.off and self.has_diabetes_from > day:
            self.trap("sicker_tested_more", day)
        for panel in ("general", "metabolic", "thyroid"):
            if draws.uniform() < P["screening"][panel][band]:
                self.panel(draws, panel, day)

    def other_services(self):
        other, draws = P["other_services"], self.stream(purposes.OTHER_SERVICES)
        names = list(dict.fromkeys([*other["man"], *other["woman"]]))
        for year in self.years:
            band = self.band(number(date(year, 1, 1)) + 182)
            rates = [other[self.sex].get(name, [0.0] * 7)[band] for name in names]
            total = float(rng.np.sum(rng.np.array(rates)))
            for _ in range(draws.poisson(total)):
                day = calendar(year, True)[int(draws.uniform() * 2048)]
                row = draws.choose(rates)
                if self.spell(day):
                    self.elsewhere(draws, names[row], day)
