"""The launcher's records as plain values, for the lines of JSON between portal and supervisor."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from sandkasse.workspaces.launcher import RunningWorkspace, WorkspaceRequest


def request_to_wire(request: WorkspaceRequest) -> dict[str, Any]:
    """Give a request as plain values, its token included: for the pipe to the supervisor only."""
    values = asdict(request)
    values["folder"] = str(request.folder)
    values["datasets"] = {name: str(folder) for name, folder in request.datasets.items()}
    return values


def request_from_wire(values: Mapping[str, Any]) -> WorkspaceRequest:
    """Read a request back."""
    datasets = {name: Path(folder) for name, folder in values["datasets"].items()}
    return WorkspaceRequest(**{**values, "folder": Path(values["folder"]), "datasets": datasets})


def running_from_wire(values: Mapping[str, Any]) -> RunningWorkspace:
    """Read a running workspace back."""
    ends_at = values["ends_at"]
    return RunningWorkspace(**{**values, "ends_at": ends_at and datetime.fromisoformat(ends_at)})
