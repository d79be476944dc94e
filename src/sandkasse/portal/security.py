"""What stands before every page: host, origin and size checks, security headers, the access log, and designed failures.

One plain ASGI layer, so that nothing that a view or a library does can pass beside it.
"""

import logging
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandkasse.core.errors import MisdirectedError, PolicyDeniedError, SandkasseError, TooLargeError

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
API_PREFIX = "/api/"
LONGEST_FORM = 64 * 1024  # bytes; a form of ours has a code or a search in it

access_log = logging.getLogger("sandkasse.portal.access")
failure_log = logging.getLogger("sandkasse.portal.failures")

# Starting a workspace answers a form with a redirect to the notebook's own origin, and browsers hold redirects
# of forms against form-action.
NOTEBOOK_ORIGINS = "http://localhost:*"

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        f"form-action 'self' {NOTEBOOK_ORIGINS}",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)

SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    # Not `no-referrer`: with it, browsers send `Origin: null` with our own forms.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

# Gives the page (or the JSON) for an error of ours, and for one that nobody foresaw.
ShowError = Callable[[Scope, SandkasseError, int], Response]
ShowFailure = Callable[[Scope, Exception], Response]


@dataclass(frozen=True)
class Origin:
    """The one address under which the portal answers.

    Attributes:
        text: Scheme, host and port, as browsers write it.
    """

    text: str

    @property
    def host(self) -> str:
        """Host and port, as in the Host header."""
        return urlsplit(self.text).netloc

    @property
    def is_https(self) -> bool:
        """Whether browsers reach the site over TLS."""
        return urlsplit(self.text).scheme == "https"

    @property
    def cookie(self) -> str:
        """Name of the session's cookie; cookies ignore ports, so that two sites on one laptop need two names."""
        return "__Host-sandkasse" if self.is_https else f"sandkasse-{urlsplit(self.text).port or 80}"


def check_source(scope: Scope, origin: Origin) -> None:
    """Refuse a request under a foreign host name, and one that another site made the browser send.

    Raises:
        MisdirectedError: If the Host header is not this site's (DNS rebinding).
        PolicyDeniedError: If a page of another origin sent it, or a changing request does not say where it comes from.
    """
    headers = Headers(scope=scope)
    if headers.getlist("host") != [origin.host]:
        raise MisdirectedError(
            "This address is not the one that the sandbox answers to.", next_step=f"open {origin.text}"
        )
    site = headers.get("sec-fetch-site")
    sender = headers.get("origin")
    is_safe = scope["method"] in SAFE_METHODS
    is_foreign = site not in {None, "same-origin", "none"} or sender not in {None, origin.text}
    is_visit = is_safe and headers.get("sec-fetch-mode") == "navigate" and sender is None
    is_silent_form = not is_safe and site is None and sender is None and not scope["path"].startswith(API_PREFIX)
    if (is_foreign and not is_visit) or is_silent_form:
        raise PolicyDeniedError(
            "This request was not sent by a page of the sandbox.", next_step=f"open {origin.text} and try again there"
        )


def check_form_size(scope: Scope) -> None:
    """Refuse a form that is larger than any of ours, before it is read.

    Raises:
        TooLargeError: If the request says no length, or too great a one.
    """
    if scope["method"] in SAFE_METHODS or scope["path"].startswith(API_PREFIX):
        return
    length = Headers(scope=scope).get("content-length", "")
    if not length.isdecimal() or int(length) > LONGEST_FORM:
        raise TooLargeError("This form is too large.", next_step="shorten what you typed, then send it again")


class Guard:
    """The layer before everything else."""

    def __init__(self, app: ASGIApp, *, origin: Origin, show_error: ShowError, show_failure: ShowFailure) -> None:
        self._app = app
        self._origin = origin
        self._show_error = show_error
        self._show_failure = show_failure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check one request, pass it on, and log it without its query."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        sent = _Sent(send)
        try:
            check_source(scope, self._origin)
            check_form_size(scope)
            await self._app(scope, receive, sent)
        except SandkasseError as error:
            await self._show_error(scope, error, error.http_status)(scope, receive, sent)
        except Exception as error:
            # An answer that is under way is either the page of this failure, or can only be broken off.
            if not sent.status:
                await self._show_failure(scope, error)(scope, receive, sent)
        finally:
            took_ms = (time.perf_counter() - began) * 1000
            access_log.info("%s %s %s %.1f ms", scope["method"], loggable(scope["path"]), sent.status, took_ms)


class _Sent:
    """Passes an answer on, with the security headers, and remembers its status."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            for name, value in SECURITY_HEADERS.items():
                headers[name] = value
            headers.setdefault("Cache-Control", "no-store")
        await self._send(message)


def describe_failure(error: BaseException) -> str:
    """Tell where an error happened, without its message: messages of libraries quote values."""
    frames = traceback.extract_tb(error.__traceback__)
    places = " < ".join(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in reversed(frames[-8:]))
    return f"{type(error).__name__} at {places}"


def loggable(path: str) -> str:
    """Give a path that cannot forge a line of the log."""
    return "".join(character if character.isprintable() else "?" for character in path[:200])
