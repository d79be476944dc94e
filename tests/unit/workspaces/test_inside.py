"""The program that runs first in a workspace, run as one: it must not touch this process's own limits."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict

import pytest

from sandkasse.workspaces.inside import Limits

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits of processes are tested on Linux")

HOG = "block = bytearray(600 << 20); print('had it')"


def run(limits: Limits, code: str) -> "subprocess.CompletedProcess[str]":
    first = [sys.executable, "-m", "sandkasse.workspaces.inside", limits.to_json()]
    command = [*first, sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_limits_travel_as_text():
    limits = Limits(memory_bytes=1 << 30)
    assert Limits(**json.loads(limits.to_json())) == limits
    assert asdict(limits)["memory_bytes"] == 1 << 30


def test_limits_are_lowered_for_good():
    code = """
import json, resource
kinds = ("CORE", "DATA", "FSIZE", "NOFILE")
print(json.dumps({kind: resource.getrlimit(getattr(resource, f"RLIMIT_{kind}")) for kind in kinds}))
"""
    result = run(Limits(memory_bytes=1 << 30, file_bytes=1 << 20, open_files=64), code)
    assert json.loads(result.stdout) == {
        "CORE": [0, 0],
        "DATA": [1 << 30, 1 << 30],
        "FSIZE": [1 << 20, 1 << 20],
        "NOFILE": [64, 64],
    }


def test_a_process_that_takes_too_much_memory_is_told_so_and_others_are_not():
    assert run(Limits(memory_bytes=2 << 30), HOG).stdout == "had it\n"
    assert "MemoryError" in run(Limits(memory_bytes=256 << 20), HOG).stderr


def test_the_engines_work_within_two_gigabytes():
    code = """
import duckdb, pyarrow.compute
found = duckdb.sql("select range as i, random() as x from range(2_000_000)").to_arrow_table()
print(duckdb.sql("select count(*) from found where x < 2").fetchall()[0][0], pyarrow.compute.max(found["i"]))
"""
    result = run(Limits(memory_bytes=2 << 30), code)
    assert result.stdout == "2000000 1999999\n", result.stderr


def test_the_end_of_the_parent_is_the_end_of_the_server():
    parent = (
        "import subprocess, sys; "
        "p = subprocess.Popen([sys.executable, '-m', 'sandkasse.workspaces.inside', sys.argv[1], '/bin/sleep', '59']); "
        "print(p.pid, flush=True); p.wait()"
    )
    command = [sys.executable, "-c", parent, Limits(memory_bytes=1 << 30).to_json()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        child = int(process.stdout.readline())
        _wait_until(lambda: _is_sleeping(child))
        assert _is_sleeping(child)
        os.kill(process.pid, signal.SIGKILL)
    _wait_until(lambda: not _is_sleeping(child))
    assert not _is_sleeping(child)


def _wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not is_so() and time.monotonic() < deadline:
        time.sleep(0.02)


def _is_sleeping(process_id: int) -> bool:
    try:
        with open(f"/proc/{process_id}/cmdline", "rb") as file:
            return file.read() == b"/bin/sleep\x0059\x00"
    except OSError:
        return False
