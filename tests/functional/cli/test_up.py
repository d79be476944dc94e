"""`sandkasse up` from the outside: one address, one server a store, clear refusals."""

import os
import socket
import subprocess
import sys
import urllib.request

import pytest

COMMAND = [sys.executable, "-m", "sandkasse"]


def _run(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *words], capture_output=True, text=True, check=False, env={**os.environ, **variables}, timeout=120
    )


def test_it_prints_one_address_on_this_machine_and_serves_there(sandbox):
    assert sandbox.address.startswith(f"http://127.0.0.1:{sandbox.port}/")
    with urllib.request.urlopen(f"http://127.0.0.1:{sandbox.port}/healthz", timeout=5) as answer:
        assert answer.status == 200


def test_the_sign_in_secret_stands_behind_the_hash_where_no_server_sees_it(sandbox):
    path, _, secret = sandbox.address.partition("#")
    assert "?" not in path
    assert len(secret) >= 32


def test_a_second_up_on_the_same_store_is_told_where_the_first_one_is(sandbox):
    second = _run("up", "--home", str(sandbox.home))
    assert second.returncode == 44
    assert f"http://127.0.0.1:{sandbox.port}" in second.stderr
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


def test_alone_it_says_where_you_are_and_what_to_do_next(sandbox):
    shown = _run(SANDKASSE_HOME=str(sandbox.home))
    assert shown.returncode == 0
    assert str(sandbox.home) in shown.stdout
    assert "next: sandkasse up" in shown.stdout


@pytest.mark.parametrize(
    ("words", "exit_code", "says"),
    [
        (("dataset", "show", "steno"), 21, "steno-2"),
        (("module", "show", "who-has-diabets"), 24, "who-has-diabetes"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest_one(sandbox, words, exit_code, says):
    refused = _run(*words, SANDKASSE_HOME=str(sandbox.home))
    assert refused.returncode == exit_code
    assert says in refused.stderr
    assert "Traceback" not in refused.stderr
