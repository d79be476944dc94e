"""An environment of its own for the validator of Croissant descriptions, made once and used again."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import platformdirs
import pytest

ROOT = Path(__file__).parents[3]
LOCK = ROOT / "locks" / "croissant.txt"
PIP = next((ROOT / "vendor").glob("pip-*.whl")) / "pip"
MINUTES = 5


@pytest.fixture(scope="session")
def validator() -> Path:
    """Give the Python that has `mlcroissant`; skips, with the reason, where it cannot be installed."""
    named = os.environ.get("SANDKASSE_TEST_ENVIRONMENTS")
    parent = (
        Path(named) if named else Path(platformdirs.user_cache_dir("sandkasse", appauthor=False)) / "test-environments"
    )
    folder = parent / f"croissant-{hashlib.sha256(LOCK.read_bytes()).hexdigest()[:16]}"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not (folder / "complete").is_file():
        _install(folder, python)
    return python


def _install(folder: Path, python: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    commands = [
        [sys.executable, "-m", "venv", "--without-pip", "--clear", str(folder)],
        [str(python), str(PIP), "install", "--disable-pip-version-check", "-q", "--require-hashes", "-r", str(LOCK)],
    ]
    for command in commands:
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60 * MINUTES)
        except subprocess.TimeoutExpired:
            pytest.skip(f"mlcroissant could not be installed within {MINUTES} minutes")
        if done.returncode:
            pytest.skip(f"mlcroissant cannot be installed here: {done.stderr.strip().splitlines()[-1]}")
    (folder / "complete").touch()
