"""The supervisor as a process: how it answers, and how it ends."""

import json
import signal
import subprocess
import sys

import pytest


@pytest.fixture
def supervisor():
    command = [sys.executable, "-P", "-m", "sandkasse.workspaces.supervisor"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, **pipes) as process:
        yield process
        process.kill()


def ask(process: "subprocess.Popen[bytes]", **message: object) -> dict[str, object]:
    process.stdin.write(json.dumps(message).encode() + b"\n")
    process.stdin.flush()
    return json.loads(process.stdout.readline())


def test_it_answers_what_it_knows_and_says_what_it_does_not(supervisor):
    assert ask(supervisor, id=1, act="list") == {"id": 1, "done": []}
    assert ask(supervisor, id=2, act="stop", workspace_id="unheard-of") == {"id": 2, "done": None}
    assert "failed" in ask(supervisor, id=3, act="dance")
    assert ask(supervisor, id=4, act="list") == {"id": 4, "done": []}


@pytest.mark.parametrize("end", ["input", signal.SIGTERM, signal.SIGINT])
def test_it_ends_in_order(supervisor, end):
    ask(supervisor, id=1, act="list")
    if end == "input":
        supervisor.stdin.close()
    else:
        supervisor.send_signal(end)
    assert supervisor.wait(60) == 0
    assert supervisor.stderr.read() == b""
