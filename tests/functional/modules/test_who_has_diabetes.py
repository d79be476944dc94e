"""What *Who has diabetes?* promises beyond what every module does: its constants agree with its data."""

import re
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest
import yaml

from sandkasse.training.spec import Module

MODULE = "who-has-diabetes"


def expected_constant(module: Module, exercise_id: str) -> list[float]:
    parameters = module.exercise(exercise_id).parameters
    statements = [parameters["sql"], *(mistake["sql"] for mistake in parameters.get("mistakes", []))]
    return [float(re.fullmatch(r"SELECT ([\d.]+) AS value", sql.strip()).group(1)) for sql in statements]


def test_constants_of_the_practice_exercises_agree_with_the_practice_data(
    module: Module, folder: Path, answers: ModuleType
):
    right, everyone, sensitivity = expected_constant(module, "shortcut-ppv")
    assert right == pytest.approx(answers.shortcut_ppv_pandas(None), abs=5e-5)
    assert everyone == pytest.approx(answers.shortcut_ppv_all(None), abs=5e-5)
    assert sensitivity == pytest.approx(answers.shortcut_sensitivity(None), abs=5e-5)
    truth = pd.read_parquet(folder / "data" / "practice" / "truth_persons.parquet")
    n_with_diabetes = int((pd.to_datetime(truth.diabetes_onset) < "2024-01-01").sum())
    assert f"1.0 / {n_with_diabetes})" in module.exercise("undiagnosed-share").parameters["sql"]


def test_the_published_rates_in_the_exercise_are_those_of_the_data_file(module: Module, folder: Path):
    sql = module.exercise("observed-expected").parameters["sql"]
    listed = {
        (int(koen), int(age_from)): [float(rate) for rate in rates.split(",")]
        for koen, age_from, rates in re.findall(r"\((\d), (\d\d), \[([\d., ]+)\]\)", sql)
    }
    published = pd.read_csv(folder / "data" / "published-rates.csv")
    published["rate"] = 1000 * published.new_cases / published.person_years_without
    groups = published[published.age_from.between(30, 80)].sort_values("year").groupby(["koen", "age_from"])
    assert set(listed) == set(groups.groups)
    for key, group in groups:
        assert listed[key] == pytest.approx(group.rate.tolist(), abs=5e-5)


def test_regions_in_the_exercise_are_those_of_the_data_file(module: Module, folder: Path):
    sql = module.exercise("lab-coverage").parameters["sql"]
    lists = [set(re.findall(r"'(\d{3})'", line)) for line in sql.splitlines() if "kom IN" in line]
    regions = pd.read_csv(folder / "data" / "regions.csv", dtype=str).groupby("region").kom.agg(set).tolist()
    assert len(lists) == len(regions) - 1
    assert all(listed in regions for listed in lists)


def test_sources_are_cited_with_their_licence(folder: Path):
    readme = (folder / "data" / "README.md").read_text(encoding="utf-8")
    assert "GPL-2" in readme
    assert "DMepi" in readme
    raw = yaml.safe_load((folder / "module.yaml").read_text(encoding="utf-8"))
    assert raw["licence"]["name"] == "CC-BY-4.0"
    assert [author["name"] for author in raw["authors"]] == ["The Sandkasse authors"]
    assert all(re.fullmatch(r"10\.\d{4,}/\S+", citation["doi"]) for citation in raw["citations"] if "doi" in citation)
