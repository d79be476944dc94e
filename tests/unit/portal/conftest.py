import asyncio
import importlib.util
import shutil
import sys
from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest

from sandkasse.portal.app import create_app

_spec = importlib.util.spec_from_file_location("portal_builders", Path(__file__).with_name("builders.py"))
builders = importlib.util.module_from_spec(_spec)
sys.modules["portal_builders"] = builders
_spec.loader.exec_module(builders)


class Client:
    """A browser without a screen: keeps cookies, follows nothing, waits for each answer."""

    def __init__(self, app, origin):
        self._runner = asyncio.Runner()
        self._client = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=origin)
        self.headers, self.cookies = self._client.headers, self._client.cookies

    def request(self, method, path, **values):
        return self._runner.run(self._client.request(method, path, **values))

    def get(self, path, **values):
        return self.request("GET", path, **values)

    def post(self, path, **values):
        return self.request("POST", path, **values)

    def read(self, path):
        return Page(self.get(path).text)

    def csrf(self):
        return self.read("/about").find("input", name="csrf")[0]["value"]

    def close(self):
        self._runner.run(self._client.aclose())
        self._runner.close()


class Page(HTMLParser):
    """What a test asks of a page: its texts, links, forms, and what a strict policy forbids."""

    VOID = frozenset({"meta", "link", "input", "br", "hr", "img"})

    def __init__(self, html):
        super().__init__()
        self.tags, self.texts, self._open = [], [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._open.append(tag)

    def handle_data(self, data):
        if self._open[-1:] == ["script"]:
            self.tags.append(("inline-script", {"text": data}))
        self.texts.append(data)

    def handle_endtag(self, tag):
        while self._open and self._open.pop() != tag:
            pass

    @property
    def text(self):
        return " ".join(" ".join(self.texts).split())

    def find(self, tag, **attributes):
        return [found for name, found in self.tags if name == tag and attributes.items() <= found.items()]

    @property
    def links(self):
        return [found["href"] for found in self.find("a")]


@pytest.fixture(scope="session")
def ready_database(tmp_path_factory):
    """A migrated database in which the laptop user is signed in once, to copy; and that session's secret."""
    site = builders.make_site(tmp_path_factory.mktemp("ready"))
    secret = builders.make_session(site)
    site.engine.dispose()  # the last connection writes everything into the one file
    return site.settings.database, secret


@pytest.fixture
def site(tmp_path, ready_database):
    shutil.copy(ready_database[0], tmp_path / "site.db")
    site = builders.open_there(tmp_path)
    yield site
    site.engine.dispose()


@pytest.fixture
def open_portal(site, ready_database):
    """Give a function that makes a client of a portal over fakes, signed in unless told otherwise."""
    clients = []
    sessions = [ready_database[1]]  # the first client takes the ready session, each other one its own

    def make(*, is_signed_in=True, origin=builders.ORIGIN, acts=None, **facts):
        acts, asked = (acts, None) if acts else builders.make_acts(**facts)
        app = create_app(site, origin=origin, acts=acts)
        client = Client(app, origin)
        client.headers["sec-fetch-site"] = "same-origin"
        client.asked = asked
        if is_signed_in:
            client.cookies.set(
                f"sandkasse-{origin.rpartition(':')[2]}", sessions.pop() if sessions else builders.make_session(site)
            )
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def page_of():
    return Page
