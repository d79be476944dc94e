"""Where a person lives first moves traits by what the rows say, what follows from them, and nothing else.

Blocks of families are independent of each other: bounds are Student's, over the sums of blocks, two-sided with an error
probability of 1e-6 each.
"""

import shutil

import numpy as np
import pytest
from scipy import stats

from sandkasse.cohort.compilation.exposures import intercepts
from sandkasse.cohort.compilation.places import compile_places
from sandkasse.cohort.compilation.traits import trait_correlations
from sandkasse.cohort.life import NEVER, simulate_life
from sandkasse.cohort.life.families import BLOCK_PERSONS
from sandkasse.cohort.model import PARAMS, load_model
from sandkasse.core.errors import InvalidInputError

N_BLOCKS = 80
SEED = 31_337
ALPHA = 1e-6
YEAR = 365.25
SHIFTS = {"capital": 0.6, "rural": -0.4}
LOG_RATIO = 0.8
RATE = 0.02

CHARM = """
[[traits]]
name = "charm"
heritability = 0.3
shared_environment = 0.2
source = "made up"
[[traits]]
name = "fame"
heritability = 0.3
shared_environment = 0.0
loads = [{ on = "charm", weight = 0.5, source = "made up" }]
source = "made up"
[[place_shifts]]
trait = "charm"
by = { capital = 0.6, rural = -0.4 }
source = "made up"
"""
SHIVER = f"""
name = "shiver"
title = "Shiver (made up)"
[incidence]
source = "made up"
ages = [0, 100]
men = [{1000 * RATE}, {1000 * RATE}]
women = [{1000 * RATE}, {1000 * RATE}]
[[traits]]
trait = "charm"
log_hazard_ratio = {LOG_RATIO}
source = "made up"
[detection]
rate_per_year = 1.0
source = "made up"
"""


@pytest.fixture
def params(tmp_path):
    folder = tmp_path / "params"
    shutil.copytree(PARAMS, folder)
    return folder


def append(folder, text):
    with (folder / "model.toml").open("a", encoding="utf-8") as file:
        file.write(text)


def replace(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def without_shifts(folder):
    """Take all shifts away, or make them 0, which must be the same."""
    lines = (folder / "model.toml").read_text(encoding="utf-8").splitlines()
    text = "\n".join(line for line in lines if not line.startswith("by = {"))
    return text.replace("[[place_shifts]]", "[[place_shifts]]\nby = { capital = 0.0, rural = 0.0 }")


@pytest.fixture(scope="module")
def charmed(tmp_path_factory):
    """The shipped world with a trait that only the place and luck move, and that moves one condition."""
    folder = tmp_path_factory.mktemp("charmed") / "params"
    shutil.copytree(PARAMS, folder)
    (folder / "conditions" / "shiver.toml").write_text(SHIVER, encoding="utf-8")
    replace(folder / "model.toml", '"covid19",\n]', '"covid19", "shiver",\n]')
    append(folder, CHARM)
    return load_model(folder)


@pytest.fixture(scope="module")
def shard(charmed):
    return simulate_life(charmed, np.arange(N_BLOCKS * BLOCK_PERSONS, dtype=np.int64), seed=SEED)


def group_of(model, shard):
    return model.tables.place_group[shard.municipality[:, 0].astype(np.int64)]


def stated(model):
    """Mean of charm in each group: the stated shift less the mean of all inhabitants."""
    groups = model.specification.general.places
    shares = np.diff(model.tables.municipality_cumulative, prepend=0.0)
    inhabitants = [shares[np.isin(model.tables.municipality_code, group.codes)].sum() for group in groups]
    by = np.array([SHIFTS.get(group.name, 0.0) for group in groups])
    return by - np.array(inhabitants) @ by, np.array(inhabitants)


def assert_zero_in_the_mean(values, persons):
    """Assert that values have mean 0, by the sums of independent blocks."""
    sums = np.bincount(persons // BLOCK_PERSONS, weights=values, minlength=N_BLOCKS)
    statistic = sums.mean() / (sums.std(ddof=1) / np.sqrt(N_BLOCKS))
    assert abs(statistic) < stats.t.isf(ALPHA / 2, N_BLOCKS - 1)


def test_every_municipality_is_in_a_group_and_the_shipped_shifts_are_centred(model):
    groups = model.specification.general.places
    assert [len(group.codes) for group in groups] == [24, 3, 16, 24, 32]  # 98 municipalities, and Christiansø
    listed = sorted(code for group in groups for code in group.codes)
    assert listed == sorted(model.tables.municipality_code.tolist())
    shares = np.diff(model.tables.municipality_cumulative, prepend=0.0)
    mean = shares @ model.tables.place_shift[model.tables.place_group[model.tables.municipality_code]]
    assert np.abs(mean).max() < 1e-12
    assert np.abs(model.tables.place_shift).max() > 0.1


def test_shifts_of_0_leave_every_life_as_it_was_without_places(params, model):
    text = without_shifts(params)
    (params / "model.toml").write_text(text, encoding="utf-8")
    zero = load_model(params)
    kept, inside = [], False
    for line in text.splitlines():
        if line.startswith("["):
            inside = line.startswith(("[[places]]", "[[place_shifts]]"))
        if not inside or not line.strip():
            kept.append(line)
    (params / "model.toml").write_text("\n".join(kept), encoding="utf-8")
    placeless = load_model(params)
    assert placeless.specification.general.places == ()
    # All that lives are made of has the same bits, and the shift that is added to a trait is 0.
    assert not zero.tables.place_shift.any()
    assert not placeless.tables.place_shift.any()
    for name, table in zero.tables._asdict().items():
        if name not in {"place_group", "place_shift"}:
            assert np.array_equal(table, getattr(placeless.tables, name)), name
    persons = np.arange(3_000, dtype=np.int64)
    old = simulate_life(zero, persons, seed=20_240_101)
    # With the shipped shifts other draws stay: who enters and where, and a draw of those born in the window, whose life
    # is the first that is drawn.
    now = simulate_life(model, persons, seed=20_240_101)
    for name in ("sex", "birth_day"):
        assert np.array_equal(getattr(now, name), getattr(old, name))
    assert np.array_equal(now.municipality[:, 0], old.municipality[:, 0])
    born_here = old.residence_start[:, 0] == old.birth_day
    assert born_here.sum() > 500
    assert np.array_equal(now.hba1c_set_point[born_here], old.hba1c_set_point[born_here])
    standing = model.traits.index("socioeconomic")
    assert (now.liability[:, standing] != old.liability[:, standing]).all()


def test_a_shift_moves_the_mean_of_its_group_by_the_stated_amount(charmed, shard):
    charm = shard.liability[:, charmed.traits.index("charm")].astype(float)
    group = group_of(charmed, shard)
    means, shares = stated(charmed)
    assert means[0] - means[-1] == pytest.approx(1.0)
    for g, mean in enumerate(means):
        assert_zero_in_the_mean(np.where(group == g, charm - mean, 0.0), shard.person)
    assert_zero_in_the_mean(charm, shard.person)
    # The variance stays 1, so within a group it is less.
    within = 1.0 - shares @ means**2
    assert_zero_in_the_mean((charm - means[group]) ** 2 - within, shard.person)
    assert within < 0.9


def test_a_trait_that_loads_on_a_shifted_one_is_moved_by_the_path(charmed, shard):
    fame = shard.liability[:, charmed.traits.index("fame")].astype(float)
    group, means = group_of(charmed, shard), stated(charmed)[0]
    for g, mean in enumerate(means):
        assert_zero_in_the_mean(np.where(group == g, fame - 0.5 * mean, 0.0), shard.person)
    assert_zero_in_the_mean(fame**2 - 1.0, shard.person)


def test_the_place_of_a_child_is_that_of_its_mother(charmed, shard):
    group, born_here = group_of(charmed, shard), shard.residence_start[:, 0] == shard.birth_day
    child = np.nonzero(born_here & (shard.mother >= 0))[0]
    mother = shard.mother[child]
    charm = shard.liability[:, charmed.traits.index("charm")].astype(float)
    # Children of mothers who never moved live in their group: its mean is theirs.
    stayed = (shard.municipality[mother, 1] == 0) & (shard.residence_start[mother, 0] <= shard.birth_day[child])
    assert stayed.sum() > 1000
    assert np.array_equal(group[child[stayed]], group[mother[stayed]])
    capital = np.zeros(len(charm))
    capital[child] = np.where(group[child] == 0, charm[child] - stated(charmed)[0][0], 0.0)
    assert_zero_in_the_mean(capital, shard.person)


def test_through_the_trait_a_shift_moves_the_risk_of_a_condition(charmed, shard):
    """Onset within ten years of birth among those born in the window and still there, under a flat hazard."""
    c, group = charmed.conditions.index("shiver"), group_of(charmed, shard)
    until = shard.birth_day + 10 * YEAR
    ends = np.where(shard.residence_end == NEVER, 0, shard.residence_end).max(axis=1)
    followed = (shard.residence_start[:, 0] == shard.birth_day) & (ends > until + 1)
    fell_ill = followed & (shard.onset_day[:, c] < until)
    means, shares = stated(charmed)
    within = 1.0 - shares @ means**2
    log_mean = 0.5 * LOG_RATIO**2 * within + np.log(shares @ np.exp(LOG_RATIO * means))
    nodes, weights = np.polynomial.hermite_e.hermegauss(64)
    risk = np.empty(len(means))
    for g, mean in enumerate(means):
        ratio = np.exp(LOG_RATIO * (mean + np.sqrt(within) * nodes) - log_mean)
        risk[g] = 1.0 - (weights @ np.exp(-10.0 * RATE * ratio)) / weights.sum()
        # An onset is noted by the day on which it falls, which moves at most one day of ten years over the edge.
        assert_zero_in_the_mean(np.where(followed & (group == g), fell_ill - risk[g], 0.0), shard.person)
    assert risk[0] / risk[-1] > 1.7
    assert (followed & (group == 0)).sum() > 2000


def test_the_share_with_a_habit_is_kept_where_groups_differ():
    shares, means, weights = np.array([0.05, 0.4, 0.9]), np.array([1.5, -0.5, -0.25]), np.array([0.2, 0.4, 0.4])
    found = intercepts(shares, 0.8, means=means, weights=weights)
    nodes, w = np.polynomial.hermite_e.hermegauss(48)
    each = 1.0 / (1.0 + np.exp(-(found[:, None, None] + means[:, None] + 0.8 * nodes)))
    # Two rules of integration, of different order.
    assert (each @ w / w.sum()) @ weights == pytest.approx(shares, abs=1e-8)
    plain = intercepts(shares, 0.8)
    assert np.array_equal(plain, intercepts(shares, 0.8, means=np.zeros(3), weights=weights))
    assert (np.abs(found - plain) > 0.01).any()


def test_correlations_through_the_place_add_to_those_of_the_loads(model):
    commons = trait_correlations(model.specification.general.traits)
    assert not commons.mean.any()
    assert np.array_equal(commons.within(), commons.correlation)
    activity, psychosis = model.traits.index("activity"), model.traits.index("psychosis")
    tables = model.tables
    shares = np.diff(tables.municipality_cumulative, prepend=0.0)
    shift = tables.place_shift[tables.place_group[tables.municipality_code]]
    # The own part leaves what the shift and the loads take: by hand for the first trait, which loads on none.
    assert tables.trait_scale[0] ** 2 == pytest.approx(1.0 - shares @ shift[:, 0] ** 2)
    assert tables.trait_scale[activity] < commons.scale[activity]
    assert tables.trait_scale[psychosis] < commons.scale[psychosis]


REFUSED = [
    ("codes = [\n    461, 751, 851,\n]", "codes = [\n    461, 751, 851, 999,\n]", "'metropolitan' names the code 999"),
    ("codes = [\n    461, 751, 851,\n]", "codes = [\n    461, 851,\n]", "a group, got none for 751\n"),
    (
        "codes = [\n    461, 751, 851,\n]",
        "codes = [\n    461, 751, 851, 101,\n]",
        "101 stands in two groups, 'capital'",
    ),
    ('[[place_shifts]]\ntrait = "activity"', '[[place_shifts]]\ntrait = "activty"', "'activty'.* nearest are activity"),
    ("by = { capital = 0.05", "by = { capitol = 0.05", "'activity' names the group of municipalities 'capitol'"),
    ("by = { capital = 0.05", "by = { capital = 1.5", r"place_shifts → 1 → by → capital"),
]


@pytest.mark.parametrize(("old", "new", "message"), REFUSED)
def test_impossible_places_are_refused_in_one_line(params, old, new, message):
    replace(params / "model.toml", old, new)
    with pytest.raises(InvalidInputError, match=message) as caught:
        load_model(params)
    assert "\n" not in caught.value.message


def test_shifts_that_leave_nothing_of_a_trait_are_refused(params):
    append(params, '\n[[place_shifts]]\ntrait = "bone"\nsource = "made up"\nby = { capital = 1.0, rural = -1.0 }\n' * 2)
    with pytest.raises(InvalidInputError, match=r"'bone' explain .* leaves nothing"):
        load_model(params)


def test_a_municipality_of_four_digits_is_refused():
    with pytest.raises(InvalidInputError, match="1234"):
        compile_places((), (), inhabitants={101: 5.0, 1234: 1.0}, n_traits=1, find=lambda _: 0)
