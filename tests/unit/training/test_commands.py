"""`sandkasse module …`, and the test of a module with real kernels, on a site with made-up data."""

import csv
import json

import nbformat
import pytest
from typer.testing import CliRunner

from sandkasse.actions import modules
from sandkasse.cli.module import app
from sandkasse.core.errors import (
    AnswerShapeError,
    InvalidInputError,
    ModuleInvalidError,
    TrainingModuleNotFoundError,
)


@pytest.fixture
def run(site_folder, monkeypatch):
    """Run a command on the made-up site; an error of ours flies, as it does to the command line's frame."""
    monkeypatch.setenv("SANDKASSE_HOME", str(site_folder.home))
    monkeypatch.setenv("SANDKASSE_CONTENT", str(site_folder.content))
    monkeypatch.setenv("COLUMNS", "160")

    def command(*arguments):
        result = CliRunner().invoke(app, [str(argument) for argument in arguments])
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result.stdout

    return command


def edit(site_folder, name, old, new):
    path = site_folder.content / "modules" / "small" / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_list_and_show(run):
    assert "A small module" in run("list")
    assert [module["id"] for module in json.loads(run("list", "--json"))] == ["small"]
    shown = run("show", "small")
    assert "You will be able to:\n- Count persons." in shown
    assert "- who: Who. A table with one row a person: pnr (text)." in shown


@pytest.mark.attack
def test_what_is_shown_holds_no_answers(run):
    told = run("show", "small", "--json") + run("show", "small") + run("list", "--json")
    for secret in ("SELECT", "has_code", "other registers", "diabetes_onset", "coded_again", "pass_at", "tolerance"):
        assert secret not in told


def test_an_empty_site_says_so(run, site_folder):
    (site_folder.content / "modules" / "small" / "module.yaml").unlink()
    assert "No training modules here." in run("list")
    assert run("list", "--json") == "[]\n"


def test_a_broken_module_does_not_hide_the_others(run, site_folder):
    broken = site_folder.content / "modules" / "broken"
    broken.mkdir()
    (broken / "module.yaml").write_text("id: broken")
    assert [module["id"] for module in json.loads(run("list", "--json"))] == ["small"]
    (told,) = modules.list_module_faults(site_folder)
    assert "broken is left out" in told


def test_an_unknown_module_is_told_with_the_nearest(run):
    for command in ("show", "lint", "test", "run"):
        with pytest.raises(TrainingModuleNotFoundError) as caught:
            run(command, "smal")
        assert "small" in caught.value.next_step


def test_lint(run, site_folder):
    assert "1 parts and 2 exercises, no findings" in run("lint", "small")
    edit(site_folder, "module.yaml", "title: How many", "title: ''")
    with pytest.raises(ModuleInvalidError, match="1 finding"):
        run("lint", "small")


def test_check_says_that_nothing_is_recorded(run, country, tmp_path):
    told = run("check", "small", "how-many", country.persons.num_rows)
    assert "Passed. The number is right." in told
    assert "certificates come from hosted sites only" in told
    path = tmp_path / "answer.csv"
    with path.open("w") as file:
        writer = csv.writer(file)
        writer.writerow(["pnr"])
        writer.writerows([pnr] for pnr in country.pnr[country.detected])
    assert json.loads(run("check", "small", "who", path, "--json"))["passed"]
    with pytest.raises(AnswerShapeError):
        run("check", "small", "who", "3")


def test_run_writes_the_lesson_with_its_outputs(run, tmp_path):
    run("run", "small", "--which", "solution", "--out", tmp_path / "out")
    notebook = nbformat.read(tmp_path / "out" / "01-solution.ipynb", as_version=4)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert sum("Passed." in output.get("data", {}).get("text/plain", "") for output in outputs) == 2
    with pytest.raises(InvalidInputError, match="exists already"):
        run("run", "small", "--which", "solution", "--out", tmp_path / "out")
    with pytest.raises(InvalidInputError, match="no part named"):
        run("run", "small", "--part", "two")


@pytest.mark.slow
def test_a_right_module_passes_its_test(run):
    told = json.loads(run("test", "small", "--json"))
    assert [(r["what"], r["is_right"]) for r in told["results"]] == [
        ("accepted", True),
        ("accepted", True),
        ("refused", True),
        ("accepted", True),
        ("accepted", True),
        ("refused", True),
        ("lesson", True),
        ("solution", True),
    ]


def test_a_wrong_module_is_an_error_of_the_command(run, site_folder, monkeypatch):
    edit(site_folder, "answers.py", "return data.bef.has_code.sum()", "return data.bef.count()")
    edit(site_folder, "answers.py", "return data.bef.count()", "return data.bef.pnr.count()")
    monkeypatch.setattr("sandkasse.training.rehearsal.rehearse_notebooks", lambda *_, **__: ())
    with pytest.raises(ModuleInvalidError, match="1 of 6 things in 'small' are wrong"):
        run("test", "small")


@pytest.mark.parametrize(
    ("name", "old", "new", "told"),
    [
        ("answers.py", 'data.bef.filter(data.bef.has_code).select("pnr")', "data.bef.select('pnr')", "should pass"),
        ("answers.py", "return data.bef.has_code.sum()", "return data.bef.pnr.count()", "should not pass, and does"),
        ("answers.py", "return data.bef.has_code.sum()", "return 10 * data.bef.count()", "'too-low' should dominate"),
        ("answers.py", "return data.bef.has_code.sum()", "return 'many'", "wrong shape"),
        ("answers.py", "return data.bef.has_code.sum()", "return 1 / 0", "raises ZeroDivisionError"),
    ],
)
def test_a_wrong_answer_in_the_module_is_found(site_folder, monkeypatch, name, old, new, told):
    edit(site_folder, name, old, new)
    monkeypatch.setattr("sandkasse.training.rehearsal.rehearse_notebooks", lambda *_, **__: ())
    report = modules.test_module(site_folder, "small")
    assert not report.is_right
    assert any(told in result.says for result in report.results if not result.is_right), report


@pytest.mark.slow
def test_a_failing_cell_and_an_unsolved_exercise_are_found(site_folder):
    edit(site_folder, "01.md", 'data = sandkasse.open("dk-registers")', 'raise ValueError("nothing to see")')
    edit(site_folder, "01-solution.md", "data.bef.count()", "data.bef.count() - 1")
    found = {r.what: r.says for r in modules.test_module(site_folder, "small").results if not r.is_right}
    assert found["lesson"].endswith("its code cell 1 gives ValueError")
    assert found["solution"] == "It does not pass how-many."


def test_new_makes_a_module_that_lints(run, site_folder):
    assert "next: sandkasse module test my-module" in run("new", "my-module", "--title", "My: module")
    assert "no findings" in run("lint", "my-module")
    with pytest.raises(InvalidInputError, match="already"):
        run("new", "my-module", "--title", "x")
    for odd in ("My module", "../up", "-x", ""):
        with pytest.raises(InvalidInputError):
            modules.create_module(site_folder, odd, title="x")


@pytest.mark.attack
def test_a_lesson_runs_without_the_modules_answers_beside_it(site_folder, tmp_path):
    edit(site_folder, "01.md", "import sandkasse\n", "import sandkasse, os\nprint(sorted(os.listdir()))\n")
    (written,) = modules.run_lesson(site_folder, "small", tmp_path / "out")
    assert "answers.py" not in written.read_text()
    assert "module.yaml" not in written.read_text()
