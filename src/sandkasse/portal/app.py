"""The portal's application: the pages, the notebooks' interface, the static files, and the guard before them."""

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.responses import PlainTextResponse
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Scope

from sandkasse.actions.site import Site
from sandkasse.core.errors import SandkasseError
from sandkasse.portal import api
from sandkasse.portal.acts import Acts
from sandkasse.portal.errors import (
    on_failure,
    on_http_error,
    on_invalid_request,
    on_known_error,
    show_error,
    show_failure,
)
from sandkasse.portal.render import STATIC
from sandkasse.portal.security import Guard, Origin
from sandkasse.portal.views import about, datasets, home, modules, progress, sign_in, workspaces
from sandkasse.portal.visit import Desk


class _Static(StaticFiles):
    """Static files, kept by browsers for ever where the address carries a mark of the content."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Answer with one file."""
        response = await super().get_response(path, scope)
        is_marked = scope["query_string"].startswith(b"v=")
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if is_marked else "no-cache"
        return response


def create_app(site: Site, *, origin: str, acts: Acts) -> ASGIApp:
    """Make the portal of a site.

    Args:
        site: The installation; its database is at the newest version.
        origin: Scheme, host and port under which browsers reach the portal, and no other.
        acts: What the pages ask; `real_acts(site)` outside tests.

    Returns:
        An ASGI application.
    """
    address = Origin(origin)
    app = FastAPI(title="Sandkasse", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.desk = Desk(site=site, acts=acts, origin=address)
    for view in (home, sign_in, modules, datasets, workspaces, progress, about):
        app.include_router(view.router)
    app.include_router(api.router)
    app.mount("/static", _Static(directory=STATIC), name="static")
    app.add_api_route("/healthz", _answer_health, methods=["GET", "HEAD"], response_class=PlainTextResponse)
    app.add_exception_handler(SandkasseError, on_known_error)
    app.add_exception_handler(HTTPException, on_http_error)
    app.add_exception_handler(RequestValidationError, on_invalid_request)
    app.add_exception_handler(Exception, on_failure)
    return Guard(app, origin=address, show_error=show_error, show_failure=show_failure)


def _answer_health() -> str:
    return "ok\n"
