"""Numbers, intervals, choices, tables and dates, graded: known answers."""

import math
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest

from sandkasse.core.errors import AnswerShapeError, ModuleInvalidError
from sandkasse.training.graders.interval import IntervalParameters
from sandkasse.training.graders.number import Tolerance
from sandkasse.training.grading import exercise_statements, grade
from sandkasse.training.spec import Exercise

KEY = b"k" * 32


def make(grader, parameters, errors=()):
    return Exercise.model_validate(
        {
            "id": "it",
            "part": "one",
            "title": "It",
            "prompt": "What is it?",
            "contract": "c",
            "grader": grader,
            "parameters": parameters,
            "errors": list(errors),
        }
    )


def one(**columns):
    return pa.table({name: [value] for name, value in columns.items()})


def judge(exercise, answer, **facts):
    return grade(exercise, answer, {}, key=KEY, facts={name.replace("_", " "): fact for name, fact in facts.items()})


class TestNumber:
    def number(self, tolerance, **more):
        return make("number", {"sql": "SELECT 1", "tolerance": tolerance, **more})

    @pytest.mark.parametrize(
        ("tolerance", "passes", "fails"),
        [
            ({"decimals": 1}, [12.345, 12.3, 12.4, 12.43], [12.2, 12.45]),
            ({"decimals": 0}, [12.0, 12, 13], [11, 14]),
            ({"relative": 0.1, "because": "x"}, [12.345, 13.5, 11.2], [13.6, 11.1, -12.345]),
            ({"absolute": 0.0}, [12.345], [12.3451]),
            ({"absolute": 1, "because": "x"}, [13.345, 11.345], [13.4]),
        ],
    )
    def test_tolerances(self, tolerance, passes, fails):
        exercise = self.number(tolerance)
        for value in passes:
            assert judge(exercise, value, expected=one(value=12.345)).passed, value
        for value in fails:
            assert not judge(exercise, value, expected=one(value=12.345)).passed, value

    @pytest.mark.parametrize(
        ("answer", "got"), [(math.nan, "not finite"), (math.inf, "not finite"), (-(10**400), "too large")]
    )
    def test_what_is_no_finite_number_is_said_so(self, answer, got):
        with pytest.raises(AnswerShapeError, match=f"Expected one number; got .*{got}"):
            judge(self.number({"decimals": 0}), answer, expected=one(value=100))

    def test_whole_numbers_with_no_decimals_are_exact_counts(self):
        exercise = self.number({"decimals": 0})
        assert judge(exercise, 100, expected=one(value=100)).passed
        assert not judge(exercise, 101, expected=one(value=100)).passed
        assert not judge(exercise, 99, expected=one(value=100)).passed

    def test_standard_errors_come_from_the_statement(self):
        exercise = self.number({"standard_errors": 3})
        fact = one(value=0.5, standard_error=0.01)
        assert judge(exercise, 0.529, expected=fact).passed
        assert not judge(exercise, 0.531, expected=fact).passed
        with pytest.raises(ModuleInvalidError, match="standard_error"):
            judge(exercise, 0.5, expected=one(value=0.5))

    def test_the_stated_false_alarm_is_the_measured_one(self):
        tolerance = Tolerance(standard_errors=2)
        draws = np.random.default_rng(1).normal(size=200_000)
        refused = (np.abs(draws) > tolerance.width(0.0, 1.0)).mean()
        # Five standard errors of the share, and the seed is fixed.
        assert abs(refused - tolerance.false_alarm()) < 5 * math.sqrt(0.0455 * 0.9545 / 200_000)

    def test_a_known_mistake_earns_its_hint(self):
        exercise = make(
            "number",
            {"sql": "s", "tolerance": {"decimals": 0}, "mistakes": [{"error": "rows", "sql": "r"}]},
            [{"id": "rows", "title": "Rows", "hint": "One person has many rows."}],
        )
        assert exercise_statements(exercise) == {"expected": "s", "mistake 0": "r"}
        verdict = judge(exercise, 250, expected=one(value=100), mistake_0=one(value=250))
        assert (verdict.dominating.id, verdict.hint) == ("rows", "One person has many rows.")

    @pytest.mark.parametrize(
        ("answer", "kind"), [(120, "too-high"), (70, "too-low"), (1.0, "wrong-unit"), (100_000, "wrong-unit")]
    )
    def test_kinds_of_error(self, answer, kind):
        assert judge(self.number({"decimals": 0}), answer, expected=one(value=100.0)).dominating.id == kind

    @pytest.mark.attack
    def test_the_direction_is_told_for_three_tries_only(self):
        exercise = make(
            "number",
            {"sql": "s", "tolerance": {"decimals": 0}, "mistakes": [{"error": "rows", "sql": "r"}]},
            [{"id": "rows", "title": "Rows", "hint": "One person has many rows."}],
        )
        facts = {"expected": one(value=100.0), "mistake 0": one(value=250.0)}
        told = [grade(exercise, 120, {}, key=KEY, facts=facts, tries=n) for n in (3, 4)]
        assert [verdict.says for verdict in told] == ["The number is too high.", "The number is not right."]
        assert [verdict.dominating is None for verdict in told] == [False, True]
        assert told[1] == grade(exercise, 80, {}, key=KEY, facts=facts, tries=4)
        assert grade(exercise, 250, {}, key=KEY, facts=facts, tries=9).hint == "One person has many rows."

    @pytest.mark.parametrize("answer", ["12", True, float("nan"), float("inf"), pa.table({"value": [12.0]})])
    def test_wrong_shapes(self, answer):
        with pytest.raises(AnswerShapeError, match="one number"):
            judge(self.number({"decimals": 0}), answer, expected=one(value=12))

    @pytest.mark.parametrize("tolerance", [{}, {"decimals": 1, "absolute": 0}, {"relative": 0.1}, {"absolute": 2}])
    def test_a_tolerance_is_one_and_reasoned(self, tolerance):
        with pytest.raises(ModuleInvalidError):
            judge(self.number(tolerance), 1, expected=one(value=1))

    @pytest.mark.parametrize("fact", [pa.table({"value": [1, 2]}), one(n=1), one(value=None)])
    def test_a_statement_without_one_value_is_the_modules_fault(self, fact):
        with pytest.raises(ModuleInvalidError):
            judge(self.number({"decimals": 0}), 1, expected=fact)


class TestInterval:
    exercise = make("interval", {"sql": "s", "widest": 2.0, "narrowest": 0.1, "stretch": 1.0})

    @pytest.mark.parametrize(
        ("low", "high", "kind"),
        [
            (9.5, 10.5, None),
            (9.0, 11.0, None),
            (10.0, 10.5, None),
            (8.9, 11.0, "too-wide"),
            (10.1, 10.6, "too-high"),
            (9.0, 9.9, "too-low"),
            (9.99, 10.01, "too-narrow"),
        ],
    )
    def test_kinds_of_error(self, low, high, kind):
        verdict = judge(self.exercise, one(low=low, high=high), expected=one(value=10.0))
        assert verdict.passed == (kind is None)
        assert (verdict.dominating.id if verdict.dominating else None) == kind

    def test_stretch_spares_right_intervals(self):
        """Right 95 % intervals: 1 in 20 misses without stretch, the stated 1 in 11,000 with it."""
        parameters = IntervalParameters(sql="s", widest=100, stretch=2.0)
        assert parameters.false_alarm() == pytest.approx(8.9e-5, rel=0.01)
        exercise = make("interval", {"sql": "s", "widest": 100, "stretch": 2.0})
        draws = np.random.default_rng(2).normal(size=500)
        passed = [judge(exercise, one(low=x - 1.96, high=x + 1.96), expected=one(value=0.0)).passed for x in draws]
        missed_plainly = (np.abs(draws) > 1.96).sum()
        assert missed_plainly > 0
        # One refusal among 500 has probability 0.04, two 0.001; the seed is fixed.
        assert passed.count(False) <= 1

    def test_widths_may_come_from_the_statement(self):
        exercise = make("interval", {"sql": "s"})
        assert judge(exercise, one(low=0, high=2), expected=one(value=1.0, widest=2.5)).passed
        assert not judge(exercise, one(low=0, high=3), expected=one(value=1.0, widest=2.5)).passed
        with pytest.raises(ModuleInvalidError, match="greatest width"):
            judge(exercise, one(low=0, high=3), expected=one(value=1.0))

    @pytest.mark.attack
    def test_the_direction_is_told_for_three_tries_only(self):
        told = [
            grade(self.exercise, answer, {}, key=KEY, facts={"expected": one(value=10.0)}, tries=4)
            for answer in (one(low=8, high=9), one(low=11, high=12))
        ]
        assert told[0] == told[1]
        assert told[0].dominating is None

    @pytest.mark.parametrize("answer", [3.0, one(low=2, high=1), pa.table({"low": [1, 2], "high": [3, 4]}), one(a=1)])
    def test_wrong_shapes(self, answer):
        with pytest.raises(AnswerShapeError):
            judge(self.exercise, answer, expected=one(value=10.0))


class TestChoice:
    options = (
        {"id": "onset", "text": "When it began", "error": "too-early"},
        {"id": "detection", "text": "When it was found", "right": True},
        {"id": "purchase", "text": "When a drug was bought"},
    )

    def test_one_is_right(self):
        exercise = make("choice", {"options": list(self.options)})
        assert judge(exercise, " Detection ").passed
        assert judge(exercise, "onset").dominating.id == "too-early"
        assert not judge(exercise, "purchase").passed

    def test_several_must_all_be_named(self):
        options = [*self.options[:2], {**self.options[2], "right": True}]
        exercise = make("choice", {"options": options, "several": True})
        assert judge(exercise, "purchase, detection").passed
        assert not judge(exercise, "detection").passed
        assert not judge(exercise, "detection,purchase,onset").passed

    @pytest.mark.parametrize("answer", ["", "nothing", 3, "onset,detection", pa.table({"pnr": ["1"]})])
    def test_wrong_shapes(self, answer):
        with pytest.raises(AnswerShapeError, match="one of onset, detection, purchase"):
            judge(make("choice", {"options": list(self.options)}), answer)

    @pytest.mark.parametrize("n_right", [0, 2])
    def test_one_option_must_be_right(self, n_right):
        options = [{"id": f"o{n}", "text": "x", "right": n < n_right} for n in range(3)]
        with pytest.raises(ModuleInvalidError, match="exactly one option is right"):
            judge(make("choice", {"options": options}), "o0")


class TestTable:
    parameters = {  # noqa: RUF012  read, never written
        "keys": ["sex", "year"],
        "value": "rate",
        "sql": "s",
        "tolerance": {"relative": 0.01, "because": "x"},
        "pass_at": 0.75,
        "mistakes": [{"error": "per-hundred", "sql": "m"}],
    }
    exercise = make("table", parameters, [{"id": "per-hundred", "title": "Per hundred", "hint": "Mind the unit."}])
    groups = {"sex": [1, 1, 2, 2], "year": [2000, 2001, 2000, 2001]}  # noqa: RUF012
    facts = {  # noqa: RUF012
        "expected": pa.table({**groups, "value": [10.0, 20.0, 30.0, 40.0]}),
        "mistake_0": pa.table({**groups, "value": [1.0, 2.0, 3.0, 4.0]}),
    }

    def judge(self, rates, **changes):
        return judge(self.exercise, pa.table({**self.groups, "rate": rates, **changes}), **self.facts)

    def test_right_numbers_in_any_order_and_type(self):
        assert self.judge([10.05, 20.0, 30.1, 40.0]).score == 1.0
        floats = {"sex": ["2", "1", "1", "2"], "year": [2001.0, 2001.0, 2000.0, 2000.0]}
        assert self.judge([40, 20, 10, 30], **floats).passed

    def test_share_of_right_groups_decides(self):
        assert self.judge([10, 20, 30, 99]).passed
        verdict = self.judge([10, 20, 99, 99])
        assert (verdict.passed, verdict.score, verdict.dominating.id) == (False, 0.5, "too-high")

    def test_a_known_mistake_is_recognised(self):
        verdict = self.judge([1, 2, 3, 4])
        assert (verdict.dominating.id, verdict.hint) == ("per-hundred", "Mind the unit.")

    def test_missing_groups(self):
        answer = pa.table({"sex": [1], "year": [2000], "rate": [10.0]})
        assert judge(self.exercise, answer, **self.facts).dominating.id == "missing-groups"

    @pytest.mark.parametrize(
        "answer", [pa.table({"sex": [1]}), pa.table({"sex": [1, 1], "year": [1, 1], "rate": [1.0, 2.0]}), 3.0]
    )
    def test_wrong_shapes(self, answer):
        with pytest.raises(AnswerShapeError):
            judge(self.exercise, answer, **self.facts)

    @pytest.mark.attack
    @pytest.mark.parametrize("key", ["pnr", "PNR", "recnum", "person_id"])
    def test_a_person_is_no_group(self, key):
        with pytest.raises(ModuleInvalidError, match="never one person"):
            judge(make("table", {**self.parameters, "keys": [key]}), 1.0, **self.facts)


class TestDates:
    def exercise(self, build_exercise, **changes):
        parameters = {"date": "diabetes_detected", "within_days": 30, "pass_at": 0.8, **changes}
        return build_exercise("dates", parameters=parameters)

    def answer(self, country, mask, shift):
        dates = country.persons["diabetes_detected"].to_pylist()
        days = [day + timedelta(days=shift) for day, wanted in zip(dates, mask, strict=True) if wanted]
        return pa.table({"pnr": country.pnr[mask].tolist(), "date": pa.array(days, pa.date32())})

    @pytest.mark.parametrize(
        ("shift", "kind"), [(0, None), (30, None), (-30, None), (31, "too-late"), (-31, "too-early")]
    )
    def test_within_so_many_days(self, country, build_exercise, key, shift, kind):
        answer = self.answer(country, country.detected, shift)
        verdict = grade(self.exercise(build_exercise), answer, country.truth, key=key)
        assert verdict.passed == (kind is None)
        assert verdict.score == (1.0 if kind is None else 0.0)
        assert (verdict.dominating.id if verdict.dominating else None) == kind

    def test_persons_named_in_vain_cost(self, country, build_exercise, key):
        exact = self.answer(country, country.detected, 0)
        vain = pa.table({"pnr": country.pnr[country.trapped].tolist()})
        vain = vain.append_column("date", pa.array([date(2015, 1, 1)] * vain.num_rows, pa.date32()))
        verdict = grade(self.exercise(build_exercise), pa.concat_tables([exact, vain]), country.truth, key=key)
        assert verdict.score < 1.0
        assert verdict.dominating.id == "pcos"

    def test_undiagnosed_persons_change_nothing(self, country, build_exercise, key):
        exact = self.answer(country, country.detected, 0)
        hidden = country.has_it & ~country.detected
        extra = pa.table({"pnr": country.pnr[hidden].tolist()})
        extra = extra.append_column("date", pa.array([date(2015, 1, 1)] * extra.num_rows, pa.date32()))
        verdict = grade(self.exercise(build_exercise), pa.concat_tables([exact, extra]), country.truth, key=key)
        assert verdict.score == 1.0

    def test_moments_count_as_their_day_and_texts_do_not(self, country, build_exercise, key):
        exact = self.answer(country, country.detected, 0)
        moments = exact.set_column(1, "date", exact["date"].cast(pa.timestamp("ns")))
        exercise = self.exercise(build_exercise, within_days=0)
        assert grade(exercise, moments, country.truth, key=key).score == 1.0
        texts = exact.set_column(1, "date", exact["date"].cast(pa.string()))
        with pytest.raises(AnswerShapeError, match="make it dates"):
            grade(exercise, texts, country.truth, key=key)

    def test_two_dates_for_one_person_are_refused(self, country, build_exercise, key):
        both = [self.answer(country, country.detected, shift) for shift in (0, 1)]
        with pytest.raises(AnswerShapeError, match="again with another date"):
            grade(self.exercise(build_exercise), pa.concat_tables(both), country.truth, key=key)
