"""Counting the demo data's distributions before somebody asks, so that their first view is quick."""

import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sandkasse.core.errors import SandkasseError
from sandkasse.portal.acts import Acts

# Our choices: the start and the first page have the machine to themselves; pages and notebooks come before this.
WAIT_S = 5.0
NICENESS = 10
log = logging.getLogger("sandkasse.portal")


@contextmanager
def warm_profiles(acts: Acts, *, wait_s: float = WAIT_S) -> Iterator[threading.Thread]:
    """Count the distributions of every default dataset's tables, behind whatever else happens in the block.

    Leaving the block ends it after the table that is being counted: a thread that is still inside the database when
    the interpreter ends would abort the process.

    Args:
        acts: What the portal asks; it keeps what was counted.
        wait_s: Seconds before it begins.

    Yields:
        The thread that counts.
    """
    stop = threading.Event()
    thread = threading.Thread(target=_count, args=(acts, stop, wait_s), name="warm-profiles")
    thread.start()
    try:
        yield thread
    finally:
        stop.set()
        thread.join()


def _count(acts: Acts, stop: threading.Event, wait_s: float) -> None:
    if stop.wait(wait_s):
        return
    if hasattr(os, "setpriority"):
        with suppress(OSError):  # on Linux a thread, and those that it starts, have a priority of their own
            os.setpriority(os.PRIO_PROCESS, 0, max(NICENESS, os.getpriority(os.PRIO_PROCESS, 0)))
    cards = acts.list_datasets()
    for card in cards:  # the search looks into every contract
        if stop.is_set():
            return
        with suppress(SandkasseError):  # its own page says so
            acts.show_dataset(card.id)
    for card in cards:
        # The largest first: a dataset's own page shows them, and nobody waits long for the others.
        for table in sorted(card.rows, key=lambda name: -card.rows[name]) if card.default_for else ():
            if stop.is_set():
                return
            try:
                acts.profile_table(card.id, table)
            except SandkasseError as error:  # its own page says so, too
                log.warning("profile of %s in %s not counted: %s", table, card.id, error.code)
