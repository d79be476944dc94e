"""What each role allows, as data. Acts ask `check_permitted`; nothing else decides who may."""

from collections.abc import Iterable
from typing import Literal

from sandkasse.core.errors import PolicyDeniedError

Role = Literal["trainee", "educator", "administrator"]
Permission = Literal[
    "dataset.read",
    "module.read",
    "workspace.use",
    "attempt.submit",
    "progress.read-own",
    "progress.read-class",
    "audit.read",
    "site.administer",
]

_TRAINEE: frozenset[Permission] = frozenset(
    {"dataset.read", "module.read", "workspace.use", "attempt.submit", "progress.read-own"}
)
ROLES: dict[Role, frozenset[Permission]] = {
    "trainee": _TRAINEE,
    "educator": _TRAINEE | {"progress.read-class"},
    "administrator": _TRAINEE | {"progress.read-class", "audit.read", "site.administer"},
}


def can(roles: Iterable[str], permission: Permission) -> bool:
    """Tell whether one of these roles allows this; an unknown role allows nothing."""
    return any(permission in allowed for role, allowed in ROLES.items() if role in set(roles))


def check_permitted(roles: Iterable[str], permission: Permission) -> None:
    """Refuse an act that none of these roles allows.

    Raises:
        PolicyDeniedError: Naming the roles that would allow it.
    """
    if not can(roles, permission):
        names = ", ".join(role for role, allowed in ROLES.items() if permission in allowed)
        raise PolicyDeniedError(
            f"Your roles do not allow {permission}.", next_step=f"ask an administrator for one of these roles: {names}"
        )
