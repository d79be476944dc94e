import json
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from sandkasse.workspaces.inside import Limits
from sandkasse.workspaces.launcher import RunningWorkspace, WorkspaceRequest
from sandkasse.workspaces.notebook_server import (
    CONFIGURATION,
    Places,
    draw_address,
    plan_command,
    plan_practice_environment,
    plan_view,
)
from sandkasse.workspaces.sandbox import Interpreter

INTERPRETER = Interpreter(Path("/venv/bin/python"), (Path("/venv"),))
REQUEST = WorkspaceRequest(
    workspace_id="w1",
    user_id="me",
    module_id="demo",
    folder=Path("/store/workspaces/me/demo"),
    datasets={"registers-class": Path("/store/datasets/registers-class/1")},
    bindings={"registers": "registers-class"},
    portal_url="http://127.0.0.1:8765",
    portal_token="portal-secret",
)


def test_the_command_line_holds_no_secret():
    address = draw_address(5000)
    command = plan_command(
        address, interpreter=INTERPRETER, limits=Limits(1), root=Path("/home/learner"), idle_s=60, is_isolated=True
    )
    assert not any(address.token in word or "portal-secret" in word for word in command)
    assert "--ServerApp.ip=localhost" in command
    assert "--ServerApp.port_retries=0" in command
    assert "--KernelManager.transport=ipc" in command


def test_records_do_not_show_their_secrets():
    address = draw_address(5000)
    running = RunningWorkspace("w1", "me", "demo", 5000, "bubblewrap", address.to_url(None))
    view = plan_view(REQUEST, address, hidden=(), executable=INTERPRETER.executable)
    for record in (REQUEST, address, running, view):
        assert address.token not in repr(record)
        assert "portal-secret" not in repr(record)


def test_addresses_are_drawn_anew():
    drawn = [draw_address(5000) for _ in range(100)]
    assert len({address.base_url for address in drawn}) == 100
    assert len({address.token for address in drawn}) == 100
    assert min(len(address.token) for address in drawn) >= 43  # 256 bits


def test_the_address_opens_the_lesson_on_the_notebooks_own_host():
    address = draw_address(5000)
    parts = urlsplit(address.to_url("01 – first.ipynb"))
    assert parts.netloc == "localhost:5000"
    assert parts.path == f"{address.base_url}lab/tree/01%20%E2%80%93%20first.ipynb"
    assert parse_qs(parts.query) == {"token": [address.token]}


def test_bindings_name_places_inside_the_sandbox():
    environment = plan_view(REQUEST, draw_address(1), hidden=(), executable=INTERPRETER.executable).environment
    assert json.loads(environment["SANDKASSE_BINDINGS"]) == {"registers": "/data/registers-class"}
    assert not any("/store" in value for value in environment.values())


def test_practice_mode_takes_over_no_variable_that_it_does_not_know(tmp_path):
    places = Places(own=tmp_path, temporary=tmp_path / "t", datasets=REQUEST.datasets)
    outside = {"PATH": "/bin", "AWS_SECRET_ACCESS_KEY": "k", "HOME": "/root", "PYTHONPATH": "/evil"}
    environment = plan_practice_environment(REQUEST, draw_address(1), places, outside=outside)
    assert environment["PATH"] == "/bin"
    assert environment["HOME"] == str(tmp_path)
    assert "k" not in environment.values()
    assert "PYTHONPATH" not in environment


def test_jupyterlab_is_configured_to_ask_nobody_for_news():
    server = json.loads((CONFIGURATION / "jupyter_server_config.json").read_text())
    overrides = json.loads((CONFIGURATION / "labconfig" / "default_setting_overrides.json").read_text())
    assert server["LabApp"]["news_url"] is None
    assert server["LabApp"]["extension_manager"] == "readonly"
    assert server["LabApp"]["check_for_updates_class"].endswith("NeverCheckForUpdate")
    notification = overrides["@jupyterlab/apputils-extension:notification"]
    assert notification == {"fetchNews": "false", "checkForUpdates": False}
