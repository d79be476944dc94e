"""Codes have titles: exact ones, those of the longest group, none for what is unknown."""

import re
from importlib.resources import files

import pytest

from sandkasse.contract.codes import code_lists, code_title, known_codes, read_code_list
from sandkasse.contract.load import read_contract

SKS = "SKS (ICD-10 with a D in front)"
BOTH = "ICD-8 until 1993, SKS (ICD-10 with a D in front) from 1994"


@pytest.mark.parametrize(
    ("system", "code", "title"),
    [
        ("ATC", "A10BA02", "metformin"),
        ("ATC", "A10BJ99", "GLP-1 receptor agonists"),
        (SKS, "DI219", "acute myocardial infarction"),
        (SKS, "DI252", "old myocardial infarction"),
        (SKS, "DI259", "chronic ischaemic heart disease"),
        (BOTH, "25009", "diabetes not treated with insulin"),
        (BOTH, "DE119", "type 2 diabetes"),
        ("Municipality codes of 2007", "851", "Aalborg"),
        ("ATC", "", ""),
        ("ATC", "Z99", ""),
        ("no such system", "A10BA02", ""),
    ],
)
def test_a_code_reads_its_own_title_or_that_of_the_longest_group(system, code, title):
    assert code_title(system, code) == title


def test_a_system_lists_its_codes_with_their_titles():
    assert ("NPU27300", "haemoglobin A1c (IFCC)") in known_codes("NPU")
    assert {code for code, _ in known_codes(BOTH)} == {*read_code_list("sks-diagnosis"), *read_code_list("icd-8")}
    assert known_codes("no such system") == ()


def test_every_list_says_its_source_and_names_no_code_twice():
    folder = files("sandkasse.contract") / "codelists"
    names = [path.name.removesuffix(".csv") for path in folder.iterdir()]
    assert names
    for name in names:
        lines = (folder / f"{name}.csv").read_text(encoding="utf-8").splitlines()
        assert lines[0].startswith("# ")
        rows = [line for line in lines if not line.startswith("#")][1:]
        assert len(rows) == len(read_code_list(name)), f"{name} names a code twice"
        assert all(read_code_list(name).values())


def test_every_code_system_with_a_list_is_one_that_the_registers_name():
    contract = read_contract(files("sandkasse.cohort") / "registers" / "contract.yaml")
    systems = {column.code_system for table in contract.tables for column in table.columns}
    assert {"ATC", "NPU", SKS, BOTH, "Municipality codes of 2007"} <= systems


def test_every_list_says_where_it_comes_from():
    lists = code_lists()
    assert {one.name for one in lists} >= {"atc", "npu", "sks-diagnosis", "icd-8"}
    for one in lists:
        assert one.titles, one.name
        assert re.search(r"World Health Organization|WHO|Sundhedsdatastyrelsen|Statistics Denmark|osdc", one.notes), (
            one.name
        )
