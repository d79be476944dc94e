"""The front page: continue where you left, what is new, three doors."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from sandkasse.portal.learning_map import order_modules
from sandkasse.portal.visit import SignedIn, Visit

router = APIRouter()

NEWEST = 3
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@router.get("/")
def show_home(visit: SignedIn) -> Response:
    """Show where to go on, what is new, and the three doors."""
    acts = visit.desk.acts
    cards = sorted(acts.list_datasets(), key=lambda card: (-card.created.toordinal(), not card.default_for, card.id))
    modules = order_modules(acts.list_modules())
    return visit.page(
        "home.html",
        last=_find_last_module(visit, modules),
        modules=modules,
        n_datasets=len(cards),
        newest=cards[:NEWEST],
        running=[space for space in acts.list_workspaces(visit.user_id) if space.is_running],
        titles={module.id: module.title for module in modules},
    )


def _find_last_module(visit: Visit, modules: Sequence[Any]) -> dict[str, Any] | None:
    """Find the module that the person answered in last, with how many exercises are passed."""
    done = visit.desk.acts.list_progress(visit.user_id)
    if not done:
        return None
    latest = max(done, key=lambda entry: entry.last_at or _LONG_AGO).module_id
    module = next((module for module in modules if module.id == latest), None)
    if module is None:
        return None
    exercises = {exercise.id for part in module.parts for exercise in part.exercises}
    passed = {entry.exercise_id for entry in done if entry.module_id == latest and entry.is_passed}
    return {"module": module, "n_passed": len(passed & exercises), "n_exercises": len(exercises)}
