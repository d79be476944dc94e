"""Every condition says what it is, where its numbers come from, and what it is compared with."""

import csv
import re
import shutil
import tomllib
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sandkasse.cohort.conditions_page import conditions_page, rate_per_1000
from sandkasse.cohort.model import DATA, PARAMS, load_model
from sandkasse.cohort.specification import Condition, read_specification
from sandkasse.cohort.validation.conditions import CAUSES
from sandkasse.core.errors import InvalidInputError

ROOT = Path(__file__).resolve().parents[3]
FILES = sorted((PARAMS / "conditions").glob("*.toml"))
SPECIFICATION = read_specification(PARAMS)
BY_NAME = {condition.name: condition for condition in SPECIFICATION.conditions}
NAMES = sorted(BY_NAME)
ICD10 = re.compile(r"^D[A-Z]\d{2}[0-9A-Z]{0,3}$")
ICD8 = re.compile(r"^\d{3}(\d{2})?$")
ATC = re.compile(r"^[A-Z](\d{2}([A-Z]([A-Z](\d{2})?)?)?)?$")
WITHOUT_ICD8 = {"gdm", "nafld", "covid19"}
"""No code of ICD-8 stands for them: gestational diabetes and COVID-19 have none, of fatty liver we are not sure."""
WITHOUT_TARGET = {
    "t1d": "its prevalence and incidence stand in targets.csv, as all diabetes",
    "t2d": "its prevalence and incidence stand in targets.csv, as all diabetes",
    "gdm": "its incidence is the published one, per pregnancy",
    "pcos": "no published prevalence of the truth; 18,477 women of the register are named in the file",
    "ckd": "incidence and prevalence of the source are those of the file",
    "obesity": "need for treatment has no published figure; body mass itself has",
    "schizophrenia": "no age and sex profile was at hand that we are certain of",
    "nafld": "most is never recognised; no register figure was at hand",
}
MEASURES = {
    "prevalence", "true_prevalence", "living", "treated", "cases", "rate", "rate_all", "dead_within", "median_age",
    "acute_deaths", "cause_deaths",
}  # fmt: skip


def targets() -> list[dict[str, str]]:
    with (DATA / "condition_targets.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def rows_of_numbers(table: Any, path: str) -> Iterator[tuple[str, dict[str, Any], bool]]:
    """Every table that holds a number of its own, with whether it or a table above it has a source."""

    def walk(node: Any, where: str, sourced: bool) -> Iterator[tuple[str, dict[str, Any], bool]]:
        if isinstance(node, dict):
            here = sourced or bool(str(node.get("source", "")).strip())
            if any(isinstance(value, int | float) and not isinstance(value, bool) for value in node.values()):
                yield where, node, here
            for key, value in node.items():
                yield from walk(value, f"{where}.{key}", here)
        elif isinstance(node, list):
            for place, value in enumerate(node):
                if isinstance(value, dict):
                    yield from walk(value, f"{where}[{place}]", sourced)

    yield from walk(table, path, False)


def test_every_file_is_a_condition_of_the_model() -> None:
    assert {path.stem for path in FILES} == set(NAMES)


def test_the_model_has_at_least_thirty_conditions() -> None:
    assert len(NAMES) >= 30


@pytest.mark.parametrize("name", NAMES)
def test_every_condition_has_well_formed_codes(name: str) -> None:
    codes = BY_NAME[name].codes
    assert codes["icd10"], "no code of ICD-10"
    assert all(ICD10.match(code) for code in codes["icd10"]), codes
    assert all(ICD8.match(code) for code in codes.get("icd8", ())), codes
    assert bool(codes.get("icd8")) != (name in WITHOUT_ICD8)
    assert BY_NAME[name].group


def test_no_code_of_icd_10_stands_for_two_conditions() -> None:
    pairs = [(code, name) for name in NAMES for code in BY_NAME[name].codes["icd10"]]
    shared = [(a, b) for a, x in pairs for b, y in pairs if x < y and (a.startswith(b) or b.startswith(a))]
    assert not shared


@pytest.mark.parametrize(
    "path", [*FILES, PARAMS / "treatments.toml", PARAMS / "model.toml"], ids=lambda path: path.stem
)
def test_every_number_has_a_source(path: Path) -> None:
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    rows = list(rows_of_numbers(table, path.stem))
    top = {path.stem, "model.glycaemia.lowering"}  # the window's years; the shares with their source in a comment
    assert rows
    assert [where for where, _, sourced in rows if not sourced and where not in top] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_condition_has_a_target_or_the_reason_why_none(name: str) -> None:
    compared = {part for row in targets() for part in row["condition"].split("|")}
    assert (name in compared) or WITHOUT_TARGET.get(name)


def test_targets_are_of_known_things_with_role_and_source() -> None:
    treatments = {treatment.name for treatment in SPECIFICATION.general.treatments}
    for row in targets():
        assert row["measure"] in MEASURES
        assert row["role"] in {"fitted", "held out", "cannot be compared"}
        assert len(row["source"]) > 20
        assert float(row["value"]) > 0
        assert not row["date_to"] or date.fromisoformat(row["date_from"]) < date.fromisoformat(row["date_to"])
        assert not row["treatment"] or row["treatment"] in treatments
        assert (row["measure"] == "treated") == bool(row["treatment"])
        if row["role"] == "cannot be compared":
            assert row["why"]
        elif row["measure"] == "cause_deaths":
            assert row["condition"] in set(CAUSES)
        else:
            assert set(row["condition"].split("|")) <= set(NAMES)


def test_two_in_five_targets_are_held_out() -> None:
    roles = [row["role"] for row in targets()]
    assert roles.count("held out") >= 0.4 * len(roles)


def test_treatments_have_codes_and_a_reason_to_begin() -> None:
    for treatment in SPECIFICATION.general.treatments:
        assert treatment.atc
        assert all(ATC.match(code) for code in treatment.atc), treatment.atc
        assert treatment.start


def lifetime_risk(condition: Condition, sex: str) -> float:
    """Chance of at least one onset by the age of 85 at the rates of 2010, were nobody to die."""
    ages = np.arange(85) + 0.5
    total = sum(rate_per_1000(condition.incidence, sex, age, 2010.0) for age in ages) / 1000.0
    return 1.0 - float(np.exp(-total))


BOUNDS = {
    "hypertension": (0.5, 0.95), "dyslipidaemia": (0.3, 0.85), "ihd": (0.1, 0.4), "af": (0.15, 0.5), "pad": (0.08, 0.4),
    "copd": (0.12, 0.45), "asthma": (0.08, 0.25), "osteoporosis": (0.08, 0.65), "hip_fracture": (0.05, 0.35),
    "fracture": (0.5, 0.9), "ra": (0.01, 0.05), "depression": (0.2, 0.6), "anxiety": (0.04, 0.2),
    "schizophrenia": (0.008, 0.025), "dementia": (0.15, 0.7), "epilepsy": (0.03, 0.1), "migraine": (0.05, 0.35),
    "parkinson": (0.015, 0.08), "breast_cancer": (0.08, 0.16), "colorectal_cancer": (0.05, 0.13),
    "lung_cancer": (0.04, 0.15), "prostate_cancer": (0.08, 0.2), "melanoma": (0.015, 0.05), "cll": (0.004, 0.02),
    "cirrhosis": (0.01, 0.06), "nafld": (0.2, 0.6), "pneumonia": (0.3, 0.8), "influenza": (0.1, 0.5),
    "mi": (0.08, 0.4), "stroke": (0.15, 0.4), "hf": (0.1, 0.5), "ckd": (0.2, 0.7), "t1d": (0.004, 0.02),
    "t2d": (0.1, 0.5), "obesity": (0.05, 0.4), "pcos": (0.04, 0.12),
}  # fmt: skip
"""Our choice, wide: a slip of a factor of ten in a row must fall outside."""


@pytest.mark.parametrize("name", sorted(BOUNDS))
def test_lifetime_risks_are_believable(name: str) -> None:
    condition, (low, high) = BY_NAME[name], BOUNDS[name]
    for sex in ("men", "women"):
        if getattr(condition.incidence, sex):
            assert low <= lifetime_risk(condition, sex) <= high


def test_a_cause_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "params"
    shutil.copytree(PARAMS, folder)
    path = folder / "conditions" / "copd.toml"
    path.write_text(path.read_text(encoding="utf-8").replace('of = "smoking"', 'of = "smokeing"'), encoding="utf-8")
    with pytest.raises(InvalidInputError, match="smokeing"):
        load_model(folder, calibrated=False)


def test_the_page_is_made_from_the_rows() -> None:
    page = ROOT / "docs" / "reference" / "conditions.md"
    assert page.read_text(encoding="utf-8") == conditions_page(SPECIFICATION), "run: python3 run.py docs"


@pytest.mark.parametrize(
    "group",
    [
        ("statin",),
        ("antihypertensive", "thiazide", "calcium_blocker", "beta_blocker"),
        ("warfarin", "doac"),
        ("metformin", "sulfonylurea", "dpp4", "sglt2", "glp1", "insulin"),
    ],
    ids=["statins", "antihypertensives", "anticoagulants", "glucose-lowering"],
)
def test_who_is_given_a_drug_differs_in_what_also_moves_the_outcome(group):
    """Confounding by indication: every drug of the group is begun at a rate that traits of the person move."""
    for treatment in SPECIFICATION.general.treatments:
        if treatment.name in group:
            assert any(effect.log_hazard_ratio for start in treatment.start for effect in start.traits), treatment.name
