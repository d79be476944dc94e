"""A real JupyterLab in its sandbox: what its code can reach, who can open it, and that it dies with the portal."""

import functools
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import psutil
import pytest
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


def test_a_kernel_sees_its_files_its_data_and_its_bindings(notebook, mine):
    code = """
import json, os, sandkasse
print(open("/data/demo/table.parquet").read(), os.getcwd(), os.environ["SANDKASSE_MODULE"])
print(json.loads(os.environ["SANDKASSE_BINDINGS"]), os.environ["SANDKASSE_TOKEN"][:8])
_ = open("/home/learner/written.txt", "w").write("by the kernel")
"""
    assert notebook.of(mine).run(code).splitlines() == [
        "data /home/learner demo",
        "{'demo-contract': '/data/demo'} portal-t",
    ]


def test_what_a_kernel_writes_stays_in_the_learners_folder(notebook, mine, home):
    notebook.of(mine).run("open('/home/learner/kept.txt', 'w').write('kept')")
    assert (home / "workspaces/me/demo/kept.txt").read_text() == "kept"


def test_a_kernel_cannot_see_the_store_or_the_other_workspace(notebook, mine, other, home):
    paths = [str(home), str(home / "workspaces/other/demo"), str(Path(__file__))]
    assert all(Path(path).exists() for path in paths)
    code = f"import os; print([path for path in {paths!r} if os.path.exists(path)])"
    assert notebook.of(mine).run(code) == "[]"


def test_a_terminal_is_inside_too(notebook, mine, home):
    typed = f"id -un; ls {home}; ls /data; echo done-$((6*7))"
    shown = notebook.of(mine).type_in_terminal(typed, until="done-42")
    assert "learner" in shown
    assert "No such file or directory" in shown
    assert "demo" in shown


def test_a_kernel_has_only_the_variables_it_was_given(notebook, mine):
    allowed = re.compile(
        r"(SANDKASSE|JUPYTER|XDG|PYTHON|NUMBA|IPYTHON|JPY|LANG|LC_|MPL|PYDEVD|TERM|GIT_PAGER|PAGER|CLICOLOR|FORCE_COLOR"
        r"|HOME|PATH|PWD|USER|LOGNAME|SHELL|KERNEL_)"
    )
    names = notebook.of(mine).run("import os; print('\\n'.join(os.environ))").splitlines()
    assert [name for name in names if not allowed.match(name)] == []


TALK = "import time\nfor _ in range(60): print('overheard', flush=True); time.sleep(0.1)"


def test_a_kernels_output_cannot_be_overheard_on_a_port(notebook, mine, tmp_path, monkeypatch):
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    manager, client = start_new_kernel()  # the control speaks TCP, as kernels do by default
    try:
        talk = functools.partial(client.execute_interactive, TALK, timeout=60, output_hook=lambda _message: None)
        assert "overheard" in _overhear(lambda: _listening(manager.provisioner.process.pid), talk)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    ports = set()
    talk = functools.partial(notebook.of(mine).run, TALK)
    assert "overheard" not in _overhear(lambda: ports.update(_listening(mine.process_id)) or ports - {mine.port}, talk)
    assert mine.port in ports


def test_a_kernel_offers_no_debugger(notebook, mine):
    assert notebook.of(mine).run("import importlib.util as u; print(u.find_spec('debugpy.server'))") == "None"


def _listening(process_id: int) -> set[int]:
    top = psutil.Process(process_id)
    return {
        connection.laddr.port
        for process in [top, *top.children(recursive=True)]
        for connection in process.net_connections("tcp")
        if connection.status == "LISTEN"
    }


def _overhear(find_ports: Callable[[], Iterable[int]], talk: Callable[[], object]) -> str:
    """Subscribe to everything on the ports that are open while a kernel talks, and give all that came."""
    heard: list[bytes] = []
    is_over = threading.Event()

    def listen() -> None:
        connected: set[int] = set()
        with zmq.Context() as context, context.socket(zmq.SUB) as ear:
            ear.linger = 0
            ear.subscribe(b"")
            while not is_over.is_set():
                for port in set(find_ports()) - connected:
                    ear.connect(f"tcp://127.0.0.1:{port}")
                    connected.add(port)
                while ear.poll(500) and not is_over.is_set():
                    heard.extend(ear.recv_multipart())

    listening = threading.Thread(target=listen)
    listening.start()
    talk()
    is_over.set()
    listening.join()
    return b"".join(heard).decode("utf-8", "replace")


def test_only_the_token_opens_a_workspace(notebook, mine):
    server = notebook.of(mine)
    assert server.ask("api/contents", Authorization=f"token {server.token}").status == 200
    assert server.ask("api/contents").status == 403
    assert server.ask("api/contents", Authorization="token wrong").status == 403


def test_another_host_name_is_refused(notebook, mine):
    server = notebook.of(mine)
    authorization = f"token {server.token}"
    assert server.ask("api/contents", Authorization=authorization).status == 200
    assert server.ask("api/contents", host=f"evil.example:{mine.port}", Authorization=authorization).status == 403


def test_a_cookie_of_one_workspace_opens_no_other(notebook, mine, other):
    server, theirs = notebook.of(mine), notebook.of(other)
    answered = server.ask(f"lab?token={server.token}")
    cookies = [value.partition(";")[0] for name, value in answered.headers if name.lower() == "set-cookie"]
    cookie = "; ".join(cookies)
    assert server.ask("api/contents", Cookie=cookie).status == 200
    # As no browser would send it: under every name that the other server could ask for.
    renamed = cookie.replace(str(mine.port), str(other.port))
    assert theirs.ask("api/contents", Cookie=f"{cookie}; {renamed}").status == 403


def test_workspaces_share_no_path_and_no_token(notebook, mine, other):
    server, theirs = notebook.of(mine), notebook.of(other)
    assert server.base != theirs.base
    assert server.token != theirs.token


def test_no_token_stands_on_a_command_line(notebook, mine, other):
    secrets = [notebook.of(mine).token, notebook.of(other).token, PORTAL_TOKEN]
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


def test_no_token_stands_in_a_log_even_if_the_learner_prints_it(notebook, mine, home):
    server = notebook.of(mine)
    token = server.token
    server.ask(f"lab?token={token}")
    server.ask(f"nowhere?token={token}")
    code = """
import os, sys
# Past the notebook, to where the server's own output goes.
os.write(sys.stderr._original_stdstream_copy, ("marked " + os.environ["SANDKASSE_TOKEN"] + "\\n").encode())
"""
    notebook.of(mine).run(code)
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
        assert psutil.wait_procs(family, timeout=60)[1] == []
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
