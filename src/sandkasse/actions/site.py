"""One installation, opened: what acts are given to work with."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from sandkasse.core.clock import Clock, system_clock
from sandkasse.core.database import open_engine
from sandkasse.core.settings import Settings

if TYPE_CHECKING:
    from sandkasse.workspaces.launcher import Launcher


@dataclass(frozen=True)
class Site:
    """One installation.

    Attributes:
        settings: Where its files are.
        engine: Its database.
        clock: What it takes for the present moment.
        launcher: What starts its notebook servers; absent where none are offered.
    """

    settings: Settings
    engine: Engine
    clock: Clock
    launcher: "Launcher | None" = None


def open_site(settings: Settings, *, clock: Clock = system_clock, launcher: "Launcher | None" = None) -> Site:
    """Open the site whose store is `settings.home`."""
    return Site(settings=settings, engine=open_engine(settings.database), clock=clock, launcher=launcher)


def prepare_site(settings: Settings) -> None:
    """Make the site's store if it is not there, and bring its database to the present form."""
    from sandkasse.migrations import upgrade  # Alembic is slow to import, and notebooks never need it

    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name in ("datasets", "truth", "workspaces", "secrets", "run", "cache"):
        (settings.home / name).mkdir(exist_ok=True, mode=0o700)
    upgrade(open_engine(settings.database))
