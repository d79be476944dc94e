"""What *Build a cohort* promises beyond what every module does."""

from sandkasse.training.spec import Module

MODULE = "build-a-cohort"


def test_the_lessons_draw(pictures: list[tuple[str, str]]):
    assert len(pictures) >= 9


def test_no_expected_number_is_typed_in(module: Module):
    for exercise in module.exercises:
        if exercise.grader != "choice":
            assert "FROM" in exercise.parameters["sql"].split(), exercise.id
