"""The portal as a process of its own: what it answers, what it writes down, how it stops."""

import os
import re
import signal
import socket
import subprocess
import sys
import time

import httpx
import pytest

from sandkasse.actions.people import issue_sign_in
from sandkasse.actions.site import open_site, prepare_site
from sandkasse.core.settings import HOME_VARIABLE, read_settings


@pytest.fixture
def serving(tmp_path):
    """A served, empty store: its client, its settings, its process."""
    environment = {**os.environ, HOME_VARIABLE: str(tmp_path / "home")}
    settings = read_settings(environment)
    prepare_site(settings)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "sandkasse.portal", "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        wait_until_ready(client, process)
        yield client, settings, process
    if process.poll() is None:
        process.kill()
    process.communicate()


def wait_until_ready(client, process):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            client.get("/healthz")
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(
        f"the portal did not start: {process.stdout.read() if process.poll() is not None else 'too slow'}"
    )


def test_a_served_portal_signs_in_logs_no_secret_and_stops_when_told(serving):
    client, settings, process = serving
    site = open_site(settings)
    code = issue_sign_in(site)
    origin = {"origin": str(client.base_url).rstrip("/")}
    assert client.get("/").status_code == 401
    answer = client.post("/sign-in?hint=ZZQUERY", data={"code": code}, headers=origin)
    assert answer.status_code == 303
    assert "server" not in answer.headers
    session = answer.cookies[f"sandkasse-{client.base_url.port}"]
    assert client.get("/data?q=ZZSEARCH").status_code == 200
    assert client.post("/sign-in", data={"code": code}, headers=origin).status_code == 303  # still signed in
    process.send_signal(signal.SIGTERM)
    printed, _ = process.communicate(timeout=60)
    log = (settings.run / "portal.log").read_text(encoding="utf-8")
    assert re.search(r"INFO GET /data 200 [0-9.]+ ms", log)
    stored = settings.database.read_bytes()
    for secret in (code, session, "ZZQUERY", "ZZSEARCH"):
        assert secret not in printed + log
        assert secret.encode() not in stored
    site.engine.dispose()


def test_only_the_loopback_listens(serving):
    client, _, _ = serving
    addresses = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
    outside = addresses - {"127.0.0.1", "127.0.1.1"}
    if not outside:
        pytest.skip("this machine has no address but the loopback")
    for address in outside:
        with socket.socket() as probe:
            probe.settimeout(2)
            assert probe.connect_ex((address, client.base_url.port)) != 0
