"""A fresh store, small shards and checksums, for every test of this area."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from sandkasse.cohort import simulate
from sandkasse.core.settings import Settings, read_settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A fresh store that shares the compiled kernels of this machine."""
    kernels = read_settings(os.environ).kernels
    (tmp_path / "content" / "datasets").mkdir(parents=True)
    names = {"HOME": tmp_path / "home", "CONTENT": tmp_path / "content", "KERNELS": kernels}
    return read_settings({f"SANDKASSE_{name}": str(path) for name, path in names.items()})


@pytest.fixture
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulate, "SHARD_PERSONS", 40)


@pytest.fixture
def digests() -> Callable[[Path], dict[str, str]]:
    """Give the checksum of every file below a folder."""

    def measure(folder: Path) -> dict[str, str]:
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

    return measure
