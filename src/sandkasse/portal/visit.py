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
        desk: What the page works with.
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
        return hmac.new(self.secret.encode(), b"csrf", hashlib.sha256).hexdigest()

    def page(self, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
        """Render a page."""
        text = (
            make_environment()
            .get_template(template)
            .render(
                person=None if self.session is None else self.session.person,
                csrf=self.csrf if self.session is not None else "",
                path=self.request.url.path,
                **values,
            )
        )
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
