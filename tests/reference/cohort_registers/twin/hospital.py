"""Contacts with hospitals."""

import math
from datetime import date

from register_twin.facts import Facts
from register_twin.world import NEVER, WORDS, P, calendar, number

from sandkasse.cohort.observation import purposes
from sandkasse.core import rng


class Hospital(Facts):
    """Contacts with hospitals."""

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

    def fitting(self, code, day):
        limited = P["codes_of_some"].get(WORDS.diagnoses[code]) if code is not None else None
        if limited and (limited["sex"] != self.sex or day - self.birth < limited["from_age"] * 365.25):
            return WORDS.diagnoses.index(limited["else"])
        return code

    def other_contact(self, draws, k, sort, band, day):
        causes, e = P["causes"], P["errors"]
        left = [c["left"] if c.get("unless") in self.has else 1.0 for c in causes.values()]
        weights = [
            c["weight"][band] * part * (c.get("urgent", False) == (k == 2))
            for c, part in zip(causes.values(), left, strict=True)
        ]
        name = list(causes)[draws.choose(weights)]
        main = self.fitting(self.code(draws, name, day), day)
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

    def details(self, contacts):
        """Start, length, operation and manner of each contact."""
        s, draws, details = P["stays"], self.stream(purposes.CONTACT_TIME), []
        eras = ("before_1981", "before_1989", "before_1996", "sks")
        for word in contacts:
            day, specialty, kind, main = word >> 47, (word >> 41) & 63, (word >> 39) & 3, (word >> 29) & 1023
            if WORDS.specialty_names[specialty] == "emergency" and day >= number(date(2019, 1, 1)):
                kind = 3
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
