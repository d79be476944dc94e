from typing import get_args

import pytest

from sandkasse.workspaces.states import ALIVE, FOLLOWS, WorkspaceState, check_follows


def test_every_state_is_in_the_table():
    assert set(FOLLOWS) == set(get_args(WorkspaceState))


def test_what_is_alive_can_end_and_what_has_ended_stays_so():
    assert {state for state, after in FOLLOWS.items() if "ended" in after} == set(ALIVE)
    assert all(not FOLLOWS[state] for state in set(FOLLOWS) - ALIVE)


@pytest.mark.parametrize("before", ["ended", "failed", "unheard of"])
def test_nothing_comes_back(before):
    with pytest.raises(ValueError, match="cannot become"):
        check_follows(before, "running")
