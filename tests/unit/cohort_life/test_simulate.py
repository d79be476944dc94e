"""Lives are lawful, and depend on the model, the seed and the person only."""

from dataclasses import fields

import numpy as np
import pytest
from scipy import stats

from sandkasse.cohort.life import NEVER, simulate_life
from sandkasse.core.errors import InvalidInputError

WINDOW = 2557, 20089  # 1 January 1977 and 2025
TESTED = 400


def same(left, right, rows):
    return all(np.array_equal(getattr(left, f.name), getattr(right, f.name)[rows]) for f in fields(left))


def test_a_life_does_not_depend_on_its_shard(model, lives):
    rng = np.random.default_rng(1)
    some = rng.permutation(60_000)[:TESTED].astype(np.int64)
    assert same(simulate_life(model, some, seed=20_240_101), lives, some)
    halves = [simulate_life(model, part, seed=20_240_101) for part in (some[:150], some[150:])]
    for f in fields(lives):
        joined = np.concatenate([getattr(half, f.name) for half in halves])
        assert np.array_equal(joined, getattr(lives, f.name)[some])


def test_another_seed_gives_other_lives(model, lives):
    other = simulate_life(model, np.arange(100, dtype=np.int64), seed=20_240_102)
    assert not np.array_equal(other.birth_day, lives.birth_day[:100])


def test_no_persons_give_no_lives(model):
    assert simulate_life(model, np.zeros(0, dtype=np.int64), seed=1).person.shape == (0,)


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_a_seed_out_of_range_is_refused(model, seed):
    with pytest.raises(InvalidInputError, match="seed"):
        simulate_life(model, np.arange(1, dtype=np.int64), seed=seed)


def test_a_negative_person_is_refused(model):
    with pytest.raises(InvalidInputError, match="person"):
        simulate_life(model, np.array([-1], dtype=np.int64), seed=1)


def test_residence_spells_are_ordered_and_within_the_window(lives):
    start, end = lives.residence_start, lives.residence_end
    there = start != NEVER
    assert np.array_equal(there, end != NEVER)
    assert there[:, 0].all()
    assert (start[there] >= WINDOW[0]).all()
    assert (end[there] <= WINDOW[1]).all()
    assert (start[there] < end[there]).all()
    following = there[:, 1:]
    assert (start[:, 1:][following] >= end[:, :-1][following]).all()
    assert (there[:, :-1] >= following).all()
    assert (lives.residence_start[:, 0] >= lives.birth_day).all()
    assert ((lives.municipality > 0) == there).all()


def test_nothing_happens_before_birth_or_after_the_end_of_life(lives):
    dead = lives.death_day != NEVER
    last = np.where(
        dead, lives.death_day + 1, np.where(lives.residence_end == NEVER, 0, lives.residence_end).max(axis=1)
    )
    for name in (
        "onset_day",
        "detected_day",
        "treatment_day",
        "treatment_stop_day",
        "treatment_again_day",
        "resumed_day",
        "resumed_stop_day",
        "delivery_day",
    ):
        day = getattr(lives, name)
        happens = day != NEVER
        assert (day >= lives.birth_day[:, None])[happens].all(), name
        assert (day < last[:, None])[happens].all(), name
    assert (np.where(lives.residence_end == NEVER, 0, lives.residence_end).max(axis=1) <= last)[dead].all()


def test_onset_detection_treatment_follow_one_another(model, lives):
    seen = lives.detected_day != NEVER
    assert (lives.onset_day <= lives.detected_day)[seen].all()
    given = lives.treatment_day != NEVER
    programmes = {
        name
        for name, treatment in zip(model.treatments, model.specification.general.treatments, strict=True)
        if any(not row.condition for row in treatment.start)
    }
    of_programme = np.array([name in programmes for name in model.treatments])
    with_reason = lives.treatment_for >= 0
    assert not (with_reason & ~given).any()
    assert np.array_equal(given[:, ~of_programme], with_reason[:, ~of_programme])
    assert (lives.treatment_day >= lives.residence_start[:, :1])[given].all()
    person, treatment = np.nonzero(given & with_reason)
    reason = lives.treatment_for[person, treatment]
    assert (lives.detected_day[person, reason] <= lives.treatment_day[person, treatment]).all()
    stopped = lives.treatment_stop_day != NEVER
    assert (lives.treatment_stop_day >= lives.treatment_day)[stopped].all()
    again = lives.treatment_again_day != NEVER
    assert (lives.treatment_again_day >= lives.treatment_stop_day)[again].all()
    assert (lives.treatment_again_for != lives.treatment_for)[again].all()
    person, place = np.nonzero(lives.resumed_treatment >= 0)
    treatment, resumed = lives.resumed_treatment[person, place], lives.resumed_day[person, place]
    assert len(person) > 100
    assert np.array_equal(lives.resumed_day != NEVER, lives.resumed_treatment >= 0)
    assert (lives.treatment_stop_day[person, treatment] <= resumed).all()
    assert (lives.resumed_stop_day[person, place] >= resumed).all()
    assert (np.diff(lives.resumed_day.astype(np.int64), axis=1) >= 0).all()


def test_conditions_keep_to_their_sex_age_and_exclusions(model, lives):
    onset = {name: lives.onset_day[:, c] for c, name in enumerate(model.conditions)}
    men = lives.sex == 1
    for name in ("gdm", "pcos"):
        assert (onset[name][men] == NEVER).all()
    assert (lives.delivery_day[men] == NEVER).all()
    assert not ((onset["t1d"] != NEVER) & (onset["t2d"] != NEVER)).any()
    with_gdm = onset["gdm"] != NEVER
    wait = lives.delivery_day[with_gdm].astype(np.int64) - onset["gdm"][with_gdm][:, None]
    # Dead or gone before the delivery: the span cannot be checked.
    born = ((wait >= 0) & (wait < NEVER // 2)).any(axis=1)
    assert (np.where((wait >= 70) & (wait <= 112), 1, 0).sum(axis=1)[born] == 1).all()


def test_acute_deaths_follow_their_condition(model, lives):
    fatal = np.nonzero(lives.fatal_condition >= 0)[0]
    assert len(fatal) > 100
    condition = lives.fatal_condition[fatal].astype(int)
    onset = lives.onset_day[fatal, condition].astype(np.int64)
    for again, name in enumerate(model.recurring):
        mine = condition == model.conditions.index(name)
        every = lives.occurrence_day[fatal[mine], again].astype(np.int64)
        onset[mine] = np.where(every <= lives.death_day[fatal[mine], None], every, -NEVER).max(axis=1)
    wait = lives.death_day[fatal] - onset
    assert wait.min() >= 0
    # The day of onset is the floor of a moment, so that the last day can be one more.
    assert (wait <= np.ceil(model.tables.acute_days[condition])).all()


def test_the_untreated_life_shares_its_luck(model, lives):
    withheld = model.tables.withheld
    treated = ((lives.treatment_day != NEVER) & withheld).any(axis=1)
    assert treated.sum() > 5000
    assert np.array_equal(lives.death_day[~treated], lives.death_day_untreated[~treated])
    assert np.array_equal(lives.onset_day[~treated], lives.onset_day_untreated[~treated])
    begun = np.where(withheld, lives.treatment_day, NEVER).min(axis=1)[:, None]
    early = lives.onset_day < begun
    assert np.array_equal(lives.onset_day[early], lives.onset_day_untreated[early])
    assert not np.array_equal(lives.onset_day[treated], lives.onset_day_untreated[treated])


def test_protective_treatment_never_hastens_the_onset_that_it_delays(model, lives):
    """Every withheld treatment lowers hazards of onset, every condition raises them: untreated, onset comes no later.

    Unless the untreated die first. Persons with diabetes are left out: one type keeps the other away, which alone is
    not monotone.
    """
    diabetes = (lives.onset_day[:, :2] != NEVER).any(axis=1) | (lives.onset_day_untreated[:, :2] != NEVER).any(axis=1)
    rest = ~diabetes
    delayed = 0
    for name in ("mi", "stroke", "hf", "ckd"):
        c = model.conditions.index(name)
        first, lived = lives.onset_day_untreated[rest, c], lives.onset_day[rest, c]
        assert ((first <= lived) | (lives.death_day_untreated[rest] <= lived)).all(), name
        delayed += (first < lived).sum()
    assert delayed > 100


def test_treatment_lengthens_more_lives_than_it_shortens(lives):
    """Excess risk in a first year may fall later in a treated life, so single lives can be the worse; most are not.

    Were treatment without effect on death, each changed life would be longer or shorter with equal chance: a binomial
    tail below 1e-6 refuses that.
    """
    longer = int((lives.death_day > lives.death_day_untreated).sum())
    shorter = int((lives.death_day < lives.death_day_untreated).sum())
    assert stats.binom.sf(longer - 1, longer + shorter, 0.5) < 1e-6
