"""`sandkasse workspace` as an operator meets it."""

import json

import pytest
from typer.testing import CliRunner

from sandkasse.actions.workspaces import start_workspace
from sandkasse.cli.workspace import app
from sandkasse.people.accounts import LAPTOP_USER_ID
from sandkasse.workspaces import local


@pytest.fixture
def command(site, monkeypatch):
    monkeypatch.setenv("SANDKASSE_HOME", str(site.settings.home))
    monkeypatch.setenv("COLUMNS", "200")

    def run(*words: str) -> str:
        result = CliRunner().invoke(app, list(words), catch_exceptions=False)
        assert result.exit_code == 0
        return result.stdout

    return run


def test_an_empty_site_says_what_to_do(command, site, monkeypatch, tmp_path):
    assert "sandkasse up" in command("list")
    monkeypatch.setenv("SANDKASSE_HOME", str(tmp_path / "nothing-here"))
    assert json.loads(command("list", "--json")) == []
    assert not (tmp_path / "nothing-here").exists()


def test_starts_are_listed_without_their_addresses(command, site):
    handover = start_workspace(site, user_id=LAPTOP_USER_ID, module_id="demo")
    assert handover.workspace_id in command("list")
    (listed,) = json.loads(command("list", "--json"))
    assert (listed["id"], listed["module_id"], listed["state"]) == (handover.workspace_id, "demo", "running")
    assert "secret" not in json.dumps(listed)


@pytest.mark.parametrize("why", ["", "bubblewrap (the program bwrap) is not installed"])
def test_the_probe_says_whether_and_why_not(command, monkeypatch, why):
    monkeypatch.setattr(local, "find_why_not_isolated", lambda: why)
    assert json.loads(command("probe", "--json")) == {
        "is_isolated": not why,
        "isolation": "none" if why else "bubblewrap",
        "why_not": why,
    }
    said = command("probe")
    assert ("next: install bubblewrap" in said) == bool(why)
    assert why in said
