"""The truth about effects is an effect: the same persons, the same luck, one thing changed.

Chance bounds have an error probability of at most 1e-6 each.
"""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from scipy import stats

from sandkasse.cohort.arms import natural_arms
from sandkasse.cohort.causal import Estimand, Population, estimate_effect, true_risk
from sandkasse.cohort.life.simulate import simulate_arms
from sandkasse.cohort.specification import Given, Intervention
from sandkasse.core.errors import InvalidInputError

Z = stats.norm.isf(0.5e-6)
DAY = date(2005, 1, 1)
FREE = Population(DAY, ages=(15, 40), never_exposed=("gambling",), never_took=("chill_vaccine",))
VACCINATE = Intervention(
    name="vaccinate",
    title="Vaccinate now",
    source="made up",
    give=(Given(treatment="chill_vaccine", source="made up"),),
)
NOBODY = Intervention(name="nobody", title="Vaccinate nobody", source="made up", withhold=("chill_vaccine",))
VACCINE = Estimand(FREE, "chill", 8.0, VACCINATE, NOBODY)


def test_a_course_against_itself_has_no_effect_at_all(wide):
    effect = estimate_effect(wide, replace(VACCINE, course="natural", against="natural"), n_persons=10_000, seed=3)
    assert effect.n_persons > 200
    assert (effect.risk_difference.value, effect.risk_difference.standard_error) == (0.0, 0.0)
    assert effect.mean_years_difference.value == 0.0
    assert effect.hazard_ratio == 1.0
    assert effect.risk.value > 0.1


def test_an_effect_is_the_one_that_the_rows_say(wide):
    """Without habit and traits the hazard is flat, 60 per 1,000 years, and 0.3 of it when vaccinated; death is rare."""
    effect = estimate_effect(wide, replace(VACCINE, horizon_years=2.0), n_persons=40_000, seed=4)
    events = [effect.n_persons * risk.value for risk in (effect.risk, effect.risk_against)]
    error = np.sqrt(sum(1.0 / n for n in events))
    assert abs(np.log(effect.hazard_ratio / 0.3)) < Z * error
    assert effect.risk_difference.value < -Z * effect.risk_difference.standard_error
    assert effect.risk_difference.value == pytest.approx(effect.risk.value - effect.risk_against.value)
    # A whole year's risk cannot pass that of persons who do not die.
    assert effect.risk_against.value < 1.0 - np.exp(-0.06 * 2.0) + Z * effect.risk_against.standard_error
    assert effect.mean_years_difference.value > 0.0


def test_two_seeds_agree_within_their_standard_errors(wide):
    one, other = (estimate_effect(wide, VACCINE, n_persons=20_000, seed=seed) for seed in (5, 6))
    for name in ("risk", "risk_against", "risk_difference", "mean_years", "mean_years_difference"):
        a, b = getattr(one, name), getattr(other, name)
        assert a.standard_error > 0.0, name
        assert abs(a.value - b.value) < Z * np.hypot(a.standard_error, b.standard_error), name
    # Shared luck pays: the difference is surer than two independent risks would make it.
    assert one.risk_difference.standard_error < np.hypot(one.risk.standard_error, one.risk_against.standard_error)


def test_no_smoking_helps_smokers_and_nobody_else(wide):
    smokers = Estimand(Population(DAY, ages=(40, 70), exposed=("smoking",)), "death", 15.0, "no_smoking")
    effect = estimate_effect(wide, smokers, n_persons=20_000, seed=7)
    assert effect.mean_years_difference.value > Z * effect.mean_years_difference.standard_error
    others = replace(smokers, population=Population(DAY, ages=(40, 70), never_exposed=("smoking",)))
    assert estimate_effect(wide, others, n_persons=5_000, seed=7).risk_difference.value == 0.0


def test_true_risks_are_calibrated_and_differ_between_persons(wide):
    persons = np.arange(1500, dtype=np.int64)
    question = Estimand(Population(DAY, ages=(40, 90)), "death", 10.0, "natural")
    risk = true_risk(wide, persons, question, seed=8, n_draws=50)
    some = ~np.isnan(risk)
    assert 100 < some.sum() < len(persons)
    arms = natural_arms(2, n_treatments=len(wide.treatments), n_exposures=len(wide.exposures))
    arms.until[1] = 12_784 + round(10.0 * 365.25)
    died = simulate_arms(wide, persons[some], seed=8, arms=arms).death_day_under[:, 0] < arms.until[1]
    expected, spread = risk[some].sum(), np.sqrt((risk[some] * (1.0 - risk[some]) * (1.0 + 1.0 / 50)).sum())
    assert abs(died.sum() - expected) < Z * spread + 1.0
    # Better than telling everybody the mean: those who die had the higher risk (a rank test).
    assert stats.mannwhitneyu(risk[some][died], risk[some][~died], alternative="greater").pvalue < 1e-6


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({"outcome": "chil"}, "chill"),
        ({"horizon_years": 30.0}, "horizon"),
        ({"course": "no_smokin"}, "no_smoking"),
        ({"population": Population(DAY, known=("weaknes",))}, "weakness"),
        ({"population": Population(DAY, ages=(119, 120))}, "nobody"),
    ],
)
def test_impossible_questions_are_refused(wide, changed, found):
    with pytest.raises(InvalidInputError, match=found):
        estimate_effect(wide, replace(VACCINE, **changed), n_persons=500, seed=1)
