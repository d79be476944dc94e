"""An R notebook in a running workspace: it opens a dataset and hands in an answer, as a learner would."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pyarrow as pa
import pytest

from sandkasse.actions.people import issue_sign_in
from sandkasse.actions.site import open_site, prepare_site
from sandkasse.core.r_language import find_r
from sandkasse.core.settings import CONTENT_VARIABLE, HOME_VARIABLE, read_settings
from sandkasse.training.verdict import Verdict
from sandkasse.training.wire import read_submission
from sandkasse.workspaces.launcher import WorkspaceRequest
from sandkasse.workspaces.local import LocalLauncher, LocalOptions
from sandkasse.workspaces.sandbox import find_why_not_isolated

REPOSITORY = Path(__file__).parents[3]
pytestmark = pytest.mark.skipif(not find_r(os.environ).is_usable, reason=find_r(os.environ).why_not() or "R is here")

LESSON = """
library(dplyr, warn.conflicts = FALSE)
registers <- sandkasse::open("steno-2")
print(registers)
visits <- collect(registers$visits)
cat("rows", nrow(visits), "date", class(visits$visit_date), "\\n")
n <- sandkasse::query(registers, "SELECT count(*) AS n FROM persons")$n
cat("the site's own settings of R:", file.exists(c("/etc/R/Renviron.site", "/etc/R/Rprofile.site")), "\n")
sandkasse::check("count", n)
sandkasse::check("list", data.frame(pnr = c("a", NA), day = as.Date(c("2020-02-29", NA)), n = 1:2))
"""


@dataclass
class Portal:
    """Takes answers as the portal does, and says that each of them is right."""

    port: int = 0
    answers: dict[str, object] = field(default_factory=dict)


@pytest.fixture
def portal() -> Iterator[Portal]:
    told = Portal()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.headers["Authorization"] == "Bearer portal-secret"
            body = self.rfile.read(int(self.headers["Content-Length"]))
            submission = read_submission(self.headers["Content-Type"], body)
            told.answers[submission.exercise] = submission.answer
            verdict = Verdict(module="demo", exercise=submission.exercise, passed=True, says="It is right.")
            self.send_response(200)
            self.end_headers()
            self.wfile.write(verdict.to_json())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told.port = server.server_port
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield told
    server.shutdown()
    server.server_close()


def prepare(folder, isolation, portal):
    """Give a launcher, and what a workspace with one dataset asks of it."""
    own = folder / "own"
    own.mkdir()
    request = WorkspaceRequest(
        workspace_id="r",
        user_id="me",
        module_id="demo",
        folder=own,
        datasets={"steno-2": REPOSITORY / "datasets" / "steno-2"},
        bindings={"steno-2": "steno-2"},
        portal_url=f"http://127.0.0.1:{portal.port}",
        portal_token="portal-secret",
    )
    return LocalLauncher(LocalOptions(folder / "run", (folder / "hidden",), isolation=isolation)), request


@pytest.mark.parametrize("isolation", ["auto", "none"])
def test_an_r_kernel_opens_a_dataset_and_hands_in_answers(isolation, portal, notebook, tmp_path):
    if isolation == "auto" and find_why_not_isolated():
        pytest.skip(f"no isolation on this machine: {find_why_not_isolated()}")
    launcher, request = prepare(tmp_path, isolation, portal)
    try:
        seen = notebook.of(launcher.start(request))
        kernels = json.loads(seen.ask("api/kernelspecs", Authorization=f"token {seen.token}").body)["kernelspecs"]
        assert kernels["ir"]["spec"]["display_name"] == "R"
        assert "sandkasse.notebook.r_kernel" in kernels["ir"]["spec"]["argv"]
        said = seen.run(LESSON, kernel_name="ir")
    finally:
        launcher.close()
    assert re.search(r"visits +750 rows", said), said
    assert "rows 750 date Date" in said
    assert isolation == "none" or "the site's own settings of R: FALSE FALSE" in said
    assert said.count("Passed. It is right.") == 2
    assert portal.answers["count"] == 160
    table = portal.answers["list"]
    assert isinstance(table, pa.Table)
    assert table.to_pydict()["pnr"] == ["a", None]
    assert [str(day) for day in table.to_pydict()["day"]] == ["2020-02-29", "None"]
    assert table.to_pydict()["n"] == [1, 2]


OURS = [
    ('sandkasse::open("steno-3")', "DatasetNotFoundError: "),
    ('registers <- sandkasse::open("steno-2"); registers$visit', "TableNotFoundError: "),
    ('sandkasse::check("count", 1:3)', "Error: Expected one value; got 3."),
]


@pytest.mark.parametrize("isolation", ["none"])
def test_an_error_of_ours_is_its_two_lines_and_one_of_r_keeps_its_stack(isolation, portal, notebook, tmp_path):
    launcher, request = prepare(tmp_path, isolation, portal)
    try:
        seen = notebook.of(launcher.start(request))
        for code, begins in OURS:
            with pytest.raises(AssertionError) as caught:
                seen.run(code, kernel_name="ir")
            first, second = str(caught.value).splitlines()
            assert first.startswith(begins)
            assert second.startswith("next: ")
        with pytest.raises(AssertionError, match=r"(?s)subscript out of bounds.*Traceback"):
            seen.run("f <- function(x) x[[3]]; f(list())", kernel_name="ir")
    finally:
        launcher.close()


R_ON_THE_ROAD = """
sample <- sandkasse::open("diabetes-register-sample")
n <- sandkasse::query(sample, "SELECT count(*) AS n FROM persons")$n
sandkasse::check("count-persons", n)
sandkasse::check("count-persons", 1)
cat("error:", tryCatch(sandkasse::check("count-parsons", 1), error = conditionMessage))
"""


@pytest.fixture
def served(tmp_path, small_content) -> Iterator[httpx.Client]:
    """A real portal on a store with one small module, with the laptop's user signed in."""
    environment = {**os.environ, HOME_VARIABLE: str(tmp_path / "home"), CONTENT_VARIABLE: str(small_content)}
    prepare_site(read_settings(environment))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "sandkasse.portal", "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(command, env=environment)
    site = open_site(read_settings(environment))
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            wait_until_it_answers(client)
            origin = {"origin": str(client.base_url).rstrip("/")}
            assert client.post("/sign-in", data={"code": issue_sign_in(site)}, headers=origin).status_code == 303
            client.headers.update(origin)
            yield client
    finally:
        site.engine.dispose()
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def wait_until_it_answers(client: httpx.Client) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.TransportError):
            client.get("/healthz")
            return
        time.sleep(0.1)
    raise AssertionError("the portal did not start")


@pytest.mark.slow
def test_an_answer_from_r_is_graded_by_the_portal_and_counts(served, notebook):
    page = served.get("/learn/demo").text
    csrf = re.search(r'name="csrf"[^>]*value="([^"]+)"', page).group(1)
    started = served.post("/workspaces/start", data={"module_id": "demo", "csrf": csrf})
    assert started.status_code == 303, started.text
    said = notebook.at(started.headers["location"]).run(R_ON_THE_ROAD, kernel_name="ir")
    assert "Passed. The number is right." in said
    assert "Not yet." in said
    assert "did you mean count-persons" in said
    assert "2 tries" in served.get("/learn/demo").text
