"""Settings are read from the environment in one place."""

from pathlib import Path

import pytest

from sandkasse.core.errors import InvalidInputError
from sandkasse.core.settings import read_settings


def test_the_store_is_where_the_environment_says(tmp_path):
    assert tmp_path == read_settings({"SANDKASSE_HOME": str(tmp_path)}).home


def test_without_an_environment_the_platforms_data_folder_is_used():
    assert read_settings({}).home.is_absolute()


def test_folders_are_absolute_whatever_becomes_the_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = read_settings({"SANDKASSE_HOME": "a", "SANDKASSE_CONTENT": "b", "SANDKASSE_KERNELS": "c"})
    assert (settings.home, settings.content, settings.kernels) == (tmp_path / "a", tmp_path / "b", tmp_path / "c")


def test_the_shipped_content_is_found_in_a_clone():
    content = read_settings({}).content
    assert (content / "run.py").is_file()


def test_bindings_name_folders_by_contract():
    settings = read_settings({"SANDKASSE_BINDINGS": '{"dk-registers": "/data/x"}'})
    assert {"dk-registers": Path("/data/x")} == settings.bindings


@pytest.mark.parametrize("text", ["[1]", "{", '{"a": 1}', "null"])
def test_broken_bindings_are_one_clear_error(text):
    with pytest.raises(InvalidInputError, match="JSON object"):
        read_settings({"SANDKASSE_BINDINGS": text})


def test_the_token_does_not_show():
    assert "s3cret" not in repr(read_settings({"SANDKASSE_TOKEN": "s3cret"}))
