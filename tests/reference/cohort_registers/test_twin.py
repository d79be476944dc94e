# ruff: noqa: C901, PLR0912, PLW2901 — the twin is read from top to bottom, beside the parameter files
"""A slow, obvious observation, one person and one event at a time, equals the compiled kernel word for word.

It reads the parameter files themselves, not the compiled arrays, and shares with the product the draws' numbering only.
"""

import math
import struct
from datetime import date, timedelta
from functools import cache

import pytest

from sandkasse.cohort.life.glycaemia import bmi_on, hba1c_mmol_mol
from sandkasse.cohort.observation import purposes
from sandkasse.cohort.observation.vocabulary import all_products, make_vocabulary, read_parameters
from sandkasse.core import rng

NEVER = 2**31 - 1
EPOCH = date(1970, 1, 1)
P = read_parameters()
WORDS = make_vocabulary(P)
PRODUCTS = all_products(P)
BANDS = (0, 5, 15, 25, 45, 65, 80)


def number(when):
    return (when - EPOCH).days


FIRST, END = number(date(1977, 1, 1)), number(date(2025, 1, 1))


@cache
def calendar(year, planned):
    """Give the 2048 quantiles of a year's days."""
    days = [date(year, 1, 1) + timedelta(k) for k in range(number(date(year + 1, 1, 1)) - number(date(year, 1, 1)))]

    def weight(d):
        if not planned:
            return 1.0
        if d.weekday() >= 5 or (d.month, d.day) in {(1, 1), (12, 24), (12, 25), (12, 26)}:
            return 0.0
        if d.month == 7:
            return P["planning"]["july"]
        return P["planning"]["christmas"] if d.month == 12 and d.day >= 23 else 1.0

    total, shares = 0.0, []
    for d in days:
        total += weight(d)
        shares.append(total)
    quantiles, at = [], 0
    for k in range(2048):
        while shares[at] / total < (k + 0.5) / 2048:
            at += 1
        quantiles.append(number(days[at]))
    return quantiles


class Draws:
    """The stream of one person and purpose."""

    def __init__(self, seed, person, purpose):
        self.seed, self.person, self.purpose = seed, person, purpose
        self.block, self.left = 0, []

    def uniform(self):
        if not self.left:
            low = 0xFFFFFFFF
            drawn = rng.philox4x32.py_func(
                *(
                    rng.np.uint64(x)
                    for x in (
                        self.person & low,
                        self.person >> 32,
                        self.purpose,
                        self.block,
                        self.seed & low,
                        self.seed >> 32,
                    )
                )
            )
            self.left = [int(x) for x in drawn]
            self.block += 1
        return (self.left.pop(0) + 0.5) / 2**32

    def normal(self):
        radius = math.sqrt(-2.0 * math.log(self.uniform()))
        return radius * math.cos(2.0 * math.pi * self.uniform())

    def exponential(self):
        return -math.log(self.uniform())

    def poisson(self, mean):
        if mean <= 0.0:
            return 0
        left, chance, count = self.uniform(), math.exp(-mean), 0
        while left > chance and count < 100:
            left -= chance
            count += 1
            chance *= mean / count
        return count

    def choose(self, weights):
        u, total, so_far = self.uniform(), 0.0, []
        for weight in weights:
            total += weight
            so_far.append(total)
        for row, share in enumerate(so_far[:-1]):
            if u < share / total:
                return row
        return len(weights) - 1


class Person:
    """One person, observed."""

    def __init__(self, bench, life, i, seed, traps_off):
        self.bench, self.seed, self.off = bench, seed, set(traps_off)
        self.number = int(life.person[i])
        self.sex = ("man", "woman")[int(life.sex[i]) - 1]
        self.birth, self.death = int(life.birth_day[i]), int(life.death_day[i])
        self.life, self.i = life, i
        self.words = {"service": [], "dispensing": [], "result": [], "contact": [], "trap": []}
        conditions = bench.MODEL.conditions
        self.onset = {name: int(life.onset_day[i, k]) for k, name in enumerate(conditions)}
        self.detected = {name: int(life.detected_day[i, k]) for k, name in enumerate(conditions)}
        self.known = {}
        for name in P["conditions"]:
            if name in conditions:
                self.known[name] = self.detected[name]
                if self.known[name] == NEVER and self.onset[name] != NEVER and "undiagnosed" in self.off:
                    self.known[name] = self.onset[name] + 30
        self.diabetes_known = min(self.known["t1d"], self.known["t2d"])
        self.has_diabetes_from = min(self.onset["t1d"], self.onset["t2d"])
        self.was_high = False
        draws = self.stream(purposes.PERSON)
        choice = draws.uniform()
        self.seeking = draws.normal()
        self.beside = self.stream(purposes.BESIDE)
        self.own = [(self.beside if "beside" in entry else draws).normal() for entry in P["analyses"].values()]
        for k, entry in enumerate(P["analyses"].values()):
            if entry.get("trait") in bench.MODEL.traits:
                self.own[k] = float(life.liability[i, bench.MODEL.traits.index(entry["trait"])])
        low, high = P["dispensing"]["errand_days"]
        self.period = low + (high - low) * draws.uniform()
        self.phase = self.period * draws.uniform()
        self.treatment = {}
        for k, name in enumerate(bench.MODEL.treatments):
            spells = (life.treatment_day[i, k], life.treatment_stop_day[i, k], life.treatment_again_day[i, k])
            self.treatment[name] = tuple(int(day) for day in spells)
        rows = zip(life.resumed_treatment[i], life.resumed_day[i], life.resumed_stop_day[i], strict=True)
        self.resumed = [(int(k), int(begin), int(stop)) for k, begin, stop in rows]
        self.has = {*conditions, *bench.MODEL.treatments}
        self.spells = []
        for start, end, code in zip(life.residence_start[i], life.residence_end[i], life.municipality[i], strict=True):
            start, end, code = int(start), int(end), int(code)
            if start < END and end > FIRST and start < end:
                practices = P["practices"]
                practice = code * practices["per_municipality"] + int(choice * practices["per_municipality"])
                habit = Draws(seed, practice, purposes.PRACTICE)
                contacts = math.exp(practices["log_sd_contacts"] * habit.normal())
                testing = math.exp(practices["log_sd_testing"] * habit.normal())
                region = next(name for name, codes in P["regions"].items() if code in codes)
                self.spells.append((start, end, number(P["laboratory_start"][region]), contacts, testing, practice))
        if self.spells:
            self.first = max(FIRST, min(spell[0] for spell in self.spells))
            self.stop = min(END, max(spell[1] for spell in self.spells))
            self.years = range(self.year(self.first), self.year(self.stop - 1) + 1)

    def stream(self, purpose):
        return Draws(self.seed, self.number, purpose)

    @staticmethod
    def year(day):
        return min(max((EPOCH + timedelta(day)).year, 1977), 2024)

    def spell(self, day):
        if not self.first <= day < self.stop:
            return None
        return next((spell for spell in self.spells if spell[0] <= day < spell[1]), None)

    def band(self, day):
        age = (day - self.birth) / 365.25
        return max(k for k, edge in enumerate(BANDS) if k == 0 or age >= edge)

    def burden(self, day):
        total = 0.0
        for name, known in self.known.items():
            if known <= day:
                total += P["conditions"][name]["burden"]
        return total

    def trap(self, name, day):
        self.words["trap"].append((self.bench.trap_names().index(name) << 20) | (day + 100_000))

    # ------------------------------------------------------------------ laboratory

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

    # ------------------------------------------------------------------ pharmacy

    def product(self, draws, name, day):
        u, start = draws.uniform(), 0
        for other, entry in P["classes"].items():
            if other == name:
                break
            start += len(entry["products"])
        sold = [
            (start + k, product["share"])
            for k, product in enumerate(P["classes"][name]["products"])
            if number(date(product["years"][0], 1, 1)) <= day < number(date(product["years"][1] + 1, 1, 1))
        ]
        total = 0.0
        for _, share in sold:
            total += share
        left = u * total
        for k, share in sold:
            left -= share
            if left <= 0.0:
                return k
        return None

    def dispense(self, k, day, packs, indication):
        if day < number(date(2017, 1, 1)) and "atc_moved_2017" not in self.off and "atc_until_2016" in PRODUCTS[k]:
            n_current = sum(len(entry["products"]) for entry in P["classes"].values())
            moved = [row for row in range(n_current) if "atc_until_2016" in PRODUCTS[row]]
            k = n_current + moved.index(k)
            self.trap("atc_moved_2017", day)
        self.words["dispensing"].append((day << 20) | (k << 10) | (packs << 4) | indication)

    def course(self, draws, name, start, stop, indication=0):
        d, opening = P["dispensing"], number(date(1995, 1, 1))
        use = P["classes"][name]["ddd_per_day"] * (
            d["adherence_lowest"] + (1.0 - d["adherence_lowest"]) * draws.uniform()
        )
        at = float(max(start, opening - int(d["days_in_stock"] * draws.uniform())))
        k, bought = None, None
        while at < min(stop, self.stop):
            day = int(at)
            if bought is not None:
                errand = self.phase + self.period * math.floor((at - self.phase) / self.period + 0.5)
                near = abs(errand - at) <= d["errand_within"] and int(errand) > bought + 1
                if draws.uniform() < d["errand_share"] and near:
                    day = int(errand)
            weekday = (EPOCH + timedelta(day)).weekday()
            if weekday == 6 or (weekday == 5 and draws.uniform() < d["away_on_saturday"]):
                day += {5: 2, 6: 1}[weekday] + int(5.0 * draws.uniform())
            if (
                k is None
                or draws.uniform() < d["switch_product"]
                or day >= number(date(PRODUCTS[k]["years"][1] + 1, 1, 1))
            ):
                k = self.product(draws, name, day)
            if k is None:
                at += 365.0
                continue
            pack = float(PRODUCTS[k]["pack_ddd"])
            packs = min(max(int(d["days_in_stock"] * use / pack + draws.uniform()), 1), 15)
            bought = day
            if opening <= day <= min(stop, self.stop) and self.spell(day):
                self.dispense(k, day, packs, indication)
            at += packs * pack / use * (0.85 + 0.3 * draws.uniform())

    def chronic_drugs(self):
        names = [name for name, entry in P["classes"].items() if "start_man" in entry]
        for row, name in enumerate(names):
            entry, draws, age = P["classes"][name], self.stream(purposes.CHRONIC_DRUG + row), 0.0
            if entry.get("unless") in self.has:
                continue
            for _ in range(8):
                luck, begun = draws.exponential(), None
                for k, rate in enumerate(entry[f"start_{self.sex}"]):
                    until = float(BANDS[k + 1]) if k + 1 < len(BANDS) else 130.0
                    if age < until:
                        if rate * (until - age) >= luck:
                            begun = age + luck / rate
                            break
                        luck -= rate * (until - age)
                        age = until
                start = self.birth + int(365.25 * (999.0 if begun is None else begun))
                if start >= self.stop:
                    break
                age = begun + entry["years"] * draws.exponential()
                stop = self.birth + int(365.25 * age)
                if stop > number(date(1995, 1, 1)):
                    self.course(draws, name, start, stop)

    # ------------------------------------------------------------------ primary care

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

    # ------------------------------------------------------------------ hospital

    def code(self, draws, name, day):
        u = draws.uniform()
        entry = P["sets"].get(name) or P["causes"][name]
        era = "icd10" if day >= number(P["registers"]["icd10_from"]) else "icd8"
        codes = entry.get(f"{era}_else" if entry.get("unless") in self.has else era, [])
        return WORDS.diagnoses.index(codes[int(u * len(codes))]) if codes else None

    def contact(self, day, specialty, kind, main, second=(None, 0, 0), third=(None, 0, 0)):
        registers = P["registers"]
        if main is None:
            return False
        if kind != 0 and day < number(registers["outpatients_from"]) and "outpatient_1995" not in self.off:
            return False
        if kind == 3 and day >= number(registers["emergency_until"]):
            kind = 2
        packed = [
            (1023 << 3) if code is None else (code << 3) | (sort << 1) | retracted
            for code, sort, retracted in ((main, 0, 0), second, third)
        ]
        at = WORDS.specialty_names.index(specialty)
        self.words["contact"].append(
            (day << 47) | (at << 41) | (kind << 39) | (packed[0] << 26) | (packed[1] << 13) | packed[2]
        )
        return True

    def diabetes_set(self, draws, condition, name):
        if condition not in ("t1d", "t2d"):
            return name
        u, errors = draws.uniform(), P["errors"]
        if "type_confusion" in self.off:
            return condition
        confused = errors[f"type_confusion_{condition}"]
        if u < confused:
            return "t2d" if condition == "t1d" else "t1d"
        return "diabetes_unspecified" if u < confused + errors["unspecified_type"] else condition

    def other_contacts(self):
        for k, (kind, sort) in enumerate((("inpatient", 0), ("outpatient", 2), ("emergency", 3))):
            draws = self.stream(purposes.INPATIENT + k)
            h = P[kind]
            for year in self.years:
                if k > 0 and year < 1995 and "outpatient_1995" not in self.off:
                    continue
                middle = number(date(year, 1, 1)) + 182
                band = self.band(middle)
                rate = h[self.sex][band] * (math.exp(0.25 * self.seeking) * (1.0 + h["illness"] * self.burden(middle)))
                if self.is_last_year(year):
                    rate += h["last_year_of_life"]
                for _ in range(draws.poisson(rate)):
                    day = calendar(year, k == 1)[int(draws.uniform() * 2048)]
                    if self.spell(day):
                        self.other_contact(draws, k, sort, band, day)

    def other_contact(self, draws, k, sort, band, day):
        causes, e = P["causes"], P["errors"]
        left = [c["left"] if c.get("unless") in self.has else 1.0 for c in causes.values()]
        weights = [
            c["weight"][band] * part * (c.get("urgent", False) == (k == 2))
            for c, part in zip(causes.values(), left, strict=True)
        ]
        name = list(causes)[draws.choose(weights)]
        main = self.code(draws, name, day)
        second, third = (None, 0, 0), (None, 0, 0)
        for condition, known in self.known.items():
            if known <= day and draws.uniform() < P["conditions"][condition]["also_coded"] * (1.0 if k == 0 else 0.3):
                which = self.diabetes_set(draws, condition, P["conditions"][condition]["later"])
                second = (self.code(draws, which, day), 1, 0)
                break
        error, kind_of_error = draws.uniform(), draws.uniform()
        if self.has_diabetes_from == NEVER:
            era = "icd10" if day >= number(P["registers"]["icd10_from"]) else "icd8"
            wrong = WORDS.diagnoses.index(P["sets"]["t2d" if kind_of_error < 0.8 else "diabetes_unspecified"][era][0])
            if error < e["miscoded"]:
                if "miscoded" not in self.off:
                    self.trap("miscoded", day)
                    if kind_of_error < 0.3:
                        main = wrong
                    else:
                        third = (wrong, 1, 0)
            elif (
                error < e["miscoded"] + e["retracted"]
                and day >= number(date(2019, 1, 1))
                and "retracted" not in self.off
            ):
                self.trap("retracted", day)
                third = (wrong, 1, 1)
        self.contact(day, causes[name]["specialty"], sort, main, second, third)
        if draws.uniform() < P["samples"]["share"][k]:
            self.panel(draws, "acute", day)
            if draws.uniform() < P["screening"]["hospital_hba1c"]:
                self.hba1c(draws, day)

    # ------------------------------------------------------------------ conditions

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

    # ------------------------------------------------------------------ pregnancies and the last day

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

    def spoiled(self, words):
        """What the tier `messy` makes of sorted words."""
        m = P["mess"]
        self.words = {**words, "result": [], "trap": list(words["trap"])}
        for word in words["result"]:
            day, missed = word >> 32, False
            device = Draws(self.seed, self.practice(day), purposes.MESS).uniform() < m["own_device"]
            if device and (word >> 26) & 63 <= 1:
                sample = Draws(self.seed, self.number * 65_536 + day, purposes.MESS + 1)
                missed = sample.uniform() < m["own_device_tests"]
            if missed:
                self.trap("practice_differences", day)
            else:
                self.words["result"].append(word)
        draws, kept = self.stream(purposes.MESS + 2), []
        for word in self.words["result"]:
            k = (word >> 26) & 63
            entry = P["analyses"][WORDS.analysis_names[k]]
            middle = entry.get(self.sex, 0.0)
            middle = (float(rng.np.exp(middle)) if entry.get("log") else middle) * 10.0 ** entry["decimals"]
            if draws.uniform() < m["missing_by_value"] and k > 1 and (word & 0x3FFFFFF) < middle:
                self.trap("missing_by_value", word >> 32)
            else:
                kept.append(word)
        draws = self.stream(purposes.MESS + 3)
        for at, word in enumerate(kept):
            factor = m["other_units"].get(WORDS.analysis_names[(word >> 26) & 63], 0.0)
            if factor > 0.0 and draws.uniform() < m["unit_mixups"]:
                ticks = max(1, math.floor((word & 0x3FFFFFF) * factor + 0.5))
                kept[at] = (word >> 26 << 26) | ticks
                self.trap("unit_mixups", word >> 32)
        words = {**words, "contact": self.falsely_coded(words["contact"])}
        contacts, late, drift = list(words["contact"]), self.stream(purposes.MESS + 4), self.stream(purposes.MESS + 5)
        for at, word in enumerate(contacts):
            if late.uniform() < m["late_codes"]:
                contacts[at] = self.recoded(word, "observation_code")
                self.trap("late_codes", word >> 47)
        first, last = m["coding_drift_years"]
        for at, word in enumerate(contacts):
            share = m["coding_drift"] * (self.year(word >> 47) - first) / (last - first)
            if drift.uniform() < share and (word >> 39) & 3 == 2:
                contacts[at] = self.recoded(word, "follow_up_code")
                self.trap("coding_drift", word >> 47)
        draws = self.stream(purposes.MESS + 7)
        for at, word in enumerate(contacts):
            luck, code = draws.uniform(), self.practice(word >> 47) // P["practices"]["per_municipality"]
            region = next(name for name, codes in P["regions"].items() if code in codes)
            if (word >> 13) & 8191 != 1023 << 3 and luck >= m["secondary_kept"][region]:
                contacts[at] = (word & ~(8191 << 13)) | (1023 << 3 << 13)
                self.trap("region_differences", word >> 47)
        draws = self.stream(purposes.MESS + 6)
        self.words |= {"result": kept, "contact": contacts, "dispensing": list(words["dispensing"])}
        for kind, shift in (("result", 32), ("dispensing", 20)):
            for word in list(self.words[kind]):
                if draws.uniform() < m["duplicates"]:
                    self.words[kind].append(word)
                    self.trap("duplicates", word >> shift)
        return {kind: sorted(found) for kind, found in self.words.items()}

    def falsely_coded(self, contacts):
        """Contacts where a disease is looked for, some with its code though the person does not have it."""
        draws, coded = self.stream(purposes.FALSE_CODE), []
        for word in contacts:
            day, place, luck = word >> 47, WORDS.specialty_names[(word >> 41) & 63], draws.uniform()
            looked_for, upper = None, 0.0
            for row in P["miscoded"]:
                if place in row["at"]:
                    upper += row["share"]
                    if luck < upper:
                        looked_for = row
                        break
            name = looked_for["condition"] if looked_for else None
            is_free = word & 8191 == 1023 << 3
            if name and is_free and self.onset[name] > day and day - self.birth >= looked_for["from_age"] * 365.25:
                code = self.code(draws, P["conditions"][name]["codes"], day)
                if code is not None:
                    if draws.uniform() < P["errors"]["miscoded_as_main"]:
                        main = (word >> 29) & 1023
                        word = (word & ~(8191 << 26)) | (code << 3 << 26)
                        code = main
                    word = (word & ~8191) | (code << 3) | (1 << 1)
                    self.trap("miscoded_others", day)
            coded.append(word)
        return coded

    def recoded(self, word, name):
        era = "icd10" if word >> 47 >= number(P["registers"]["icd10_from"]) else "icd8"
        main = WORDS.diagnoses.index(P["sets"][name][era][0]) << 3
        return (word & ~(8191 << 26)) | (main << 26)

    def practice(self, day):
        return next((s[5] for s in self.spells if s[0] <= day < s[1]), self.spells[0][5])

    def details(self, contacts):
        """Start, length, operation and manner of each contact."""
        s, draws, details = P["stays"], self.stream(purposes.CONTACT_TIME), []
        eras = ("before_1981", "before_1989", "before_1996", "sks")
        for word in contacts:
            day, specialty, kind, main = word >> 47, (word >> 41) & 63, (word >> 39) & 3, (word >> 29) & 1023
            u = draws.uniform()
            minute = 480 + int(u * 420.0) // 5 * 5 if kind == 2 else int(u * 1440.0)
            u = draws.uniform()
            if kind in {2, 3}:
                low, high = s["outpatient_minutes" if kind == 2 else "emergency_minutes"]
                length = int(low + u * (high - low))
            else:
                mean = float(rng.np.interp(self.year(day), s["years"], s["mean_days"]))
                if WORDS.specialty_names[specialty] == "psychiatry":
                    mean *= s["psychiatry"]
                mean *= 1.0 + s["per_year_of_age"] * max(0.0, (day - self.birth) / 365.25 - 50.0)
                length = int(max(60.0 * s["least_hours"], -math.log(u) * mean * 1440))
            length = min(length, max((self.spell(day)[1] - day) * 1440 - 1 - minute, 0))
            luck, choice, operation = draws.uniform(), draws.uniform(), -1
            code = WORDS.diagnoses[main]
            era = sum(day >= number(date(year, 1, 1)) for year in (1981, 1989, 1996))
            for entry in P["operations"].values():
                if code.startswith(tuple(entry["diagnoses"])):
                    codes = entry[eras[era]]
                    if codes and luck < entry["share"][{0: 0, 2: 1, 3: 2}[kind]]:
                        operation = WORDS.operations.index(codes[int(choice * len(codes))])
                    break
            share = "acute_diagnoses_share" if code.startswith(tuple(s["acute_diagnoses"])) else "acute_share"
            acute = draws.uniform() < s[share]
            virtual = draws.uniform() < s["virtual_share"] and day >= number(s["virtual_from"])
            manner = 2 if kind == 3 or (kind == 0 and acute) else int(kind == 2 and virtual and operation < 0)
            details.append((minute, length, operation, manner))
        return details

    def observe(self):
        if self.spells:
            self.visits()
            self.other_services()
            self.other_contacts()
            self.chronic_drugs()
            self.conditions()
            self.services_elsewhere()
            self.treatments()
            self.pregnancies()
            self.last_day()
            if "undiagnosed" not in self.off:
                for name in ("t1d", "t2d"):
                    if self.onset[name] < END and self.known[name] == NEVER:
                        self.trap("undiagnosed", self.onset[name])
        return {kind: sorted(words) for kind, words in self.words.items()}


@pytest.mark.parametrize(("without", "tier"), [((), "clean"), ("all", "clean"), ((), "messy")])
def test_the_kernel_equals_its_scalar_twin_on_varied_persons(bench, without, tier):
    off = tuple(bench.trap_names()) if without == "all" else without
    life, seed = bench.varied_lives(60, seed=3), 0xFEED_0000_0000_0007
    made = bench.make(life, seed=seed, without=off, tier=tier)
    n_words = 0
    for position, i in enumerate(made.shard.order):
        twin = Person(bench, life, int(i), seed, off)
        expected = twin.observe()
        if tier == "messy":
            expected = twin.spoiled(expected)
        elif "miscoded_others" not in off and twin.spells:
            twin.words = {**expected, "trap": list(expected["trap"])}
            twin.words["contact"] = twin.falsely_coded(expected["contact"])
            expected = {kind: sorted(words) for kind, words in twin.words.items()}
        for k, kind in enumerate(("service", "dispensing", "result", "contact", "trap")):
            first, end = made.seen.starts[position, k], made.seen.starts[position + 1, k]
            assert getattr(made.seen, kind)[first:end].tolist() == expected[kind], kind
            n_words += end - first
        first, end = made.seen.starts[position, 3], made.seen.starts[position + 1, 3]
        found = [getattr(made.seen, name)[first:end].tolist() for name in ("minute", "length", "operation", "manner")]
        assert list(zip(*found, strict=True)) == twin.details(expected["contact"])
    assert n_words > 60 * 100


def test_pseudonyms_equal_a_plain_feistel_network(bench):
    """The keyed permutation, written out with Python's integers."""
    from sandkasse.cohort.registers.pseudonym import PNR_DIGITS, RECORD_DIGITS, identifiers

    def permute(value, seed, purpose, bits):
        left, right, mask = value >> bits, value & (1 << bits) - 1, (1 << bits) - 1
        for turn in range(4):
            words = (right, 0, purpose, turn, seed & 0xFFFFFFFF, seed >> 32)
            drawn = rng.philox4x32.py_func(*(rng.np.uint64(x) for x in words))
            left, right = right, left ^ (int(drawn[0]) & mask)
        return left << bits | right

    seed = struct.unpack("<Q", b"sandkass")[0]
    numbers = rng.np.arange(0, 5_000_000, 99_991, dtype=rng.np.int64)
    for digits, purpose, bits in ((PNR_DIGITS, 1900, 20), (RECORD_DIGITS, 1901, 30)):
        expected = []
        for value in numbers.tolist():
            found = permute(value, seed, purpose, bits)
            while found >= 10**digits:
                found = permute(found, seed, purpose, bits)
            expected.append(found)
        assert identifiers(numbers, seed=seed, digits=digits).tolist() == expected
