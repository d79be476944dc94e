"""What every launcher promises, asked of the local one in both its modes."""

import http.client
import threading
import time
from urllib.parse import urlsplit

import psutil
import pytest

from sandkasse.core.errors import WorkspaceStartError
from sandkasse.workspaces.launcher import Info, Launcher
from sandkasse.workspaces.local import LocalLauncher, LocalOptions
from sandkasse.workspaces.sandbox import find_why_not_isolated


@pytest.fixture(params=["auto", "none"])
def news_and_launcher(request, tmp_path):
    if request.param == "auto" and find_why_not_isolated():
        pytest.skip(f"no isolation on this machine: {find_why_not_isolated()}")
    news: list[object] = []
    launcher = LocalLauncher(
        LocalOptions(tmp_path / "run", (tmp_path,), isolation=request.param), when_ended=news.append
    )
    yield news, launcher
    launcher.close()


@pytest.fixture
def launcher(news_and_launcher):
    return news_and_launcher[1]


def answers(url: str) -> int:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection("127.0.0.1", parts.port, timeout=60)
    try:
        connection.request("GET", f"{parts.path}?{parts.query}", headers={"Host": parts.netloc})
        return connection.getresponse().status
    finally:
        connection.close()


def test_it_says_what_it_is(launcher):
    as_protocol: Launcher = launcher
    info = as_protocol.info
    assert isinstance(info, Info)
    assert info.id
    assert info.title
    assert bool(info.why_not_isolated) != info.is_isolated


def test_a_life(news_and_launcher, make_request, tmp_path):
    news, launcher = news_and_launcher
    assert launcher.list() == ()
    running = launcher.start(make_request())
    assert answers(running.url) == 200
    assert (running.workspace_id, running.user_id, running.module_id) == ("me-demo", "me", "demo")
    assert running.isolation == launcher.info.isolation
    assert running.ends_at is not None
    assert [one.workspace_id for one in launcher.list()] == ["me-demo"]

    again = launcher.start(make_request(workspace_id="another-id"))
    assert (again.workspace_id, again.url) == ("me-demo", running.url)
    assert launcher.start(make_request(user="you")).port != running.port

    launcher.stop("me-demo")
    assert [one.workspace_id for one in launcher.list()] == ["you-demo"]
    with pytest.raises(OSError, match="refused"):
        answers(running.url)
    launcher.stop("me-demo")  # once more changes nothing
    launcher.stop("unheard-of")

    (make_request().folder / "work.txt").write_text("mine")
    restarted = launcher.start(make_request())
    assert restarted.url != running.url
    assert (make_request().folder / "work.txt").read_text() == "mine"
    launcher.close()
    assert launcher.list() == ()
    assert [path.suffix for path in (tmp_path / "run" / "workspaces").iterdir()] == [".log", ".log"]
    told = [(ended.workspace_id, ended.reason) for ended in news]
    assert told[0] == ("me-demo", "stopped")
    assert sorted(told[1:]) == [("me-demo", "portal-stopped"), ("you-demo", "portal-stopped")]


def test_two_who_press_at_once_share_one_start(launcher, make_request):
    found = []
    presses = [
        threading.Thread(target=lambda name=name: found.append(launcher.start(make_request(workspace_id=name))))
        for name in ("first", "second")
    ]
    for press in presses:
        press.start()
    for press in presses:
        press.join()
    assert len({running.url for running in found}) == 1
    assert len(launcher.list()) == 1


def test_a_start_that_fails_says_why_without_the_token(launcher, make_request, tmp_path):
    missing = make_request(folder=tmp_path / "nowhere")
    with pytest.raises(WorkspaceStartError, match="nowhere") as caught:
        launcher.start(missing)
    assert "portal-secret" not in str(caught.value)
    assert launcher.list() == ()
    assert launcher.start(make_request()).port  # the next one works


def test_a_server_that_dies_is_gone_and_said_to_be(news_and_launcher, make_request):
    news, launcher = news_and_launcher
    running = launcher.start(make_request())
    psutil.Process(running.process_id).kill()
    deadline = time.monotonic() + 60
    while not news and time.monotonic() < deadline:
        time.sleep(0.05)
    assert [(ended.workspace_id, ended.reason) for ended in news] == [("me-demo", "died")]
    assert launcher.list() == ()
