"""Lessons in two languages: how a module says so, and what happens where R is missing."""

import re

import pytest

from sandkasse.core.errors import ModuleInvalidError
from sandkasse.training.languages import LANGUAGES, find_check_calls, why_not_here
from sandkasse.training.lessons import prepare_lesson, read_notebook
from sandkasse.training.library import Library
from sandkasse.training.lint import find_faults
from sandkasse.training.rehearsal import rehearse_notebooks
from sandkasse.training.scaffold import create_module
from sandkasse.training.spec import read_module

R_LESSON = """\
---
kernelspec: {name: ir, display_name: R, language: R}
---

# In R

```{code-cell} r
answer <- NULL
sandkasse::check("EXERCISE", answer)
```
"""
NO_R = {"PATH": "/nowhere"}


@pytest.fixture
def folder(tmp_path):
    """A module of one part, in Python and in R."""
    create_module(tmp_path, "count-persons", title="Count")
    made = tmp_path / "count-persons"
    text = (made / "module.yaml").read_text()
    text = text.replace("language: en\n", "language: en\nlanguages: [python, r]\n")
    text = re.sub(r"( +)(solution: .*\n)", r"\1\2\1r: {lesson: r.md, solution: r-solution.md}\n", text, count=1)
    (made / "module.yaml").write_text(text)
    exercise = read_module(made).exercises[0].id
    (made / "r.md").write_text(R_LESSON.replace("EXERCISE", exercise))
    (made / "r-solution.md").write_text(R_LESSON.replace("EXERCISE", exercise).replace("NULL", "1"))
    return made


def take(folder):
    return Library(folder.parent).take(folder.name)


@pytest.mark.parametrize(
    ("cell", "found"),
    [
        ('sandkasse::check("a", answer)', [("a", False)]),
        ("check('a', NULL)", [("a", True)]),
        ('check("a")', [("a", True)]),
        ('if (TRUE) {\n  check ( "a" , nrow(x))\n}\ncheck("b", c(1, 2))', [("a", False), ("b", False)]),
        ("check(name, 1)", [(None, False)]),
        ('# check("a", 1)\nx <- "check(1)"', []),
        ('my_check("a", 1); x$check("b", 2); recheck("c")', []),
    ],
)
def test_calls_of_check_in_r(cell, found):
    assert [(call.exercise, call.is_blank) for call in find_check_calls("r", cell)] == found


def test_a_module_in_two_languages_is_right(folder):
    assert find_faults(take(folder), {"count-persons"}) == []
    notebook = read_notebook(folder, "r.md", module_id="count-persons", language="r")
    assert notebook.metadata["kernelspec"] == dict(LANGUAGES["r"].kernel)


def test_lint_looks_into_the_r_files(folder):
    (folder / "r.md").write_text(R_LESSON.replace("EXERCISE", "another"))
    (folder / "r-solution.md").unlink()
    found = " ".join(find_faults(take(folder), {"count-persons"}))
    assert "checks 'another', which is no exercise" in found
    assert "the file r-solution.md does not exist" in found


@pytest.mark.parametrize("languages", ["[python]", "[r]", "[python, r, r]"])
def test_languages_that_the_parts_do_not_keep_are_refused(folder, languages):
    text = (folder / "module.yaml").read_text().replace("[python, r]", languages)
    (folder / "module.yaml").write_text(text)
    with pytest.raises(ModuleInvalidError, match="languages"):
        read_module(folder)


def test_a_learner_gets_the_lessons_of_the_languages_that_run_there(folder, tmp_path):
    module = take(folder)
    only = prepare_lesson(module.module, module.folder, tmp_path / "one")
    both = prepare_lesson(module.module, module.folder, tmp_path / "two", languages=["python", "r"])
    assert [file.path.name for file in only] == ["01-begin.ipynb"]
    assert [file.path.name for file in both] == ["01-begin.ipynb", "r.ipynb"]


def test_without_r_its_notebooks_are_not_run_and_say_how_to_install_it(folder):
    shelved = take(folder)
    only_r = shelved.module.model_copy(update={"languages": ("r",)})
    results = rehearse_notebooks(type(shelved)(module=only_r, folder=shelved.folder), NO_R)
    assert [(result.was_run, result.is_right) for result in results] == [(False, True), (False, True)]
    assert "sudo apt install" in results[0].says
    assert why_not_here("python", NO_R) == ""


def test_a_lesson_may_be_an_r_script(folder):
    (folder / "r.R").write_text('# %% [markdown]\n# # In R\n\n# %%\nx <- 1\nsandkasse::check("a", x)\n')
    notebook = read_notebook(folder, "r.R", module_id="count-persons", language="r")
    assert [cell.cell_type for cell in notebook.cells] == ["markdown", "code"]
    assert find_check_calls("r", notebook.cells[1].source)[0].exercise == "a"
    with pytest.raises(ModuleInvalidError, match=r"\.R or \.md"):
        read_notebook(folder, "module.yaml", module_id="count-persons", language="r")
