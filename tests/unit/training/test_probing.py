"""Learners who try to get single persons' truth out of verdicts."""

from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from sandkasse.core.errors import AnswerShapeError
from sandkasse.training.coarse import CoarseRounding, is_in_feedback_half
from sandkasse.training.grading import grade_prepared, prepare_exercise

pytestmark = pytest.mark.attack


def measure(verdict, name):
    return next(m.value for m in verdict.measures if m.name == name and m.group is None)


def test_a_table_of_one_person_is_not_graded(country, exercise, key):
    prepared = prepare_exercise(exercise, country.truth, key=key, facts={})
    for row in range(20):
        with pytest.raises(AnswerShapeError, match="fewer than") as caught:
            grade_prepared(prepared, pa.table({"pnr": [country.pnr[row]]}))
        assert country.pnr[row] not in str(caught.value)


def test_strangers_do_not_pad_a_table_of_one_person(country, exercise, key):
    prepared = prepare_exercise(exercise, country.truth, key=key, facts={})
    padded = pa.table({"pnr": [country.pnr[0], *(f"9{n:011d}" for n in range(5_000))]})
    with pytest.raises(AnswerShapeError, match="fewer than"):
        grade_prepared(prepared, padded)


def test_the_refusal_does_not_tell_how_many_have_it(build_country, build_exercise, key):
    # 90 to 99 of a thousand to be found: the limit that the message names is the same for all of them.
    limits = set()
    for seed in range(5):
        small = build_country(8_000, seed=seed)
        prepared = prepare_exercise(build_exercise(), small.truth, key=key, facts={})
        with pytest.raises(AnswerShapeError) as caught:
            grade_prepared(prepared, pa.table({"pnr": small.pnr[:1].tolist()}))
        limits.add(caught.value.message)
    assert len(limits) == 1


def boundary_attack(show, known, targets):
    """Find where one more right person moves the shown sensitivity, then try one unknown person at a time there."""
    base = known[: len(known) // 2].tolist()
    shown = show(base)
    for person in known[len(known) // 2 :]:
        moved = show([*base, person])
        if moved > shown:
            break
        base.append(person)
    at_edge = show(base)
    return np.array([show([*base, target]) > at_edge for target in targets])


def test_a_person_at_the_edge_of_a_step_is_not_given_away(country, exercise, key):
    """The attacker knows half of those who have it, knows the halves, and tries 100 right and 100 wrong persons.

    Against plain rounding the attack finds every one of them. Against ours one person is worth a fifth of a step, so a
    try says right with a probability higher by at most that: the attack's expected accuracy is at most 0.6, and it
    reaches 0.72 by chance with probability below 0.0004 (binomial, 200 tries).
    """
    prepared = prepare_exercise(exercise, country.truth, key=key, facts={})
    half = is_in_feedback_half(country.persons["pnr"], key=key)
    rng = np.random.default_rng(7)
    right = rng.permutation(np.flatnonzero(country.detected & half))
    wrong = rng.permutation(np.flatnonzero(~country.has_it & half))[:100]
    targets, known = np.concatenate([right[:100], wrong]), right[100:]
    truth = np.arange(200) < 100
    n_wanted = (country.detected & half).sum()

    def show_plainly(rows):
        return np.floor(100 * country.detected[rows].sum() / n_wanted)

    def show(rows):
        answer = pa.table({"pnr": country.pnr[rows].tolist()})
        return measure(grade_prepared(prepared, answer).verdict, "Sensitivity")

    assert (boundary_attack(show_plainly, known, targets) == truth).mean() == 1.0
    assert (boundary_attack(show, known, targets) == truth).mean() < 0.72


@pytest.mark.parametrize(
    ("grader", "parameters"),
    [("classification", {}), ("dates", {"date": "diabetes_detected", "within_days": 30})],
)
def test_feedback_says_nothing_about_the_other_half(country, build_exercise, key, grader, parameters):
    """Whoever has it on the marking half: the verdict is the same, but for whether it passed."""
    groups = [{"by": "sex"}, {"by": "age", "on": "2024-01-01"}, {"by": "type"}]
    exercise = build_exercise(grader, parameters={"groups": groups, **parameters})
    half = is_in_feedback_half(country.persons["pnr"], key=key)
    rng = np.random.default_rng(3)
    persons = country.persons
    shuffled = np.arange(persons.num_rows)
    others = np.flatnonzero(~half)
    shuffled[others] = rng.permutation(others)
    for column in ("diabetes_onset", "diabetes_type", "diabetes_detected"):
        index = persons.schema.get_field_index(column)
        persons = persons.set_column(index, column, persons[column].take(pa.array(shuffled)))
    named = country.detected | country.trapped
    days = pc.fill_null(country.persons["diabetes_detected"], date(2015, 1, 1)).to_numpy()
    answer = country.table(named, date=days.astype("datetime64[D]").astype(object))
    verdicts = []
    for truth in (country.truth, country.truth | {"persons": persons}):
        prepared = prepare_exercise(exercise, truth, key=key, facts={})
        verdicts.append(grade_prepared(prepared, answer))
    seen, hidden = verdicts
    assert seen.mark != hidden.mark
    # Passed or not is the one thing that the other half decides; hint and a note follow from it.
    told = [graded.verdict.model_dump(exclude={"passed", "hint", "notes"}) for graded in (seen, hidden)]
    assert told[0] == told[1]
    assert seen.verdict.notes[-1] == hidden.verdict.notes[-1]


def test_halves_depend_on_the_key_and_are_even(country, key):
    one = is_in_feedback_half(country.persons["pnr"], key=key)
    other = is_in_feedback_half(country.persons["pnr"], key=key[::-1])
    n = len(one)
    # Fixed key, so no chance: four standard errors are what a fair coin leaves with probability 0.00006.
    for share in (one.mean(), other.mean(), (one == other).mean()):
        assert abs(share - 0.5) < 4 * 0.5 / np.sqrt(n)


def test_the_verdict_names_nobody(country, exercise, key):
    prepared = prepare_exercise(exercise, country.truth, key=key, facts={})
    told = grade_prepared(prepared, country.table(country.detected)).verdict.to_json().decode()
    assert not any(pnr in told for pnr in country.pnr)


def test_the_same_answer_in_another_order_shows_the_same(country, exercise, key):
    prepared = prepare_exercise(exercise, country.truth, key=key, facts={})
    answer = country.table(country.detected | country.trapped)
    shuffled = answer.take(pa.array(np.random.default_rng(1).permutation(answer.num_rows)))
    assert grade_prepared(prepared, answer) == grade_prepared(prepared, shuffled)


def test_shown_shares_are_coarse_and_right_on_average():
    shown = np.array([CoarseRounding(b"k" * 32, str(n).encode()).share(617, 1000, name="x") for n in range(4_000)])
    assert set(shown) == {0.61, 0.62}
    # Mean of 4,000 draws of 0.61 or 0.62 with mean 0.617: five standard errors, false alarm 6e-7, and the key is fixed.
    assert abs(shown.mean() - 0.617) < 5 * 0.01 * np.sqrt(0.7 * 0.3 / 4_000)


@pytest.mark.parametrize(("persons", "step"), [(500, 1), (499, 2), (130, 4), (100, 5), (50, 10), (26, 20), (20, 25)])
def test_a_step_is_worth_at_least_five_persons(persons, step):
    shown = {CoarseRounding(b"k" * 32, str(n).encode()).share(0.37, 1, name="x", persons=persons) for n in range(200)}
    assert {round(100 * value) % step for value in shown} == {0}
    assert step * persons >= 500


def test_too_few_persons_show_nothing():
    assert CoarseRounding(b"k" * 32, b"").share(5, 19, name="x") is None
    assert CoarseRounding(b"k" * 32, b"").share(0, 0, name="x") is None
