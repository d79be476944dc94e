"""What every runner promises, whatever the place: each task once, results as they come, errors as they were."""

import math
import operator
import os
import time
from functools import partial
from pathlib import Path

import pytest

from sandkasse.core.errors import InvalidInputError, RunInterruptedError
from sandkasse.core.runner import Runner

from .conftest import APART, KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_every_task_is_done_once_after_its_process_was_prepared(make_runner, kind, tmp_path):
    mask = os.umask(0o022)
    try:
        runner: Runner = make_runner(kind)
        # What a process answers is the mask that its preparation, or its last task, has set.
        found = list(runner.run(os.umask, [0o27] * 30, prepare=partial(os.umask, 0o27)))
    finally:
        os.umask(mask)
    assert found == [0o27] * 30
    assert sorted(make_runner(kind).run(operator.neg, range(40), prepare=nothing)) == list(range(-39, 1))


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_of_the_work_comes_as_it_was(make_runner, kind):
    with pytest.raises(ValueError, match="math domain"):
        list(make_runner(kind).run(math.sqrt, [4.0, -1.0], prepare=nothing))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("slurm", "pbs-fake")])
def test_nothing_to_do_is_no_work(make_runner, kind):
    assert list(make_runner(kind).run(operator.neg, [], prepare=nothing)) == []


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_of_ours_comes_with_its_next_step(make_runner, kind):
    with pytest.raises(InvalidInputError) as caught:
        list(make_runner(kind).run(refuse, [1], prepare=nothing))
    assert caught.value.next_step == "choose another number"


@pytest.mark.parametrize("kind", APART)
def test_a_process_that_dies_again_and_again_ends_the_run_with_one_clear_error(make_runner, kind):
    with pytest.raises(RunInterruptedError) as caught:
        list(make_runner(kind).run(os._exit, [3], prepare=nothing))
    assert caught.value.message.endswith(".")
    assert "again" in caught.value.next_step


@pytest.mark.parametrize("kind", APART)
def test_who_stops_listening_stops_the_work(make_runner, kind, tmp_path):
    # Tasks for a minute and more: a machine that is busy with other work stops them late, not never.
    results = make_runner(kind).run(touch, [tmp_path / f"{number:04d}" for number in range(3000)], prepare=nothing)
    next(results)
    results.close()
    before, now = -1, count(tmp_path)
    while now != before:
        time.sleep(1)
        before, now = now, count(tmp_path)
    assert now < 3000


def nothing() -> None:
    """Prepare nothing."""


def refuse(number: int) -> None:
    raise InvalidInputError(f"{number} is no number.", next_step="choose another number")


def count(folder: Path) -> int:
    return len(list(folder.glob("[0-9]*")))


def touch(path: Path) -> None:
    path.touch()
    time.sleep(0.05)
