"""A user's own download of the vocabularies: what is read from it, what is refused. This one is made up."""

import zipfile

import pytest

from sandkasse.core.errors import InvalidInputError
from sandkasse.transforms.omop.athena import NEEDED, read_athena, spellings

CODES = [
    ("DK-SKS", "DE119"),
    ("DK-SKS", "DE109A"),
    ("DK-SKS", "DZ030"),
    ("DK-SKS", "DQ999"),
    ("DK-ATC", "A10BA02"),
    ("DK-ATC", "Z99ZZ99"),
    ("DK-ICD8", "25009"),
]


def test_codes_map_to_valid_standard_concepts(athena):
    found = read_athena(athena, CODES)
    assert found.targets == {
        ("DK-SKS", "DE119"): (900001,),
        ("DK-SKS", "DE109A"): (900002,),
        ("DK-SKS", "DZ030"): (900003,),
        ("DK-ATC", "A10BA02"): (900031,),
    }
    assert found.concepts[900001].concept_name == 'made-up "diabetes" of type 2'
    assert found.concepts[900003].domain_id == "Observation"
    assert found.version == "v0.0 made up"
    assert found.metadata["vocabulary"]["SNOMED"]["concept_id"] == 900052


def test_a_folder_reads_as_the_zip_file_does(athena, tmp_path):
    with zipfile.ZipFile(athena) as archive:
        archive.extractall(tmp_path / "unpacked")
    assert read_athena(tmp_path / "unpacked", CODES) == read_athena(athena, CODES)


def test_codes_are_spelled_as_icd_10_does():
    assert spellings("DK-SKS", "DE119A") == ["E11.9A", "E11.9", "E11"]
    assert spellings("DK-SKS", "DE11") == ["E11"]
    assert spellings("DK-SKS", "KFNG05") == []
    assert spellings("DK-ATC", "A10BA02") == ["A10BA02"]


@pytest.mark.parametrize("missing", ["CONCEPT.csv", "CONCEPT_RELATIONSHIP.csv", "VOCABULARY.csv"])
def test_a_missing_file_is_named(missing, athena_files, athena):
    with zipfile.ZipFile(athena, "w") as archive:
        for name, text in athena_files.items():
            if name != missing:
                archive.writestr(name, text)
    with pytest.raises(InvalidInputError, match=missing):
        read_athena(athena, CODES)


@pytest.mark.parametrize("vocabulary", NEEDED)
def test_a_missing_vocabulary_is_named(vocabulary, athena_files, athena):
    kept = [line for line in athena_files["CONCEPT.csv"].splitlines(keepends=True) if f"\t{vocabulary}\t" not in line]
    with zipfile.ZipFile(athena, "w") as archive:
        for name, text in (athena_files | {"CONCEPT.csv": "".join(kept)}).items():
            archive.writestr(name, text)
    with pytest.raises(InvalidInputError, match=f"lacks the vocabularies {vocabulary}"):
        read_athena(athena, CODES)


def test_another_version_of_the_files_is_refused(athena_files, athena):
    # Version 4 had other columns.
    old = athena_files["CONCEPT.csv"].replace("domain_id", "concept_level", 1)
    with zipfile.ZipFile(athena, "w") as archive:
        for name, text in (athena_files | {"CONCEPT.csv": old}).items():
            archive.writestr(name, text)
    with pytest.raises(InvalidInputError, match=r"CONCEPT.csv .* lacks domain_id") as caught:
        read_athena(athena, CODES)
    assert "athena.ohdsi.org" in caught.value.next_step


def test_what_is_not_there_is_refused_as_such(tmp_path):
    with pytest.raises(InvalidInputError, match="There is no such file"):
        read_athena(tmp_path / "not" / "there.zip", CODES)


def test_what_is_no_zip_file_is_refused(tmp_path):
    path = tmp_path / "athena.zip"
    path.write_text("not a zip file")
    with pytest.raises(InvalidInputError, match="no zip file"):
        read_athena(path, CODES)


def test_a_damaged_zip_file_is_refused(athena):
    content = bytearray(athena.read_bytes())
    position = content.index(b"made-up tablet")
    content[position] ^= 0xFF
    athena.write_bytes(bytes(content))
    with pytest.raises(InvalidInputError, match=r"damaged at CONCEPT.csv"):
        read_athena(athena, CODES)
