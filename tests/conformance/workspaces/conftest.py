from pathlib import Path

import pytest

from sandkasse.workspaces.launcher import WorkspaceRequest


@pytest.fixture
def make_request(tmp_path: Path):
    """Build a request for a workspace whose folders exist."""

    def make(user: str = "me", module: str = "demo", **changes: object) -> WorkspaceRequest:
        folder = tmp_path / "workspaces" / user / module
        data = tmp_path / "datasets" / "demo" / "1"
        for path in (folder, data):
            path.mkdir(parents=True, exist_ok=True)
        values = {
            "workspace_id": f"{user}-{module}",
            "user_id": user,
            "module_id": module,
            "folder": folder,
            "datasets": {"demo": data},
            "bindings": {"demo-contract": "demo"},
            "portal_url": "http://127.0.0.1:9",
            "portal_token": "portal-secret",
        }
        return WorkspaceRequest(**{**values, **changes})

    return make
