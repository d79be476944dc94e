"""What starts notebook servers: one small protocol, and the records that pass through it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol

Isolation = Literal["bubblewrap", "none"]
EndReason = Literal["stopped", "idle", "died", "portal-stopped"]


@dataclass(frozen=True)
class Info:
    """What a launcher is.

    Attributes:
        id: Its short name ("local").
        title: Its name in words.
        isolation: What keeps a workspace from the rest of the machine; `none` is practice mode.
        why_not_isolated: In practice mode, the reason in one line; empty otherwise.
    """

    id: str
    title: str
    isolation: Isolation
    why_not_isolated: str = ""

    @property
    def is_isolated(self) -> bool:
        """Whether a learner cannot reach anything but their own files and the data, read-only."""
        return self.isolation != "none"


@dataclass(frozen=True)
class WorkspaceRequest:
    """One notebook server, as an act asks for it.

    Attributes:
        workspace_id: Names it in the database and in its log file's name.
        user_id: Whose it is.
        module_id: The module it is for; one server runs for one person and module.
        folder: The learner's own files, on the host; the only thing the server may write to.
        datasets: Dataset id to its folder on the host, to be seen read-only.
        bindings: Contract name to dataset id.
        portal_url: Where the notebook sends its answers.
        portal_token: The token it sends with them; never shown.
        open_path: What JupyterLab opens first, relative to the folder.
    """

    workspace_id: str
    user_id: str
    module_id: str
    folder: Path
    datasets: Mapping[str, Path]
    bindings: Mapping[str, str]
    portal_url: str
    portal_token: str = field(repr=False)
    open_path: str | None = None


@dataclass(frozen=True)
class RunningWorkspace:
    """One notebook server that answers.

    Attributes:
        workspace_id: The id it was first requested with; another than the request's when a running one was reused.
        user_id: Whose it is.
        module_id: The module it is for.
        port: Where it listens on this machine.
        isolation: What holds it.
        url: Its address with its token: for one redirect, never for a log or a page.
        process_id: Of the server or of the sandbox around it.
        ends_at: When it will be ended if nothing more happens in it.
    """

    workspace_id: str
    user_id: str
    module_id: str
    port: int
    isolation: Isolation
    url: str = field(repr=False)
    process_id: int = 0
    ends_at: datetime | None = None


@dataclass(frozen=True)
class EndedWorkspace:
    """One notebook server that runs no more.

    Attributes:
        workspace_id: Which.
        reason: Why.
    """

    workspace_id: str
    reason: EndReason


class Launcher(Protocol):
    """Starts and stops notebook servers somewhere."""

    @property
    def info(self) -> Info:
        """What this launcher is, and whether it isolates here and now."""

    def start(self, request: WorkspaceRequest) -> RunningWorkspace:
        """Start a server and wait until it answers, or give the one that runs for the same person and module.

        Raises:
            WorkspaceStartError: If it does not start; the message ends with its last line of log, tokens removed.
        """

    def stop(self, workspace_id: str) -> None:
        """Stop a server and wait until it is gone; one that does not run is left alone."""

    def list(self) -> tuple[RunningWorkspace, ...]:
        """List the servers that run now."""
