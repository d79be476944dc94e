"""The demo data's distributions are counted behind the portal's back, and never in the way of its end."""

import os
import threading
from dataclasses import replace

import pytest
from portal_builders import make_acts, make_card

from sandkasse.core.errors import CorruptDatasetError
from sandkasse.portal.warm import NICENESS, warm_profiles


def _acts(count, *cards):
    acts, _ = make_acts()
    return replace(acts, list_datasets=lambda: cards, profile_table=count)


def test_every_table_of_the_default_datasets_is_counted_and_of_no_other():
    counted = []
    acts = _acts(lambda *names: counted.append(names), make_card(1), make_card(2, default_for=True))
    with warm_profiles(acts, wait_s=0) as thread:
        thread.join(20)
    assert counted == [("dataset-2", "persons"), ("dataset-2", "visits")]


def test_a_table_that_cannot_be_read_does_not_keep_the_next_from_being_counted():
    counted = []

    def count(*names):
        counted.append(names)
        raise CorruptDatasetError("A file is cut short.", next_step="fetch it again")

    with warm_profiles(_acts(count, make_card(default_for=True)), wait_s=0) as thread:
        thread.join(20)
    assert len(counted) == 2


def test_an_end_before_the_wait_is_over_counts_nothing_and_does_not_wait():
    counted = []
    with warm_profiles(_acts(lambda *names: counted.append(names), make_card(default_for=True)), wait_s=3600) as thread:
        pass
    assert not thread.is_alive()
    assert not counted


def test_an_end_waits_for_the_table_that_is_being_counted_and_no_other():
    counted, begun, go_on = [], threading.Event(), threading.Event()

    def count(*names):
        begun.set()
        go_on.wait(20)
        counted.append(names)

    with warm_profiles(_acts(count, make_card(default_for=True)), wait_s=0) as thread:
        assert begun.wait(20)
        threading.Timer(0.2, go_on.set).start()
    assert not thread.is_alive()
    assert len(counted) == 1


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="only on Linux has a thread a priority of its own")
def test_it_gives_way_to_pages_and_notebooks():
    found = []
    acts = _acts(
        lambda *_: found.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id())),
        make_card(default_for=True),
    )
    ours = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    with warm_profiles(acts, wait_s=0) as thread:
        thread.join(20)
    assert found == [max(ours, NICENESS)] * 2
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == ours
