"""Acts on people: signing in with a one-time code, staying signed in, signing out, and what a workspace may do."""

from dataclasses import dataclass
from datetime import timedelta

from sandkasse.actions.site import Site
from sandkasse.core.database import transaction
from sandkasse.core.errors import NotSignedInError
from sandkasse.people import audit, tokens
from sandkasse.people.accounts import Person, find_person, take_laptop_user
from sandkasse.people.permissions import Permission, check_permitted
from sandkasse.people.tokens import TokenRecord

SIGN_IN_LIFETIME = timedelta(minutes=30)  # our choice: long enough to find the browser, short enough to be forgotten
SESSION_LIFETIME = timedelta(days=7)  # our choice: a course week


@dataclass(frozen=True)
class Session:
    """Somebody who is signed in.

    Attributes:
        person: Who.
        token_id: Names the session in the log.
    """

    person: Person
    token_id: str


def issue_sign_in(site: Site) -> str:
    """Make the laptop user's one-time sign-in code, ending any earlier one that was not used.

    Returns:
        The secret, this once. It works once and for `SIGN_IN_LIFETIME`. Put it behind a `#` in an address, never in a
        path or a query: those are logged.
    """
    with transaction(site.engine) as db:
        person = take_laptop_user(db, clock=site.clock)
        tokens.revoke_kind(db, kind="sign-in", user_id=person.id)
        secret = tokens.issue(db, kind="sign-in", user_id=person.id, clock=site.clock, lifetime=SIGN_IN_LIFETIME)
        audit.write(db, clock=site.clock, actor="site", act="sign-in.issue", subject=person.id)
    return secret


def sign_in(site: Site, code: str) -> str:
    """Trade a one-time code for a session.

    Args:
        site: The installation.
        code: What the person pasted or their address carried.

    Returns:
        The session's secret, for the browser's cookie.

    Raises:
        NotSignedInError: If the code is unknown, used or too old.
    """
    with transaction(site.engine) as db:
        record = tokens.find(db, code.strip(), kind="sign-in", clock=site.clock)
        person = None if record is None else find_person(db, record.user_id)
        if person is not None:
            secret = tokens.issue(db, kind="session", user_id=person.id, clock=site.clock, lifetime=SESSION_LIFETIME)
            audit.write(db, clock=site.clock, actor=person.id, act="sign-in.use", subject=person.id)
            return secret
    raise NotSignedInError(
        "This sign-in code is not valid: it was used already, is too old, or was copied in part.",
        next_step="start `sandkasse up` again: it prints a new address",
    )


def find_session(site: Site, secret: str) -> Session | None:
    """Find who is signed in with this session's secret, or nobody."""
    with transaction(site.engine) as db:
        record = tokens.find(db, secret, kind="session", clock=site.clock)
        person = None if record is None else find_person(db, record.user_id)
    return None if record is None or person is None else Session(person=person, token_id=record.id)


def sign_out(site: Site, session: Session) -> None:
    """End a session now."""
    with transaction(site.engine) as db:
        tokens.revoke(db, session.token_id)
        audit.write(db, clock=site.clock, actor=session.person.id, act="sign-out", subject=session.person.id)


def check_may(session: Session, permission: Permission) -> None:
    """Refuse what the person's roles do not allow.

    Raises:
        PolicyDeniedError: Naming the roles that would allow it.
    """
    check_permitted(session.person.roles, permission)


def take_workspace_token(site: Site, secret: str, *, module_id: str | None = None) -> TokenRecord:
    """Find the workspace that presents this token, for reading its own module or sending an answer.

    Args:
        site: The installation.
        secret: What the notebook sent as bearer token.
        module_id: The module that it asks for, if it names one.

    Raises:
        NotSignedInError: If the token is not valid (any more), or is for another module. Both say the same, so that a
            token learns nothing about other modules.
    """
    with transaction(site.engine) as db:
        record = tokens.find(db, secret, kind="workspace", clock=site.clock)
        person = None if record is None else find_person(db, record.user_id)
        if record is not None and person is not None and record.module_id is not None:
            check_permitted(person.roles, "attempt.submit")
            if module_id in {None, record.module_id}:
                return record
    raise NotSignedInError(
        "This notebook's token does not open this.", next_step="start the module again from its page in the portal"
    )
