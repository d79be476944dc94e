"""Small cohorts on every engine."""

import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from sandkasse.cohort import simulate
from sandkasse.core.settings import Settings, read_settings


def load(name: str) -> ModuleType:
    """Load a helper of this folder."""
    known = f"compute_{name}"
    if known not in sys.modules:
        spec = importlib.util.spec_from_file_location(known, Path(__file__).with_name(f"{name}.py"))
        module = importlib.util.module_from_spec(spec)
        sys.modules[known] = module
        spec.loader.exec_module(module)
    return sys.modules[known]


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A fresh store that shares the compiled kernels of this machine, and small shards."""
    monkeypatch.setattr(simulate, "SHARD_PERSONS", 40)
    kernels = read_settings(os.environ).kernels
    (tmp_path / "content" / "datasets").mkdir(parents=True)
    names = {"HOME": tmp_path / "home", "CONTENT": tmp_path / "content", "KERNELS": kernels}
    return read_settings({f"SANDKASSE_{name}": str(path) for name, path in names.items()})


@pytest.fixture(scope="session")
def slurm_configuration() -> Iterator[Path]:
    slurm = load("slurm")
    if missing := slurm.missing_programs():
        pytest.skip(f"not on this machine: {', '.join(missing)} (Debian: slurmctld slurmd slurm-client munge)")
    with slurm.running_slurm() as configuration:
        yield configuration


@pytest.fixture
def slurm(slurm_configuration: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SLURM_CONF", str(slurm_configuration))
    return slurm_configuration


@pytest.fixture
def dask_programs() -> ModuleType:
    return load("dask_programs")
