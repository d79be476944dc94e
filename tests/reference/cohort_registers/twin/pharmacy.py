"""What pharmacies dispense."""

import math
from datetime import date, timedelta

from register_twin.facts import Facts
from register_twin.world import BANDS, EPOCH, PRODUCTS, P, number

from sandkasse.cohort.observation import purposes


class Pharmacy(Facts):
    """What pharmacies dispense."""

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
