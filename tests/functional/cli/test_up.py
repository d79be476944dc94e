"""`sandkasse up` from the outside: one address, one server a store, clear refusals."""

import os
import re
import socket
import subprocess
import sys
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from sandkasse.actions import people, site
from sandkasse.core.errors import NotSignedInError
from sandkasse.core.lock import hold_store
from sandkasse.core.settings import HOME_VARIABLE, read_settings

COMMAND = [sys.executable, "-m", "sandkasse"]


def _run(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *words], capture_output=True, text=True, check=False, env={**os.environ, **variables}, timeout=120
    )


class _Healthy(BaseHTTPRequestHandler):
    """What a portal answers to those who ask whether it is there."""

    def do_GET(self):
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def served(tmp_path):
    """A store that this process serves; the shared sandbox's own one-time address must stay good for other tests."""
    settings = read_settings({HOME_VARIABLE: str(tmp_path / "served")})
    site.prepare_site(settings)
    with hold_store(settings.run) as serve_at, HTTPServer(("127.0.0.1", 0), _Healthy) as server:
        serve_at(f"http://127.0.0.1:{server.server_port}")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        opened = site.open_site(settings)
        yield opened, server
        opened.engine.dispose()
        server.shutdown()


def test_it_prints_one_address_on_this_machine_and_serves_there(sandbox):
    assert sandbox.address.startswith(f"http://127.0.0.1:{sandbox.port}/")
    with urllib.request.urlopen(f"http://127.0.0.1:{sandbox.port}/healthz", timeout=60) as answer:
        assert answer.status == 200


def test_the_sign_in_secret_stands_behind_the_hash_where_no_server_sees_it(sandbox):
    path, _, secret = sandbox.address.partition("#")
    assert "?" not in path
    assert len(secret) >= 32


def test_a_second_up_on_the_same_store_offers_a_fresh_address_of_the_first(served):
    opened, server = served
    codes = []
    for _ in range(2):
        second = _run("up", "--home", str(opened.settings.home))
        assert second.returncode == 44
        assert len(second.stderr.splitlines()) == 2
        codes += re.findall(rf"\nnext: open http://127\.0\.0\.1:{server.server_port}/sign-in#(\S+) or ", second.stderr)
    assert len(set(codes)) == 2
    with pytest.raises(NotSignedInError):  # each new code ends the one before that nobody used
        people.sign_in(opened, codes[0])
    assert people.find_session(opened, people.sign_in(opened, codes[1]))


def test_a_second_up_offers_no_address_while_the_first_does_not_answer(tmp_path):
    settings = read_settings({HOME_VARIABLE: str(tmp_path)})
    with hold_store(settings.run):
        second = _run("up", "--home", str(tmp_path))
    assert second.returncode == 44
    assert "sign-in" not in second.stderr
    assert second.stderr.splitlines()[1].startswith("next: stop it")


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
