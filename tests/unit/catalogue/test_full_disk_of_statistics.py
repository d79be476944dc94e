"""A writer for SAS or Stata that fails says why, and leaves nothing behind."""

import shutil
from types import SimpleNamespace

import pytest
from pyreadstat import ReadstatError

from sandkasse.catalogue import statistics
from sandkasse.catalogue.open import open_tables
from sandkasse.contract import read_contract
from sandkasse.core.errors import InvalidInputError, StorageFullError, UpstreamError


@pytest.fixture
def write(make_sealed, tmp_path):
    folder, _ = make_sealed()
    return lambda out: statistics.write_for_program(
        open_tables(folder), read_contract(folder / "contract.yaml"), "stata", out
    )


@pytest.mark.parametrize(("free", "error"), [(4096, StorageFullError), (10**12, UpstreamError)])
def test_a_writer_that_fails_is_told_in_our_words(write, tmp_path, monkeypatch, free, error):
    def fail(*_, **__):
        raise ReadstatError("Unable to write data")

    monkeypatch.setattr(statistics, "_write_all", fail)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    before = set(tmp_path.iterdir())
    with pytest.raises(error) as caught:
        write(tmp_path / "out")
    assert type(caught.value) is error
    assert set(tmp_path.iterdir()) == before


def test_a_folder_that_cannot_be_made_is_refused(write, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidInputError, match="cannot be made"):
        write(tmp_path / "file" / "out")
