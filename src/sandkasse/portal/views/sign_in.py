"""Signing in with a one-time code, and out again."""

from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import RedirectResponse, Response

from sandkasse.actions import people
from sandkasse.core.errors import NotSignedInError
from sandkasse.portal.visit import Changing, OpenVisit, Visit

router = APIRouter()


@router.get("/sign-in")
def show_sign_in(visit: OpenVisit) -> Response:
    """Ask for the code; a small script takes it from behind the address's `#` and sends it."""
    return visit.page("sign_in.html", error=None, target="/")


@router.post("/sign-in")
def sign_in(visit: OpenVisit, code: Annotated[str, Form()], target: Annotated[str, Form()] = "/") -> Response:
    """Trade the code for a session, and go where the person was going."""
    try:
        secret = people.sign_in(visit.desk.site, code)
    except NotSignedInError:
        if visit.session is None:
            raise
        return RedirectResponse("/", status_code=303)  # an old address, opened by somebody who is signed in
    response = RedirectResponse(safe_target(target), status_code=303)
    _set_cookie(response, visit, secret, max_age=int(people.SESSION_LIFETIME.total_seconds()))
    return response


@router.post("/sign-out")
def sign_out(visit: Changing) -> Response:
    """End the session."""
    assert visit.session is not None
    people.sign_out(visit.desk.site, visit.session)
    response = RedirectResponse("/sign-in", status_code=303)
    _set_cookie(response, visit, "", max_age=0)
    return response


def safe_target(target: str) -> str:
    """Give a path of this site to go to; anything that could lead elsewhere becomes the front page."""
    is_path = target.startswith("/") and not target.startswith(("//", "/\\"))
    return target if is_path and target.isprintable() and "\\" not in target else "/"


def _set_cookie(response: Response, visit: Visit, secret: str, *, max_age: int) -> None:
    origin = visit.desk.origin
    response.set_cookie(
        origin.cookie, secret, max_age=max_age, path="/", httponly=True, samesite="lax", secure=origin.is_https
    )
