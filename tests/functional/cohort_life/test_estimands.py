"""Named questions: each can be asked of the shipped model; the command takes a name or a question, not both."""

import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from sandkasse.actions.effects import estimate_effect, find_estimand, named_estimands
from sandkasse.cli.cohort import app
from sandkasse.core.errors import InvalidInputError, NotFoundError


@pytest.mark.parametrize("name", [named.name for named in named_estimands()])
def test_each_can_be_asked_and_its_course_is_the_better_one(name):
    """With this seed, and luck that both courses share, no chance is left in which way each points."""
    named = find_estimand(name)
    assert named.name == name
    effect = estimate_effect(named.estimand, n_persons=20_000, seed=2)
    assert effect.n_persons > 100
    assert effect.risk_difference.value <= 0.0  # some deaths are only put off within the years
    assert effect.mean_years_difference.value > 0.0


def test_a_course_against_itself_changes_nothing():
    estimand = find_estimand("smoking_mi").estimand
    same = estimate_effect(replace(estimand, course=estimand.against), n_persons=2_000, seed=2)
    assert same.risk_difference.value == 0.0


def test_names_are_listed_and_an_unknown_one_is_answered_with_the_nearest():
    listed = json.loads(CliRunner().invoke(app, ["estimands", "--json"]).output)
    assert [row["name"] for row in listed] == [named.name for named in named_estimands()]
    with pytest.raises(NotFoundError, match="smoking_mi"):
        find_estimand("smoking_m")


@pytest.mark.parametrize(
    "options",
    [[], ["--outcome", "mi"], ["--named", "smoking_mi", "--outcome", "mi", "--course", "no_smoking"]],
    ids=["neither", "half", "both"],
)
def test_a_question_is_named_or_ones_own(options):
    told = CliRunner().invoke(app, ["effect", *options]).exception
    assert isinstance(told, InvalidInputError)
