"""Help, and what this is."""

from fastapi import APIRouter
from fastapi.responses import Response

from sandkasse.portal.visit import OpenVisit

router = APIRouter()


@router.get("/about")
def show_about(visit: OpenVisit) -> Response:
    """Say what the sandbox is, what it is not, and where to find help."""
    return visit.page("about.html", is_isolated=visit.desk.acts.is_isolated)
