"""A lesson in R asks what the lesson in Python asks, and its worked solution is the lesson with the answers."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sandkasse.training.lessons import read_notebook
from sandkasse.training.spec import Module, Part, read_module

FOLDERS = sorted(path.parent for path in (Path(__file__).parents[3] / "modules").glob("*/module.yaml"))


@dataclass(frozen=True)
class InR:
    """A part that is written in R too."""

    folder: Path
    module: Module
    part: Part

    def cells(self, name: str, language: str) -> Any:
        return read_notebook(self.folder, name, module_id=self.module.id, language=language).cells


PARTS = [InR(folder, module, part) for folder in FOLDERS for module in [read_module(folder)] for part in module.parts]


@pytest.fixture(
    params=[found for found in PARTS if found.part.r], ids=lambda found: f"{found.module.id}-{found.part.id}"
)
def sitting(request) -> InR:
    return request.param


def test_the_solution_is_the_lesson_with_the_answers_filled_in(sitting):
    lesson = sitting.cells(sitting.part.r.lesson, "r")
    solution = sitting.cells(sitting.part.r.solution, "r")
    assert len(lesson) == len(solution)
    for asked, given in zip(lesson, solution, strict=True):
        if "sandkasse::check(" in asked.source:
            assert "answer <- NULL # replace NULL" in asked.source
            assert "NULL" not in given.source
            assert asked.source.splitlines()[-1] == given.source.splitlines()[-1]
        else:
            assert asked.source == given.source.replace(" (worked solution)", "")


def test_both_languages_have_the_same_sections_and_questions(sitting):
    def outline(name: str, language: str) -> list[str]:
        text = "\n".join(cell.source for cell in sitting.cells(name, language) if cell.cell_type == "markdown")
        wanted = ("## ", "### ", "**Stop, read, solve.**")
        return [line[:60] for line in text.splitlines() if line.startswith(wanted)]

    assert outline(sitting.part.r.lesson, "r") == outline(sitting.part.lesson, "python")


def test_nothing_of_python_is_left_in_the_words(sitting):
    for cell in sitting.cells(sitting.part.r.lesson, "r"):
        for word in ("ibis", "Ibis", "pandas", ".execute()", "sandkasse.open", "dk.", "three dots"):
            assert word not in cell.source, word


def test_every_picture_has_a_title_axes_and_a_description(sitting):
    read = sitting.cells(sitting.part.r.lesson, "r")
    for cell, following in zip(read, [*read[1:], None], strict=True):
        if cell.cell_type == "code" and any(call in cell.source for call in ("plot(", "hist(")):
            for needed in ("main = ", "xlab = ", "ylab = "):
                assert needed in cell.source, (needed, cell.source[:80])
            assert following is not None
            assert following.source.startswith("*The picture: ")
