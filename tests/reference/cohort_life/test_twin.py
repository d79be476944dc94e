"""The compiled life equals its slow twin bit for bit."""

import numpy as np
import pytest

from sandkasse.cohort.life import NEVER, simulate_life
from sandkasse.cohort.model import load_model

N_PERSONS = 200
SEED = 0xD1CE_5EED_0000_0042


@pytest.fixture(scope="module")
def model():
    return load_model()


def days(row):
    return {c: int(day) for c, day in enumerate(row) if day != NEVER}


def treatments(shard, i):
    out = {}
    for t in range(shard.treatment_day.shape[1]):
        if shard.treatment_day[i, t] != NEVER:
            out[t] = [
                [int(shard.treatment_day[i, t]), int(shard.treatment_stop_day[i, t]), int(shard.treatment_for[i, t])]
            ]
        if shard.treatment_again_day[i, t] != NEVER:
            out[t].append([int(shard.treatment_again_day[i, t]), int(NEVER), int(shard.treatment_again_for[i, t])])
    return out


def resumed(shard, i):
    rows = zip(shard.resumed_treatment[i], shard.resumed_day[i], shard.resumed_stop_day[i], strict=True)
    return [[int(t), int(begin), int(stop)] for t, begin, stop in rows if t >= 0]


def sickest(model, n):
    """Persons drawn from all, and to whom much happens, and one with each condition: every branch is walked."""
    everyone = np.arange(4000, dtype=np.int64)
    shard = simulate_life(model, everyone, seed=SEED)
    much = (shard.onset_day != NEVER).sum(axis=1) + (shard.treatment_day != NEVER).sum(axis=1)
    again = (shard.treatment_again_day != NEVER).any(axis=1) * 100 + (shard.resumed_treatment >= 0).sum(axis=1) * 20
    one_each = (shard.onset_day != NEVER).argmax(axis=0)
    return np.unique(
        np.concatenate([one_each, everyone[: n // 2], np.argsort(-(much + again), kind="stable")[: n // 2]])
    )


def test_compiled_life_equals_its_twin_bit_for_bit(model, make_twin):
    persons = sickest(model, N_PERSONS)
    shard = simulate_life(model, persons, seed=SEED, interventions=model.interventions)
    twin = make_twin(model)
    walked = set()
    for i, number in enumerate(persons):
        story = twin.tell(SEED, int(number))
        assert int(shard.sex[i]) == story.sex
        assert int(shard.birth_day[i]) == story.birth
        spells = [
            (int(a), int(b), int(c))
            for a, b, c in zip(shard.residence_start[i], shard.residence_end[i], shard.municipality[i], strict=True)
            if a != NEVER
        ]
        assert spells == story.spells
        assert list(days(shard.delivery_day[i]).values()) == story.deliveries
        assert shard.liability[i].tolist() == np.array(story.liability, dtype=np.float32).tolist()
        assert (shard.bmi_at_20[i], shard.bmi_slope_per_year[i]) == tuple(np.float32(value) for value in story.bmi)
        habits = zip(shard.exposure_start[i], shard.exposure_stop[i], strict=True)
        assert [(int(start), int(stop)) for start, stop in habits] == story.habits
        assert (int(shard.education_level[i]), shard.income_rank[i]) == (
            story.position[0],
            np.float32(story.position[1]),
        )
        assert shard.hba1c_set_point[i] == np.float32(story.set_point)
        assert (int(shard.mother[i]), int(shard.father[i])) == (story.mother, story.father)
        assert (int(shard.partner[i]), int(shard.partner_since[i])) == story.partner
        assert int(shard.death_day[i]) == story.death
        assert int(shard.fatal_condition[i]) == story.fatal
        assert days(shard.onset_day[i]) == story.onset
        assert days(shard.detected_day[i]) == story.detected
        assert treatments(shard, i) == story.spells_of_treatment
        assert resumed(shard, i) == story.resumed
        walked |= {("resumed", len(story.resumed) > 0)}
        assert int(shard.cause_of_death[i]) == story.cause
        for column, name in enumerate(model.recurring):
            told = story.occurrences[model.conditions.index(name)]
            assert list(days(shard.occurrence_day[i, column]).values()) == [day for day, _ in told]
            seen = shard.occurrence_detected_day[i, column, : len(told)].tolist()
            assert seen == [day for _, day in told]
            walked |= {("times", len(told))}
        for arm, (onset, death) in enumerate(story.under):
            assert days(shard.onset_day_under[i, arm]) == onset
            assert int(shard.death_day_under[i, arm]) == death
            walked |= {(model.interventions[arm], death != story.death)}
        walked |= set(story.onset) | {("fatal", story.fatal >= 0)} | {("put down", story.cause >= 0 > story.fatal)}
        walked |= {("parents", (story.mother >= 0, story.father >= 0))}
        walked |= {
            ("moved along", story.mother >= 0 and len(story.spells) > len(twin.residence_alone(SEED, int(number))))
        }
        walked |= {("spells", len(v)) for v in story.spells_of_treatment.values()} | {("places", len(story.spells))}
    assert walked >= {*range(len(model.conditions)), ("fatal", True), ("put down", True), ("spells", 2), ("places", 3)}
    assert walked >= {(name, True) for name in model.interventions}
    assert walked >= {("parents", known) for known in ((False, False), (True, False), (True, True))}
    assert {("moved along", True), ("resumed", True)} <= walked
