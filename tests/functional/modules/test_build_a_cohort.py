"""What *Build a cohort* promises beyond what every module does."""

from sandkasse.training.spec import Module

MODULE = "build-a-cohort"


def test_the_lessons_draw(pictures: list[tuple[str, str]]):
    assert len(pictures) >= 9


def test_each_exercise_tries_two_right_and_three_wrong_approaches(module: Module):
    assert 8 <= len(module.exercises) <= 12
    for exercise in module.exercises:
        assert len({item.answer for item in exercise.accepted}) == 2, exercise.id
        assert len({item.answer for item in exercise.refused}) >= 3, exercise.id


def test_no_expected_number_is_typed_in(module: Module):
    for exercise in module.exercises:
        if exercise.grader != "choice":
            assert "FROM" in exercise.parameters["sql"].split(), exercise.id
