"""`sandkasse up` from the outside: one address, one server a store, clear refusals."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-m", "sandkasse"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store")


@pytest.fixture(scope="module")
def served(home: Path) -> Iterator[dict[str, str]]:
    process = subprocess.Popen(
        [*COMMAND, "up", "--home", str(home), "--json"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    text = ""
    while not text.rstrip().endswith("}"):
        line = process.stdout.readline()
        assert line, "the sandbox stopped before it said its address"
        text += line
    yield json.loads(text)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)


def _run(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *words], capture_output=True, text=True, check=False, env={**os.environ, **variables}, timeout=120
    )


def test_it_prints_one_address_on_this_machine_and_serves_there(served):
    assert served["address"].startswith(f"http://127.0.0.1:{served['port']}/")
    with urllib.request.urlopen(f"http://127.0.0.1:{served['port']}/healthz", timeout=5) as answer:
        assert answer.status == 200


def test_the_sign_in_secret_stands_behind_the_hash_where_no_server_sees_it(served):
    path, _, secret = served["address"].partition("#")
    assert "?" not in path
    assert len(secret) >= 32


def test_a_second_up_on_the_same_store_is_told_where_the_first_one_is(served, home):
    second = _run("up", "--home", str(home))
    assert second.returncode == 44
    assert f"http://127.0.0.1:{served['port']}" in second.stderr
    assert len(second.stderr.splitlines()) == 2


def test_a_port_that_is_taken_is_refused_in_two_lines(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = _run("up", "--home", str(tmp_path / "other"), "--port", str(port))
    assert refused.returncode == 43
    assert str(port) in refused.stderr
    assert refused.stderr.splitlines()[1].startswith("next: ")


def test_alone_it_says_where_you_are_and_what_to_do_next(home):
    shown = _run(SANDKASSE_HOME=str(home))
    assert shown.returncode == 0
    assert str(home) in shown.stdout
    assert "next: sandkasse up" in shown.stdout


@pytest.mark.parametrize(
    ("words", "exit_code", "says"),
    [
        (("dataset", "show", "steno"), 21, "steno-2"),
        (("module", "show", "who-has-diabets"), 24, "who-has-diabetes"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest_one(home, words, exit_code, says):
    refused = _run(*words, SANDKASSE_HOME=str(home))
    assert refused.returncode == exit_code
    assert says in refused.stderr
    assert "Traceback" not in refused.stderr
