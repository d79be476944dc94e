"""A portal over fakes on a port of its own, and a real browser before it."""

import importlib.util
import os
import shutil
import socket
import sys
import threading
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import uvicorn

BUILDERS = Path(__file__).parents[2] / "unit" / "portal" / "builders.py"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

if "portal_builders" not in sys.modules:
    _spec = importlib.util.spec_from_file_location("portal_builders", BUILDERS)
    sys.modules["portal_builders"] = importlib.util.module_from_spec(_spec)
    _spec.loader.exec_module(sys.modules["portal_builders"])
builders = sys.modules["portal_builders"]


class _Notebook(BaseHTTPRequestHandler):
    """What the browser finds at a started workspace's address."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<body>JupyterLab")

    def log_message(self, *_):
        pass


class Portal:
    """A portal that serves in a thread of its own."""

    def __init__(self, home, **facts):
        from sandkasse.portal.app import create_app

        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", 0))
        self.origin = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.site = builders.make_site(home)
        self._notebook = HTTPServer(("127.0.0.1", 0), _Notebook)
        self.notebook = f"http://localhost:{self._notebook.server_port}/lab"
        threading.Thread(target=self._notebook.serve_forever, daemon=True).start()
        self.may_start = threading.Event()
        self.may_start.set()
        acts, self.asked = builders.make_acts(**facts)
        acts = replace(acts, start_workspace=self._start)
        app = create_app(self.site, origin=self.origin, acts=acts)
        config = uvicorn.Config(app, access_log=False, server_header=False, log_level="error", lifespan="off")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]})
        self._thread.start()
        deadline = time.monotonic() + 60
        while not self._server.started and time.monotonic() < deadline:
            time.sleep(0.02)
        assert self._server.started

    def _start(self, *request):
        self.asked.started.append(request)
        self.may_start.wait(60)
        return self.notebook

    def code(self):
        from sandkasse.actions.people import issue_sign_in

        return issue_sign_in(self.site)

    def stop(self):
        self._server.should_exit = True
        self._thread.join(10)
        self._socket.close()
        self._notebook.shutdown()
        self._notebook.server_close()
        self.site.engine.dispose()


@pytest.fixture(scope="module")
def portal(tmp_path_factory):
    portal = Portal(
        tmp_path_factory.mktemp("portal"),
        n_datasets=12,
        n_modules=6,
        progress=builders.make_progress(),
        workspaces=(builders.make_workspace(), builders.make_workspace("module-1", state="ended")),
        is_isolated=False,
    )
    yield portal
    portal.stop()


@pytest.fixture(scope="module")
def browser():
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine: install the Debian package chromium")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=30_000)  # playwright's five seconds are few on a busy machine
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def signed_in(portal, browser):
    """The cookies of somebody who signed in by the printed address."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{portal.origin}/sign-in#{portal.code()}")
    page.wait_for_url(f"{portal.origin}/")
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture
def open_page(portal, browser, signed_in):
    """Give a function that opens a browser window and collects what it complains about."""
    contexts = []

    def make(*, width=1280, scheme="light", is_signed_in=True, **options):
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=scheme,
            base_url=portal.origin,
            storage_state=signed_in if is_signed_in else None,
            **options,
        )
        contexts.append(context)
        page = context.new_page()
        page.complaints = []
        page.on("console", lambda message: page.complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        return page

    yield make
    for context in contexts:
        context.close()
