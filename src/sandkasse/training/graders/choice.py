"""Grades a choice among options."""

from typing import ClassVar

from pydantic import Field, model_validator

from sandkasse.training.graders.base import Answer, Info, Material, Outcome, Parameters
from sandkasse.training.graders.shapes import shape_error
from sandkasse.training.spec import Identifier, Words


class Option(Parameters):
    """One option.

    Attributes:
        id: What the learner answers.
        text: What it says.
        right: Whether it belongs to the right answer.
        error: The kind of error that somebody makes who gets this option wrong.
    """

    id: Identifier
    text: Words
    right: bool = False
    error: Identifier | None = None


class ChoiceParameters(Parameters):
    """What `choice` is told.

    Attributes:
        options: What there is to choose from.
        several: Whether the answer names all options that are right, with commas between them.
    """

    options: tuple[Option, ...] = Field(min_length=2)
    several: bool = False

    @model_validator(mode="after")
    def _can_be_answered(self) -> "ChoiceParameters":
        n_right = sum(option.right for option in self.options)
        if n_right == 0 or (n_right > 1 and not self.several):
            raise ValueError("exactly one option is right; more only with several: true")
        if len({option.id for option in self.options}) != len(self.options):
            raise ValueError("two options have the same id")
        return self


class ChoiceGrader:
    """One option, or several."""

    info: ClassVar = Info(
        id="choice", title="A choice among options", kinds={"wrong-choice": "Another option is right"}
    )
    parameters: ClassVar = ChoiceParameters

    def describe_answer(self, parameters: ChoiceParameters) -> str:
        """Say in one sentence what an answer must look like."""
        ids = ", ".join(option.id for option in parameters.options)
        return f"All that apply, with commas between: {ids}." if parameters.several else f"One of {ids}."

    def statements(self, _parameters: ChoiceParameters) -> dict[str, str]:
        """Need no SQL."""
        return {}

    def truth_columns(self, _parameters: ChoiceParameters) -> set[str]:
        """Need no truth."""
        return set()

    def kinds(self, parameters: ChoiceParameters) -> set[str]:
        """Add the kinds that options name."""
        return {option.error for option in parameters.options if option.error}

    def prepare(self, parameters: ChoiceParameters, _material: Material) -> frozenset[str]:
        """Collect the right options."""
        return frozenset(option.id for option in parameters.options if option.right)

    def grade(self, parameters: ChoiceParameters, prepared: frozenset[str], answer: Answer) -> Outcome:
        """Compare the chosen options with the right ones.

        Raises:
            AnswerShapeError: If it is not a text of known options.
        """
        chosen = _read_choice(parameters, answer)
        if chosen == prepared:
            return Outcome(passed=True, says="That is right.", score=1.0, mark=1.0)
        wrong = [option for option in parameters.options if (option.id in chosen) != (option.id in prepared)]
        error = next((option.error for option in wrong if option.error), "wrong-choice")
        return Outcome(passed=False, says="That is not right.", score=0.0, mark=0.0, error=error)


def _read_choice(parameters: ChoiceParameters, answer: Answer) -> frozenset[str]:
    ids = [option.id for option in parameters.options]
    expected = f"{'some' if parameters.several else 'one'} of {', '.join(ids)}"
    if not isinstance(answer, str):
        raise shape_error(expected, "no text")
    parts = answer.split(",") if parameters.several else [answer]
    chosen = frozenset(part.strip().lower() for part in parts if part.strip())
    if not chosen or not chosen <= set(ids):
        raise shape_error(expected, "a text that is none of them")
    return chosen
