"""Which state of a workspace follows which: one table."""

from collections.abc import Mapping
from typing import Literal, cast

WorkspaceState = Literal["starting", "running", "failed", "ended"]

FOLLOWS: Mapping[WorkspaceState, frozenset[WorkspaceState]] = {
    "starting": frozenset({"running", "failed", "ended"}),
    "running": frozenset({"ended"}),
    "failed": frozenset(),
    "ended": frozenset(),
}
ALIVE: frozenset[WorkspaceState] = frozenset({"starting", "running"})


def check_follows(before: str, after: WorkspaceState) -> None:
    """Refuse a state that cannot follow.

    Raises:
        ValueError: If a caller in this program is wrong; no person's input gets here.
    """
    if after not in FOLLOWS.get(cast(WorkspaceState, before), frozenset()):
        raise ValueError(f"a workspace that is {before} cannot become {after}")
