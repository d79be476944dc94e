"""Every error that we raise on purpose has a stable code and a documented exit code."""

import re
from pathlib import Path

import pytest

from sandkasse.core import errors

CLASSES = errors.error_classes()


def test_codes_and_exit_codes_are_unique_where_classes_differ():
    codes = [cls.code for cls in CLASSES]
    exit_codes = [cls.exit_code for cls in CLASSES]
    assert len(set(codes)) == len(codes)
    assert len(set(exit_codes)) == len(exit_codes)
    assert all(0 < code < 126 for code in exit_codes), "shells keep 126 and above for themselves"
    assert 2 not in exit_codes, "2 means wrong usage"


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_every_class_stands_in_the_tree_and_in_the_reference(cls):
    assert re.search(rf"\b{cls.__name__}\b", errors.__doc__ or "")
    reference = Path(__file__).parents[3] / "docs" / "reference" / "errors.md"
    assert f"| {cls.exit_code} | `{cls.code}` |" in reference.read_text("utf-8")


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_an_error_says_what_happened_and_what_to_do(cls):
    error = cls("The disk is full.", next_step="make room")
    assert str(error) == "The disk is full.\nnext: make room"
    assert 400 <= cls.http_status <= 599


def test_an_unknown_id_is_answered_with_the_nearest_known_ones():
    error = errors.DatasetNotFoundError.among(
        "dataset", "steno", ["steno-2", "nafld"], command="sandkasse dataset list"
    )
    assert isinstance(error, errors.DatasetNotFoundError)
    assert "steno-2" in error.next_step
    assert "nafld" not in error.next_step


def test_a_notebook_shows_two_lines_instead_of_a_stack_trace():
    from IPython.core.interactiveshell import InteractiveShell

    with pytest.MonkeyPatch.context() as patch:
        shown = []
        patch.setattr(InteractiveShell, "_showtraceback", lambda _self, _kind, _value, lines: shown.extend(lines))
        InteractiveShell.instance().run_cell(
            "from sandkasse.core.errors import DatasetNotFoundError as E\nraise E('There is none.', next_step='look')"
        )
        InteractiveShell.clear_instance()
    assert shown == ["DatasetNotFoundError: There is none.", "next: look"]
