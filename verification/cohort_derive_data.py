"""Derive the Danish figures that the cohort needs from the published tables.

    python verification/cohort_derive_data.py FOLDER_OF_TABLES

The folder holds births_by_month.csv, mortality_by_age_sex_year.csv, population_by_age_sex_1971_2013.csv and
diabetes_incidence_mortality_1996_2015.csv: the tables B.dk, M.dk, N.dk and DMepi of the R package Epi (Carstensen,
Plummer, Läärä, Hills 2022, version 2.47), whose figures are Statistics Denmark's and the Danish registers'.
Written to src/sandkasse/cohort/data; every row says whether it is published or extrapolated.
"""

import csv
import sys
from pathlib import Path

import numpy as np

OUT = Path(__file__).resolve().parents[1] / "src" / "sandkasse" / "cohort" / "data"
FIRST, LAST = 1977, 2024
AGES = 111
# Immigrations and emigrations 2013-2023: Statistics Denmark's movements as republished at
# https://statistico.com/s/denmark-net-migration-by-year (a stored copy); 2010 from Denmark Yearbook 2011, table 31.
NET_MIGRATION = dict(
    zip(range(2013, 2024), (19992, 31223, 37794, 30287, 24631, 18684, 9321, 10920, 26475, 58256, 30172), strict=True)
)
NET_MIGRATION[2024] = 28000  # our choice
EMIGRATION_KNOTS = {  # 1977-2005: our choice, order of magnitude of Statistics Denmark's series
    1977: 27000, 1990: 32000, 2000: 43000, 2010: 45882, 2013: 59226, 2014: 56340, 2015: 61078, 2016: 64078, 2017: 64751,
    2018: 68645, 2019: 74597, 2020: 59420, 2021: 49803, 2022: 62927, 2023: 68172, 2024: 68000,
}  # fmt: skip
# Age profile of the rate of emigration, relative: our choice (young adults move most).
EMIGRATION_AGES = ([0, 10, 17, 22, 27, 35, 45, 60, 75, 110], [0.6, 0.5, 0.7, 2.6, 2.8, 1.4, 0.7, 0.35, 0.12, 0.05])
RETURN_PROBABILITY = (
    0.45  # Danish citizens' immigrations over all emigrations in 2010: 21,319 / 45,882 (Yearbook 2011, table 31)
)
RETURN_MEAN_YEARS = 3.0  # our choice
# Live births after the last published month (2018): our choice, rounded to hundreds near Statistics Denmark's totals.
BIRTHS_AFTER = {2019: 61200, 2020: 60900, 2021: 63500, 2022: 58400, 2023: 57500, 2024: 57500}
# Mean age at childbirth: our choice between Statistics Denmark's about 27 in 1977 and 31.4 in 2022; spread our choice.
CHILDBIRTH = ([1977, 1990, 2005, 2024], [26.8, 28.5, 30.6, 31.4])
CHILDBIRTH_SD = 5.2
# Life expectancy at birth, published for 2022 (men, women), which the extrapolated mortality must meet.
LIFE_EXPECTANCY = {2022: (79.74, 83.71)}


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def write(name: str, header: str, rows: list[tuple[object, ...]]) -> None:
    with (OUT / name).open("w", encoding="utf-8", newline="") as file:
        file.write(header + "\n")
        file.writelines(",".join(str(cell) for cell in row) + "\n" for row in rows)


def population(folder: Path) -> np.ndarray:
    """Persons on 1 January, shape (2, 43 years from 1971, 111 ages)."""
    table = np.zeros((2, 43, AGES))
    for row in read(folder / "population_by_age_sex_1971_2013.csv"):
        table[int(row["sex"]) - 1, int(row["P"]) - 1971, int(row["A"])] = float(row["N"])
    return table


def births(folder: Path) -> np.ndarray:
    """Live births, shape (48 years from 1977, 12, 2); after 2018 with the months' and sexes' shares of 2014-18."""
    table = np.zeros((LAST - FIRST + 1, 12, 2))
    for row in read(folder / "births_by_month.csv"):
        if int(row["year"]) >= FIRST:
            table[int(row["year"]) - FIRST, int(row["month"]) - 1] = float(row["m"]), float(row["f"])
    shares = table[2014 - FIRST : 2019 - FIRST].sum(axis=0)
    shares /= shares.sum()
    for year, total in BIRTHS_AFTER.items():
        table[year - FIRST] = np.round(total * shares)
    return table


def smooth_age(values: np.ndarray, weights: np.ndarray, half: int) -> np.ndarray:
    """Weighted moving average over age, narrowed at the ends."""
    out = np.empty_like(values)
    n = values.shape[-1]
    for a in range(n):
        reach = min(half, a, n - 1 - a)
        part = slice(a - reach, a + reach + 1)
        out[..., a] = (values[..., part] * weights[..., part]).sum(-1) / np.maximum(weights[..., part].sum(-1), 1e-9)
    return out


def life_expectancy(rates: np.ndarray) -> float:
    survival = np.exp(-np.concatenate([[0.0], np.cumsum(rates)]))
    return float(((survival[1:] + survival[:-1]) / 2.0).sum())


def mortality(folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rates per person-year, shape (2, 51 years from 1974, 111), with published deaths and person-years (39 years)."""
    deaths, years = np.zeros((2, 39, 100)), np.zeros((2, 39, 100))
    for row in read(folder / "mortality_by_age_sex_year.csv"):
        at = int(row["sex"]) - 1, int(row["P"]) - 1974, int(row["A"])
        deaths[at], years[at] = float(row["D"]), float(row["Y"])
    raw = deaths / np.maximum(years, 1.0)
    rates = np.zeros((2, LAST - 1974 + 1, AGES))
    # Between ages 1 and 40 there are few deaths a year: average over five ages; above, the table's own rate.
    smoothed = smooth_age(raw, years, 2)
    rates[:, :39, :100] = raw
    rates[:, :39, 2:41] = smoothed[:, :, 2:41]
    for sex in range(2):
        recent = np.arange(2000, 2013) - 2006.0
        logs = np.log(np.maximum(smooth_age(raw[sex, 26:39], years[sex, 26:39], 4), 1e-5))
        slope = (recent[:, None] * (logs - logs.mean(0))).sum(0) / (recent**2).sum()
        slope = np.clip(slope, -0.05, 0.0)
        start = np.exp(logs.mean(0) + slope * 6.0)
        target = LIFE_EXPECTANCY[2022][sex]
        low, high = 0.0, 2.0
        for _ in range(60):  # damping of the trend so that 2022 has the published life expectancy
            damping = (low + high) / 2.0
            guess = start * np.exp(slope * damping * 10.0)
            full = np.concatenate([guess, np.full(AGES - 100, guess[99])])
            low, high = (damping, high) if life_expectancy(full) < target else (low, damping)
        print("sex", sex + 1, "damping of the mortality trend after 2012:", round(damping, 3))
        for year in range(2013, LAST + 1):
            rates[sex, year - 1974, :100] = start * np.exp(slope * damping * (year - 2012.0))
    rates[:, :, 100:] = rates[:, :, 99:100]
    return rates, deaths, years


def emigration_totals() -> np.ndarray:
    knots = sorted(EMIGRATION_KNOTS)
    return np.interp(np.arange(FIRST, LAST + 1), knots, [EMIGRATION_KNOTS[year] for year in knots])


def main() -> None:  # noqa: PLR0915 — one figure after the other
    folder = Path(sys.argv[1])
    OUT.mkdir(parents=True, exist_ok=True)
    n, b = population(folder), births(folder)
    rates, _, _ = mortality(folder)
    n_years = LAST - FIRST + 1
    ages = np.arange(AGES)
    net = np.zeros((2, n_years, AGES))  # by age on 1 January; the born of the year in column 110
    born = AGES - 1
    stock = np.zeros((2, n_years + 1, AGES))
    stock[:, 0] = n[:, FIRST - 1971]
    emigration_profile = np.interp(ages, *EMIGRATION_AGES)
    for i in range(n_years):
        year = FIRST + i
        m = rates[:, year - 1974]
        survive = np.exp(-(m[:, :-1] + m[:, 1:]) / 2.0)
        infant = 1.0 - 0.87 * m[:, 0]  # 87 % of infant deaths fall in the calendar year of birth: our choice
        if year <= 2012:
            start, end = n[:, year - 1971], n[:, year - 1970]
            net[:, i, :90] = end[:, 1:91] - start[:, :90] * survive[:, :90]
            net[:, i, born] = end[:, 0] - b[i].sum(axis=0) * infant
        else:
            recent = net[:, 2007 - FIRST : 2013 - FIRST].mean(axis=1)
            net[:, i] = recent / recent.sum() * NET_MIGRATION[year]
        stock[:, i + 1, 1:] = stock[:, i, :-1] * survive + net[:, i, :-1]
        stock[:, i + 1, 0] = b[i].sum(axis=0) * infant + net[:, i, born]
    # Age by single year is noisy in the derived net flow: average over five ages, keep each year's total by sex.
    smooth = net.copy()
    smooth[:, :, :90] = smooth_age(net[:, :, :90], np.ones_like(net[:, :, :90]), 2)
    emigrants = np.zeros_like(net)
    for i, total in enumerate(emigration_totals()):
        weight = stock[:, i] * emigration_profile
        emigrants[:, i, :born] = (weight / weight.sum() * total)[:, :born]
    immigrants = smooth + emigrants
    emigrants -= np.minimum(immigrants, 0.0)
    immigrants = np.maximum(immigrants, 0.0)
    hazard = np.zeros_like(net)
    hazard[:, :, :born] = -np.log(
        np.maximum(1.0 - emigrants[:, :, :born] / np.maximum(stock[:, :n_years, :born], 1.0), 0.5)
    )
    hazard[:, :, 90:] = 0.0
    # Returning emigrants are part of the immigrations; the rest enters for the first time.
    first = immigrants.copy()
    for gap in range(16):
        early, late = np.exp(-max(gap - 0.5, 0.0) / RETURN_MEAN_YEARS), np.exp(-(gap + 0.5) / RETURN_MEAN_YEARS)
        share = RETURN_PROBABILITY * (early - late)
        first[:, gap:, gap:born] -= share * emigrants[:, : n_years - gap, : born - gap]
    print(
        "first immigrations set to zero where negative:",
        round(float(np.minimum(first, 0).sum())),
        "of",
        round(float(first.sum())),
    )
    first = np.maximum(first, 0.0)
    mean_age = np.interp(np.arange(FIRST, LAST + 1), *CHILDBIRTH)
    schedule = np.exp(-0.5 * ((ages[None, :] + 0.5 - mean_age[:, None]) / CHILDBIRTH_SD) ** 2)
    schedule[:, :15] = schedule[:, 50:] = 0.0
    schedule /= schedule.sum(axis=1, keepdims=True)
    women = (stock[1, :n_years] + stock[1, 1:]) / 2.0
    fertility = b.sum(axis=(1, 2)) / (women * schedule).sum(axis=1)
    status = lambda year, last: "published" if year <= last else "extrapolated"  # noqa: E731
    derived = lambda year: "derived" if year <= 2012 else "extrapolated"  # noqa: E731
    write("population_1977.csv", "sex,age,persons", [(s + 1, a, int(n[s, 6, a])) for s in range(2) for a in range(100)])
    write(
        "births.csv", "year,month,sex,persons,status",
        [
            (FIRST + i, m + 1, s + 1, int(b[i, m, s]), status(FIRST + i, 2018))
            for i in range(n_years) for m in range(12) for s in range(2)
        ],
    )  # fmt: skip
    write(
        "mortality.csv", "sex,year,status," + ",".join(f"age_{a}" for a in range(AGES)),
        [
            (s + 1, year, status(year, 2012), *(f"{rates[s, year - 1974, a]:.4g}" for a in range(AGES)))
            for s in range(2) for year in range(1974, LAST + 1)
        ],
    )  # fmt: skip
    names = ",".join(f"age_{a}" for a in range(90)) + ",born_in_year"
    columns = [*range(90), born]
    write(
        "immigration.csv", "sex,year,status," + names,
        [
            (s + 1, FIRST + i, derived(FIRST + i), *(f"{first[s, i, a]:.1f}" for a in columns))
            for s in range(2) for i in range(n_years)
        ],
    )  # fmt: skip
    write(
        "emigration.csv", "sex,year,status," + ",".join(f"age_{a}" for a in range(90)),
        [
            (s + 1, FIRST + i, derived(FIRST + i), *(f"{hazard[s, i, a]:.4g}" for a in range(90)))
            for s in range(2) for i in range(n_years)
        ],
    )  # fmt: skip
    write(
        "fertility.csv", "year,births_per_woman,mean_age,status",
        [(FIRST + i, f"{fertility[i]:.4f}", f"{mean_age[i]:.2f}", status(FIRST + i, 2012)) for i in range(n_years)],
    )  # fmt: skip
    write_targets(folder, n, stock)
    for year in (2013, 2024, 2025):
        total = stock[:, year - FIRST].sum()
        shares = stock[:, year - FIRST, :15].sum() / total, stock[:, year - FIRST, 65:].sum() / total
        print(year, round(total), [f"{share:.3f}" for share in shares])
    print(
        "immigrants in all",
        round(first.sum()),
        "emigrations",
        round(emigrants.sum()),
        "TFR",
        fertility[[0, 6, 30, 47]].round(2),
    )


def write_targets(folder: Path, n: np.ndarray, stock: np.ndarray) -> None:
    """Freeze what the simulation is compared with, five years of age at a time, each row marked fitted or held out."""
    rows: list[tuple[object, ...]] = []
    for year in range(1977, 2014):
        role = "fitted" if year <= 2007 else "held out"
        for s in range(2):
            for a in range(0, 100, 5):
                rows.append(("population", s + 1, a, year, int(n[s, year - 1971, a : a + 5].sum()), 1, role))  # noqa: PERF401
    cells: dict[tuple[int, int, int], np.ndarray] = {}
    for row in read(folder / "mortality_by_age_sex_year.csv"):
        key = int(row["sex"]), int(row["A"]) // 5 * 5, int(row["P"])
        cells[key] = cells.get(key, np.zeros(2)) + np.array([float(row["D"]), float(row["Y"])])
    for (sex, age, year), (d, y) in sorted(cells.items()):
        if year >= FIRST:
            rows.append(("deaths", sex, age, year, int(d), round(y, 1), "fitted" if year <= 2007 else "held out"))
    cells = {}
    for row in read(folder / "diabetes_incidence_mortality_1996_2015.csv"):
        key = "MF".index(row["sex"]) + 1, int(row["A"]) // 5 * 5, int(row["P"])
        add = [float(row[name]) for name in ("X", "Y.nD", "D.DM", "Y.DM", "D.nD")]
        cells[key] = cells.get(key, np.zeros(5)) + add
    for (sex, age, year), (x, yn, dd, yd, dn) in sorted(cells.items()):
        odd = year % 2 == 1
        role = "held out" if (age // 5 % 4 == 1 and odd) or year >= 2015 else "fitted"
        rows.append(("diabetes_detected", sex, age, year, int(x), round(yn, 1), role))
        rows.append(
            ("deaths_with_diabetes", sex, age, year, int(dd), round(yd, 1), "fitted" if year <= 2007 else "held out")
        )
        rows.append(("deaths_without_diabetes", sex, age, year, int(dn), round(yn, 1), "held out"))
        share_role = "fitted" if year == 1996 else "held out"
        rows.append(("diabetes_prevalence", sex, age, year, round(yd, 1), round(yn + yd, 1), share_role))
    write("targets.csv", "quantity,sex,age_from,year,events,person_years,role", rows)


if __name__ == "__main__":
    main()
