"""Progress of long work, as a callback: pure code reports counts, a face decides how to show them."""

from collections.abc import Callable

# Called with (done, total, unit), for example (20_000, 100_000, "persons"). Must be cheap; may raise to stop the work.
Progress = Callable[[int, int, str], None]


def no_progress(_done: int, _total: int, _unit: str) -> None:
    """Report to nobody."""
