"""The present moment, as an argument: pure code is given a clock, and tests give their own."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """Give the present moment in UTC."""
    return datetime.now(UTC)
