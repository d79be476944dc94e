"""What the report counts of care equals what can be counted by hand."""

import pytest

from sandkasse.cohort.validation import care
from sandkasse.cohort.validation.definitions import CaseDefinition, find_cases
from sandkasse.cohort.validation.sections import describe_care, describe_conditions


def _rows(table, *names):
    return [tuple(row[name] for name in names) for row in table.to_pylist()]


def test_contacts_are_counted_per_resident_of_sex_and_age(registers):
    found = {
        (kind, sex, age): rate
        for kind, sex, age, rate in _rows(
            care.count_contacts(registers, year=2012), "kind", "sex", "age_from", "per_person"
        )
    }
    assert found["general practice", 1, 60] == 1.0
    assert found["purchases of drugs", 2, 50] == 3.0
    assert found["purchases of drugs", 2, 20] == 1.0
    assert found["days with blood samples", 1, 60] == 1.0
    assert found["inpatient", 1, 60] == 1.0
    assert found["outpatient", 2, 20] == 1.0


def test_gaps_are_between_days_of_one_person(registers):
    gaps = dict(_rows(care.measure_gaps(registers, years=(2012, 2013)), "gap_from", "share"))
    # b: 60 days; c: 92 days; a: 485 days.
    assert gaps == pytest.approx({31: 1 / 3, 91: 1 / 3, 366: 1 / 3})


def test_what_happens_on_one_day_is_counted_together(registers):
    shares = list(care.measure_same_day(registers, year=2012).values())
    assert shares == pytest.approx([0.5, 0.5, 1.5, 4 / 3])


def test_the_last_months_are_those_of_the_dead(registers):
    rows = _rows(care.measure_before_death(registers, years=(2013, 2013)), "kind", "month", "per_person")
    assert ("purchases of drugs", -1, 1.0) in rows
    assert ("hospital contacts", -18, 1.0) in rows
    assert len(rows) == 3


def test_buyers_are_counted_once_per_thousand_of_their_sex(registers):
    rows = _rows(care.measure_drug_use(registers, year=2012, groups=("A10", "C10")), "atc", "sex", "per_1000")
    assert rows == [("A10", 2, 1000.0), ("C10", 2, 500.0)]


def test_cases_are_counted_among_residents_by_age_and_by_year(registers):
    cases = find_cases(registers, CaseDefinition("x", "X", drugs=("A10",), purchases=1))
    by_age = _rows(care.count_by_age(registers, cases, year=2013), "sex", "age_from", "persons", "cases")
    assert by_age == [(1, 60, 1, 0), (2, 20, 1, 1), (2, 50, 1, 1)]
    by_year = _rows(care.count_by_year(registers, cases), "year", "at_risk", "new_cases")
    assert by_year == [(2012, 3, 2), (2013, 1, 0)]


def test_new_cases_are_counted_among_those_who_were_none_before_by_age(registers):
    cases = find_cases(registers, CaseDefinition("x", "X", drugs=("A10",), purchases=1))  # b and c in 2012
    counted = care.count_new_by_age(registers, cases, years=(2012, 2013))
    rows = _rows(counted, "sex", "age_from", "at_risk", "new_cases")
    # On 1 January of 2012 a is 62, b 52 and c 22; in 2013 only a is still at risk.
    assert rows == [(1, 60, 2, 0), (2, 20, 1, 1), (2, 50, 1, 1)]


def test_births_are_counted_by_the_age_of_mothers_who_are_residents(registers):
    rows = _rows(care.count_births(registers, years=(2012, 2013)), "age_from", "women", "births")
    assert rows == [(20, 2, 2)]


def test_buyers_of_some_drugs_are_counted_by_sex_and_age_with_their_error(registers):
    assert care.measure_buyers(registers, atc=("A10B", "C10"), year=2012) == pytest.approx(
        (2000 / 3, 1000 * (2 / 27) ** 0.5)
    )
    assert care.measure_buyers(registers, atc=("A10B",), year=2012, sex=1) == (0.0, 0.0)
    assert care.measure_buyers(registers, atc=("A10B",), year=2012, age_from=30)[0] == 500.0


def test_services_of_general_practice_are_counted_a_year_and_by_who_has_any(registers):
    found = care.measure_practice(registers, year=2012)
    assert found["contacts"] == pytest.approx((1 / 3, (1 / 3) ** 0.5 / 3**0.5))
    assert found["share"] == pytest.approx((100 / 3, 100 * (2 / 27) ** 0.5))


def test_the_two_sections_on_registers_are_made(registers):
    conditions, published = describe_conditions(registers), describe_care(registers)
    assert [picture.name for picture in conditions.pictures] == [
        "validation-by-age",
        "validation-new-by-age",
        "validation-by-year",
        "validation-comorbidity",
    ]
    assert {row[2] for row in published.grids[0].rows if row[:2] == ("sulfonylurea", "2014")} == {"0"}


def test_conditions_that_meet_are_compared_with_chance_within_sex_and_age(registers):
    cases = {
        "one": find_cases(registers, CaseDefinition("one", "One", drugs=("A10",), purchases=1)),
        "two": find_cases(registers, CaseDefinition("two", "Two", diagnoses=("DI50",))),
    }
    rows = _rows(care.measure_comorbidity(registers, cases, year=2013), "one", "other", "observed", "ratio")
    assert rows == [("one", "two", 1, 1.0)]
