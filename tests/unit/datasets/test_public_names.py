"""`import sandkasse` is quick and says what there is; everything behind it is loaded when it is first used."""

import ast
import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

import sandkasse
from sandkasse.core.settings import find_content

PACKAGE = Path(sandkasse.__file__).parent


def test_every_public_name_is_there_and_tab_completes() -> None:
    assert dir(sandkasse) == sorted(sandkasse.__all__)
    for name in sandkasse.__all__:
        assert getattr(sandkasse, name) is not None
    assert sandkasse.__version__ == version("sandkasse")


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'opne'"):
        _ = sandkasse.opne
    assert not hasattr(sandkasse, "_repr_html_")


def test_importing_the_package_loads_nothing_else() -> None:
    code = "import sandkasse, sys, json; print(json.dumps(sorted(n for n in sys.modules if '.' not in n)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stdout))
    assert "sandkasse" in loaded
    assert not loaded & {"ibis", "duckdb", "pyarrow", "numpy", "pandas", "numba", "pydantic", "fastapi", "sqlalchemy"}


def test_nothing_inside_the_package_imports_its_front() -> None:
    guilty = []
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = {alias.name for alias in node.names} if isinstance(node, ast.Import | ast.ImportFrom) else set()
            if isinstance(node, ast.Import) and "sandkasse" in names:
                guilty.append(path.name)
            if isinstance(node, ast.ImportFrom) and node.module == "sandkasse" and path != PACKAGE / "__init__.py":
                guilty += [path.name for name in names if name in {"open", "check", "datasets", "__version__"}]
    assert guilty == []


def test_a_learner_opens_and_lists(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SANDKASSE_HOME", str(tmp_path))
    monkeypatch.delenv("SANDKASSE_BINDINGS", raising=False)
    listed = sandkasse.datasets()
    assert "steno-2@1.0.0" in repr(listed)
    assert "<code>steno-2</code>" in listed._repr_html_()
    assert sandkasse.open("rotterdam").card.persons == 2_982


def test_a_workspaces_binding_decides(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = find_content() / "datasets" / "steno-2"
    monkeypatch.setenv("SANDKASSE_HOME", str(tmp_path))
    monkeypatch.setenv("SANDKASSE_CONTENT", str(tmp_path / "nothing"))
    monkeypatch.setenv("SANDKASSE_BINDINGS", json.dumps({"steno-2": str(folder)}))
    assert sandkasse.open("steno-2").folder == folder
    assert [card.reference for card in sandkasse.datasets()] == ["steno-2@1.0.0"]


def test_where_nothing_is_there_the_list_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SANDKASSE_HOME", str(tmp_path))
    monkeypatch.setenv("SANDKASSE_CONTENT", str(tmp_path / "nothing"))
    monkeypatch.delenv("SANDKASSE_BINDINGS", raising=False)
    assert "sandkasse up" in repr(sandkasse.datasets())
    assert "sandkasse up" in sandkasse.datasets()._repr_html_()
