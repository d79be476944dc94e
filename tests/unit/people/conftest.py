from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from sandkasse.core.database import Base, open_engine, transaction
from sandkasse.people import tables
from sandkasse.people.accounts import take_laptop_user


class HandClock:
    """A clock that moves only when a test moves it."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, step: timedelta) -> None:
        self.now += step


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def engine(tmp_path: Path, clock: HandClock) -> Iterator[Engine]:
    """A database with the people tables and the laptop's user."""
    engine = open_engine(tmp_path / "site.db")
    names = [
        row.__table__
        for row in (tables.UserRow, tables.RoleGrantRow, tables.TokenRow, tables.AuditRow, tables.AuditHeadRow)
    ]
    Base.metadata.create_all(engine, tables=names)  # type: ignore[arg-type]
    with transaction(engine) as db:
        take_laptop_user(db, clock=clock)
    yield engine
    engine.dispose()
