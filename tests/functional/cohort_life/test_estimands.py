"""Named questions: each can be asked of the shipped model; the command takes a name or a question, not both."""

import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from sandkasse.actions.effects import estimate_effect, find_estimand, named_estimands
from sandkasse.cli.cohort import app
from sandkasse.core.errors import InvalidInputError, NotFoundError

SIGNS = {
    "smoking_mi": -1,
    "smoking_lung_cancer": -1,
    "smoking_death": -1,
    "statin_mi": -1,
    "statin_death": -1,
    "treatment_stroke": -1,
    "treatment_death": -1,
}


@pytest.mark.parametrize("name", [named.name for named in named_estimands()])
def test_each_can_be_asked_and_points_where_it_says(name):
    """With shared luck a course that only lowers hazards harms nobody by more than chance's rare crossings."""
    estimand = find_estimand(name).estimand
    effect = estimate_effect(estimand, n_persons=6_000, seed=2)
    assert effect.n_persons > 50
    same = estimate_effect(replace(estimand, course=estimand.against), n_persons=2_000, seed=2)
    assert same.risk_difference.value == 0.0
    # Five standard errors, or one person of them where no event came: the sign may not be the other one.
    slack = max(5.0 * effect.risk_difference.standard_error, 1.0 / effect.n_persons)
    assert SIGNS[name] * effect.risk_difference.value > -slack


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
