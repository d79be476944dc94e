"""The acts on workspaces, with a real database and a launcher that starts nothing."""

import errno
import os
import shutil
import time
from dataclasses import replace

import pytest
from sqlalchemy import select, text

from sandkasse.actions import workspaces
from sandkasse.actions.people import take_workspace_token
from sandkasse.actions.workspaces import (
    list_all_workspaces,
    list_workspaces,
    serve_workspaces,
    start_workspace,
    stop_workspace,
)
from sandkasse.core.database import transaction
from sandkasse.core.errors import (
    DatasetNotFoundError,
    IsolationRequiredError,
    NotSignedInError,
    StorageFullError,
    TrainingModuleNotFoundError,
    UpstreamError,
    WorkspaceNotFoundError,
    WorkspaceStartError,
)
from sandkasse.people.accounts import LAPTOP_USER_ID
from sandkasse.people.audit import find_break
from sandkasse.people.tables import AuditRow
from sandkasse.workspaces.tables import WorkspaceRow

ME = LAPTOP_USER_ID


def states(site) -> dict[str, str]:
    with transaction(site.engine) as db:
        return {row.id: row.state for row in db.scalars(select(WorkspaceRow))}


def audited(site) -> list[str]:
    with transaction(site.engine) as db:
        assert find_break(db) is None
        return [row.act for row in db.scalars(select(AuditRow).order_by(AuditRow.sequence))]


def test_a_start_gives_files_data_and_a_token(site, launcher):
    handover = start_workspace(site, user_id=ME, module_id="demo")
    (request,) = launcher.requests
    assert handover.url.endswith("token=notebook-secret")
    assert handover.is_isolated
    assert request.folder == site.settings.workspaces / ME / "demo"
    assert (request.folder / "01-first.ipynb").is_file()
    assert (request.folder / "data" / "small.csv").is_file()
    assert not list(request.folder.glob("*solution*"))
    assert request.open_path == "01-first.ipynb"
    assert request.bindings == {"diabetes-register-sample": "diabetes-register-sample"}
    assert request.datasets == {"diabetes-register-sample": site.settings.content / "datasets/diabetes-register-sample"}
    assert request.portal_url == "http://127.0.0.1:8765"
    token = take_workspace_token(site, request.portal_token, module_id="demo")
    assert (token.user_id, token.workspace_id) == (ME, handover.workspace_id)
    assert states(site) == {handover.workspace_id: "running"}
    assert audited(site)[-1] == "workspace.start"


def test_nothing_secret_is_written_down(site, launcher):
    handover = start_workspace(site, user_id=ME, module_id="demo")
    assert "notebook-secret" not in repr(handover)
    secrets = (b"notebook-secret", launcher.requests[0].portal_token.encode())
    with site.engine.connect() as connection:
        connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
    written = [path for path in site.settings.home.rglob("*") if path.is_file()]
    assert site.settings.database in written
    assert not [path for path in written for secret in secrets if secret in path.read_bytes()]


def test_a_second_start_opens_the_running_one(site, launcher):
    first = start_workspace(site, user_id=ME, module_id="demo")
    again = start_workspace(site, user_id=ME, module_id="demo")
    assert again.workspace_id == first.workspace_id
    assert len(launcher.requests) == 1
    assert start_workspace(site, user_id=ME, module_id="other").workspace_id != first.workspace_id


def test_a_press_that_came_second_leaves_no_token_behind(site, launcher):
    first = start_workspace(site, user_id=ME, module_id="demo")
    earlier = launcher.running.pop(first.workspace_id)
    launcher.start = lambda request: (launcher.requests.append(request), earlier)[1]  # the other press was quicker
    again = start_workspace(site, user_id=ME, module_id="demo")
    assert again.workspace_id == first.workspace_id
    with pytest.raises(NotSignedInError):
        take_workspace_token(site, launcher.requests[1].portal_token)
    assert take_workspace_token(site, launcher.requests[0].portal_token)


def test_a_stop_ends_the_token_and_keeps_the_files(site, launcher):
    handover = start_workspace(site, user_id=ME, module_id="demo")
    (launcher.requests[0].folder / "01-first.ipynb").write_text("my work")
    stop_workspace(site, user_id=ME, workspace_id=handover.workspace_id)
    assert launcher.running == {}
    assert states(site) == {handover.workspace_id: "ended"}
    with pytest.raises(NotSignedInError):
        take_workspace_token(site, launcher.requests[0].portal_token)
    stop_workspace(site, user_id=ME, workspace_id=handover.workspace_id)  # once more changes nothing
    assert audited(site).count("workspace.end") == 1
    start_workspace(site, user_id=ME, module_id="demo")
    assert (launcher.requests[1].folder / "01-first.ipynb").read_text() == "my work"


def test_a_start_that_fails_leaves_no_token(site, launcher):
    launcher.fails = True
    with pytest.raises(WorkspaceStartError):
        start_workspace(site, user_id=ME, module_id="demo")
    assert list(states(site).values()) == ["failed"]
    with pytest.raises(NotSignedInError):
        take_workspace_token(site, launcher.requests[0].portal_token)


def test_nobody_stops_or_sees_anothers(site):
    handover = start_workspace(site, user_id=ME, module_id="demo")
    with pytest.raises(WorkspaceNotFoundError) as theirs:
        stop_workspace(site, user_id="second", workspace_id=handover.workspace_id)
    with pytest.raises(WorkspaceNotFoundError) as unknown:
        stop_workspace(site, user_id="second", workspace_id="unheard-of")
    assert str(theirs.value) == str(unknown.value)
    assert list_workspaces(site, user_id="second") == ()
    assert len(list_workspaces(site, user_id=ME)) == 1


def test_practice_mode_is_for_one_person(site, launcher):
    launcher.isolation = "none"
    handover = start_workspace(site, user_id=ME, module_id="demo")
    assert not handover.is_isolated
    assert not list_workspaces(site, user_id=ME)[0].is_isolated
    with pytest.raises(IsolationRequiredError, match="a test said so"):
        start_workspace(site, user_id="second", module_id="demo")
    launcher.isolation = "bubblewrap"
    assert start_workspace(site, user_id="second", module_id="demo").is_isolated


def test_the_list_shows_each_module_once_and_only_what_runs_as_running(site, launcher):
    first = start_workspace(site, user_id=ME, module_id="demo")
    stop_workspace(site, user_id=ME, workspace_id=first.workspace_id)
    second = start_workspace(site, user_id=ME, module_id="demo")
    other = start_workspace(site, user_id=ME, module_id="other")
    launcher.running.pop(other.workspace_id)  # died; the news is on its way
    listed = {view.id: view.is_running for view in list_workspaces(site, user_id=ME)}
    assert listed == {other.workspace_id: False, second.workspace_id: True}
    assert len(list_all_workspaces(site.settings, limit=10)) == 3


def test_what_a_killed_portal_left_behind_is_ended_when_the_next_one_serves(site, launcher):
    start_workspace(site, user_id=ME, module_id="demo")
    with serve_workspaces(replace(site, launcher=None), portal_url="http://127.0.0.1:1") as serving:
        assert list(states(site).values()) == ["ended"]
        assert list_workspaces(serving, user_id=ME)[0].is_running is False
        with pytest.raises(NotSignedInError):
            take_workspace_token(site, launcher.requests[0].portal_token)


def test_what_a_killed_portal_left_on_the_disk_is_removed(site):
    logs = site.settings.run / "workspaces"
    (logs / "killed" / "jupyter-runtime").mkdir(parents=True)
    (site.settings.run / "lesson-killed").mkdir()
    for name, days in (("old", 31), ("recent", 29)):
        (logs / f"{name}.log").write_text("x")
        then = time.time() - days * 24 * 3600
        os.utime(logs / f"{name}.log", (then, then))
    with serve_workspaces(replace(site, launcher=None), portal_url="http://127.0.0.1:1"):
        assert [path.name for path in logs.iterdir()] == ["recent.log"]
        assert not list(site.settings.run.glob("lesson-*"))


@pytest.mark.parametrize(
    ("user", "module", "error"),
    [
        (ME, "demos", TrainingModuleNotFoundError),
        (ME, "../demo", TrainingModuleNotFoundError),
        ("nobody", "demo", NotSignedInError),
    ],
)
def test_a_start_for_what_is_not_there_is_refused(site, launcher, user, module, error):
    with pytest.raises(error):
        start_workspace(site, user_id=user, module_id=module)
    assert launcher.requests == []
    assert states(site) == {}


def test_a_module_without_its_data_is_refused(site, launcher):
    shutil.rmtree(site.settings.content / "datasets")
    with pytest.raises(DatasetNotFoundError):
        start_workspace(site, user_id=ME, module_id="demo")
    assert launcher.requests == []


def test_without_a_portal_nothing_is_started(site):
    with pytest.raises(UpstreamError, match="No portal"):
        start_workspace(replace(site, launcher=None), user_id=ME, module_id="demo")


def test_links_in_the_learners_folder_lead_the_site_nowhere(site, launcher):
    start_workspace(site, user_id=ME, module_id="demo")
    own = launcher.requests[0].folder
    stop_workspace(site, user_id=ME, workspace_id=launcher.requests[0].workspace_id)
    secret = site.settings.secrets / "seed.key"
    secret.write_text("secret")
    (own / "01-first.ipynb").unlink()
    (own / "01-first.ipynb").symlink_to(secret)
    (own / "data" / "small.csv").unlink()
    (own / "data").rmdir()
    (own / "data").symlink_to(site.settings.truth)
    start_workspace(site, user_id=ME, module_id="demo")
    assert secret.read_text() == "secret"
    assert list(site.settings.truth.iterdir()) == []


def test_a_full_disk_is_said_in_one_line(site, launcher, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(workspaces, "copy_notebooks", full)
    with pytest.raises(StorageFullError, match="no room"):
        start_workspace(site, user_id=ME, module_id="demo")
    assert launcher.requests == []
    assert states(site) == {}
    assert not list(site.settings.run.glob("lesson-*"))
