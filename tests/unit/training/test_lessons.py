"""The learner's own copy of the lessons: stable, and never written over."""

import json
import os
import re

import nbformat
import pytest

from sandkasse.core.errors import InvalidInputError, ModuleInvalidError
from sandkasse.training.lessons import prepare_lesson, read_notebook
from sandkasse.training.library import Library
from sandkasse.training.scaffold import create_module


@pytest.fixture
def shelf(tmp_path):
    create_module(tmp_path / "modules", "count-persons", title="Count")
    data = tmp_path / "modules" / "count-persons" / "data" / "practice"
    data.mkdir(parents=True)
    (data / "small.csv").write_text("a,b\n1,2\n")
    return tmp_path


def take(shelf):
    return Library(shelf / "modules").take("count-persons")


def prepare(shelf):
    shelved = take(shelf)
    return prepare_lesson(shelved.module, shelved.folder, shelf / "own")


def edit_lesson(shelf, version="0.2.0"):
    folder = shelf / "modules" / "count-persons"
    lesson, module = folder / "01-begin.md", folder / "module.yaml"
    lesson.write_text(lesson.read_text() + f"\nA new last line in {version}.\n")
    module.write_text(re.sub(r"version: [0-9.]+", f"version: {version}", module.read_text()))


def test_lessons_become_notebooks_with_the_data_beside(shelf):
    (only,) = prepare(shelf)
    assert (only.state, only.path.name, only.notice) == ("new", "01-begin.ipynb", None)
    notebook = nbformat.read(only.path, as_version=4)
    nbformat.validate(notebook)
    assert notebook.cells[0].source.startswith("# A first part")
    assert notebook.metadata["kernelspec"]["name"] == "python3"
    assert (shelf / "own" / "data" / "practice" / "small.csv").read_text() == "a,b\n1,2\n"
    names = {path.name for path in (shelf / "own").rglob("*")}
    assert names == {"01-begin.ipynb", "data", "practice", "small.csv"}, "neither solutions nor answers come along"


def test_the_same_lesson_gives_the_same_bytes(shelf):
    first = prepare(shelf)[0].path.read_bytes()
    (shelf / "own" / "01-begin.ipynb").unlink()
    assert prepare(shelf)[0].path.read_bytes() == first


def test_cells_keep_their_ids_when_another_cell_changes(shelf):
    before = [cell["id"] for cell in read_notebook(take(shelf).folder, "01-begin.md", module_id="m").cells]
    edit_lesson(shelf)
    after = [cell["id"] for cell in read_notebook(take(shelf).folder, "01-begin.md", module_id="m").cells]
    # The last cell's text changed or a cell was added behind it; the others are as they were.
    assert before[:-1] == after[: len(before) - 1]
    assert len(set(after)) == len(after)


def test_equal_cells_have_ids_of_their_own(shelf):
    lesson = shelf / "modules" / "count-persons" / "01-begin.md"
    lesson.write_text("```{code-cell}\n1\n```\n\n```{code-cell}\n1\n```\n")
    ids = [cell["id"] for cell in read_notebook(lesson.parent, lesson.name, module_id="m").cells]
    assert len(set(ids)) == 2
    assert ids == [cell["id"] for cell in read_notebook(lesson.parent, lesson.name, module_id="m").cells]


def test_the_learners_work_is_kept(shelf):
    own = prepare(shelf)[0].path
    notebook = json.loads(own.read_text())
    notebook["cells"][0]["source"] = ["my own words"]
    own.write_text(json.dumps(notebook))
    written = own.read_bytes()
    (again,) = prepare(shelf)
    assert (again.state, again.newer) == ("kept", None)
    assert own.read_bytes() == written


def test_a_newer_lesson_lands_beside_once(shelf):
    own = prepare(shelf)[0].path
    own_bytes = own.read_bytes()
    edit_lesson(shelf)
    (newer,) = prepare(shelf)
    assert newer.state == "newer-beside"
    assert newer.newer.name == "01-begin, version 0.2.0.ipynb"
    assert newer.newer.name in newer.notice
    assert "A new last line" in newer.newer.read_text()
    assert own.read_bytes() == own_bytes
    assert prepare(shelf)[0].state == "kept"
    edit_lesson(shelf, "0.3.0")
    assert prepare(shelf)[0].newer.name == "01-begin, version 0.3.0.ipynb"
    assert len(list((shelf / "own").glob("*.ipynb"))) == 3


def test_a_new_version_of_the_module_with_the_same_lesson_changes_nothing(shelf):
    prepare(shelf)
    module = shelf / "modules" / "count-persons" / "module.yaml"
    module.write_text(module.read_text().replace("version: 0.1.0", "version: 0.1.1"))
    assert prepare(shelf)[0].state == "kept"


@pytest.mark.parametrize("text", ["", "{}", "not json", '{"metadata": {"sandkasse": 3}}'])
def test_whatever_the_learner_made_of_the_file_is_kept(shelf, text):
    own = prepare(shelf)[0].path
    own.write_text(text)
    (again,) = prepare(shelf)
    assert own.read_text() == text
    assert again.state == "newer-beside"
    assert again.newer.is_file()


@pytest.mark.attack
def test_a_link_in_the_lessons_place_is_neither_followed_nor_replaced(shelf):
    outside = shelf / "outside.txt"
    own = shelf / "own"
    own.mkdir()
    (own / "01-begin.ipynb").symlink_to(outside)
    prepare(shelf)
    assert not outside.exists()
    assert (own / "01-begin.ipynb").is_symlink()


@pytest.mark.attack
def test_a_linked_data_folder_is_left_alone(shelf):
    outside, own = shelf / "outside", shelf / "own"
    outside.mkdir()
    own.mkdir()
    (own / "data").symlink_to(outside, target_is_directory=True)
    prepare(shelf)
    assert list(outside.iterdir()) == []


@pytest.mark.attack
def test_a_linked_folder_is_refused(shelf):
    (shelf / "elsewhere").mkdir()
    (shelf / "own").symlink_to(shelf / "elsewhere", target_is_directory=True)
    with pytest.raises(InvalidInputError, match="not a folder"):
        prepare(shelf)
    assert list((shelf / "elsewhere").iterdir()) == []


def test_the_learners_own_data_files_are_kept(shelf):
    own = shelf / "own" / "data" / "practice"
    own.mkdir(parents=True)
    (own / "small.csv").write_text("mine")
    prepare(shelf)
    assert (own / "small.csv").read_text() == "mine"


def test_nothing_half_written_is_left(shelf):
    prepare(shelf)
    prepare(shelf)
    assert not [name for _, _, files in os.walk(shelf / "own") for name in files if "partial" in name]


def test_a_percent_script_is_a_lesson_too(shelf):
    folder = take(shelf).folder
    (folder / "01-begin.py").write_text("# %% [markdown]\n# # Title\n\n# %%\n1 + 1\n")
    notebook = read_notebook(folder, "01-begin.py", module_id="m")
    assert [cell.cell_type for cell in notebook.cells] == ["markdown", "code"]


def test_other_files_are_no_lessons(shelf):
    with pytest.raises(ModuleInvalidError, match="Jupytext text"):
        read_notebook(take(shelf).folder, "module.yaml", module_id="m")
