"""Loads, habits, recurrence, programmes, causes of death and interventions do what their rows say.

Chance bounds are two-sided with an error probability of at most 1e-6 each, unless stated otherwise.
"""

import shutil

import numpy as np
import pytest
from scipy import stats

from sandkasse.cohort.compilation.exposures import intercepts
from sandkasse.cohort.compilation.traits import trait_correlations
from sandkasse.cohort.life import NEVER, simulate_life
from sandkasse.cohort.life.causes import settle_traits
from sandkasse.cohort.model import PARAMS, load_model
from sandkasse.cohort.records import as_record
from sandkasse.cohort.specification import Load
from sandkasse.core.errors import InvalidInputError

N = 30_000
SEED = 7_010_203
ALPHA = 1e-6
YEAR = 365.25


@pytest.fixture(scope="module")
def shard(wide):
    return simulate_life(wide, np.arange(N, dtype=np.int64), seed=SEED, interventions=wide.interventions)


def ends(shard):
    """Day on which the simulated time of each person ends."""
    return np.where(shard.residence_end == NEVER, 0, shard.residence_end).max(axis=1)


def within(count, n, share, alpha=ALPHA):
    low, high = stats.binom.ppf([alpha / 2, 1 - alpha / 2], n, share)
    return low <= count <= high


def test_loads_give_the_stated_correlations_and_leave_the_variance_at_one(wide):
    rng = np.random.default_rng(5)
    n = 20_000
    traits = rng.standard_normal((n, len(wide.traits)))
    tables, fixed = as_record(wide.tables), np.zeros((n, len(wide.tables.trait_log_mean)))
    shares = np.diff(wide.tables.municipality_cumulative, prepend=0.0)
    codes = rng.choice(wide.tables.municipality_code, size=n, p=shares)
    for row, code, ratios in zip(traits, codes, fixed, strict=True):
        settle_traits(tables, wide.tables.place_group[code], row, ratios)
    standing, pressure, bmi = (traits[:, wide.traits.index(name)] for name in ("standing", "pressure", "bmi"))
    for other, weight in ((standing, -0.5), (bmi, 0.4)):
        z = (np.arctanh(np.corrcoef(pressure, other)[0, 1]) - np.arctanh(weight)) * np.sqrt(n - 3)
        assert abs(z) < stats.norm.isf(ALPHA / 2)
    low, high = stats.chi2.ppf([ALPHA / 2, 1 - ALPHA / 2], n - 1) / (n - 1)
    assert low < pressure.var(ddof=1) < high
    # By place of first residence too: a mixture of normals is flatter than one, so the bound is wider than it says.
    assert low < standing.var(ddof=1) < high
    # Hazard ratios of the traits have mean 1 over persons.
    error = fixed.std(axis=0) / np.sqrt(n)
    assert (np.abs(fixed.mean(axis=0) - 1.0) <= stats.norm.isf(ALPHA / 2) * error + 1e-9).all()


def test_a_trait_through_two_paths_adds_up():
    model = load_model()
    first = model.specification.general.traits[0]
    rows = [
        first.model_copy(update={"name": "a", "loads": ()}),
        first.model_copy(update={"name": "b", "loads": (load("a", 0.6),)}),
        first.model_copy(update={"name": "c", "loads": (load("a", 0.3), load("b", 0.5))}),
    ]
    commons = trait_correlations(rows)
    scale, correlation = commons.scale, commons.correlation
    assert correlation[2, 0] == pytest.approx(0.3 + 0.5 * 0.6)
    assert correlation[2, 1] == pytest.approx(0.3 * 0.6 + 0.5)
    assert scale[2] ** 2 == pytest.approx(1.0 - (0.3**2 + 0.5**2 + 2 * 0.3 * 0.5 * 0.6))


def load(on, weight):
    return Load(on=on, weight=weight, source="made up")


def test_traits_say_who_has_a_habit_and_not_how_many(wide, shard):
    rng = np.random.default_rng(6)
    aimed = np.array([0.02, 0.3, 0.8])
    found = intercepts(aimed, 1.3)
    drawn = 1.0 / (1.0 + np.exp(-(found + 1.3 * rng.standard_normal((400_000, 1)))))
    assert (np.abs(drawn.mean(axis=0) - aimed) < stats.norm.isf(ALPHA) * drawn.std(axis=0) / np.sqrt(len(drawn))).all()
    column = wide.exposures.index("gambling")
    grown = (shard.residence_start[:, 0] == shard.birth_day) & (ends(shard) > shard.birth_day + 40 * YEAR)
    gambles = shard.exposure_start[:, column] != NEVER
    standing = shard.liability[:, wide.traits.index("standing")]
    for sex, share in ((1, 0.3), (2, 0.2)):
        among = grown & (shard.sex == sex)
        # Relatives resemble each other, which widens the count's spread: at most by the size of a sibship, here 6.
        assert within(gambles[among].sum(), among.sum(), share, alpha=2 * stats.norm.sf(stats.norm.isf(ALPHA / 2) * 2))
        low, high = among & (standing < -0.5), among & (standing > 0.5)
        assert (
            stats.fisher_exact(
                [[gambles[low].sum(), (~gambles[low]).sum()], [gambles[high].sum(), (~gambles[high]).sum()]],
                alternative="greater",
            ).pvalue
            < ALPHA
        )
    starts = (shard.exposure_start[:, column] - shard.birth_day)[gambles]
    assert starts.min() >= int(18.0 * YEAR) - 1


def test_education_is_cut_from_its_trait(wide, shard):
    standing = shard.liability[:, wide.traits.index("standing")].astype(float)
    birth_year = 1970 + shard.birth_day // 365.25
    cut = wide.tables.education_cut
    at = np.clip(birth_year.astype(int) - 1840, 0, cut.shape[2] - 1)
    level = 1 + (standing[None] > cut[:, shard.sex - 1, at]).sum(axis=0)
    # A person born within a day of New Year may be put into the neighbouring cohort here: few, and fewer near a cut.
    assert (level == shard.education_level).mean() > 0.99
    assert set(np.unique(shard.education_level)) == {1, 2, 3}
    rank = shard.income_rank.astype(float)
    here = shard.residence_start[:, 0] == shard.birth_day
    assert 0.0 < rank.min() < rank.max() < 1.0
    assert stats.pearsonr(stats.norm.ppf(rank[here]), standing[here]).statistic == pytest.approx(np.sqrt(0.5), abs=0.05)


def test_a_condition_comes_again_no_sooner_and_no_more_often_than_it_may(wide, shard):
    column, c = wide.recurring.index("chill"), wide.conditions.index("chill")
    days = shard.occurrence_day[:, column].astype(np.int64)
    assert days.shape[1] >= 5
    assert (days[:, 5:] == NEVER).all()
    assert np.array_equal(days[:, 0], shard.onset_day[:, c])
    there = days[:, 1:] != NEVER
    gaps = (days[:, 1:] - days[:, :-1])[there]
    assert gaps.min() == 40
    assert (days[:, 4] != NEVER).sum() > 100
    assert (there <= (days[:, :-1] != NEVER)).all()
    seen = shard.occurrence_detected_day[:, column]
    found = seen != NEVER
    assert (seen[found] >= days[found]).all()
    assert np.array_equal(seen.min(axis=1), shard.detected_day[:, c])
    last = np.where(days == NEVER, -(10**9), days).max(axis=1)
    fatal = shard.fatal_condition == c
    assert (fatal & (days[:, 1] != NEVER)).sum() > 10, "some die of a later onset"
    assert ((shard.death_day - last)[fatal] <= 20).all()


def test_gaps_between_onsets_are_exponential(wide, shard):
    """Without habit, a flat hazard of 60 per 1,000 years, raised by 1.4 from day 30 to day 700 of an onset."""
    column = wide.recurring.index("chill")
    ratio = wide.tables.hazard[0, 120, 40, wide.conditions.index("chill")] * YEAR
    days = shard.occurrence_day[:, column].astype(float)
    calm = (shard.exposure_start[:, wide.exposures.index("gambling")] == NEVER) & (days[:, 0] != NEVER)
    # 90 days of higher mortality and later deaths end the wait for reasons of their own: look at a year after opening.
    calm &= ends(shard) > days[:, 0] + 40 + YEAR
    wait = np.where(days[:, 1] == NEVER, np.inf, days[:, 1] - days[:, 0] - 40.0)[calm]
    share = 1.0 - np.exp(-1.4 * ratio)
    assert ratio == pytest.approx(0.06)
    assert within((wait < YEAR).sum(), calm.sum(), share)


def test_a_programme_keeps_to_its_sex_ages_and_years(wide, shard):
    t = wide.treatments.index("chill_vaccine")
    day, why = shard.treatment_day[:, t], shard.treatment_for[:, t]
    free = (day != NEVER) & (why < 0)
    assert free.sum() > 500
    assert (shard.sex[free] == 2).all()
    year = 1970 + day[free] / YEAR
    age = year - (1970 + shard.birth_day[free] / YEAR)
    assert year.min() >= 1988.99
    assert age.min() >= 59.0
    assert age.max() < 80.1
    sick = (day != NEVER) & (why >= 0)
    assert set(why[sick]) == {wide.conditions.index("weakness")}
    assert {1, 2} <= set(shard.sex[sick])
    standing = shard.liability[:, wide.traits.index("standing")]
    assert standing[free].mean() - standing[shard.sex == 2].mean() > 0.05, "the better off are vaccinated more"


def test_a_death_is_put_down_to_what_raised_it(wide, shard):
    weak, n = wide.conditions.index("weakness"), len(wide.conditions)
    cause = shard.cause_of_death.astype(int)
    assert np.array_equal(cause[shard.fatal_condition >= 0], shard.fatal_condition[shard.fatal_condition >= 0])
    assert (shard.death_day[cause >= 0] != NEVER).all()
    put_down = np.nonzero(cause >= 0)[0]
    assert (shard.onset_day[put_down, cause[put_down]] <= shard.death_day[put_down]).all()
    rows = wide.specification.conditions
    others = [c for c in range(n) if rows[c].death and rows[c].name not in {"weakness", "chill"}]
    alone = (shard.onset_day[:, weak] != NEVER) & (shard.onset_day[:, others] == NEVER).all(axis=1)
    chill = shard.occurrence_day[:, wide.recurring.index("chill")].astype(np.int64)
    alone &= ~((chill <= shard.death_day[:, None]) & (chill > shard.death_day[:, None] - 92)).any(axis=1)
    died = alone & (shard.death_day != NEVER) & (shard.fatal_condition < 0)
    # One hazard ratio of 5 is active: four of five deaths are put down to it.
    assert died.sum() > 50
    assert within((cause[died] == weak).sum(), died.sum(), 0.8)


def test_an_intervention_changes_only_what_it_may(wide, shard):
    arm = {name: k for k, name in enumerate(wide.interventions)}
    same = (shard.onset_day_under == shard.onset_day[:, None]).all(axis=2)
    same &= shard.death_day_under == shard.death_day[:, None]
    smokes = shard.exposure_start[:, 0] != NEVER
    assert same[~smokes, arm["no_smoking"]].all()
    assert (~same[smokes, arm["no_smoking"]]).sum() > 1000
    first = shard.exposure_start[:, :1]
    early = shard.onset_day < first
    assert np.array_equal(shard.onset_day_under[:, arm["no_smoking"]][early], shard.onset_day[early])
    fifty = shard.birth_day + 50 * YEAR
    # A person may die abroad, after the last residence but before the one that was still to come.
    young = np.where(shard.death_day == NEVER, ends(shard), shard.death_day) < fifty - 1
    assert same[young, arm["everyone_statin_from_50"]].all()
    before = shard.onset_day < fifty[:, None] - 1
    assert np.array_equal(shard.onset_day_under[:, arm["everyone_statin_from_50"]][before], shard.onset_day[before])
    assert (~same[~young, arm["everyone_statin_from_50"]]).sum() > 1000
    gambles = shard.exposure_start[:, wide.exposures.index("gambling")] != NEVER
    known = shard.detected_day[:, wide.conditions.index("weakness")] != NEVER
    assert same[~gambles & ~known, arm["vaccinate_the_weak"]].all()
    assert (~same[known, arm["vaccinate_the_weak"]]).sum() > 100
    # Smoking raises hazards only: without it more lives lengthen than shorten; without effect half of them would.
    longer = (shard.death_day_under[:, arm["no_smoking"]] > shard.death_day).sum()
    shorter = (shard.death_day_under[:, arm["no_smoking"]] < shard.death_day).sum()
    assert stats.binom.sf(longer - 1, longer + shorter, 0.5) < ALPHA


def test_an_unknown_intervention_is_refused_with_the_nearest_names(wide):
    with pytest.raises(InvalidInputError, match=r"no_smokin'.*no_smoking"):
        simulate_life(wide, np.arange(2), seed=1, interventions=("no_smokin",))


@pytest.mark.parametrize(
    ("file", "text", "found"),
    [
        (
            "model.toml",
            '[[traits]]\nname = "x"\nloads = [{ on = "y", weight = 0.1, source = "made up" }]',
            "'x' loads on 'y'",
        ),
        (
            "model.toml",
            '[[traits]]\nname = "x"\nloads = [{ on = "bmi", weight = 0.8, source = "made up" }, '
            '{ on = "t1d", weight = 0.7, source = "made up" }]',
            "leaves nothing",
        ),
        (
            "interventions.toml",
            '[[intervention]]\nname = "x"\ntitle = "x"\nsource = "made up"\nwithhold = ["statin"]\n'
            '[[intervention.give]]\ntreatment = "statin"\nsource = "made up"',
            "both gives and withholds",
        ),
        (
            "interventions.toml",
            '[[intervention]]\nname = "x"\ntitle = "x"\nunexposed = ["smokin"]\nsource = "made up"',
            "smoking",
        ),
    ],
)
def test_impossible_rows_are_refused(tmp_path, file, text, found):
    folder = tmp_path / "params"
    shutil.copytree(PARAMS, folder)
    if file == "model.toml":
        text += '\nheritability = 0.5\nshared_environment = 0.0\nsource = "made up"\n'
    with (folder / file).open("a", encoding="utf-8") as opened:
        opened.write("\n" + text + "\n")
    with pytest.raises(InvalidInputError, match=found):
        load_model(folder)
