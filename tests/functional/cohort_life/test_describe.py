"""The model described from the command line, and the acts behind it."""

import pytest
from typer.testing import CliRunner

from sandkasse.actions.cohorts import write_description
from sandkasse.actions.effects import list_interventions
from sandkasse.cli.cohort import app
from sandkasse.core.errors import InvalidInputError


def test_the_page_is_written_once_and_never_over_another_file(tmp_path):
    page = tmp_path / "model.html"
    done = CliRunner().invoke(app, ["describe", "--html", str(page)])
    assert done.exit_code == 0, done.output
    written = page.read_text(encoding="utf-8")
    assert "<svg" in written
    assert "Myocardial infarction" in written
    with pytest.raises(InvalidInputError, match="new file"):
        write_description(page)
    assert page.read_text(encoding="utf-8") == written


def test_the_interventions_are_listed_with_their_titles():
    listed = list_interventions()
    assert set(listed) >= {"nobody_treated", "no_smoking", "everyone_statin_from_50"}
    assert all(listed.values())
