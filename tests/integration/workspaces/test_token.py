"""A workspace's token, used from inside a real workspace against a real portal: what it opens, and what it does not."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
import uvicorn

from sandkasse.actions.people import issue_sign_in, sign_in
from sandkasse.actions.site import Site
from sandkasse.actions.workspaces import Handover, serve_workspaces, start_workspace, stop_workspace
from sandkasse.people.accounts import LAPTOP_USER_ID
from sandkasse.portal.app import create_app
from sandkasse.portal.site_acts import real_acts
from sandkasse.workspaces.sandbox import find_why_not_isolated

pytestmark = pytest.mark.attack

# Runs in the learner's kernel: what somebody would try who has found the token.
CALL = """
import json, os, urllib.error, urllib.request
def call(path, *, method="GET", token=os.environ["SANDKASSE_TOKEN"], body=None, cookie=""):
    headers = {"Authorization": "Bearer " + token, "Content-Type": "application/json", "Cookie": cookie}
    url = os.environ["SANDKASSE_PORTAL"] + path
    request = urllib.request.Request(url, data=body, method=method, headers=headers)
    opener = urllib.request.build_opener(NoRedirect)
    try:
        with opener.open(request, timeout=60) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None
"""


@dataclass(frozen=True)
class Serving:
    """A portal that serves, and a workspace that it started."""

    site: Site
    origin: str
    handover: Handover


@pytest.fixture
def serving(site: Site) -> Iterator[Serving]:
    why = find_why_not_isolated()
    if why:
        pytest.skip(f"no isolation to attack on this machine: {why}")
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with serve_workspaces(replace(site, launcher=None), portal_url=origin) as opened:
        app = create_app(opened, origin=origin, acts=real_acts(opened))
        server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_level="warning", access_log=False))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield Serving(opened, origin, start_workspace(opened, user_id=LAPTOP_USER_ID, module_id="demo"))
        finally:
            server.should_exit = True
            thread.join()
            listener.close()


def test_the_token_opens_its_own_module_and_takes_answers_and_nothing_else(serving, notebook):
    server = notebook.at(serving.handover.url)
    answer = json.dumps({"exercise": "count-persons", "answer": 9996}).encode()
    code = f"""{CALL}
answer = {answer!r}
print(json.dumps({{
    "own module": call("/api/modules/demo"),
    "answer": call("/api/attempts", method="POST", body=answer),
    "no token": call("/api/modules/demo", token=""),
    "wrong token": call("/api/modules/demo", token="x" * 43),
    "other module": call("/api/modules/other"),
    "unknown module": call("/api/modules/unheard-of"),
    "answer without a token": call("/api/attempts", method="POST", body=answer, token=""),
    "home": call("/"),
    "progress": call("/progress"),
    "workspaces": call("/workspaces"),
    "start": call("/workspaces", method="POST", body=b"module_id=other"),
    "as a session": call("/progress", token="", cookie="sandkasse=" + os.environ["SANDKASSE_TOKEN"]),
    "as a code": call("/sign-in", method="POST", token="", body=("code=" + os.environ["SANDKASSE_TOKEN"]).encode()),
}}))
"""
    got = json.loads(server.run(code))
    assert {name: got.pop(name) for name in ("own module", "answer")} == {"own module": 200, "answer": 200}
    assert got.pop("other module") == got.pop("unknown module") == 401  # both read the same
    opened = {name: status for name, status in got.items() if status in range(200, 300)}
    assert opened == {}
    # The control: the pages that were refused are there for somebody who is signed in.
    session = sign_in(serving.site, issue_sign_in(serving.site))
    port = serving.origin.rpartition(":")[2]
    control = f"""{CALL}
cookie = "sandkasse-{port}={session}"
print(json.dumps([call(path, token="", cookie=cookie) for path in ("/", "/progress", "/workspaces")]))
"""
    assert json.loads(server.run(control)) == [200, 200, 200]


def test_check_reaches_the_portal_from_the_lesson(serving, notebook):
    code = "import sandkasse; print(repr(sandkasse.check('count-persons', 1)))"
    assert "not" in notebook.at(serving.handover.url).run(code).lower()


def test_a_token_dies_with_its_workspace(serving, notebook):
    import urllib.error
    import urllib.request

    token = notebook.at(serving.handover.url).run("import os; print(os.environ['SANDKASSE_TOKEN'])")

    def status() -> int:
        request = urllib.request.Request(
            f"{serving.origin}/api/modules/demo", headers={"Authorization": f"Bearer {token}"}
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    assert status() == 200
    stop_workspace(serving.site, user_id=LAPTOP_USER_ID, workspace_id=serving.handover.workspace_id)
    assert status() == 401


def test_a_token_dies_when_the_server_is_killed(serving, notebook):
    import psutil

    from sandkasse.actions.people import take_workspace_token
    from sandkasse.core.errors import NotSignedInError

    token = notebook.at(serving.handover.url).run("import os; print(os.environ['SANDKASSE_TOKEN'])")
    assert take_workspace_token(serving.site, token)
    (running,) = serving.site.launcher.list()
    psutil.Process(running.process_id).kill()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            take_workspace_token(serving.site, token)
        except NotSignedInError:
            return
        time.sleep(0.05)
    pytest.fail("the token outlived its workspace")
