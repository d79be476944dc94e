# ruff: noqa: C901, PLR0912, PLW2901 — the twin is read from top to bottom, beside the parameter files
"""What goes wrong between care and the register's rows."""

import math

from register_twin.draws import Draws
from register_twin.facts import Facts
from register_twin.world import WORDS, P, number

from sandkasse.cohort.observation import purposes
from sandkasse.core import rng


class Faults(Facts):
    """What goes wrong between care and the register's rows."""

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
