"""What *From registers to OMOP* promises beyond what every module does: its size, its sources, its codes."""

from sandkasse.training.spec import Module
from sandkasse.transforms.omop.vocabulary import map_codes, read_shipped

MODULE = "registers-to-omop"


def test_the_lessons_draw(pictures: list[tuple[str, str]]):
    assert len(pictures) >= 9


def test_no_expected_number_is_typed_in(module: Module):
    for exercise in module.exercises:
        if exercise.grader != "choice":
            assert "FROM" in exercise.parameters["sql"].split(), exercise.id


def test_the_codes_that_the_exercises_name_map_as_they_say(module: Module):
    """The graders' SQL names Danish codes; what they stand for is in the shipped vocabulary."""
    codes = ["A10BA02", "A10BD07", "A10BH01", "A10AB01", "A10AB04", "A10AB05", "A10AC01", "A10AE04", "A10AE05"]
    rows = map_codes([("DK-ATC", code) for code in codes], read_shipped()).to_pylist()
    stands_for = {
        concept: {row["code"] for row in rows if row["concept_id"] == concept} for concept in (1503297, 1580747, 0)
    }
    assert stands_for == {1503297: {"A10BA02", "A10BD07"}, 1580747: {"A10BH01", "A10BD07"}, 0: {"A10AC01"}}
    assert any("1580747" in exercise.prompt for exercise in module.exercises)
