"""The compiled life of a made-up wider world equals its slow twin bit for bit, under arms of every kind."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from sandkasse.cohort.arms import natural_arms
from sandkasse.cohort.life import NEVER
from sandkasse.cohort.life.simulate import simulate_arms
from sandkasse.cohort.model import load_model

N_PERSONS = 120
SEED = 0x57E9_0000_0000_1234
INDEX_DAY = 12_784  # 1 January 2005
HORIZON = 16_436  # 1 January 2015
WIDE = Path(__file__).parents[2] / "unit" / "cohort_life" / "wide.py"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    spec = importlib.util.spec_from_file_location("cohort_life_wide", WIDE)
    wide = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(wide)
    folder = tmp_path_factory.mktemp("wide") / "params"
    wide.write_wide(folder)
    return load_model(folder)


def many_arms(model):
    """The named interventions, and from a day on: nothing changed, all withheld, all given, and other luck."""
    named = model.arms
    n = len(named.until)
    arms = natural_arms(n + 4, n_treatments=len(model.treatments), n_exposures=len(model.exposures))
    for field, other in zip(arms, named, strict=True):
        field[:n] = other
    arms.from_day[n:] = INDEX_DAY
    arms.until[n + 1 :] = HORIZON
    arms.allow[n + 1] = 0
    arms.exposed[n + 1] = 0
    arms.give_from[n + 2] = 30 * 365.25
    arms.luck[n + 3] = 0x9E37_79B9_7F4A_7C15
    return arms


def days(row):
    return {c: int(day) for c, day in enumerate(row) if day != NEVER}


def test_the_wider_life_equals_its_twin_bit_for_bit(model, make_twin):
    arms = many_arms(model)
    everyone = np.arange(3000, dtype=np.int64)
    shard = simulate_arms(model, everyone, seed=SEED, arms=arms)
    busy = (shard.occurrence_day != NEVER).sum(axis=(1, 2)) + (shard.treatment_day != NEVER).sum(axis=1)
    chill = model.conditions.index("chill")
    busy[np.nonzero(shard.cause_of_death == chill)[0][:10]] += 100
    busiest = np.argsort(-busy, kind="stable")[: N_PERSONS // 2]
    # One person for each number of resumptions, so that no branch hangs on the luck of the others.
    _, of_each = np.unique((shard.resumed_treatment >= 0).sum(axis=1), return_index=True)
    persons = np.unique(np.concatenate([everyone[: N_PERSONS // 2], busiest, of_each]))
    twin = make_twin(model)
    twin.arms = arms
    walked = set()
    for i in persons:
        story = twin.tell(SEED, int(i))
        assert shard.liability[i].tolist() == np.array(story.liability, dtype=np.float32).tolist()
        habits = zip(shard.exposure_start[i].tolist(), shard.exposure_stop[i].tolist(), strict=True)
        assert list(habits) == story.habits
        assert int(shard.education_level[i]) == story.position[0]
        assert shard.income_rank[i] == np.float32(story.position[1])
        assert days(shard.onset_day[i]) == story.onset
        assert days(shard.detected_day[i]) == story.detected
        assert (int(shard.death_day[i]), int(shard.cause_of_death[i])) == (story.death, story.cause)
        given = {t: spells[0][0] for t, spells in story.spells_of_treatment.items()}
        assert days(shard.treatment_day[i]) == given
        again = zip(shard.resumed_treatment[i], shard.resumed_day[i], shard.resumed_stop_day[i], strict=True)
        assert [[int(t), int(a), int(b)] for t, a, b in again if t >= 0] == story.resumed
        walked |= {("resumed", len(story.resumed))}
        told = story.occurrences[chill]
        column = model.recurring.index("chill")
        assert list(days(shard.occurrence_day[i, column]).values()) == [day for day, _ in told]
        assert shard.occurrence_detected_day[i, column, : len(told)].tolist() == [day for _, day in told]
        for arm, (onset, death) in enumerate(story.under):
            assert days(shard.onset_day_under[i, arm]) == onset, arm
            assert int(shard.death_day_under[i, arm]) == death, arm
            walked |= {("arm", arm)} if (onset, death) != (story.onset, story.death) else set()
        walked |= {("times", len(told)), ("level", story.position[0]), ("cause", story.cause)}
        walked |= {("habits", sum(start != NEVER for start, _ in story.habits))}
    assert walked >= {("arm", arm) for arm in range(len(arms.until) - 1)} - {("arm", len(model.interventions))}
    assert walked >= {("times", n) for n in range(6)} | {("level", n) for n in (1, 2, 3)}
    assert walked >= {("resumed", n) for n in (0, 1, 2, 3, 16)}
    assert walked >= {("habits", 2), ("cause", chill), ("cause", model.conditions.index("weakness"))}
