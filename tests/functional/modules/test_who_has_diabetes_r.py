"""The lesson in R asks what the lesson in Python asks, and its worked solution is the lesson with the answers."""

from pathlib import Path

import pytest

from sandkasse.training.lessons import read_notebook
from sandkasse.training.spec import Part, read_module

FOLDER = Path(__file__).parents[3] / "modules" / "who-has-diabetes"
MODULE = read_module(FOLDER)


def cells(name: str, language: str):
    return read_notebook(FOLDER, name, module_id=MODULE.id, language=language).cells


@pytest.fixture(params=[part for part in MODULE.parts if part.r], ids=lambda part: part.id)
def part(request) -> Part:
    return request.param


def test_the_solution_is_the_lesson_with_the_answers_filled_in(part):
    lesson, solution = cells(part.r.lesson, "r"), cells(part.r.solution, "r")
    assert len(lesson) == len(solution)
    for asked, given in zip(lesson, solution, strict=True):
        if "sandkasse::check(" in asked.source:
            assert "answer <- NULL # replace NULL" in asked.source
            assert "NULL" not in given.source
            assert asked.source.splitlines()[-1] == given.source.splitlines()[-1]
        else:
            assert asked.source == given.source.replace(" (worked solution)", "")


def test_both_languages_have_the_same_sections_and_questions(part):
    def outline(name: str, language: str) -> list[str]:
        text = "\n".join(cell.source for cell in cells(name, language) if cell.cell_type == "markdown")
        wanted = ("## ", "### ", "**Stop, read, solve.**")
        return [line[:60] for line in text.splitlines() if line.startswith(wanted)]

    assert outline(part.r.lesson, "r") == outline(part.lesson, "python")


def test_nothing_of_python_is_left_in_the_words(part):
    for cell in cells(part.r.lesson, "r"):
        for word in ("ibis", "Ibis", "pandas", ".execute()", "sandkasse.open", "dk."):
            assert word not in cell.source, word


def test_every_picture_has_a_title_axes_and_a_description(part):
    read = cells(part.r.lesson, "r")
    for cell, following in zip(read, [*read[1:], None], strict=True):
        if cell.cell_type == "code" and "plot(" in cell.source:
            for needed in ("main = ", "xlab = ", "ylab = "):
                assert needed in cell.source, (needed, cell.source[:80])
            assert following is not None
            assert following.source.startswith("*The picture: ")
