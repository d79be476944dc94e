"""Who may open which dataset: the question, and the answer of a site that holds nothing sensitive."""

from typing import Protocol

from sandkasse.core.errors import PolicyDeniedError

SANDBOX_TIERS = frozenset({"public", "simulated", "twin", "anonymised"})


class AccessGuard(Protocol):
    """Decides at the moment of opening; a secure site's guard reads the permit, a sandbox's reads the access tier."""

    def check_may_open(self, dataset_id: str, *, version: str, tier: str) -> None:
        """Let the opening go on, or raise `PolicyDeniedError` with who can grant it."""


class SandboxGuard:
    """The guard of a sandbox: everything in it may be opened, because nothing sensitive may be in it."""

    def check_may_open(self, dataset_id: str, *, version: str, tier: str) -> None:
        """Refuse a dataset whose card states none of the tiers that a sandbox may hold.

        Raises:
            PolicyDeniedError: If the tier is none of public, simulated, twin or anonymised.
        """
        if tier not in SANDBOX_TIERS:
            raise PolicyDeniedError(
                f"Dataset {dataset_id!r} version {version} has the access tier {tier!r}, which no sandbox may hold.",
                next_step="ask the data steward of this site; such data is opened inside a secure site only",
            )
