"""`run.py` works on whatever Python the visitor has, before anything is installed."""

import ast
import hashlib
import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture
def front_door():
    spec = importlib.util.spec_from_file_location("front_door", ROOT / "run.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_it_parses_on_python_3_8_and_imports_the_standard_library_only():
    tree = ast.parse((ROOT / "run.py").read_text("utf-8"), feature_version=(3, 8))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert imported <= set(sys.stdlib_module_names)
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]


def test_an_older_python_gets_one_line_and_a_next_step(front_door, monkeypatch, capsys):
    monkeypatch.setattr(front_door.sys, "version_info", (3, 9, 2))
    assert front_door.main(["up"]) == front_door.EXIT_SETUP_FAILED
    said = capsys.readouterr().err.splitlines()
    assert ["needs Python 3.11" in said[0], said[1].startswith("next: "), len(said)] == [True, True, 2]


def test_an_unknown_command_is_answered_with_the_known_ones(front_door, capsys):
    assert front_door.main(["serve"]) != 0
    assert "up, test, check, docs, bench" in capsys.readouterr().err


def test_the_vendored_installer_is_the_one_expected(front_door):
    assert hashlib.sha256(front_door.PIP_WHEEL.read_bytes()).hexdigest() == front_door.PIP_SHA256


def test_a_changed_installer_is_refused_before_it_runs(front_door, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(front_door, "PIP_SHA256", "0" * 64)
    monkeypatch.setattr(front_door, "VENV", tmp_path / "venv")
    monkeypatch.setattr(front_door.subprocess, "call", lambda *_, **__: pytest.fail("it ran"))
    assert front_door.set_up("base")
    assert "vendor" in capsys.readouterr().err


def test_a_second_start_installs_nothing(front_door, monkeypatch, tmp_path):
    calls = []
    monkeypatch.setattr(front_door, "VENV", tmp_path)
    monkeypatch.setattr(front_door.subprocess, "call", lambda step, **_: calls.append(step) or 0)
    assert not front_door.set_up("base")
    first = len(calls)
    assert not front_door.set_up("base")
    assert 0 < first == len(calls)


def test_a_failed_step_is_named_and_leaves_no_stamp(front_door, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(front_door, "VENV", tmp_path)
    monkeypatch.setattr(front_door.subprocess, "call", lambda *_, **__: 1)
    assert front_door.set_up("base")
    assert "Setting up failed at" in capsys.readouterr().err
    assert not list(tmp_path.glob("installed-*"))


def test_locks_have_hashes_and_name_no_host():
    for lock in (ROOT / "locks").glob("*.txt"):
        text = lock.read_text("utf-8")
        assert "--hash=sha256:" in text
        assert "://" not in text
        assert "--index" not in text
