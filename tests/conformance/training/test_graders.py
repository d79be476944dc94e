"""What every grader keeps: known, documented, strict about shapes, silent about persons."""

from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from sandkasse.core.errors import AnswerShapeError
from sandkasse.training import spec
from sandkasse.training.graders import GRADERS
from sandkasse.training.grading import describe_answer, grade, read_parameters
from sandkasse.training.population import Condition
from sandkasse.training.spec import Exercise
from sandkasse.training.verdict import Verdict

DOCS = Path(__file__).parents[3] / "docs" / "reference"
KEY = b"k" * 32
N = 2_000
PNR = [f"{i:012d}" for i in range(N)]
HAS_IT = [i % 4 == 0 for i in range(N)]
DAY, LATER = date(2010, 1, 1), date(2010, 1, 10)
TRUTH = {"persons": pa.table({"pnr": PNR, "onset": pa.array([DAY if has else None for has in HAS_IT], pa.date32())})}
ROSTER = {"population": {"words": "everyone"}, "positive": [{"column": "onset", "missing": False}], "pass_at": 0.9}
RIGHT = [pnr for pnr, has in zip(PNR, HAS_IT, strict=True) if has]
DATES = pa.array([DAY] * len(RIGHT), pa.date32())
EXPECTED = {"expected": pa.table({"sex": [1, 2], "value": [1.0, 2.0]})}
ONE = {"expected": pa.table({"value": [1.0]})}

# Grader: parameters, facts, a right answer, a wrong answer of the right shape.
CASES = {
    "classification": (ROSTER, {}, pa.table({"pnr": RIGHT}), pa.table({"pnr": PNR})),
    "dates": (
        ROSTER | {"date": "onset", "within_days": 3},
        {},
        pa.table({"pnr": RIGHT, "date": DATES}),
        pa.table({"pnr": RIGHT, "date": pa.array([LATER] * len(RIGHT), pa.date32())}),
    ),
    "number": ({"sql": "SELECT 1 AS value", "tolerance": {"decimals": 0}}, ONE, 1, 7.5),
    "interval": (
        {"sql": "SELECT 1 AS value", "widest": 1.0},
        ONE,
        pa.table({"low": [0.9], "high": [1.2]}),
        pa.table({"low": [3.0], "high": [3.5]}),
    ),
    "table": (
        {"keys": ["sex"], "sql": "SELECT 1", "tolerance": {"decimals": 0}},
        EXPECTED,
        pa.table({"sex": [2, 1], "value": [2.0, 1.0]}),
        pa.table({"sex": [1, 2], "value": [5.0, 5.0]}),
    ),
    "choice": (
        {"options": [{"id": "left", "text": "Left"}, {"id": "right", "text": "Right", "right": True}]},
        {},
        "right",
        "left",
    ),
}


def make(name: str) -> Exercise:
    fields = {"id": "it", "part": "one", "title": "It", "prompt": "?", "contract": "c", "grader": name}
    return Exercise.model_validate({**fields, "parameters": CASES[name][0]})


def judge(name: str, answer: object) -> Verdict:
    return grade(make(name), answer, TRUTH, key=KEY, facts=CASES[name][1])


def test_every_grader_has_a_case():
    assert CASES.keys() == GRADERS.keys()


@pytest.mark.parametrize("name", GRADERS)
class TestEveryGrader:
    def test_a_right_answer_passes_and_a_wrong_one_does_not(self, name):
        _, _, right, wrong = CASES[name]
        passed, failed = judge(name, right), judge(name, wrong)
        assert passed.passed
        assert passed.score == 1.0
        assert passed.dominating is None
        assert not failed.passed
        assert failed.score < 1.0
        assert failed.dominating.id in GRADERS[name].info.kinds

    def test_other_shapes_are_refused_with_what_was_expected(self, name):
        shapes = [pa.table({"odd": [1]}), pa.table({"pnr": pa.array([], pa.string())}), "text", True]
        for shape in shapes:
            with pytest.raises(AnswerShapeError, match=r"Expected .*; got "):
                judge(name, shape)

    def test_the_verdict_travels(self, name):
        verdict = judge(name, CASES[name][3])
        assert Verdict.from_json(verdict.to_json()) == verdict

    def test_the_same_answer_gets_the_same_verdict(self, name):
        assert judge(name, CASES[name][3]) == judge(name, CASES[name][3])

    @pytest.mark.attack
    def test_no_person_is_named(self, name):
        for answer in CASES[name][2:]:
            told = judge(name, answer).to_json().decode()
            assert not any(pnr in told for pnr in PNR)

    def test_the_answer_is_described_in_a_sentence(self, name):
        assert describe_answer(make(name)).endswith(".")

    def test_the_truth_columns_that_it_reads_are_those_that_it_names(self, name):
        grader, parameters = read_parameters(make(name))
        named = grader.truth_columns(parameters)
        truth = {"persons": TRUTH["persons"].select(sorted(named))}
        assert grade(make(name), CASES[name][2], truth, key=KEY, facts=CASES[name][1]).passed

    def test_every_parameter_and_kind_is_documented(self, name):
        text = (DOCS / "graders.md").read_text(encoding="utf-8").partition(f"\n## {name}\n")[2].partition("\n## ")[0]
        assert text, f"docs/reference/graders.md has no section {name}"
        missing = [field for field in GRADERS[name].parameters.model_fields if f"{field}:" not in text]
        missing += [kind for kind in GRADERS[name].info.kinds if f"`{kind}`" not in text]
        assert missing == []


@pytest.mark.parametrize(
    "record",
    [spec.Module, spec.Part, spec.Exercise, spec.ErrorKind, spec.ReferenceMethod, spec.AcceptedAnswer, Condition],
    ids=lambda record: record.__name__,
)
def test_every_key_of_the_format_is_documented(record):
    text = (DOCS / "module-format.md").read_text(encoding="utf-8")
    shown = set(record.model_fields)
    assert [key for key in sorted(shown) if f"`{key}`" not in text and f"{key}:" not in text] == []
