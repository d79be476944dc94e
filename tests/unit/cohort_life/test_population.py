"""The simulated population is a proportional sample of the published one.

Persons enter independently, so the residents of a group on a day are binomial: with p the published count over all
persons of the nation, z = (count - n p) / sqrt(n p (1 - p)) is standard normal where the model is right. Fixed seed;
each test refuses at a statistic of probability below 1e-6 under the model.
"""

import csv

import numpy as np
import pytest
from scipy import stats

from sandkasse.cohort.calibration.measure import measure_life
from sandkasse.cohort.model import DATA

ALPHA = 1e-6


@pytest.fixture(scope="module")
def counts(model):
    return measure_life(model, 60_000, seed=20_240_101)


def published(quantity):
    table = np.zeros((2, 20, 48))
    with (DATA / "targets.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["quantity"] == quantity:
                table[int(row["sex"]) - 1, int(row["age_from"]) // 5, int(row["year"]) - 1977] = float(row["events"])
    return table


def chi_square(observed, expected, n):
    p = expected / n
    return float(((observed - expected) ** 2 / (n * p * (1.0 - p))).sum())


@pytest.mark.parametrize("year", [1977, 1990, 2005, 2013])
def test_residents_by_sex_and_age_match_the_published_population(counts, year):
    expected = published("population")[..., year - 1977] * counts.share
    observed = counts.population[..., year - 1977]
    enough = expected >= 5.0
    statistic = chi_square(observed[enough], expected[enough], 60_000)
    assert stats.chi2.sf(statistic, enough.sum()) > ALPHA


def test_the_population_test_can_fail(counts):
    """Ten per cent too few in every age group is found."""
    expected = published("population")[..., 28] * counts.share
    assert stats.chi2.sf(chi_square(counts.population[..., 28] * 0.9, expected, 60_000), 40) < ALPHA


def test_deaths_by_ten_years_match_the_published_deaths(counts):
    expected = published("deaths") * counts.share
    for years in (slice(0, 10), slice(10, 20), slice(20, 30), slice(30, 36)):
        want, got = expected[..., years].sum(), counts.deaths[..., years].sum()
        # Deaths are independent between persons, each dies once: variance at most the mean.
        assert 2.0 * stats.norm.sf(abs(got - want) / np.sqrt(want)) > ALPHA
