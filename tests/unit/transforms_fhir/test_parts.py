"""Parts that hold whole persons: taken as they are, or sorted anew; the resources are the same."""

from datetime import date

import pytest

from sandkasse.core.errors import CorruptDatasetError, InvalidInputError
from sandkasse.transforms.fhir import parts

DAY = date(2001, 2, 3)


def _lab(who, value=1.0):
    return (who, DAY, "NPU27300", value)


def _contact(who, key):
    return (who, key, DAY, "08", "2")


@pytest.fixture
def aligned(r4, tmp_path):
    source = tmp_path / "in"
    for number, who in enumerate(("1", "2")):
        r4.write_registers(
            source,
            part=f"part-{number:05d}",
            lab_forsker=[_lab(who, value) for value in (1.0, 2.0, 3.0)],
            lpr_adm=[_contact(who, f"9{who}")],
            lpr_diag=[(f"9{who}", "DE119", "A"), (f"9{who}", "DI10", "B")],
        )
    return source


@pytest.fixture
def torn(r4, tmp_path):
    """The same rows, but persons lie in several parts, and diagnoses apart from their contacts."""
    source = tmp_path / "torn"
    for number, (mine, other) in enumerate((("1", "2"), ("2", "1"))):
        r4.write_registers(
            source,
            part=f"part-{number:05d}",
            lab_forsker=[_lab(who, value) for who, value in _halves(number)],
            lpr_adm=[_contact(mine, f"9{mine}")],
            lpr_diag=[(f"9{other}", "DE119", "A"), (f"9{other}", "DI10", "B")],
        )
    return source


def _halves(number):
    return [("1", 1.0), ("2", 1.0), ("1", 2.0)] if number == 0 else [("2", 2.0), ("1", 3.0), ("2", 3.0)]


def _lines(exported):
    return {path.name: sorted(path.read_bytes().splitlines()) for path in exported.folder.glob("*.ndjson")}


def test_parts_that_hold_whole_persons_are_taken_as_they_are(aligned, tmp_path):
    found = parts.split(parts.find_files(aligned), tmp_path / "scratch")
    assert [part.number for part in found] == [0, 1]
    assert all(path.is_relative_to(aligned) for part in found for paths in part.files.values() for path in paths)
    assert not (tmp_path / "scratch").exists()


def test_persons_in_several_parts_are_brought_together(r4, aligned, torn, tmp_path):
    assert parts.split(parts.find_files(torn), tmp_path / "scratch") != ()
    assert (tmp_path / "scratch").exists()
    whole, sorted_anew = r4.export(aligned, tmp_path / "a"), r4.export(torn, tmp_path / "b")
    assert _lines(whole) == _lines(sorted_anew)
    assert len(_lines(whole)["Observation.ndjson"]) == 6


def test_diagnoses_apart_from_their_contacts_alone_are_noticed(r4, tmp_path):
    source = tmp_path / "in"
    for number, (who, key) in enumerate((("1", "92"), ("2", "91"))):
        r4.write_registers(
            source, part=f"part-{number}", lpr_adm=[_contact(who, f"9{who}")], lpr_diag=[(key, "DE119", "A")]
        )
    made = r4.export(source, tmp_path / "out")
    assert made.result.left_out == {}
    assert {c["subject"]["reference"]: c["id"] for c in made.resources["Condition"]} == {
        "Patient/1": "lpr2-91-1",
        "Patient/2": "lpr2-92-1",
    }


def test_parts_too_large_for_memory_are_divided(r4, aligned, tmp_path, monkeypatch):
    whole = r4.export(aligned, tmp_path / "a")
    monkeypatch.setattr(parts, "ROWS_A_PART", 4)
    assert len(parts.split(parts.find_files(aligned), tmp_path / "scratch")) > 2
    assert _lines(r4.export(aligned, tmp_path / "b")) == _lines(whole)


def test_one_file_a_table_beside_parts_is_sorted(r4, aligned, tmp_path):
    r4.write_registers(aligned, dod=[("2", DAY), ("1", DAY)])
    made = r4.export(aligned, tmp_path / "out")
    assert all(patient["deceasedDateTime"] == "2001-02-03" for patient in made.resources["Patient"])
    assert len(made.resources["Patient"]) == 2


def test_names_that_mean_something_to_the_engine_are_only_names(r4, tmp_path):
    source = r4.one_person(tmp_path / "a [1]* 'b'")
    r4.write_registers(source, part="part-1", sssy=[("7", "80101", "0501")])
    assert len(r4.export(source, tmp_path / "out").resources["Patient"]) == 2


def test_a_folder_without_tables_is_refused(r4, tmp_path):
    with pytest.raises(InvalidInputError, match="no tables"):
        r4.export(tmp_path, tmp_path / "out")


def test_a_truncated_file_is_a_clear_error(r4, tmp_path):
    source = r4.one_person(tmp_path / "in")
    path = source / "data" / "lmdb.parquet"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(CorruptDatasetError):
        r4.export(source, tmp_path / "out")
