"""A real JupyterLab in its sandbox: what its code can reach, who can open it, and that it dies with the portal."""

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import psutil
import pytest
import websocket
import zmq
from jupyter_client.manager import start_new_kernel

from sandkasse.workspaces.launcher import RunningWorkspace, WorkspaceRequest
from sandkasse.workspaces.local import LocalLauncher, LocalOptions

pytestmark = pytest.mark.attack

PORTAL_TOKEN = "portal-token-Wq3yJ7"


def request(home: Path, user: str, module: str = "demo") -> WorkspaceRequest:
    folder = home / "workspaces" / user / module
    folder.mkdir(parents=True, exist_ok=True)
    data = home / "datasets/demo/1"
    data.mkdir(parents=True, exist_ok=True)
    (data / "table.parquet").write_text("data")
    return WorkspaceRequest(
        workspace_id=f"{user}-{module}",
        user_id=user,
        module_id=module,
        folder=folder,
        datasets={"demo": data},
        bindings={"demo-contract": "demo"},
        portal_url="http://127.0.0.1:9",
        portal_token=f"{PORTAL_TOKEN}-{user}",
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def launcher(home) -> Iterator[LocalLauncher]:
    with_options = LocalLauncher(LocalOptions(run_folder=home / "run", hidden=(home,)))
    assert with_options.info.is_isolated
    yield with_options
    with_options.close()


@pytest.fixture(scope="module")
def mine(launcher, home) -> RunningWorkspace:
    return launcher.start(request(home, "me"))


@pytest.fixture(scope="module")
def other(launcher, home) -> RunningWorkspace:
    return launcher.start(request(home, "other"))


def ask(port: int, path: str, *, method: str = "GET", host: str = "", **headers: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request(method, path, headers={"Host": host or f"localhost:{port}", **headers})
    response = connection.getresponse()
    response.body = response.read()  # type: ignore[attr-defined]
    connection.close()
    return response


def base_and_token(workspace: RunningWorkspace) -> tuple[str, str]:
    parts = urllib.parse.urlsplit(workspace.url)
    return parts.path.partition("lab")[0], urllib.parse.parse_qs(parts.query)["token"][0]


def run_in_kernel(workspace: RunningWorkspace, code: str) -> str:
    """Run code in a new kernel, as a notebook would, and give what it printed."""
    base, token = base_and_token(workspace)
    authorization = f"token {token}"
    made = ask(workspace.port, f"{base}api/kernels", method="POST", Authorization=authorization)
    kernel = json.loads(made.body)["id"]
    url = f"ws://localhost:{workspace.port}{base}api/kernels/{kernel}/channels?session_id=test"
    line = websocket.create_connection(url, header=[f"Authorization: {authorization}"], timeout=60)
    content = {"code": code, "silent": False, "store_history": False, "allow_stdin": False, "stop_on_error": True}
    header = {"msg_id": "1", "msg_type": "execute_request", "session": "test", "username": "", "version": "5.3"}
    message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
    line.send(json.dumps(message))
    said = ""
    while True:
        got = json.loads(line.recv())
        if got["parent_header"].get("msg_id") != "1":
            continue
        if got["msg_type"] == "stream":
            said += got["content"]["text"]
        if got["msg_type"] == "error":
            raise AssertionError("\n".join(got["content"]["traceback"]))
        if got["msg_type"] == "status" and got["content"]["execution_state"] == "idle":
            line.close()
            return said.strip()


def test_a_kernel_sees_its_files_its_data_and_its_bindings(mine):
    code = """
import json, os, sandkasse
print(open("/data/demo/table.parquet").read(), os.getcwd(), os.environ["SANDKASSE_MODULE"])
print(json.loads(os.environ["SANDKASSE_BINDINGS"]), os.environ["SANDKASSE_TOKEN"][:8])
open("/home/learner/written.txt", "w").write("by the kernel")
"""
    assert run_in_kernel(mine, code).splitlines() == [
        "data /home/learner demo",
        "{'demo-contract': '/data/demo'} portal-t",
    ]


def test_what_a_kernel_writes_stays_in_the_learners_folder(mine, home):
    run_in_kernel(mine, "open('/home/learner/kept.txt', 'w').write('kept')")
    assert (home / "workspaces/me/demo/kept.txt").read_text() == "kept"


def test_a_kernel_cannot_see_the_store_or_the_other_workspace(mine, other, home):
    paths = [str(home), str(home / "workspaces/other/demo"), str(Path(__file__))]
    assert all(Path(path).exists() for path in paths)
    code = f"import os; print([path for path in {paths!r} if os.path.exists(path)])"
    assert run_in_kernel(mine, code) == "[]"


def test_a_kernel_has_only_the_variables_it_was_given(mine, monkeypatch):
    assert "HOSTNAME_OF_NOBODY" not in run_in_kernel(mine, "import os; print(sorted(os.environ))")
    allowed = re.compile(
        r"(SANDKASSE|JUPYTER|XDG|PYTHON|NUMBA|IPYTHON|JPY|LANG|LC_|MPL|PYDEVD|TERM|GIT_PAGER|PAGER|CLICOLOR|FORCE_COLOR"
        r"|HOME|PATH|PWD|USER|LOGNAME|SHELL|KERNEL_)"
    )
    names = run_in_kernel(mine, "import os; print('\\n'.join(os.environ))").splitlines()
    assert [name for name in names if not allowed.match(name)] == []


def test_a_kernels_output_cannot_be_overheard_on_a_port(mine):
    manager, client = start_new_kernel()  # the control speaks TCP, as kernels do by default
    try:
        ports = _listening(manager.provisioner.process.pid)
        assert "overheard" in _overhear(ports, lambda: client.execute_interactive("print('overheard')", timeout=30))
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    run_in_kernel(mine, "1")
    ports = _listening(mine.process_id) - {mine.port}
    assert "overheard" not in _overhear(ports, lambda: run_in_kernel(mine, "print('overheard')"))


def test_a_kernel_offers_no_debugger(mine):
    assert run_in_kernel(mine, "import importlib.util as u; print(u.find_spec('debugpy.server'))") == "None"


def _listening(process_id: int) -> set[int]:
    top = psutil.Process(process_id)
    return {
        connection.laddr.port
        for process in [top, *top.children(recursive=True)]
        for connection in process.net_connections("tcp")
        if connection.status == "LISTEN"
    }


def _overhear(ports: Iterable[int], act: Callable[[], object]) -> str:
    """Subscribe to everything on these ports while something happens, and give all that came."""
    with zmq.Context() as context, context.socket(zmq.SUB) as ear:
        ear.linger = 0
        ear.subscribe(b"")
        for port in ports:
            ear.connect(f"tcp://127.0.0.1:{port}")
        time.sleep(1.0)
        act()
        heard = b""
        while ear.poll(1000):
            heard += b"".join(ear.recv_multipart())
    return heard.decode("utf-8", "replace")


def test_only_the_token_opens_a_workspace(mine):
    base, token = base_and_token(mine)
    path = f"{base}api/contents"
    assert ask(mine.port, path, Authorization=f"token {token}").status == 200
    assert ask(mine.port, path).status == 403
    assert ask(mine.port, path, Authorization="token wrong").status == 403


def test_another_host_name_is_refused(mine):
    base, token = base_and_token(mine)
    path = f"{base}api/contents"
    assert ask(mine.port, path, Authorization=f"token {token}").status == 200
    assert ask(mine.port, path, host=f"evil.example:{mine.port}", Authorization=f"token {token}").status == 403


def test_a_cookie_of_one_workspace_opens_no_other(mine, other):
    base, token = base_and_token(mine)
    answered = ask(mine.port, f"{base}lab?token={token}")
    cookies = [value.partition(";")[0] for name, value in answered.getheaders() if name.lower() == "set-cookie"]
    cookie = "; ".join(cookies)
    assert ask(mine.port, f"{base}api/contents", Cookie=cookie).status == 200
    theirs, _token = base_and_token(other)
    # As a browser would never send it: under every name that the other server could ask for.
    renamed = cookie.replace(str(mine.port), str(other.port))
    assert ask(other.port, f"{theirs}api/contents", Cookie=f"{cookie}; {renamed}").status == 403


def test_workspaces_share_no_path_and_no_token(mine, other):
    assert set(base_and_token(mine)).isdisjoint(base_and_token(other))
    assert len(base_and_token(mine)[0]) > 16


def test_no_token_stands_on_a_command_line(mine, other):
    secrets = [base_and_token(mine)[1], base_and_token(other)[1], PORTAL_TOKEN]
    control = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", secrets[0]])
    try:
        assert control.pid in _processes_showing(secrets)
        assert _processes_showing(secrets) - {control.pid} == set()
    finally:
        control.kill()
        control.wait()


def _processes_showing(secrets: list[str]) -> set[int]:
    found = set()
    for process in psutil.process_iter(["pid", "cmdline"]):
        if any(secret in word for word in process.info["cmdline"] or () for secret in secrets):
            found.add(process.info["pid"])
    return found


def test_no_token_stands_in_a_log_even_if_the_learner_prints_it(mine, home):
    _base, token = base_and_token(mine)
    ask(mine.port, f"{_base}lab?token={token}")
    ask(mine.port, f"{_base}nowhere?token={token}")
    code = """
import os, sys
# Past the notebook, to where the server's own output goes.
os.write(sys.stderr._original_stdstream_copy, ("marked " + os.environ["SANDKASSE_TOKEN"] + "\\n").encode())
"""
    run_in_kernel(mine, code)
    logs = b"".join(path.read_bytes() for path in (home / "run").rglob("*") if path.is_file())
    assert b"marked [removed]" in logs  # the line was written, without the token
    assert token.encode() not in logs
    assert PORTAL_TOKEN.encode() not in logs


def test_a_second_start_gives_the_running_one(launcher, mine, home):
    again = launcher.start(request(home, "me"))
    assert (again.process_id, again.url) == (mine.process_id, mine.url)


PORTAL = """
import sys
from pathlib import Path
sys.path.insert(0, {folder!r})
from test_running_workspace import request
from sandkasse.workspaces.local import LocalLauncher, LocalOptions
home = Path({home!r})
launcher = LocalLauncher(LocalOptions(run_folder=home / "run", hidden=(home,), isolation={isolation!r}))
running = launcher.start(request(home, "me"))
print(running.process_id, launcher._line._process.pid, flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("isolation", ["auto", "none"])
@pytest.mark.parametrize("victim", ["portal", "supervisor"])
def test_nothing_survives_the_portal_or_the_supervisor(tmp_path, isolation, victim):
    code = PORTAL.format(folder=str(Path(__file__).parent), home=str(tmp_path), isolation=isolation)
    portal = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    unrelated = subprocess.Popen(["sleep", "61"], start_new_session=True)
    try:
        server, supervisor = (int(word) for word in portal.stdout.readline().split())
        family = [psutil.Process(server), *psutil.Process(server).children(recursive=True), psutil.Process(supervisor)]
        assert all(process.is_running() for process in family)
        os.kill(portal.pid if victim == "portal" else supervisor, signal.SIGKILL)
        assert psutil.wait_procs(family, timeout=20)[1] == []
        assert unrelated.poll() is None  # this way of looking would have seen a survivor
    finally:
        unrelated.kill()
        unrelated.wait()
        portal.kill()
        portal.communicate()


def test_the_idle_are_ended_and_said_to_be(tmp_path, monkeypatch):
    news = []
    launcher = LocalLauncher(LocalOptions(tmp_path / "run", (tmp_path,), idle_s=2.0), when_ended=news.append)
    try:
        launcher.start(request(tmp_path, "me"))
        deadline = time.monotonic() + 60
        while not news and time.monotonic() < deadline:
            time.sleep(0.2)
        assert [(ended.workspace_id, ended.reason) for ended in news] == [("me-demo", "idle")]
        assert launcher.list() == ()
    finally:
        launcher.close()
