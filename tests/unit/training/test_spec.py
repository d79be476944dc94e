"""module.yaml: what is read, and what is refused with one line a finding."""

from pathlib import Path

import pytest
import yaml

from sandkasse.core.errors import ExerciseNotFoundError, ModuleInvalidError, TrainingModuleNotFoundError
from sandkasse.training.library import Library
from sandkasse.training.lint import find_faults
from sandkasse.training.scaffold import create_module
from sandkasse.training.spec import read_module


@pytest.fixture
def shelf(tmp_path):
    folder = create_module(tmp_path, "count-persons", title='Counting "persons"')
    assert folder.is_dir()
    return tmp_path


@pytest.fixture
def edit(shelf):
    """Change something in the template module and give the findings."""

    def change(path: str, value: object = None, *, remove: bool = False) -> list[str]:
        file = shelf / "count-persons" / "module.yaml"
        raw = yaml.safe_load(file.read_text())
        *parents, last = [int(part) if part.isdigit() else part for part in path.split("/")]
        place = raw
        for parent in parents:
            place = place[parent]
        if remove:
            del place[last]
        else:
            place[last] = value
        file.write_text(yaml.safe_dump(raw, allow_unicode=True))
        library = Library(shelf)
        return find_faults(library.take("count-persons"), library.ids())

    return change


def rewrite(shelf: Path, name: str, old: str, new: str) -> list[str]:
    file = shelf / "count-persons" / name
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))
    library = Library(shelf)
    return find_faults(library.take("count-persons"), library.ids())


def test_the_template_is_right_from_the_start(shelf):
    library = Library(shelf)
    shelved = library.take("count-persons")
    assert shelved.module.title == 'Counting "persons"'
    assert find_faults(shelved, library.ids()) == []


def test_an_unknown_module_names_the_nearest(shelf):
    with pytest.raises(TrainingModuleNotFoundError, match="count-person'") as caught:
        Library(shelf).take("count-person")
    assert "count-persons" in caught.value.next_step


def test_an_unknown_exercise_names_the_nearest(shelf):
    with pytest.raises(ExerciseNotFoundError) as caught:
        Library(shelf).take("count-persons").module.exercise("how-many-resident")
    assert "how-many-residents" in caught.value.next_step


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("title", "", "title:"),
        ("version", "1.0", "version:"),
        ("level", "easy", "level:"),
        ("hours", 0, "hours:"),
        ("outcomes", [], "outcomes:"),
        ("contracts", [], "contracts:"),
        ("language", "English", "language:"),
        ("id", "Count Persons", "id:"),
        ("id", "other", "the folder is named"),
        ("surprise", 1, "surprise:"),
        ("definitions", {"Adults": "SELECT 1"}, "definitions.Adults"),
        ("definitions", {"adults": ""}, "definitions.adults:"),
        ("parts/0/minutes", -1, "parts[0].minutes:"),
        ("exercises/0/hint", "x", "exercises[0].hint:"),
        ("exercises/0/errors/0/side", "left", "exercises[0].errors[0].side:"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(edit, path, value, told):
    with pytest.raises(ModuleInvalidError, match="count-persons") as caught:
        edit(path, value)
    assert told in caught.value.message


def test_every_finding_has_a_line_of_its_own(shelf):
    file = shelf / "count-persons" / "module.yaml"
    file.write_text(file.read_text().replace("level: introductory", "level: easy").replace("hours: 1", "hours: none"))
    with pytest.raises(ModuleInvalidError, match="2 findings") as caught:
        read_module(file.parent)
    assert caught.value.message.count("\n- ") == 2


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "must be a mapping"),
        ("- a", "must be a mapping"),
        ("id: [", "line"),
        ("id: a\nid: b", "not readable YAML"),
        ("id: !!python/object:os.system x", "not readable YAML"),
    ],
)
def test_yaml_that_is_none_is_told(shelf, text, told):
    (shelf / "count-persons" / "module.yaml").write_text(text)
    with pytest.raises(ModuleInvalidError, match=told):
        read_module(shelf / "count-persons")


def test_on_and_no_are_words(shelf):
    file = shelf / "count-persons" / "module.yaml"
    file.write_text(file.read_text().replace("language: en", "language: no"))
    assert read_module(file.parent).language == "no"


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("prerequisites", ["unknown-module"], "no module named 'unknown-module'"),
        ("prerequisites", ["count-persons"], "cannot be its own"),
        ("hours", 9, "the parts take 60 minutes"),
        ("parts/0/lesson", "nowhere.md", "nowhere.md does not exist"),
        ("parts/0/lesson", "../secret.md", "no file name of the module's folder"),
        ("parts/0/lesson", "answers.txt", "no file name of the module's folder"),
        ("exercises/0/part", "end", "no part named 'end'"),
        ("exercises/0/contract", "omop", "not among the module's contracts"),
        ("exercises/0/grader", "guess", "grader 'guess' is unknown"),
        ("exercises/0/parameters/sql", "DROP TABLE bef", "must be one SELECT"),
        ("exercises/0/parameters/sql", "SELEC 1", "does not parse"),
        ("exercises/0/parameters/tolerance", {}, "exactly one of"),
        ("exercises/0/parameters/tolerence", {}, "parameters.tolerence"),
        ("exercises/0/parameters/mistakes/0/error", "half", "errors does not describe it"),
        ("exercises/0/errors/0/id", "other", "no kind of number"),
        ("exercises/0/errors/0/trap", "miscoded", "which number does not know"),
        ("definitions", {"adults": "SELECT 1"}, "no SQL uses 'adults'"),
        ("definitions", {"adults": "DROP TABLE bef"}, "must be one SELECT"),
        (
            "exercises/0/definitions",
            {"adults": "SELECT 1"},
            "no SQL of the exercise 'how-many-residents' uses 'adults'",
        ),
        ("exercises/0/definitions", {"adults": "SELEC 1"}, "does not parse"),
        ("exercises/0/accepted", [], "at least 2 accepted"),
        ("exercises/0/refused", [], "at least one refused"),
        ("exercises/0/refused/0/error", "nobody-knows", "unknown error 'nobody-knows'"),
        ("exercises/0/refused/0/answer", "missing_function", "no function named 'missing_function'"),
        ("exercises/0/refused/0/answer", "count_rows_of_the_day", "listed twice"),
        ("exercises/0/id", "how-many", "does not check the exercise 'how-many'"),
    ],
)
def test_the_lint_finds(edit, path, value, told):
    findings = edit(path, value)
    assert any(told in finding for finding in findings), findings


@pytest.mark.parametrize(
    ("name", "old", "new", "told"),
    [
        ("01-begin.md", '"how-many-residents", ...', '"how-many", ...', "does not check"),
        ("01-begin.md", '"how-many-residents", ...', '"how-many", ...', "which is no exercise"),
        ("01-begin.md", 'residents", ...)', 'residents", ...)\nprint()', "not the last line"),
        ("01-begin.md", "# A first part", "![](picture.png)", "1 pictures without a text alternative"),
        ("01-begin.md", "# A first part", "<img src='x.png' alt=''>", "1 pictures without a text alternative"),
        ("01-begin.md", "import sandkasse", "import sandkasse as", "not Python"),
        ("01-begin-solution.md", "residents.count())", "...)", "unanswered"),
        ("answers.py", "return data.bef.count()", "return data.bef.count(", "not readable Python"),
        ("answers.py", ".pnr.nunique()", ".count()", "the same code"),
    ],
)
def test_the_lint_reads_lessons_and_answers(shelf, name, old, new, told):
    text = (shelf / "count-persons" / name).read_text()
    assert text.count(old) == 1 or name == "answers.py"
    findings = rewrite(shelf, name, old, new)
    assert any(told in finding for finding in findings), findings


def test_every_exercise_is_given_the_definitions_of_its_module(shelf):
    file = shelf / "count-persons" / "module.yaml"
    text = file.read_text().replace("exercises:\n", "definitions: {adults: SELECT pnr FROM bef}\nexercises:\n")
    file.write_text(text)
    module = read_module(file.parent)
    assert module.exercises
    assert all(exercise.definitions == {"adults": "SELECT pnr FROM bef"} for exercise in module.exercises)
    first = "  - id: how-many-residents"
    assert first in text
    file.write_text(text.replace(first, first + "\n    definitions: {adults: SELECT 1}"))
    with pytest.raises(ModuleInvalidError, match="defines again what the module defines: adults"):
        read_module(file.parent)


def test_a_definition_that_a_statement_or_another_definition_uses_is_no_finding(shelf, edit):
    file = shelf / "count-persons" / "module.yaml"
    defined = "definitions: {adults: SELECT pnr FROM bef, counted: SELECT count(*) AS value FROM adults}\n"
    file.write_text(file.read_text().replace("exercises:\n", defined + "exercises:\n"))
    assert edit("exercises/0/parameters/sql", "SELECT value FROM counted") == []


def test_pictures_with_alternatives_and_magics_are_fine(shelf):
    assert rewrite(shelf, "01-begin.md", "# A first part", "![A line](x.png) <img src='y.png' alt=\"Bars\">") == []
    assert (
        rewrite(shelf, "01-begin.md", "import sandkasse", "%time import sandkasse\nif True:\n    %matplotlib\n") == []
    )


def test_a_broken_module_is_left_out_of_the_list(shelf):
    (shelf / "broken").mkdir()
    (shelf / "broken" / "module.yaml").write_text("id: broken")
    (shelf / "no-module").mkdir()
    library = Library(shelf)
    assert library.ids() == ("broken", "count-persons")
    assert [shelved.module.id for shelved in library.list()] == ["count-persons"]
