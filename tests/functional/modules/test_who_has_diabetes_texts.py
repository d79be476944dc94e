"""The module's texts: each worked solution is its lesson with the answers filled in, and constants agree with data."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest
import yaml

from sandkasse.training.lessons import read_notebook
from sandkasse.training.spec import Module, read_module

FOLDER = Path(__file__).parents[3] / "modules" / "who-has-diabetes"


@pytest.fixture(scope="module")
def module() -> Module:
    return read_module(FOLDER)


@pytest.fixture(scope="module")
def answers() -> ModuleType:
    spec = importlib.util.spec_from_file_location("who_has_diabetes_answers", FOLDER / "answers.py")
    assert spec is not None
    assert spec.loader is not None
    code = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(code)
    return code


def is_exercise(source: str) -> bool:
    return "sandkasse.check(" in source


def expected_constant(module: Module, exercise_id: str) -> list[float]:
    parameters = module.exercise(exercise_id).parameters
    statements = [parameters["sql"], *(mistake["sql"] for mistake in parameters.get("mistakes", []))]
    return [float(re.fullmatch(r"SELECT ([\d.]+) AS value", sql.strip()).group(1)) for sql in statements]


def test_solutions_are_the_lessons_with_the_answers_filled_in(module: Module):
    for part in module.parts:
        lesson = read_notebook(FOLDER, part.lesson, module_id=module.id).cells
        solution = read_notebook(FOLDER, part.solution, module_id=module.id).cells
        assert len(lesson) == len(solution), part.id
        for asked, given in zip(lesson, solution, strict=True):
            if is_exercise(asked.source):
                assert "= ..." in asked.source
                assert "..." not in given.source.replace("# ...", "")
            else:
                assert asked.source == given.source.replace(" (worked solution)", "")


def test_every_picture_has_a_title_axes_and_a_text_alternative(module: Module):
    for part in module.parts:
        for cell in read_notebook(FOLDER, part.lesson, module_id=module.id).cells:
            if "alt.Chart" in cell.source:
                for needed in ("TitleParams(", "subtitle=", "description=", "title="):
                    assert needed in cell.source, (part.id, needed, cell.source[:80])


def test_every_answer_function_is_used_and_every_named_one_exists(module: Module, answers: ModuleType):
    named = {item.answer for exercise in module.exercises for item in (*exercise.accepted, *exercise.refused)}
    defined = {
        name
        for name, value in vars(answers).items()
        if callable(value) and not name.startswith("_") and getattr(value, "__module__", "") == answers.__name__
    }
    assert named == defined


def test_each_exercise_tries_two_right_and_two_wrong_approaches(module: Module):
    for exercise in module.exercises:
        assert len({item.answer for item in exercise.accepted}) >= 2, exercise.id
        assert len({item.answer for item in exercise.refused}) >= 2, exercise.id


def test_constants_of_the_practice_exercises_agree_with_the_practice_data(module: Module, answers: ModuleType):
    right, everyone, sensitivity = expected_constant(module, "shortcut-ppv")
    assert right == pytest.approx(answers.shortcut_ppv_pandas(None), abs=5e-5)
    assert everyone == pytest.approx(answers.shortcut_ppv_all(None), abs=5e-5)
    assert sensitivity == pytest.approx(answers.shortcut_sensitivity(None), abs=5e-5)
    truth = pd.read_parquet(FOLDER / "data" / "practice" / "truth_persons.parquet")
    n_with_diabetes = int((pd.to_datetime(truth.diabetes_onset) < "2024-01-01").sum())
    assert f"1.0 / {n_with_diabetes})" in module.exercise("undiagnosed-share").parameters["sql"]


def test_the_published_rates_in_the_exercise_are_those_of_the_data_file(module: Module):
    sql = module.exercise("observed-expected").parameters["sql"]
    listed = {
        (int(koen), int(age_from)): [float(rate) for rate in rates.split(",")]
        for koen, age_from, rates in re.findall(r"\((\d), (\d\d), \[([\d., ]+)\]\)", sql)
    }
    published = pd.read_csv(FOLDER / "data" / "published-rates.csv")
    published["rate"] = 1000 * published.new_cases / published.person_years_without
    groups = published[published.age_from.between(30, 80)].sort_values("year").groupby(["koen", "age_from"])
    assert set(listed) == set(groups.groups)
    for key, group in groups:
        assert listed[key] == pytest.approx(group.rate.tolist(), abs=5e-5)


def test_regions_in_the_exercise_are_those_of_the_data_file(module: Module):
    sql = module.exercise("lab-coverage").parameters["sql"]
    lists = [set(re.findall(r"'(\d{3})'", line)) for line in sql.splitlines() if "kom IN" in line]
    regions = pd.read_csv(FOLDER / "data" / "regions.csv", dtype=str).groupby("region").kom.agg(set).tolist()
    assert len(lists) == len(regions) - 1
    assert all(listed in regions for listed in lists)


def test_sources_are_cited_with_their_licence():
    readme = (FOLDER / "data" / "README.md").read_text(encoding="utf-8")
    assert "GPL-2" in readme
    assert "DMepi" in readme
    raw = yaml.safe_load((FOLDER / "module.yaml").read_text(encoding="utf-8"))
    assert raw["licence"]["name"] == "CC-BY-4.0"
    assert [author["name"] for author in raw["authors"]] == ["The Sandkasse authors"]
    assert all(re.fullmatch(r"10\.\d{4,}/\S+", citation["doi"]) for citation in raw["citations"] if "doi" in citation)
