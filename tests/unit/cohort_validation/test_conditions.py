"""Published figures of conditions are counted as their rows say: by age and sex, since a date, on a treatment."""

from dataclasses import fields, replace
from datetime import date

import numpy as np
import pytest

from sandkasse.cohort.life.record import NEVER, LifeShard
from sandkasse.cohort.model import load_model
from sandkasse.cohort.validation import conditions as module
from sandkasse.cohort.validation.conditions import Target, measure_conditions, read_targets
from sandkasse.cohort.validation.definitions import find_cases, read_definitions
from sandkasse.core.errors import InvalidInputError

MODEL = load_model()
N = 4


def day(text: str) -> int:
    return (date.fromisoformat(text) - date(1970, 1, 1)).days


def target(**parts) -> Target:
    given = {"condition": "stroke", "measure": "living", "age_from": 0.0, "age_below": 120.0, "date_from": "2013-01-01"}
    given |= {"value": 1.0, "unit": "persons", "role": "fitted", "source": "made up for this test", **parts}
    return Target.model_validate(given)


@pytest.fixture
def life() -> LifeShard:
    """Four residents born in 1940, two men and two women; nothing has happened to them."""
    shapes = {
        "residence_start": (N, 4), "residence_end": (N, 4), "onset_day": (N, len(MODEL.conditions)),
        "detected_day": (N, len(MODEL.conditions)), "treatment_day": (N, len(MODEL.treatments)),
        "treatment_stop_day": (N, len(MODEL.treatments)), "treatment_again_day": (N, len(MODEL.treatments)),
        "resumed_treatment": (N, 2), "resumed_day": (N, 2), "resumed_stop_day": (N, 2),
        "occurrence_day": (N, len(MODEL.recurring), 8), "occurrence_detected_day": (N, len(MODEL.recurring), 8),
    }  # fmt: skip
    arrays = {row.name: np.full(shapes.get(row.name, (N,)), NEVER, dtype=np.int32) for row in fields(LifeShard)}
    shard = LifeShard(**arrays)
    shard.sex[:] = [1, 1, 2, 2]
    shard.birth_day[:] = day("1940-07-01")
    shard.residence_start[:, 0] = day("1977-01-01")
    shard.resumed_treatment[:] = -1
    shard.fatal_condition[:] = shard.cause_of_death[:] = -1
    return shard


@pytest.fixture
def measured(life, monkeypatch):
    """What one target gives for the four persons, who stand for as many persons of the nation."""
    monkeypatch.setattr(module, "simulate_life", lambda *_, **__: life)
    model = replace(MODEL, persons_in_nation=float(N))

    def measure(**parts) -> float:
        (figure,) = measure_conditions(model, N, seed=1, targets=(target(**parts),))
        return figure.simulated

    return measure


def find(life: LifeShard, person: int, condition: str, when: str, *, again: int = 0) -> None:
    column = MODEL.conditions.index(condition)
    for first, every in (("onset_day", "occurrence_day"), ("detected_day", "occurrence_detected_day")):
        held = getattr(life, first)
        held[person, column] = min(held[person, column], day(when))
        if condition in MODEL.recurring:
            getattr(life, every)[person, MODEL.recurring.index(condition), again] = day(when)


def test_persons_living_with_a_condition_are_recognised_resident_and_of_the_sex_and_age(life, measured):
    for person, when in enumerate(("2000-01-01", "2013-06-01", "1990-01-01", "2005-01-01")):
        find(life, person, "stroke", when)
    assert measured() == 3.0
    assert measured(sex="2") == 2.0
    assert measured(detected_since="1994-01-01") == 2.0
    assert measured(age_from=73.0) == 0.0
    assert measured(age_from=72.0, measure="prevalence") == 75.0
    life.residence_end[3, 0] = day("2012-01-01")
    assert measured() == 2.0


def test_a_condition_that_nobody_recognised_counts_as_true_prevalence_alone(life, measured):
    life.onset_day[0, MODEL.conditions.index("copd")] = day("2000-01-01")
    assert measured(condition="copd", measure="true_prevalence") == 25.0
    assert measured(condition="copd", measure="prevalence") == 0.0


def test_new_cases_are_the_first_of_any_of_the_conditions(life, measured):
    span = {"measure": "cases", "condition": "ihd|mi", "date_from": "2011-01-01", "date_to": "2012-01-01"}
    find(life, 0, "ihd", "2011-03-01")
    find(life, 0, "mi", "2011-05-01")
    find(life, 1, "mi", "2010-05-01")
    find(life, 1, "ihd", "2011-05-01")
    assert measured(**span) == 1.0


def test_rates_count_first_or_all_onsets_per_person_year(life, measured):
    span = {"condition": "pneumonia", "date_from": "2011-01-01", "date_to": "2012-01-01"}
    find(life, 0, "pneumonia", "2011-03-01")
    find(life, 0, "pneumonia", "2011-09-01", again=1)
    find(life, 1, "pneumonia", "2009-01-01")
    assert measured(measure="rate", **span) == pytest.approx(1e5 / 2)  # two were free of it in the middle of 2011
    assert measured(measure="rate_all", **span) == pytest.approx(2e5 / 4)


def test_treatment_counts_while_it_runs_or_after_it_began_again(life, measured):
    t = MODEL.treatments.index("statin")
    for person, (begun, stopped, again) in enumerate(
        (("2010-01-01", None, None), ("2010-01-01", "2012-01-01", None), ("2010-01-01", "2011-01-01", "2012-05-05"))
    ):
        life.treatment_day[person, t] = day(begun)
        life.treatment_stop_day[person, t] = day(stopped) if stopped else NEVER
        life.treatment_again_day[person, t] = day(again) if again else NEVER
    given = {"condition": "dyslipidaemia", "measure": "treated", "treatment": "statin"}
    assert measured(**given) == 50.0
    assert measured(date_from="2011-06-01", date_to="2012-06-01", **given) == 75.0
    assert measured(date_from="2011-06-01", **given) == 50.0
    assert measured(date_from="2009-01-01", date_to="2010-01-01", **given) == 0.0


def test_a_treatment_taken_up_again_counts_while_it_runs(life, measured):
    t = MODEL.treatments.index("antidepressant")
    life.treatment_day[0, t], life.treatment_stop_day[0, t] = day("2000-01-01"), day("2002-01-01")
    life.resumed_treatment[0, 0], life.resumed_day[0, 0] = t, day("2010-01-01")
    life.resumed_stop_day[0, 0] = day("2012-01-01")
    life.resumed_treatment[1, 0], life.resumed_day[1, 0] = t + 1, day("2010-01-01")
    given = {"condition": "depression", "measure": "treated", "treatment": "antidepressant"}
    assert measured(date_from="2001-06-01", **given) == 25.0
    assert measured(date_from="2005-06-01", **given) == 0.0
    assert measured(date_from="2011-06-01", **given) == 25.0
    assert measured(date_from="2011-06-01", date_to="2014-01-01", **given) == 25.0
    assert measured(date_from="2012-01-01", **given) == 0.0


def test_deaths_are_counted_within_days_of_recognition_and_by_cause(life, measured):
    span = {"condition": "stroke", "date_from": "2011-01-01", "date_to": "2012-01-01"}
    find(life, 0, "stroke", "2011-01-10")
    find(life, 1, "stroke", "2011-01-10")
    life.death_day[0] = day("2011-02-01")
    life.residence_end[0, 0] = day("2011-02-02")
    life.fatal_condition[0] = life.cause_of_death[0] = MODEL.conditions.index("stroke")
    assert measured(measure="dead_within", within_days=30, **span) == 50.0
    assert measured(measure="dead_within", within_days=10, **span) == 0.0
    assert measured(measure="acute_deaths", **span) == 1.0
    assert measured(measure="cause_deaths", **(span | {"condition": "heart and vessels"})) == 1.0
    assert measured(measure="cause_deaths", **(span | {"condition": "lungs and airways"})) == 0.0


def test_every_frozen_figure_can_be_counted():
    assert all(module._is_known(MODEL, row) for row in read_targets() if row.role != "cannot be compared")
    assert len(module.list_not_compared()) == 4


def test_a_row_that_is_no_target_is_refused(tmp_path):
    path = tmp_path / "targets.csv"
    head = "condition,measure,age_from,age_below,date_from,value,unit,role,source"
    path.write_text(f"{head}\nmi,prevalance,0,120,2013-01-01,1,%,fitted,nobody\n", encoding="utf-8")
    with pytest.raises(InvalidInputError, match=r"targets\.csv has a row"):
        read_targets(path)


def test_every_condition_has_a_case_definition_in_the_registers(registers):
    known = set(read_definitions())
    assert {"diabetes", *MODEL.conditions} <= known
    for definition in read_definitions().values():
        find_cases(registers, definition).to_pyarrow()  # the patterns are valid
