"""One visit of a page: who is signed in, what the page may ask, and how it answers."""

import hashlib
import hmac
from dataclasses import dataclass
from typing import Annotated, Any, cast

from fastapi import Depends, Form, Request
from fastapi.responses import HTMLResponse

from sandkasse.actions import people
from sandkasse.actions.people import Session
from sandkasse.actions.site import Site
from sandkasse.core.errors import NotSignedInError, PolicyDeniedError
from sandkasse.portal.acts import Acts
from sandkasse.portal.render import make_environment
from sandkasse.portal.security import Origin


@dataclass(frozen=True)
class Desk:
    """What every page works with.

    Attributes:
        site: The installation.
        acts: What the pages ask.
        origin: The portal's own address.
    """

    site: Site
    acts: Acts
    origin: Origin


@dataclass(frozen=True)
class Visit:
    """One request to a page.

    Attributes:
        request: The request.
        desk: What the page works with; absent only where a request was stopped at the door.
        session: Who is signed in; absent on the open pages.
        secret: The session's secret, from the cookie.
    """

    request: Request
    desk: Desk
    session: Session | None = None
    secret: str = ""

    @property
    def user_id(self) -> str:
        """The signed-in person's id."""
        assert self.session is not None
        return self.session.person.id

    @property
    def csrf(self) -> str:
        """What this session's forms carry, and other sites cannot know."""
        return form_token(self.secret)

    def page(self, template: str, **values: Any) -> HTMLResponse:
        """Render a page."""
        return render_page(template, path=self.request.url.path, session=self.session, secret=self.secret, **values)


def form_token(secret: str) -> str:
    """Derive what a session's forms carry from the session's secret; nothing of the secret can be read from it."""
    return hmac.new(secret.encode(), b"csrf", hashlib.sha256).hexdigest()


def render_page(
    template: str, *, path: str, session: Session | None, secret: str = "", status: int = 200, **values: Any
) -> HTMLResponse:
    """Render a page in the frame of the site.

    Args:
        template: Its name.
        path: The page's own address, for the menu.
        session: Who is signed in, if anybody.
        secret: The session's secret.
        status: The answer's status.
        values: What the template shows.
    """
    person, csrf = (None, "") if session is None else (session.person, form_token(secret))
    text = make_environment().get_template(template).render(person=person, csrf=csrf, path=path, **values)
    return HTMLResponse(text, status_code=status)


def open_visit(request: Request) -> Visit:
    """Begin a visit of a page that is open to all; somebody signed in is recognised."""
    desk = cast(Desk, request.app.state.desk)
    secret = request.cookies.get(desk.origin.cookie, "")
    session = people.find_session(desk.site, secret) if secret else None
    return Visit(request=request, desk=desk, session=session, secret=secret)


def signed_in(request: Request) -> Visit:
    """Begin a visit of a page for those who are signed in.

    Raises:
        NotSignedInError: If nobody is.
    """
    visit = open_visit(request)
    if visit.session is None:
        raise NotSignedInError(
            "You are not signed in.", next_step="open the address that `sandkasse up` printed, or paste its code here"
        )
    return visit


def changing(visit: Annotated[Visit, Depends(signed_in)], csrf: Annotated[str, Form()] = "") -> Visit:
    """Begin a visit that changes something: the form must be one that we gave to this session.

    Raises:
        PolicyDeniedError: If it is not.
    """
    if not hmac.compare_digest(csrf.encode(), visit.csrf.encode()):
        raise PolicyDeniedError(
            "This form is from an earlier visit.", next_step="go back, load the page again and repeat the last step"
        )
    return visit


OpenVisit = Annotated[Visit, Depends(open_visit)]
SignedIn = Annotated[Visit, Depends(signed_in)]
Changing = Annotated[Visit, Depends(changing)]
