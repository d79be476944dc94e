"""Errors as people and programs see them: a designed page, or `{code, message, next}`."""

import secrets
from contextlib import suppress
from http import HTTPStatus

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Scope

from sandkasse.actions.people import Session
from sandkasse.core.errors import FailureError, InvalidInputError, NotFoundError, PolicyDeniedError, SandkasseError
from sandkasse.portal.security import API_PREFIX, describe_failure, failure_log
from sandkasse.portal.visit import open_visit, render_page

TITLES = {
    400: "This request cannot be read",
    401: "Sign in to go on",
    403: "You may not do this here",
    404: "There is nothing here",
    405: "This page cannot do that",
    409: "Something is in the way",
    413: "This is too large",
    422: "This cannot be used",
    429: "A short pause, please",
    500: "Something went wrong on our side",
    503: "Not available just now",
    507: "The disk is full",
}
LISTS = (("/data/", "All datasets"), ("/learn/", "All modules"), ("/workspaces/", "Your workspaces"))


def show_error(scope: Scope, error: SandkasseError, status: int) -> Response:
    """Answer with an error: JSON to programs, a page to people."""
    if scope["path"].startswith(API_PREFIX):
        return JSONResponse({"code": error.code, "message": error.message, "next": error.next_step}, status)
    session, secret = _find_session(scope)
    return render_page(
        "sign_in.html" if status == HTTPStatus.UNAUTHORIZED else "error.html",
        path=scope["path"],
        session=session,
        secret=secret,
        status=status,
        number=int(status),
        title=TITLES.get(status, TITLES[500]),
        error=error,
        next_step=_say_next(error),
        lists=next((found for found in LISTS if scope["path"].startswith(found[0])), None),
        target=scope["path"] if scope["method"] == "GET" else "/",
    )


def _say_next(error: SandkasseError) -> str:
    """Say what to do without the command that lists what there is: the page has a link to that list."""
    near, otherwise, _ = error.next_step.partition(" Otherwise ")
    if isinstance(error, NotFoundError) and (otherwise or near.startswith("see what there is")):
        return near if otherwise else "choose from the list"
    return error.next_step


def _find_session(scope: Scope) -> tuple[Session | None, str]:
    """Find who is visiting, so that the page keeps its menu; nobody where the request was stopped at the door."""
    if "app" in scope:
        with suppress(Exception):  # whatever else is broken, the error that is being shown matters more
            visit = open_visit(Request(scope))
            return visit.session, visit.secret
    return None, ""


def show_failure(scope: Scope, error: Exception) -> Response:
    """Answer when something failed that should not: a page with a reference, whose place stands in the log."""
    reference = secrets.token_hex(4)
    failure_log.error("%s %s", reference, describe_failure(error))
    shown = FailureError(
        "Something failed here. Nothing that you had saved is lost.",
        next_step=f"try again; if it happens again, report it with the reference {reference}",
    )
    return show_error(scope, shown, 500)


async def on_failure(request: Request, error: Exception) -> Response:
    """Show what nobody foresaw."""
    return show_failure(request.scope, error)


async def on_known_error(request: Request, error: Exception) -> Response:
    """Show an error of our own."""
    assert isinstance(error, SandkasseError)
    return show_error(request.scope, error, error.http_status)


async def on_http_error(request: Request, error: Exception) -> Response:
    """Show what the routing refuses: an unknown address, a wrong method."""
    assert isinstance(error, HTTPException)
    if error.status_code == HTTPStatus.NOT_FOUND:
        shown: SandkasseError = NotFoundError(
            "No page has this address.", next_step="check the address, or begin at the front page"
        )
    elif error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        shown = PolicyDeniedError("This address does not take that method.", next_step="begin at the front page")
    else:
        shown = InvalidInputError("The request cannot be read.", next_step="go back and try again")
    return show_error(request.scope, shown, error.status_code)


async def on_invalid_request(request: Request, error: Exception) -> Response:
    """Name the fields that cannot be read, never their values."""
    assert isinstance(error, RequestValidationError)
    fields = sorted({str(item["loc"][-1]) for item in error.errors()})
    shown = InvalidInputError(f"These fields cannot be read: {', '.join(fields)}.", next_step="go back and mend them")
    return show_error(request.scope, shown, 400)
