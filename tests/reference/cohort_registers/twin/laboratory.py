"""What laboratories report."""

import math
from datetime import date

from register_twin.facts import Facts
from register_twin.world import NEVER, WORDS, P, number

from sandkasse.cohort.life.glycaemia import bmi_on, hba1c_mmol_mol


class Laboratory(Facts):
    """What laboratories report."""

    def panel(self, draws, name, day):
        if day < number(date(2011, 1, 1)):
            return
        for analysis in P["panels"][name]:
            if analysis == "hba1c":
                self.hba1c(draws, day)
            else:
                self.analysis(analysis, day, draws.normal())
        deviations = []
        for group, share in P["beside"].get(name, {}).items():
            if self.beside.uniform() < share:
                for analysis in P["groups"][group]:
                    if not deviations:
                        radius = math.sqrt(-2.0 * math.log(self.beside.uniform()))
                        angle = 2.0 * math.pi * self.beside.uniform()
                        deviations = [radius * math.cos(angle), radius * math.sin(angle)]
                    self.analysis(analysis, day, deviations.pop(0))

    def is_covered(self, day):
        return day >= self.spell(day)[2] or "lab_coverage" in self.off

    def analysis(self, name, day, deviation):
        k = WORDS.analysis_names.index(name)
        shape = P["analyses"][name]
        value = shape[self.sex] + shape["per_year"] * ((day - self.birth) / 365.25 - 50.0)
        value += shape["between"] * self.own[k]
        value += shape["within"] * deviation
        for row in P["shifts"]:
            if row["analysis"] == name:
                if self.known.get(row.get("condition"), NEVER) <= day:
                    value += row["by"]
                if row.get("treatment") in self.treatment:
                    begun, stopped, again = self.treatment[row["treatment"]]
                    taken = [row["treatment"] == self.bench.MODEL.treatments[k] for k, _, _ in self.resumed]
                    resumed = [r for r, is_it in zip(self.resumed, taken, strict=True) if r[0] >= 0 and is_it]
                    runs_again = any(start <= day - 30 < stop for _, start, stop in resumed)
                    if begun <= day - 30 < stopped or again <= day - 30 or runs_again:
                        value += row["by"]
        if shape["log"]:
            value = math.exp(value)
        if self.is_covered(day):
            ticks = min(max(math.floor(value * 10.0 ** shape["decimals"] + 0.5), 1), 60_000_000)
            self.words["result"].append((day << 32) | (k << 26) | ticks)

    def measured(self, draws, day):
        h, life, i = P["hba1c"], self.life, self.i
        bmi = bmi_on(day, self.birth, float(life.bmi_at_20[i]), float(life.bmi_slope_per_year[i]))
        value = hba1c_mmol_mol(
            day,
            self.birth,
            float(life.hba1c_set_point[i]),
            bmi,
            life.onset_day[i],
            life.treatment_day[i],
            life.treatment_stop_day[i],
            self.bench.GLYCAEMIA,
            life.treatment_again_day[i],
            self.diabetes_known,
        )
        if draws.uniform() < h["raised_share"]:
            value += h["raised_mean"] * draws.exponential()
        spread = h["measurement_sd"] + h["sd_per_excess"] * max(0.0, value - 48)
        return max(15, math.floor(value + spread * draws.normal() + 0.5))

    def hba1c(self, draws, day, is_telling=False):
        if day < number(date(2011, 1, 1)):
            return
        h = P["hba1c"]
        value = self.measured(draws, day)
        overlooked = draws.uniform() < h["overlooked_share"]
        if value < 48 or day >= self.diabetes_known or is_telling:
            self.report(day, value)
            return
        is_first = day < self.has_diabetes_from and not self.was_high
        if not is_first and not overlooked:
            return
        self.report(day, value)
        self.was_high = self.was_high or is_first
        low, high = h["repeated_days"]
        repeated = draws.uniform() < h["repeated_share"]
        again = day + low + int((high - low) * draws.uniform())
        if repeated and again < self.diabetes_known and self.spell(again):
            second = self.measured(draws, again)
            if second < 48:
                self.report(again, second)

    def report(self, day, value):
        h = P["hba1c"]
        if not self.is_covered(day):
            if value >= 48:
                self.trap("lab_coverage", day)
            return
        in_percent = "hba1c_units" not in self.off and day < number(h["dcct_and_ifcc_until"])
        if "hba1c_units" in self.off or day >= number(h["dcct_only_until"]):
            self.words["result"].append((day << 32) | value)
        if in_percent:
            self.words["result"].append((day << 32) | (1 << 26) | math.floor((0.0915 * value + 2.15) * 10.0 + 0.5))
            if value >= 48:
                self.trap("hba1c_units", day)
