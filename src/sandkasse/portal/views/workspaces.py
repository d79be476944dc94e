"""Workspaces: what runs, what stopped; starting, opening and stopping."""

from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import RedirectResponse, Response

from sandkasse.portal.visit import Changing, SignedIn

router = APIRouter(prefix="/workspaces")


@router.get("")
def list_workspaces(visit: SignedIn) -> Response:
    """List the person's workspaces, running ones first."""
    acts = visit.desk.acts
    spaces = sorted(acts.list_workspaces(visit.user_id), key=lambda space: not space.is_running)
    return visit.page(
        "workspaces.html",
        spaces=spaces,
        titles={module.id: module.title for module in acts.list_modules()},
        now=visit.desk.site.clock(),
        offers_workspaces=acts.offers_workspaces,
        is_isolated=acts.is_isolated,
        why_not_isolated=acts.why_not_isolated,
    )


@router.post("/start")
def start_workspace(visit: Changing, module_id: Annotated[str, Form(max_length=100)]) -> Response:
    """Start the module's workspace, or find it running, and hand the browser over to it."""
    return RedirectResponse(visit.desk.acts.start_workspace(visit.user_id, module_id), status_code=303)


@router.post("/{workspace_id}/stop")
def stop_workspace(visit: Changing, workspace_id: str) -> Response:
    """Stop a workspace; its files are kept."""
    visit.desk.acts.stop_workspace(visit.user_id, workspace_id)
    return RedirectResponse("/workspaces", status_code=303)
