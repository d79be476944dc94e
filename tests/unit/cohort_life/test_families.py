"""Families are lawful, complete and alike as their shares say; births and lives depend on nothing but the block."""

import numpy as np
import pytest
from scipy import stats

from sandkasse.cohort.life import NEVER, simulate_life
from sandkasse.cohort.life.families import BLOCK_PERSONS, MOTHER_FROM, MOTHER_TO, registered_parents

YEAR = 365.25
OPENING = 2557  # 1 January 1977
ALPHA = 1e-6
EVERYONE = np.arange(60_000)


@pytest.fixture(scope="module")
def children(lives):
    """Everyone with a mother, and those of them with a father too."""
    return np.flatnonzero(lives.mother >= 0), np.flatnonzero((lives.mother >= 0) & (lives.father >= 0))


def spell_on(lives, persons, day):
    """Number of the residence spell of each person on a day of their own, -1 outside."""
    inside = (lives.residence_start[persons] <= day[:, None]) & (day[:, None] < lives.residence_end[persons])
    return np.where(inside.any(axis=1), inside.argmax(axis=1), -1)


def test_parents_are_of_their_sex_of_age_of_the_block_and_in_the_country(lives, children):
    for parent, who, sex in ((lives.mother, children[0], 2), (lives.father, children[1], 1)):
        elder = parent[who]
        assert (lives.sex[elder] == sex).all()
        assert (elder // BLOCK_PERSONS == who // BLOCK_PERSONS).all()
        age = (lives.birth_day[who] - lives.birth_day[elder]) / YEAR
        assert age.min() > 12.0
        day = np.maximum(lives.birth_day[who], OPENING)
        if sex == 2:
            assert age.max() <= MOTHER_TO + 1
            assert age.min() >= MOTHER_FROM - 1
            assert (spell_on(lives, elder, day) >= 0).all()
        else:
            assert (lives.death_day[elder] >= lives.birth_day[who] - 280).all()


def test_a_womans_deliveries_are_the_births_of_her_children(lives, children):
    expected = np.full_like(lives.delivery_day, NEVER)
    count = np.zeros(len(lives.person), dtype=int)
    for child in children[0][np.argsort(lives.birth_day[children[0]], kind="stable")]:
        mother = lives.mother[child]
        expected[mother, count[mother]] = lives.birth_day[child]
        count[mother] += 1
    assert np.array_equal(lives.delivery_day, expected)


def test_no_two_deliveries_are_closer_than_the_spacing(model, lives):
    days = lives.delivery_day.astype(np.int64)
    gaps = np.diff(days, axis=1)[days[:, 1:] != NEVER]
    assert len(gaps) > 5_000
    assert gaps.min() >= model.specification.general.pregnancy.spacing_days


def test_nearly_every_child_born_in_the_country_has_parents_and_nobody_from_abroad_has(lives):
    """Only women who die before a birth, and men before a conception, leave a link out."""
    born = lives.residence_start[:, 0] == lives.birth_day
    abroad = ~born & (lives.residence_start[:, 0] > OPENING)
    assert (lives.mother[abroad] < 0).all()
    assert (lives.father[abroad] < 0).all()
    assert (lives.mother[born] >= 0).mean() > 0.98
    assert (lives.father[born] >= 0).mean() > 0.96


def test_parents_of_the_residents_of_1977_are_there_as_often_as_the_mortality_table_says(model, lives):
    resident = (lives.residence_start[:, 0] == OPENING) & (lives.birth_day < OPENING)
    year = (1970 + lives.birth_day // YEAR).astype(int)
    for low, high in ((1945, 1955), (1955, 1965), (1965, 1976)):
        who = resident & (year >= low) & (year < high)
        chance = model.families.present[0, year[who] - 1840]
        spread = np.sqrt((chance * (1.0 - chance)).sum())
        # The last candidates can run out without a fitting one, which leaves a mother out: tested from above only.
        assert stats.norm.sf(((lives.mother[who] >= 0).sum() - chance.sum()) / spread) > ALPHA
        assert (lives.mother[who] >= 0).mean() > chance.mean() - 0.02


def test_births_and_residence_are_those_of_persons_without_families(model, lives):
    """Matching moves no one in or out of the country: sexes, births and first days are the entry draws alone."""
    some = np.array([7, 20_123, 59_999])
    for person in some:
        alone = simulate_life(model, np.array([person]), seed=20_240_101)
        assert alone.birth_day[0] == lives.birth_day[person]
        assert alone.residence_start[0, 0] == lives.residence_start[person, 0]


def test_small_children_live_with_their_mothers(lives, children):
    who = children[0]
    mother = lives.mother[who]
    day = np.maximum(lives.birth_day[who], OPENING)
    young = day < lives.birth_day[who] + 18 * YEAR
    who, mother, day = who[young], mother[young], day[young]
    hers, own = spell_on(lives, mother, day), spell_on(lives, who, day)
    both = (hers >= 0) & (own >= 0)
    assert both.mean() > 0.99
    assert (lives.municipality[who, own] == lives.municipality[mother, hers])[both].all()
    later = np.minimum(day + 10 * 365, lives.birth_day[who] + round(18 * YEAR))
    hers, own = spell_on(lives, mother, later), spell_on(lives, who, later)
    both = (hers >= 0) & (own >= 0)
    assert (lives.municipality[who, own] == lives.municipality[mother, hers])[both].mean() > 0.97


def test_close_relatives_have_no_children_together(lives, children):
    mother, father = lives.mother[children[1]], lives.father[children[1]]
    assert (lives.father[mother] != father).all()
    assert (lives.mother[father] != mother).all()
    for parent in (lives.mother, lives.father):
        assert not ((parent[mother] >= 0) & (parent[mother] == parent[father])).any()


def test_partners_are_those_of_the_last_child(lives, children):
    mothers = np.flatnonzero((lives.sex == 2) & (lives.partner >= 0))
    last = {}
    for child in children[1][np.argsort(lives.birth_day[children[1]], kind="stable")]:
        last[int(lives.mother[child])] = int(lives.father[child])
    told = [mother for mother in mothers if int(mother) in last]
    same = np.mean([lives.partner[mother] == last[int(mother)] for mother in told])
    assert same > 0.95  # the last child's father may be unknown, or link absent
    assert (lives.partner_since[lives.partner < 0] == NEVER).all()
    assert (lives.sex[lives.partner[mothers]] == 1).all()


def test_the_number_of_children_of_women_is_plausible(lives):
    """Danish women born in the 1950s and 1960s: about one in eight childless, two children the rule (our choice)."""
    stays = np.where(lives.residence_end == NEVER, 0, lives.residence_end).max(axis=1) > lives.birth_day + 45 * YEAR
    here = lives.residence_start[:, 0] <= np.maximum(lives.birth_day, OPENING)
    women = (lives.sex == 2) & (lives.birth_day > -5500) & (lives.birth_day < 0) & here & stays
    shares = np.bincount((lives.delivery_day[women] != NEVER).sum(axis=1), minlength=7) / women.sum()
    assert 0.08 < shares[0] < 0.20
    assert shares.argmax() == 2
    assert shares[4:].sum() < 0.10


def relatives(lives, children):
    """Pairs of relatives and the shares of inherited and common variance that they have together."""
    child, both = children
    yield "mother", child, lives.mother[child], 0.5, 0.0
    yield "father", both, lives.father[both], 0.5, 0.0
    order = both[np.lexsort((lives.birth_day[both], lives.mother[both]))]
    a, b = order[:-1], order[1:]
    siblings = lives.mother[a] == lives.mother[b]
    full = siblings & (lives.father[a] == lives.father[b])
    yield "full siblings", a[full], b[full], 0.5, 1.0
    half = siblings & ~full
    yield "half siblings", a[half], b[half], 0.25, 1.0
    yield "parents of a child", lives.mother[both], lives.father[both], 0.0, 0.0


def test_relatives_are_as_alike_as_the_shares_say(model, lives, children):
    """Fisher's z of a correlation has variance 1/(n-3).

    Pairs of a family overlap (a mother with each of her children), which at most doubles it: refused below 1e-6 at
    twice the variance.
    """
    for name, a, b, inherited, common in relatives(lives, children):
        assert len(a) > 1_000, name
        for k, trait in enumerate(model.specification.general.traits):
            r = np.corrcoef(lives.liability[a, k], lives.liability[b, k])[0, 1]
            expected = inherited * trait.heritability + common * trait.shared_environment
            z = (np.arctanh(r) - np.arctanh(expected)) * np.sqrt((len(a) - 3) / 2.0)
            assert 2.0 * stats.norm.sf(abs(z)) > ALPHA, (name, trait.name)


def test_liabilities_stay_standard_normal_in_those_born_in_the_country(lives):
    """Variance of a sample of n normals: (n-1)s² is chi-squared; relatives widen it, so at twice the spread."""
    born = lives.residence_start[:, 0] == lives.birth_day
    for x in lives.liability[born].T:
        z = (x.var() - 1.0) / np.sqrt(2.0 / born.sum()) / np.sqrt(2.0)
        assert 2.0 * stats.norm.sf(abs(z)) > ALPHA


def test_diabetes_runs_in_families(model, lives, children):
    """Were recurrence absent, affected children of affected mothers would be as many as chance gives."""
    t2d = lives.onset_day[:, model.conditions.index("t2d")] != NEVER
    child = children[0]
    ill = t2d[lives.mother[child]]
    old = lives.birth_day[child] < -3653
    table = [[(t2d[child] & ill & old).sum(), (~t2d[child] & ill & old).sum()]]
    table.append([(t2d[child] & ~ill & old).sum(), (~t2d[child] & ~ill & old).sum()])
    assert stats.fisher_exact(table, alternative="greater").pvalue < ALPHA


def test_registers_know_mothers_from_1960_and_fathers_from_1970(lives):
    mothers, fathers = registered_parents(lives)
    for known, true, first in ((mothers, lives.mother, -3653), (fathers, lives.father, 0)):
        assert (known[lives.birth_day < first] == -1).all()
        assert np.array_equal(known[lives.birth_day >= first], true[lives.birth_day >= first])
        assert (known >= 0).any()
