"""The classification grader against a slow, obvious count of persons, on drawn truths and answers."""

from unittest.mock import patch

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandkasse.training.coarse import CoarseRounding, is_in_feedback_half
from sandkasse.training.grading import grade_prepared, prepare_exercise
from sandkasse.training.spec import Exercise

KEY = b"k" * 32
COARSEST = 0.25  # no step is wider, and a shown share is less than one step off


def share_exactly(_self, numerator, denominator, *, name, persons=None):
    return numerator / denominator if denominator else None


TYPES = ("T1D", "T2D")


def exercise(balance: str) -> Exercise:
    return Exercise.model_validate(
        {
            "id": "who",
            "part": "one",
            "title": "Who",
            "prompt": "Who?",
            "contract": "c",
            "grader": "classification",
            "parameters": {
                "population": {"words": "everyone", "where": [{"column": "koen", "at_least": 1}]},
                "positive": [{"column": "diabetes_type", "missing": False}],
                "detected": [{"column": "is_found", "equals": True}],
                "type": {"column": "diabetes_type", "values": list(TYPES)},
                "pass_at": 0.8,
                "balance": balance,
            },
        }
    )


def count_slowly(
    persons: list[dict], answer: dict[str, str], half: dict[str, bool], *, on: bool, balance: str
) -> float:
    """F1 by the book: go through the persons one by one."""
    right = dict.fromkeys(TYPES, 0)
    named = dict.fromkeys(TYPES, 0)
    wanted = dict.fromkeys(TYPES, 0)
    for person in persons:
        if person["koen"] < 1 or half[person["pnr"]] != on:
            continue
        if person["diabetes_type"] is not None and not person["is_found"]:
            continue
        given_type = answer.get(person["pnr"])
        if given_type is not None:
            named[given_type] += 1
        if person["diabetes_type"] is not None:
            wanted[person["diabetes_type"]] += 1
            right[person["diabetes_type"]] += given_type == person["diabetes_type"]
    if balance == "persons":
        return 2 * sum(right.values()) / (sum(named.values()) + sum(wanted.values()))
    return sum(2 * right[t] / (named[t] + wanted[t]) for t in TYPES) / 2


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    prevalence=st.floats(0.2, 0.8),
    sensitivity=st.floats(0.3, 1.0),
    noise=st.floats(0.0, 0.5),
    balance=st.sampled_from(["types", "persons"]),
)
def test_score_and_mark_are_the_slow_counts_rounded(seed, prevalence, sensitivity, noise, balance):
    rng = np.random.default_rng(seed)
    n = 1_500
    has_it = rng.random(n) < prevalence
    types = rng.choice(TYPES, n)
    persons = [
        {
            "pnr": f"{i:012d}",
            "koen": int(rng.integers(0, 3)),
            "diabetes_type": str(types[i]) if has_it[i] else None,
            "is_found": bool(rng.random() < 0.8),
        }
        for i in range(n)
    ]
    answer = {
        person["pnr"]: (person["diabetes_type"] if person["diabetes_type"] and rng.random() < 0.9 else "T2D")
        for person in persons
        if rng.random() < (sensitivity if person["diabetes_type"] else noise)
    }
    table = pa.Table.from_pylist(persons)
    prepared = prepare_exercise(exercise(balance), {"persons": table}, key=KEY, facts={})
    given_table = pa.table({"pnr": list(answer), "type": list(answer.values())})
    with patch.object(CoarseRounding, "share", share_exactly):
        exact = grade_prepared(prepared, given_table)
    shown = grade_prepared(prepared, given_table)
    sides = is_in_feedback_half(table["pnr"], key=KEY)
    half = {person["pnr"]: bool(side) for person, side in zip(persons, sides, strict=True)}
    slow = [count_slowly(persons, answer, half, on=on, balance=balance) for on in (True, False)]
    # Sums of a few quotients in another order: the last bits may differ, and nothing else.
    assert [exact.verdict.score, exact.mark] == pytest.approx(slow, abs=1e-12)
    for coarse, fine in zip((shown.verdict.score, shown.mark), slow, strict=True):
        assert abs(coarse - fine) < COARSEST
    assert shown.verdict.passed == (shown.mark >= 0.8)
