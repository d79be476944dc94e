"""Progress: per module and exercise, the tries and the best score against what is attainable."""

from fastapi import APIRouter
from fastapi.responses import Response

from sandkasse.portal.visit import SignedIn

router = APIRouter()


@router.get("/progress")
def show_progress(visit: SignedIn) -> Response:
    """Show how far the person came in each module that they began."""
    acts = visit.desk.acts
    entries = {(entry.module_id, entry.exercise_id): entry for entry in acts.list_progress(visit.user_id)}
    begun = {module_id for module_id, _ in entries}
    modules = [module for module in acts.list_modules() if module.id in begun]
    return visit.page("progress.html", modules=modules, entries=entries)
