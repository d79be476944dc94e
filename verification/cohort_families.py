"""Measure how alike relatives are in simulated lives: liabilities, recurrence of diabetes, heritability from pairs.

    python verification/cohort_families.py [persons, default 600000] [seed, default 1] [persons for type 1, 8000000]

Writes the tables into `docs/reference/cohort-validation.md`, between the marks of families. Standard errors: of a
correlation (1 - r²)/√n; of a logarithm of a ratio from the counts (pairs of one family counted as independent).
Siblings who both have type 1 diabetes are so few that they are counted in a larger cohort, shard by shard.
"""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from scipy.optimize import brentq
from scipy.stats import multivariate_normal, norm

from sandkasse.cohort.kernels import enable_cache
from sandkasse.cohort.life import NEVER, LifeShard, simulate_life
from sandkasse.cohort.model import CompiledModel, load_model

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "cohort-validation.md"
YEAR = 365.25
SHARD = 50_000
FOLLOW = 10_957, 15_340  # 1 January 2000 and 2012
KEPT = ("sex", "birth_day", "liability", "onset_day", "detected_day", "mother", "father", "delivery_day", "death_day")
KEPT += ("residence_start", "residence_end")


def simulate(model: CompiledModel, n_persons: int, seed: int) -> dict[str, np.ndarray]:
    """Simulate whole shards and keep what is measured."""
    parts: list[LifeShard] = [
        simulate_life(model, np.arange(first, min(first + SHARD, n_persons)), seed=seed)
        for first in range(0, n_persons, SHARD)
    ]
    return {name: np.concatenate([getattr(part, name) for part in parts]) for name in KEPT}


def siblings(lives: dict[str, np.ndarray]) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Pairs of neighbours in birth order: full siblings, and half siblings of one mother whose fathers are known."""
    order = np.lexsort((lives["birth_day"], lives["mother"]))
    order = order[lives["mother"][order] >= 0]
    a, b = order[:-1], order[1:]
    one = lives["mother"][a] == lives["mother"][b]
    a, b = a[one], b[one]
    known = (lives["father"][a] >= 0) & (lives["father"][b] >= 0)
    same = lives["father"][a] == lives["father"][b]
    yield "full siblings", a[known & same], b[known & same]
    yield "half siblings of one mother", a[known & ~same], b[known & ~same]


def correlations(model: CompiledModel, lives: dict[str, np.ndarray]) -> list[str]:
    """Correlations of liabilities between relatives, beside what the model's shares give."""
    child = np.arange(len(lives["sex"]))
    pairs = [(name, child[lives[name] >= 0], lives[name][lives[name] >= 0]) for name in ("mother", "father")] + list(
        siblings(lives)
    )
    both = (lives["mother"] >= 0) & (lives["father"] >= 0)
    pairs.append(("mother and father", lives["mother"][both], lives["father"][both]))
    shares = {"mother": (0.5, 0.0), "father": (0.5, 0.0), "full siblings": (0.5, 1.0)}
    shares |= {"half siblings of one mother": (0.25, 1.0), "mother and father": (0.0, 0.0)}
    out = ["| liability, relatives | pairs | correlation | expected |", "| --- | --- | --- | --- |"]
    for k, trait in enumerate(model.specification.general.traits):
        for name, a, b in pairs:
            r = float(np.corrcoef(lives["liability"][a, k], lives["liability"][b, k])[0, 1])
            want = shares[name][0] * trait.heritability + shares[name][1] * trait.shared_environment
            label = f"child and {name}" if name in ("mother", "father") else name
            out.append(
                f"| {trait.name}, {label} | {len(a):,} | {r:.3f} ± {(1 - r * r) / len(a) ** 0.5:.3f} | {want:.3f} |"
            )
    return out


def by_age(lives: dict[str, np.ndarray], onset: np.ndarray, age: float) -> np.ndarray:
    """Whether onset came before an age."""
    return (onset != NEVER) & (onset < lives["birth_day"] + age * YEAR)


def tetrachoric(both: float, first: float, second: float) -> float:
    """Correlation of the normal liabilities behind two yes-or-no traits."""
    limits = norm.ppf(first), norm.ppf(second)

    def gap(r: float) -> float:
        return float(multivariate_normal.cdf(limits, cov=[[1.0, r], [r, 1.0]])) - both

    return float(brentq(gap, -0.5, 0.99))


def count_pairs(lives: dict[str, np.ndarray], onset: np.ndarray, born: tuple[int, int], age: float) -> np.ndarray:
    """Count pairs of full siblings with onset before an age: pairs, elder affected, younger affected, both."""
    _, a, b = next(siblings(lives))
    year = 1970 + lives["birth_day"] / YEAR
    fit = (year >= born[0]) & (year < born[1]) & (lives["death_day"] > lives["birth_day"] + age * YEAR)
    kept = fit[a] & fit[b]
    a, b = a[kept], b[kept]
    sick = by_age(lives, onset, age)
    return np.array([len(a), sick[a].sum(), sick[b].sum(), (sick[a] & sick[b]).sum()], dtype=float)


def recurrence(counts: np.ndarray) -> tuple[float, float, float, float, int]:
    """Sibling recurrence: risk ratio, its logarithm's standard error, risk, tetrachoric correlation, pairs."""
    n, first, second, both = counts
    risk = (first + second) / (2.0 * n)
    return both / n / risk**2, max(both, 1.0) ** -0.5, risk, tetrachoric(both / n, first / n, second / n), int(n)


def type_1_pairs(model: CompiledModel, n_persons: int, seed: int) -> np.ndarray:
    """Count siblings born 1977–2004 by type 1 diabetes before 20, shard by shard."""
    total = np.zeros(4)
    for first in range(0, n_persons, SHARD):
        life = simulate_life(model, np.arange(first, min(first + SHARD, n_persons)), seed=seed)
        lives = {name: getattr(life, name) for name in ("birth_day", "death_day", "mother", "father")}
        total += count_pairs(lives, life.onset_day[:, model.conditions.index("t1d")], (1977, 2005), 20.0)
    return total


def parent_ratio(model: CompiledModel, lives: dict[str, np.ndarray]) -> tuple[float, float, int]:
    """Rate ratio of recognised type 2 diabetes with a parent recognised before 2000, Mantel-Haenszel by sex and age.

    Followed from 2000 to 2011: persons 30 to 69 years old on 1 January 2000, without diabetes, both parents known.
    """
    pair = [model.conditions.index(name) for name in ("t1d", "t2d")]
    known = lives["detected_day"][:, pair].min(axis=1)
    second = lives["detected_day"][:, pair[1]]
    age = (FOLLOW[0] - lives["birth_day"]) / YEAR
    there = ((lives["residence_start"] <= FOLLOW[0]) & (FOLLOW[0] < lives["residence_end"])).any(axis=1)
    fit = (age >= 30) & (age < 70) & there & (known > FOLLOW[0]) & (lives["mother"] >= 0) & (lives["father"] >= 0)
    ill = (second[lives["mother"]] <= FOLLOW[0]) | (second[lives["father"]] <= FOLLOW[0])
    leaves = np.where(lives["residence_end"] == NEVER, 0, lives["residence_end"]).max(axis=1)
    until = np.minimum(np.minimum(known, leaves), FOLLOW[1])
    event = (second == until) & (second < FOLLOW[1])
    years = (until - FOLLOW[0]) / YEAR
    group = (age // 5).astype(int) * 2 + lives["sex"]
    above = below = spread = 0.0
    for g in np.unique(group[fit]):
        one, none = fit & (group == g) & ill, fit & (group == g) & ~ill
        d1, d0, t1, t0 = event[one].sum(), event[none].sum(), years[one].sum(), years[none].sum()
        if t1 + t0 > 0.0:
            above += d1 * t0 / (t1 + t0)
            below += d0 * t1 / (t1 + t0)
            spread += (d1 + d0) * t1 * t0 / (t1 + t0) ** 2
    return above / below, (spread / (above * below)) ** 0.5, int(event[fit & ill].sum())


def diabetes(model: CompiledModel, lives: dict[str, np.ndarray], type_1: np.ndarray) -> list[str]:
    """Recurrence of diabetes in families, beside what was published."""
    out = ["| diabetes in families | simulated | published |", "| --- | --- | --- |"]

    def interval(ratio: float, error: float) -> str:
        return f"{ratio:.2f} ({ratio * np.exp(-1.96 * error):.2f}–{ratio * np.exp(1.96 * error):.2f})"

    ratio, error, risk, r, n = recurrence(type_1)
    out.append(
        f"| type 1 before 20, full siblings born 1977–2004: risk ratio to all ({n:,} pairs, risk {100 * risk:.2f} %) "
        f"| {interval(ratio, error)} | some ten (our aim) |"
    )
    out.append(f"| the same, heritability from the tetrachoric correlation, 2 × {r:.2f} | {2 * r:.2f} | 0.88 (twins) |")
    ratio, error, cases = parent_ratio(model, lives)
    out.append(
        f"| type 2, a parent recognised: rate ratio of recognition 2000–2011 at 30–81 years ({cases:,} cases) "
        f"| {interval(ratio, error)} | 2.72 (2.48–2.99), any first-degree relative, InterAct 2013, "
        "doi:10.1007/s00125-012-2715-x |"
    )
    second = lives["onset_day"][:, model.conditions.index("t2d")]
    ratio, error, risk, r, n = recurrence(count_pairs(lives, second, (1940, 1960), 60.0))
    out.append(
        f"| type 2 before 60, full siblings born 1940–1959: risk ratio to all ({n:,} pairs, risk {100 * risk:.1f} %) "
        f"| {interval(ratio, error)} | — |"
    )
    out.append(f"| the same, heritability from the tetrachoric correlation, 2 × {r:.2f} | {2 * r:.2f} | 0.72 (twins) |")
    return out


def homes(lives: dict[str, np.ndarray]) -> list[str]:
    """How many children women have, and how old parents are."""
    year = 1970 + lives["birth_day"] / YEAR
    leaves = np.where(lives["residence_end"] == NEVER, 0, lives["residence_end"]).max(axis=1)
    here = (lives["residence_start"][:, 0] <= np.maximum(lives["birth_day"], 2557)) & (
        leaves >= lives["birth_day"] + 45 * YEAR
    )
    women = (lives["sex"] == 2) & (year >= 1955) & (year < 1975) & here
    count = np.minimum((lives["delivery_day"][women] != NEVER).sum(axis=1), 4)
    shares = np.bincount(count, minlength=5) / len(count)
    born = lives["residence_start"][:, 0] == lives["birth_day"]
    child = lives["mother"] >= 0
    older = child & (lives["father"] >= 0)
    mothers = (lives["birth_day"][child] - lives["birth_day"][lives["mother"][child]]) / YEAR
    gap = (lives["birth_day"][lives["mother"][older]] - lives["birth_day"][lives["father"][older]]) / YEAR
    return [
        "| families | simulated |",
        "| --- | --- |",
        f"| born in the window: mother known, father known | {100 * child[born].mean():.1f} %, "
        f"{100 * older[born].mean():.1f} % |",
        f"| women born 1955–1974, present to 45: with 0, 1, 2, 3, 4 or more children in the country | "
        f"{', '.join(f'{100 * share:.0f} %' for share in shares)} |",
        f"| mother's age at birth, mean and standard deviation | {mothers.mean():.1f}, {mothers.std():.1f} years |",
        f"| father older than mother by, mean and standard deviation | {gap.mean():.1f}, {gap.std():.1f} years |",
    ]


def main() -> None:
    enable_cache(Path(tempfile.gettempdir()) / "cohort-kernels")
    n_persons = int(sys.argv[1]) if len(sys.argv) > 1 else 600_000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    model = load_model()
    lives = simulate(model, n_persons, seed)
    type_1 = type_1_pairs(model, int(sys.argv[3]) if len(sys.argv) > 3 else 8_000_000, seed)
    tables = [homes(lives), diabetes(model, lives, type_1), correlations(model, lives)]
    text = "\n\n".join("\n".join(table) for table in tables)
    before, _, rest = PAGE.read_text(encoding="utf-8").partition("<!-- families -->")
    _, _, after = rest.partition("<!-- end of families -->")
    PAGE.write_text(f"{before}<!-- families -->\n\n{text}\n\n<!-- end of families -->{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
