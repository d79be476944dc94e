"""A small made-up country with a known truth, for the graders."""

from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest

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
