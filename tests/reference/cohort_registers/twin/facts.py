"""What is true of one person."""

import math
from datetime import timedelta

from register_twin.draws import Draws
from register_twin.world import BANDS, END, EPOCH, FIRST, NEVER, P, number

from sandkasse.cohort.observation import purposes


class Facts:
    """What is true of one person, and the words that are written."""

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
        spells = (life.residence_start[i], life.residence_end[i], life.municipality[i])
        for start, end, code in zip(*(column.tolist() for column in spells), strict=True):
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

    def practice(self, day):
        return next((s[5] for s in self.spells if s[0] <= day < s[1]), self.spells[0][5])
