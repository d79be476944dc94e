"""A list of persons, graded: known answers."""

import numpy as np
import pyarrow as pa
import pytest

from sandkasse.core.errors import AnswerShapeError
from sandkasse.training.coarse import is_in_feedback_half
from sandkasse.training.grading import grade, grade_prepared, prepare_exercise


def shares(verdict):
    return {(m.group, m.name): m.value for m in verdict.measures}


def test_perfect_answer_scores_everything_and_passes(country, exercise, key):
    verdict = grade(exercise, country.table(country.detected), country.truth, key=key)
    assert verdict.passed
    assert verdict.score == 1.0
    assert shares(verdict)[None, "Sensitivity"] == shares(verdict)[None, "Predictive value"] == 1.0
    assert verdict.dominating is None


def test_undiagnosed_persons_change_nothing(country, exercise, key):
    without = grade(exercise, country.table(country.detected), country.truth, key=key)
    with_them = grade(exercise, country.table(country.has_it), country.truth, key=key)
    assert with_them.score == without.score == 1.0
    assert "names 0% of them" in without.notes[0]
    assert "names 100% of them" in with_them.notes[0]


def test_naming_everyone_finds_all_and_does_not_pass(country, exercise, key):
    verdict = grade(exercise, country.table(np.ones(country.persons.num_rows, dtype=bool)), country.truth, key=key)
    assert not verdict.passed
    assert shares(verdict)[None, "Sensitivity"] == 1.0
    in_half = is_in_feedback_half(country.persons["pnr"], key=key) & (country.detected | ~country.has_it)
    exact = (country.detected & in_half).sum() / in_half.sum()
    # One point for the rounding's width; the rounding itself is bounded by it, so there is no chance in this.
    assert abs(shares(verdict)[None, "Predictive value"] - exact) <= 0.01


def test_trap_that_dominates_is_named_with_its_hint(country, build_exercise, key):
    exercise = build_exercise(parameters={"pass_at": 0.95})
    verdict = grade(exercise, country.table(country.detected | country.trapped), country.truth, key=key)
    assert verdict.dominating.id == "pcos"
    assert verdict.hint == "Look at the women."


def test_missed_persons_dominate_when_half_are_missing(country, exercise, key):
    half = country.detected & (np.arange(country.persons.num_rows) % 2 == 0)
    verdict = grade(exercise, country.table(half), country.truth, key=key)
    assert not verdict.passed
    assert verdict.dominating.id == "missed"
    assert verdict.hint == "Look at other registers."


def test_hint_is_withheld_from_a_passing_answer(country, exercise, key):
    few_missing = country.detected & (np.arange(country.persons.num_rows) % 12 != 0)
    verdict = grade(exercise, country.table(few_missing), country.truth, key=key)
    assert verdict.passed
    assert verdict.dominating.id == "missed"
    assert verdict.hint is None


def test_swapped_types_are_wrong_twice(country, build_exercise, key):
    typed = build_exercise(parameters={"type": {"column": "diabetes_type", "values": ["T1D", "T2D"]}})
    right = grade(typed, country.table(country.detected, type=country.types), country.truth, key=key)
    assert right.passed
    assert right.score == 1.0
    swapped = np.where(country.types == "T1D", "T2D", "T1D").astype(object)
    wrong = grade(typed, country.table(country.detected, type=swapped), country.truth, key=key)
    assert not wrong.passed
    assert wrong.score == 0.0
    assert wrong.dominating.id == "wrong-type"


def test_calling_everyone_type_2_fails_by_the_balance(country, build_exercise, key):
    typed = build_exercise(parameters={"type": {"column": "diabetes_type", "values": ["T1D", "T2D"]}})
    all_t2d = np.full(country.persons.num_rows, "T2D", dtype=object)
    verdict = grade(typed, country.table(country.detected, type=all_t2d), country.truth, key=key)
    assert not verdict.passed
    assert verdict.score < 0.5


def test_groups_are_shown_apart(country, build_exercise, key):
    grouped = build_exercise(
        parameters={"groups": [{"by": "sex"}, {"by": "age", "on": "2024-01-01", "bands": [0, 40, 60]}]}
    )
    women = np.array(country.persons["koen"].to_pylist()) == 2
    found = shares(grade(grouped, country.table(country.detected & women), country.truth, key=key))
    assert found["women", "Sensitivity"] == 1.0
    assert found["men", "Sensitivity"] == 0.0
    assert found["men", "Predictive value"] is None
    assert {group for group, _ in found} == {None, "women", "men", "0–39 years", "40–59 years", "60 years and older"}


def test_persons_outside_the_population_are_ignored(country, exercise, key):
    strangers = pa.table({"pnr": [f"9{n:011d}" for n in range(5_000)]})
    both = pa.concat_tables([country.table(country.detected), strangers])
    assert grade(exercise, both, country.truth, key=key) == grade(
        exercise, country.table(country.detected), country.truth, key=key
    )


def test_repeated_rows_count_once(country, exercise, key):
    once = country.table(country.detected)
    assert grade(exercise, pa.concat_tables([once, once]), country.truth, key=key) == grade(
        exercise, once, country.truth, key=key
    )


def test_floor_on_one_measure_is_needed_to_pass(country, build_exercise, key):
    strict = build_exercise(parameters={"at_least": {"ppv": 0.99}})
    padded = country.detected | (country.trapped & (np.arange(country.persons.num_rows) % 4 == 0))
    lenient = grade(build_exercise(), country.table(padded), country.truth, key=key)
    assert lenient.passed
    assert not grade(strict, country.table(padded), country.truth, key=key).passed


def test_reference_and_attainable_are_scored_by_the_same_grader(country, build_exercise, key):
    compared = build_exercise(
        reference={"name": "half", "sql": "SELECT 1"}, attainable={"name": "all", "sql": "SELECT 1"}
    )
    half = country.detected & (np.arange(country.persons.num_rows) % 2 == 0)
    facts = {"reference": country.table(half), "attainable": country.table(country.detected)}
    prepared = prepare_exercise(compared, country.truth, key=key, facts=facts)
    verdict = grade_prepared(prepared, country.table(half)).verdict
    assert verdict.attainable == 1.0
    assert verdict.reference.score == verdict.score
    assert verdict.reference.name == "half"


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (3.0, "a single number"),
        ("text", "a single text"),
        (pa.table({"person": ["1"]}), "pnr not among them"),
        (pa.table({"pnr": pa.array([], pa.string())}), "without rows"),
        (pa.table({"pnr": [1, 2, 3]}), "int64 in pnr"),
        (pa.table({"pnr": ["1", None]}), "missing values in 1 rows"),
    ],
)
def test_wrong_shapes_are_told_with_what_was_expected(country, exercise, key, answer, told):
    with pytest.raises(AnswerShapeError) as caught:
        grade(exercise, answer, country.truth, key=key)
    assert told in caught.value.message
    assert "pnr" in caught.value.message


def test_wrong_type_names_are_counted_not_quoted(country, build_exercise, key):
    typed = build_exercise(parameters={"type": {"column": "diabetes_type", "values": ["T1D", "T2D"]}})
    answer = country.table(country.detected, type=np.full(country.persons.num_rows, "secret", dtype=object))
    with pytest.raises(AnswerShapeError, match="T1D and T2D") as caught:
        grade(typed, answer, country.truth, key=key)
    assert "secret" not in str(caught.value)


def test_two_types_for_one_person_are_refused(country, build_exercise, key):
    typed = build_exercise(parameters={"type": {"column": "diabetes_type", "values": ["T1D", "T2D"]}})
    once = country.table(country.detected, type=country.types)
    twice = pa.concat_tables([once, pa.table({"pnr": once["pnr"], "type": ["T2D"] * once.num_rows})])
    with pytest.raises(AnswerShapeError, match="again with another type"):
        grade(typed, twice, country.truth, key=key)
