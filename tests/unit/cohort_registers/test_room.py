"""A shard's words have room at once: too little of it is no fault that shows, but costs the whole observation again."""

import os

import pytest

from sandkasse.cohort import shards
from sandkasse.cohort.kernels import cache_folder
from sandkasse.cohort.observation import observe
from sandkasse.core.settings import read_settings


@pytest.mark.parametrize("options", [shards.Options(), shards.Options(density="register", tier="messy")])
def test_a_shard_is_observed_once(options: shards.Options, monkeypatch: pytest.MonkeyPatch) -> None:
    shards.prepare(cache_folder(read_settings(os.environ).kernels))
    kernel, calls = observe.observe_persons, []

    def counted(*arguments: object) -> None:
        calls.append(1)
        kernel(*arguments)

    monkeypatch.setattr(observe, "observe_persons", counted)
    # Without the room that even an empty shard has: what counts is the room of each person.
    monkeypatch.setattr(observe, "_ROOM_AT_LEAST", 0)
    shards.make_shard(shards.ShardTask(0, (0, 1500), 1, options=options))
    assert len(calls) == 1
