"""A small made-up country with a known truth, for the graders."""

import shutil
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sandkasse.catalogue.card import CardDraft, Citation, Licence
from sandkasse.catalogue.store import Store
from sandkasse.core.settings import Settings
from sandkasse.training.spec import Exercise

KEY = bytes(range(32))
DAY = date(2024, 1, 1)


@dataclass(frozen=True)
class Country:
    """Persons with their truth, and answers with known faults."""

    persons: pa.Table
    traps: pa.Table
    has_it: np.ndarray
    detected: np.ndarray
    types: np.ndarray
    trapped: np.ndarray
    truth: dict[str, pa.Table] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "truth", {"persons": self.persons, "traps": self.traps})

    @property
    def pnr(self) -> np.ndarray:
        return np.array(self.persons["pnr"].to_pylist(), dtype=object)

    def table(self, mask: np.ndarray, **columns: np.ndarray) -> pa.Table:
        return pa.table({"pnr": self.pnr[mask].tolist(), **{k: v[mask].tolist() for k, v in columns.items()}})


def make_country(n_persons: int = 12_000, *, seed: int = 20240101, prevalence: float = 0.1) -> Country:
    rng = np.random.default_rng(seed)
    has_it = rng.random(n_persons) < prevalence
    detected = has_it & (rng.random(n_persons) < 0.8)
    is_t1d = has_it & (rng.random(n_persons) < 0.2)
    trapped = ~has_it & (rng.random(n_persons) < 0.03)
    pnr = [f"{number:012d}" for number in rng.permutation(10**6)[:n_persons]]
    births = [date(1930, 1, 1) + timedelta(days=int(d)) for d in rng.integers(0, 29_000, n_persons)]
    onset = [date(2010, 1, 1) + timedelta(days=int(d)) for d in rng.integers(0, 3_000, n_persons)]
    late = [day + timedelta(days=400) for day in onset]
    types = np.where(is_t1d, "T1D", "T2D").astype(object)
    persons = pa.table(
        {
            "pnr": pnr,
            "koen": pa.array(rng.integers(1, 3, n_persons), pa.int8()),
            "foed_dato": births,
            "doddato": pa.array([None] * n_persons, pa.date32()),
            "first_resident": births,
            "last_resident": pa.array([None] * n_persons, pa.date32()),
            "diabetes_onset": pa.array([d if h else None for d, h in zip(onset, has_it, strict=True)], pa.date32()),
            "diabetes_type": pa.array([t if h else None for t, h in zip(types, has_it, strict=True)], pa.string()),
            "diabetes_detected": pa.array([d if h else None for d, h in zip(late, detected, strict=True)], pa.date32()),
        }
    )
    caught = np.array(pnr, dtype=object)[trapped]
    traps = pa.table({"pnr": caught.tolist(), "trap": ["pcos"] * len(caught), "date": [DAY] * len(caught)})
    return Country(persons, traps, has_it, detected, types, trapped)


@pytest.fixture(scope="session")
def country() -> Country:
    return make_country()


@pytest.fixture(scope="session")
def key() -> bytes:
    return KEY


def make_exercise(grader: str = "classification", **changes: object) -> Exercise:
    parameters: dict[str, object] = {
        "condition": "diabetes",
        "population": {"words": "Everyone resident on 1 January 2024", "resident_on": DAY},
        "positive": [{"column": "diabetes_onset", "at_most": DAY}],
        "detected": [{"column": "diabetes_detected", "at_most": DAY}],
        "pass_at": 0.85,
    }
    parameters |= changes.pop("parameters", {})  # type: ignore[arg-type]
    base: dict[str, object] = {
        "id": "who",
        "part": "one",
        "title": "Who",
        "prompt": "Who has it?",
        "contract": "dk-registers",
        "grader": grader,
        "parameters": parameters,
        "errors": [
            {
                "id": "pcos",
                "title": "Metformin for PCOS",
                "hint": "Look at the women.",
                "trap": "pcos",
                "side": "extra",
            },
            {"id": "missed", "title": "Missed", "hint": "Look at other registers."},
        ],
    }
    return Exercise.model_validate(base | changes)


@pytest.fixture
def exercise() -> Exercise:
    return make_exercise()


@pytest.fixture(scope="session")
def build_exercise():
    return make_exercise


@pytest.fixture(scope="session")
def build_country():
    return make_country


CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: dk-registers
name: dk-registers
version: "1.0.0"
status: active
description: {purpose: Tests., usage: Made up., limitations: One table.}
schema:
  - name: bef
    description: One row a person.
    properties:
      - {name: pnr, logicalType: string, description: Pseudonym., primaryKey: true, primaryKeyPosition: 1}
      - {name: has_code, logicalType: boolean, description: Whether a code was written.}
"""

MODULE = """
id: small
title: A small module
version: 1.0.0
summary: For tests.
outcomes: [Count persons.]
domain: health records
level: introductory
hours: 1
language: en
contracts: [dk-registers]
parts:
  - {id: one, title: One, lesson: 01.md, solution: 01-solution.md, minutes: 60}
exercises:
  - id: who
    part: one
    title: Who
    prompt: Who has it?
    contract: dk-registers
    grader: classification
    parameters:
      condition: diabetes
      population: {words: Everyone resident on 1 January 2024, resident_on: 2024-01-01}
      positive: [{column: diabetes_onset, at_most: 2024-01-01}]
      detected: [{column: diabetes_detected, at_most: 2024-01-01}]
      pass_at: 0.85
    errors:
      - {id: missed, title: Missed, hint: Look at other registers.}
    reference: {name: Everyone with a code, sql: SELECT pnr FROM bef WHERE has_code}
    accepted: [{answer: coded, title: Coded}, {answer: coded_again, title: The same}]
    refused: [{answer: everyone, title: Everyone, error: extra}]
  - id: how-many
    part: one
    title: How many
    prompt: How many persons are there?
    contract: dk-registers
    grader: number
    parameters: {sql: SELECT count(*) AS value FROM bef, tolerance: {decimals: 0}}
    accepted: [{answer: count_rows, title: Rows}, {answer: count_persons, title: Persons}]
    refused: [{answer: count_codes, title: Codes, error: too-low}]
licence: {name: CC-BY-4.0}
authors: [{name: Somebody}]
"""

ANSWERS = """
def coded(data):
    return data.bef.filter(data.bef.has_code).select("pnr")


def coded_again(data):
    return data.bef.to_pandas().query("has_code")[["pnr"]]


def everyone(data):
    return data.bef.select("pnr")


def count_rows(data):
    return data.bef.count()


def count_persons(data):
    return data.bef.pnr.nunique()


def count_codes(data):
    return data.bef.has_code.sum()
"""

HEAD = "---\nkernelspec: {name: python3, display_name: Python 3}\n---\n\n# One\n\n"
OPEN = '```{code-cell}\nimport sandkasse\ndata = sandkasse.open("dk-registers")\n```\n\n'


def make_notebook(who: str, how_many: str) -> str:
    cells = [
        f'```{{code-cell}}\nsandkasse.check("{name}", {code})\n```\n'
        for name, code in (("who", who), ("how-many", how_many))
    ]
    return HEAD + OPEN + "\n".join(cells)


LESSON = make_notebook("...", "...")
SOLUTION = make_notebook("data.bef.filter(data.bef.has_code).select('pnr')", "data.bef.count()")


@pytest.fixture(scope="session")
def site_template(country: Country, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a whole site once: a dataset with its truth, and a module that is graded against it."""
    root = tmp_path_factory.mktemp("site")
    settings = Settings(home=root / "home", content=root / "content")
    module = settings.content / "modules" / "small"
    module.mkdir(parents=True)
    files = {"module.yaml": MODULE, "answers.py": ANSWERS, "01.md": LESSON, "01-solution.md": SOLUTION}
    for name, text in files.items():
        (module / name).write_text(text)
    truth = settings.truth / "dk-registers-class" / "1.0.0"
    truth.mkdir(parents=True)
    for name, table in country.truth.items():
        pq.write_table(table, truth / f"{name}.parquet")

    def write(folder: Path) -> None:
        (folder / "data").mkdir(exist_ok=True)
        (folder / "contract.yaml").write_text(CONTRACT)
        bef = pa.table({"pnr": country.persons["pnr"], "has_code": country.detected.tolist()})
        pq.write_table(bef, folder / "data" / "bef.parquet")

    draft = CardDraft(
        id="dk-registers-class",
        version="1.0.0",
        title="Made up",
        summary="For tests.",
        domain="registers",
        tier="simulated",
        licence=Licence(name="CC0-1.0", url="https://example.org"),
        publisher="Tests",
        how_published="Made up.",
        anonymity="No persons.",
        citations=(Citation(text="None"),),
        persons=country.persons.num_rows,
        modalities=("registers",),
        country="DK",
        created=DAY,
        provenance={},
        how_to_get_real="Not at all.",
        keywords=("tests",),
        default_for=True,
    )
    Store(settings.datasets, settings.content / "datasets").publish(draft, write)
    return root


@pytest.fixture
def site_folder(site_template: Path, tmp_path: Path) -> Settings:
    """Give a site of the test's own."""
    shutil.copytree(site_template, tmp_path / "site")
    return Settings(home=tmp_path / "site" / "home", content=tmp_path / "site" / "content")
