"""From Start pressed to a usable JupyterLab, side by side with a bare JupyterLab without act, sandbox or supervisor.

Prints JSON, in seconds from the call: `answers`, when the act gives the address; `page`, when JupyterLab's page has
come; `kernel`, when a new kernel has run a line; and with `--browser`, `notebook`, when Chromium shows the lesson with
an idle kernel. The first start of a portal and the median of the later ones are apart. Run it on an idle machine.
"""

import argparse
import json
import os
import secrets
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import websocket

from sandkasse.actions.cohorts import publish_class_cohort
from sandkasse.actions.site import open_site, prepare_site
from sandkasse.actions.workspaces import serve_workspaces, show_launcher, start_workspace, stop_workspace
from sandkasse.core.database import transaction
from sandkasse.core.progress_bar import no_progress
from sandkasse.core.settings import HOME_VARIABLE, read_settings
from sandkasse.people.accounts import LAPTOP_USER_ID, take_laptop_user

TARGET_S = 10
MODULE = "who-has-diabetes"

Timings = dict[str, float]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=5, help="later starts to measure")
    parser.add_argument("--home", type=Path, help="a store that has the demo data; without it, one is made")
    parser.add_argument("--browser", action="store_true", help="measure in Chromium too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        ours, isolation = measure_workspaces(options.home or Path(folder) / "store", options.times, options.browser)
        bare = [measure_bare(Path(folder), options.browser) for _ in range(options.times)]
    result = {
        "target_s": TARGET_S,
        "isolation": isolation,
        "workspace_first": ours[0],
        "workspace_later_median": medians(ours[1:]),
        "bare_jupyterlab_median": medians(bare),
        "load_average": os.getloadavg()[0],
    }
    print(json.dumps(result, indent=2))


def measure_workspaces(home: Path, times: int, with_browser: bool) -> tuple[list[Timings], str]:
    """Start and stop a module's workspace some times, as a portal does."""
    settings = read_settings({**os.environ, HOME_VARIABLE: str(home)})
    prepare_site(settings)
    publish_class_cohort(settings, progress=no_progress)
    site = open_site(settings)
    with transaction(site.engine) as db:
        take_laptop_user(db, clock=site.clock)
    found = []
    with serve_workspaces(site, portal_url="http://127.0.0.1:9") as serving:
        for _ in range(times + 1):
            started = time.perf_counter()
            handover = start_workspace(serving, user_id=LAPTOP_USER_ID, module_id=MODULE)
            found.append(measure_from(started, handover.url, with_browser))
            stop_workspace(serving, user_id=LAPTOP_USER_ID, workspace_id=handover.workspace_id)
        isolation = show_launcher(serving).isolation
    return found, isolation


def measure_bare(folder: Path, with_browser: bool) -> Timings:
    """Start JupyterLab as its own documentation says, and stop it."""
    started = time.perf_counter()
    with bare_jupyterlab(folder) as url:
        return measure_from(started, url, with_browser)


@contextmanager
def bare_jupyterlab(folder: Path) -> Iterator[str]:
    """Run a JupyterLab with a token, and give its address once it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = secrets.token_hex(16)
    options = ["--no-browser", f"--ServerApp.port={port}", f"--ServerApp.root_dir={folder}", "--allow-root"]
    process = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", *options],
        env={**os.environ, "JUPYTER_TOKEN": token},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(lambda: fetch(f"http://localhost:{port}/api"))
        yield f"http://localhost:{port}/lab?token={token}"
    finally:
        process.kill()
        process.wait()


def measure_from(started: float, url: str, with_browser: bool) -> Timings:
    """Measure what follows the address: the page, a kernel that has run a line, and the notebook in a browser."""
    found = {"answers": time.perf_counter() - started}
    fetch(url)
    found["page"] = time.perf_counter() - started
    run_a_line(url)
    found["kernel"] = time.perf_counter() - started
    if with_browser:
        # From the address on, so that the browser does not wait for the measurements before it.
        found["notebook"] = found["answers"] + seconds_in_browser(url)
    return {name: round(seconds, 2) for name, seconds in found.items()}


def run_a_line(url: str) -> None:
    """Start a kernel, run a line in it and wait until it is idle again."""
    parts = urllib.parse.urlsplit(url)
    base = f"{parts.netloc}{parts.path.partition('lab')[0]}api/kernels"
    authorization = f"token {urllib.parse.parse_qs(parts.query)['token'][0]}"
    request = urllib.request.Request(f"http://{base}", method="POST", headers={"Authorization": authorization})
    with urllib.request.urlopen(request, timeout=60) as answer:
        kernel = json.load(answer)["id"]
    line = websocket.create_connection(f"ws://{base}/{kernel}/channels", header=[f"Authorization: {authorization}"])
    header = {"msg_id": "1", "msg_type": "execute_request", "session": "b", "username": "", "version": "5.3"}
    content = {"code": "1", "silent": False, "store_history": False, "allow_stdin": False}
    line.send(
        json.dumps({"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"})
    )
    while True:
        got = json.loads(line.recv())
        is_ours = got["parent_header"].get("msg_id") == "1"
        if is_ours and got["msg_type"] == "status" and got["content"]["execution_state"] == "idle":
            break
    line.close()


def seconds_in_browser(url: str) -> float:
    """Open the address in Chromium and wait for JupyterLab; for a notebook, until its kernel is idle."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  a dependency of the tests, not of this program

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_page()
        started = time.perf_counter()
        page.goto(url)
        if "/tree/" in url:
            page.wait_for_selector(
                ".jp-NotebookPanel .jp-Notebook-ExecutionIndicator[data-status=idle]", timeout=60_000
            )
        else:
            page.wait_for_selector(".jp-Launcher-content", timeout=60_000)
        seconds = time.perf_counter() - started
        browser.close()
    return seconds


def fetch(url: str) -> bool:
    """Fetch an address; says whether it answered."""
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            answer.read()
    except (urllib.error.URLError, ConnectionError):
        return False
    return True


def wait_for(is_so: Callable[[], bool]) -> None:
    """Ask until it is so, every 20 ms."""
    while not is_so():
        time.sleep(0.02)


def medians(found: list[Timings]) -> Timings:
    """Give the median of each timing."""
    return {name: round(statistics.median(one[name] for one in found), 2) for name in found[0]}


if __name__ == "__main__":
    main()
