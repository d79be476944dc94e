import errno
import os
from pathlib import Path

import pytest

from sandkasse.core.errors import InvalidInputError, StorageFullError
from sandkasse.workspaces import folder
from sandkasse.workspaces.folder import copy_notebooks, learner_folder, place_new_files


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return learner_folder(tmp_path / "workspaces", user_id="me", module_id="demo")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    staging = tmp_path / "staging"
    (staging / "data" / "practice").mkdir(parents=True)
    (staging / "01-lesson.ipynb").write_text("new lesson")
    (staging / "data" / "practice" / "persons.csv").write_text("new data")
    return staging


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "site.db"
    path.write_text("the site's own")
    return path


def test_the_folder_opens_to_its_owner_only(own):
    for path in (own, own.parent, own.parent.parent):
        assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("name", ["", "..", "a/b", "/etc", ".hidden", "A", "x" * 200, "a\0b", "a\n"])
def test_an_id_that_could_lead_elsewhere_is_refused(tmp_path, name):
    with pytest.raises(InvalidInputError):
        learner_folder(tmp_path, user_id=name, module_id="demo")
    with pytest.raises(InvalidInputError):
        learner_folder(tmp_path, user_id="me", module_id=name)
    assert list(tmp_path.iterdir()) == []


def test_new_files_are_placed_once_and_kept(own, source):
    assert place_new_files(source, own) == ("01-lesson.ipynb", "data/practice/persons.csv")
    (own / "01-lesson.ipynb").write_text("my work")
    assert place_new_files(source, own) == ()
    assert (own / "01-lesson.ipynb").read_text() == "my work"
    assert (own / "data/practice/persons.csv").read_text() == "new data"


def test_a_link_in_place_of_a_file_is_not_written_through(own, source, secret):
    (own / "01-lesson.ipynb").symlink_to(secret)
    place_new_files(source, own)
    assert secret.read_text() == "the site's own"
    assert (own / "01-lesson.ipynb").is_symlink()


def test_a_broken_link_makes_no_file_elsewhere(own, source, tmp_path):
    (own / "01-lesson.ipynb").symlink_to(tmp_path / "made-by-the-learner")
    place_new_files(source, own)
    assert not (tmp_path / "made-by-the-learner").exists()


@pytest.mark.parametrize("level", ["data", "data/practice"])
def test_a_link_in_place_of_a_folder_is_not_entered(own, source, tmp_path, level):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (own / level).parent.mkdir(exist_ok=True)
    (own / level).symlink_to(elsewhere)
    assert place_new_files(source, own) == ("01-lesson.ipynb",)
    assert list(elsewhere.iterdir()) == []


def test_a_file_in_place_of_a_folder_is_kept(own, source):
    (own / "data").write_text("mine")
    assert place_new_files(source, own) == ("01-lesson.ipynb",)
    assert (own / "data").read_text() == "mine"


def test_a_link_in_place_of_the_whole_folder_is_not_entered(own, source, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    own.rmdir()
    own.symlink_to(elsewhere)
    with pytest.raises(OSError, match=r"Not a directory|symbolic link"):
        place_new_files(source, own)
    assert list(elsewhere.iterdir()) == []


def test_only_plain_notebooks_of_the_learner_are_read(own, secret, tmp_path):
    (own / "mine.ipynb").write_text("my work")
    (own / "link.ipynb").symlink_to(secret)
    os.link(secret, own / "second-name.ipynb")
    os.mkfifo(own / "pipe.ipynb")  # reading it would wait for ever
    (own / "folder.ipynb").mkdir()
    (own / "notes.txt").write_text("not a notebook")
    target = tmp_path / "target"
    target.mkdir()
    copy_notebooks(own, target)
    assert [path.name for path in target.iterdir()] == ["mine.ipynb"]


def test_a_full_disk_leaves_no_half_lesson(own, source, monkeypatch):
    def full(*_args: object, **_named: object) -> object:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(folder.os, "fdopen", full)
    with pytest.raises(StorageFullError):
        place_new_files(source, own)
    assert list(own.iterdir()) == []
