"""Accounts: the persons who may use the site, and the one who owns a laptop."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from sandkasse.core.clock import Clock
from sandkasse.people import audit
from sandkasse.people.permissions import Role
from sandkasse.people.tables import RoleGrantRow, UserRow

LAPTOP_USER_ID = "laptop"


@dataclass(frozen=True)
class Person:
    """One person who may use the site.

    Attributes:
        id: Stable, never shown as a name.
        name: How the pages address them.
        roles: What they may do, by role.
    """

    id: str
    name: str
    roles: tuple[str, ...]


def find_person(db: Session, user_id: str) -> Person | None:
    """Find an active person by id."""
    row = db.get(UserRow, user_id)
    if row is None or not row.is_active:
        return None
    roles = db.scalars(select(RoleGrantRow.role).where(RoleGrantRow.user_id == user_id).order_by(RoleGrantRow.role))
    return Person(id=row.id, name=row.name, roles=tuple(roles))


def add_person(db: Session, *, user_id: str, name: str, roles: tuple[Role, ...], clock: Clock) -> Person:
    """Add a person with their roles, and log it."""
    now = clock()
    db.add(UserRow(id=user_id, name=name, created_at=now))
    db.flush()
    db.add_all([RoleGrantRow(user_id=user_id, role=role, granted_at=now) for role in roles])
    audit.write(db, clock=clock, actor="site", act="person.add", subject=user_id, roles=",".join(roles))
    return Person(id=user_id, name=name, roles=tuple(sorted(roles)))


def take_laptop_user(db: Session, *, clock: Clock) -> Person:
    """Find the laptop's one user, or make them on the first start."""
    found = find_person(db, LAPTOP_USER_ID)
    if found is not None:
        return found
    return add_person(db, user_id=LAPTOP_USER_ID, name="Laptop user", roles=("trainee", "administrator"), clock=clock)
