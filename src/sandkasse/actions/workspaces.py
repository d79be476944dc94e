"""Acts on workspaces: start one for a module, stop it, list them; and hold what runs them while a portal serves."""

import errno
import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from importlib import import_module
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from sandkasse.actions.datasets import open_store
from sandkasse.actions.modules import prepare_lesson, show_module
from sandkasse.actions.site import Site
from sandkasse.core.access import SandboxGuard
from sandkasse.core.database import open_engine, transaction
from sandkasse.core.errors import (
    IsolationRequiredError,
    NotSignedInError,
    SandkasseError,
    StorageFullError,
    UpstreamError,
    WorkspaceNotFoundError,
)
from sandkasse.core.settings import Settings
from sandkasse.people import audit, tokens
from sandkasse.people.accounts import find_person
from sandkasse.people.permissions import check_permitted
from sandkasse.training.examiner import Ground, find_ground
from sandkasse.workspaces.folder import copy_notebooks, learner_folder, place_new_files
from sandkasse.workspaces.launcher import EndedWorkspace, Info, Launcher, RunningWorkspace, WorkspaceRequest
from sandkasse.workspaces.local import LocalLauncher, LocalOptions
from sandkasse.workspaces.states import ALIVE, WorkspaceState, check_follows
from sandkasse.workspaces.tables import WorkspaceRow

TOKEN_LIFETIME = timedelta(days=7)  # our choice: a course week; the token dies with its workspace anyway
LISTED_AT_MOST = 50
LOGS_KEPT_S = 30 * 24 * 3600.0  # our choice: longer than a course's questions take
WARM_UP_AFTER_S = 3.0  # our choice: after the first page, before anybody has found the Start button


@dataclass(frozen=True)
class Handover:
    """Where the browser goes to be in the workspace.

    Attributes:
        url: The address with its token, for one redirect (303): never for a page or a log.
        workspace_id: Which workspace.
        is_isolated: Whether it is held by a sandbox; otherwise practice mode.
        notices: What the learner should know of their lessons.
    """

    url: str = field(repr=False)
    workspace_id: str
    is_isolated: bool
    notices: tuple[str, ...] = ()


@dataclass(frozen=True)
class WorkspaceView:
    """One workspace as its owner sees it.

    Attributes:
        id: Names it when it is stopped.
        module_id: The module it is for.
        state: Where it is in its life.
        is_isolated: Whether it is, or was, held by a sandbox.
        started_at: When it was started.
        ends_at: When it will be ended if nothing more happens in it; only of a running one.
    """

    id: str
    module_id: str
    state: str
    is_isolated: bool
    started_at: datetime
    ends_at: datetime | None = None

    @property
    def is_running(self) -> bool:
        """Whether it can be opened."""
        return self.state == "running"


@contextmanager
def serve_workspaces(site: Site, *, portal_url: str) -> Iterator[Site]:
    """Hold a launcher while a portal serves; at the end, every workspace is stopped.

    Args:
        site: The installation, without a launcher.
        portal_url: Where notebooks on this machine reach the portal.

    Yields:
        The same site with its launcher.
    """
    settings = replace(site.settings, portal_url=portal_url)
    launcher = LocalLauncher(
        LocalOptions(run_folder=settings.run, hidden=(settings.home, settings.content)),
        when_ended=lambda ended: _note_end(site, ended),
    )
    _forget_earlier(site)
    _sweep(settings.run)
    warming = threading.Timer(WARM_UP_AFTER_S, _warm_up, args=(launcher,))
    warming.daemon = True
    warming.start()
    try:
        yield replace(site, settings=settings, launcher=launcher)
    finally:
        warming.cancel()
        warming.join(WARM_UP_AFTER_S)
        launcher.close()


def _warm_up(launcher: LocalLauncher) -> None:
    """Do ahead what the first Start would wait for: start the supervisor, import what converts lessons (1.4 s)."""
    launcher.warm_up()
    import_module("jupytext")


def show_launcher(site: Site) -> Info | None:
    """Say what runs this site's workspaces and whether it isolates them; nothing if it offers none."""
    return None if site.launcher is None else site.launcher.info


def start_workspace(site: Site, *, user_id: str, module_id: str) -> Handover:
    """Start a module's workspace, or find it running; the learner's files are as they left them.

    Args:
        site: The installation, with a launcher.
        user_id: Whose workspace.
        module_id: For which module.

    Raises:
        PolicyDeniedError: If the person may not.
        TrainingModuleNotFoundError: If there is no such module.
        DatasetNotFoundError: If no dataset keeps a contract that the module reads.
        IsolationRequiredError: If nothing isolates workspaces here, and another person has used this site's.
        StorageFullError: If there is no room for the lesson.
        WorkspaceStartError: If the notebook server does not start.
    """
    launcher = _launcher(site)
    module = show_module(site.settings, module_id)
    with transaction(site.engine) as db:
        _check_may_use(db, user_id, launcher.info)
    for running in launcher.list():
        if (running.user_id, running.module_id) == (user_id, module_id):
            return Handover(running.url, running.workspace_id, launcher.info.is_isolated)
    grounds = {contract: _find_ground(site.settings, contract) for contract in module.contracts}
    folder = learner_folder(site.settings.workspaces, user_id=user_id, module_id=module_id)
    first, notices = _prepare_folder(site.settings, module_id, folder)
    request = _request(site, user_id, module_id, folder, grounds=grounds, open_path=first)
    try:
        running = launcher.start(request)
    except SandkasseError:
        _end(site, request.workspace_id, state="failed", because="did not start")
        raise
    _note_running(site, request, running)
    return Handover(running.url, running.workspace_id, launcher.info.is_isolated, notices)


def stop_workspace(site: Site, *, user_id: str, workspace_id: str) -> None:
    """Stop a workspace of one's own; the files are kept. One that has ended already is left as it is.

    Raises:
        WorkspaceNotFoundError: If it is not there, or is somebody else's: both read the same.
    """
    with transaction(site.engine) as db:
        row = db.get(WorkspaceRow, workspace_id)
        if row is None or row.user_id != user_id:
            raise WorkspaceNotFoundError(
                "You have no workspace of this id.", next_step="see your workspaces on their page in the portal"
            )
    _launcher(site).stop(workspace_id)
    _end(site, workspace_id, state="ended", because="stopped")


def list_workspaces(site: Site, *, user_id: str) -> tuple[WorkspaceView, ...]:
    """List a person's workspaces, the newest start first, one for each module."""
    running = {one.workspace_id: one for one in (site.launcher.list() if site.launcher else ())}
    newest = (
        select(WorkspaceRow)
        .where(WorkspaceRow.user_id == user_id)
        .order_by(WorkspaceRow.started_at.desc(), WorkspaceRow.id)
        .limit(LISTED_AT_MOST)
    )
    with transaction(site.engine) as db:
        rows = list(db.scalars(newest))
    views: dict[str, WorkspaceView] = {}
    for row in rows:
        views.setdefault(row.module_id, _view(row, running.get(row.id)))
    return tuple(views.values())


def list_all_workspaces(settings: Settings, *, limit: int) -> tuple[WorkspaceView, ...]:
    """List the newest starts of everybody's workspaces, for the site's operator; works beside a running portal.

    Args:
        settings: Where the site's store is; nothing is made there.
        limit: At most how many.
    """
    if not settings.database.is_file():
        return ()
    newest = select(WorkspaceRow).order_by(WorkspaceRow.started_at.desc(), WorkspaceRow.id).limit(limit)
    engine = open_engine(settings.database)
    try:
        with transaction(engine) as db:
            return tuple(_to_view(row, state=row.state) for row in db.scalars(newest))
    finally:
        engine.dispose()


def probe_isolation() -> Info:
    """Run the sandbox once and say whether it isolates a workspace on this machine."""
    return LocalLauncher(LocalOptions(run_folder=Path(), hidden=())).info


def _launcher(site: Site) -> Launcher:
    if site.launcher is None:
        raise UpstreamError("No portal runs notebooks for this site now.", next_step="start it: sandkasse up")
    return site.launcher


def _check_may_use(db: Session, user_id: str, info: Info) -> None:
    person = find_person(db, user_id)
    if person is None:
        raise NotSignedInError("This person has no account here.", next_step="sign in")
    check_permitted(person.roles, "workspace.use")
    others = select(WorkspaceRow.id).where(WorkspaceRow.user_id != user_id).limit(1)
    if not info.is_isolated and db.scalar(others) is not None:
        raise IsolationRequiredError(
            f"Practice mode is for one person, and another has used this site ({info.why_not_isolated}).",
            next_step="install bubblewrap on this machine, or use a site of your own: sandkasse up --home FOLDER",
        )


def _find_ground(settings: Settings, contract: str) -> Ground:
    """Find the dataset that the module's exercises are graded against, so that the learner sees the same."""
    ground = find_ground(contract, open_store(settings), settings.truth, bindings={})
    SandboxGuard().check_may_open(ground.card.id, version=ground.card.version, tier=ground.card.tier)
    return ground


def _prepare_folder(settings: Settings, module_id: str, folder: Path) -> tuple[str | None, tuple[str, ...]]:
    """Put the lessons beside what the learner has; gives what to open first, and what the learner should know.

    The work happens in a folder that no learner's link leads out of.
    """
    try:
        settings.run.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryDirectory(dir=settings.run, prefix="lesson-") as name:
            staging = Path(name)
            copy_notebooks(folder, staging)
            files = prepare_lesson(settings, module_id, staging)
            place_new_files(staging, folder)
    except OSError as exc:
        if exc.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        raise StorageFullError(
            "There is no room left for the lesson.",
            next_step="make room on the disk of the site's store, then press Start again",
        ) from exc
    notices = tuple(file.notice for file in files if file.notice)
    return (files[0].path.name if files else None), notices


def _request(
    site: Site, user_id: str, module_id: str, folder: Path, *, grounds: Mapping[str, Ground], open_path: str | None
) -> WorkspaceRequest:
    """Write the start into the database, with the token that dies with it."""
    workspace_id = secrets.token_hex(8)
    info = _launcher(site).info
    now = site.clock()
    with transaction(site.engine) as db:
        db.add(
            WorkspaceRow(
                id=workspace_id,
                user_id=user_id,
                module_id=module_id,
                state="starting",
                is_isolated=info.is_isolated,
                started_at=now,
                last_seen_at=now,
            )
        )
        secret = tokens.issue(
            db,
            kind="workspace",
            user_id=user_id,
            clock=site.clock,
            lifetime=TOKEN_LIFETIME,
            module_id=module_id,
            workspace_id=workspace_id,
        )
        _log(db, site, user_id, "workspace.start", workspace_id, module=module_id, isolation=info.isolation)
    return WorkspaceRequest(
        workspace_id=workspace_id,
        user_id=user_id,
        module_id=module_id,
        folder=folder,
        datasets={ground.card.id: ground.folder for ground in grounds.values()},
        bindings={contract: ground.card.id for contract, ground in grounds.items()},
        portal_url=site.settings.portal_url or "",
        portal_token=secret,
        open_path=open_path,
    )


def _note_running(site: Site, request: WorkspaceRequest, running: RunningWorkspace) -> None:
    if running.workspace_id != request.workspace_id:  # somebody pressed Start twice, and the other press was first
        _end(site, request.workspace_id, state="ended", because="was running already")
        return
    with transaction(site.engine) as db:
        row = db.get(WorkspaceRow, request.workspace_id)
        if row is not None and row.state == "starting":  # it may have ended again by now
            row.state, row.port = "running", running.port


def _note_end(site: Site, ended: EndedWorkspace) -> None:
    _end(site, ended.workspace_id, state="ended", because=ended.reason)


def _end(site: Site, workspace_id: str, *, state: WorkspaceState, because: str) -> None:
    """Note that a workspace is gone and end its token, in one transaction; a second time changes nothing."""
    with transaction(site.engine) as db:
        row = db.get(WorkspaceRow, workspace_id)
        if row is not None and row.state in ALIVE:
            _end_row(db, site, row, state=state, because=because)


def _end_row(db: Session, site: Site, row: WorkspaceRow, *, state: WorkspaceState, because: str) -> None:
    check_follows(row.state, state)
    row.state, row.ended_at, row.ended_because = state, site.clock(), because
    tokens.revoke_workspace(db, row.id)
    _log(db, site, "site", "workspace.end", row.id, because=because)


def _forget_earlier(site: Site) -> None:
    """End what the database still holds for alive after a portal that was killed; their servers died with it."""
    with transaction(site.engine) as db:
        for row in db.scalars(select(WorkspaceRow).where(WorkspaceRow.state.in_(sorted(ALIVE)))):
            _end_row(db, site, row, state="ended", because="portal-stopped")


def _sweep(run: Path) -> None:
    """Remove what a killed portal could not, and logs that nobody will ask for any more."""
    for folder in [*run.glob("lesson-*"), *(run / "workspaces").glob("*/")]:
        shutil.rmtree(folder, ignore_errors=True)
    for log in (run / "workspaces").glob("*.log"):
        if time.time() - log.stat().st_mtime > LOGS_KEPT_S:
            log.unlink(missing_ok=True)


def _log(db: Session, site: Site, actor: str, act: str, workspace_id: str, **details: str) -> None:
    audit.write(db, clock=site.clock, actor=actor, act=act, subject=workspace_id, **details)


def _view(row: WorkspaceRow, running: RunningWorkspace | None) -> WorkspaceView:
    # A server that has just died is not running, although the news of its end is still on its way.
    state = "ended" if row.state == "running" and running is None else row.state
    return _to_view(row, state=state, ends_at=running.ends_at if running is not None else None)


def _to_view(row: WorkspaceRow, *, state: str, ends_at: datetime | None = None) -> WorkspaceView:
    return WorkspaceView(
        id=row.id,
        module_id=row.module_id,
        state=state,
        is_isolated=row.is_isolated,
        started_at=row.started_at,
        ends_at=ends_at,
    )
