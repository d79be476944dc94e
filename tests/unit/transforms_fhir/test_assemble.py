"""Texts assembled column by column: holes, escapes, numbers, and what may not be an id."""

import json
from datetime import date

import pyarrow as pa
import pytest

from sandkasse.core.errors import ContractViolationError
from sandkasse.transforms.fhir import assemble


def test_a_template_is_filled_row_by_row():
    lines = assemble.fill('\n{"a":${a},\n  "b":"${b}"}\n', a=pa.array(["1", "2"]), b="x")
    assert lines.to_pylist() == ['{"a":1,"b":"x"}\n', '{"a":2,"b":"x"}\n']
    assert bytes(assemble.bytes_of(lines)) == b'{"a":1,"b":"x"}\n{"a":2,"b":"x"}\n'
    assert bytes(assemble.bytes_of(lines.slice(1))) == b'{"a":2,"b":"x"}\n'


def test_a_hole_without_a_value_does_not_pass():
    with pytest.raises(AssertionError, match="hole"):
        assemble.fill('{"a":${a}}', a=pa.array(["1", None]))


@pytest.mark.parametrize("value", ['quote "', "back\\slash", "line\nbreak", "tab\t", "\u2028", "ælød", "\x01", ""])
def test_texts_are_escaped(value):
    written = assemble.text(value)
    assert json.loads(written) == value
    assert "\n" not in written


@pytest.mark.parametrize(
    ("value", "written"),
    [(48.0, "48"), (5.7, "5.7"), (0.0, "0"), (-3.0, "-3"), (0.1 + 0.2, "0.30000000000000004"), (1e-7, "1e-7")],
)
def test_decimals_have_no_digit_too_many_and_none_too_few(value, written):
    assert assemble.decimal(value) == written
    assert json.loads(assemble.decimal(value)) == value


def test_very_large_numbers_keep_their_value():
    for value in (1e15, 123456789012345680.0, 1.5e300):
        assert json.loads(assemble.decimal(value)) == value


def test_members_without_a_value_are_left_out():
    days = assemble.write_days(pa.array([date(2020, 2, 29), None]))
    assert assemble.dated("day", days).to_pylist() == ['"day":"2020-02-29",', ""]
    assert assemble.dated("day", assemble.write_days(pa.nulls(1))).to_pylist() == [""]
    assert assemble.member("sex", pa.array([1, None]), str).to_pylist() == ['"sex":1,', ""]


def test_a_year_that_fhir_cannot_write_is_refused():
    assemble.write_days(pa.array([date(1000, 1, 1), date(9999, 12, 31)]))
    with pytest.raises(ContractViolationError, match="year"):
        assemble.write_days(pa.array([date(2020, 1, 1), date(999, 12, 31)]))


@pytest.mark.parametrize("wrong", ["a b", "", None, "æ", "a/b", '"', "a_b"])
def test_an_id_of_other_characters_is_counted_and_not_shown(wrong):
    with pytest.raises(ContractViolationError, match=r"lmdb\.pnr holds 2 values") as refused:
        assemble.identifiers(pa.array(["1", wrong, wrong], pa.string()), what="lmdb.pnr")
    assert wrong is None or not wrong or repr(wrong) not in str(refused.value)


def test_an_id_that_is_too_long_is_refused():
    assemble.identifiers(pa.array(["1" * assemble.KEY_LENGTH]), what="x")
    with pytest.raises(ContractViolationError):
        assemble.identifiers(pa.array(["1" * (assemble.KEY_LENGTH + 1)]), what="x")


def test_rows_are_numbered_within_their_value_in_their_order():
    column = pa.array(["b", "a", "b", "b", "a", "c"])
    assert assemble.number_within(column).to_pylist() == ["1", "1", "2", "3", "2", "1"]
    assert assemble.number_within(pa.array([], pa.string())).to_pylist() == []


def test_offsets_have_64_bits_as_a_million_resources_need():
    texts = assemble.join(pa.array(["x"] * 3), "y" * 1000)
    assert texts.type == pa.large_string()
    assert len(bytes(assemble.bytes_of(texts))) == 3003
