"""Every place where work can be done, ready to be asked."""

import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from sandkasse.compute.dask_client import DaskScheduler
from sandkasse.compute.dask_clusters import BatchJobs, DaskHere
from sandkasse.compute.local import InProcess, LocalPool
from sandkasse.core.runner import Runner

KINDS = ("in-process", "pool-1", "pool-2", "dask-here", "dask-scheduler", "slurm", "pbs-fake")
APART = tuple(kind for kind in KINDS if kind != "in-process")
"""Those whose work is done in other processes, which can be lost."""


def load(name: str) -> ModuleType:
    """Load a helper of the integration tests."""
    known = f"compute_{name}"
    if known not in sys.modules:
        path = Path(__file__).parents[2] / "integration" / "compute" / f"{name}.py"
        spec = importlib.util.spec_from_file_location(known, path)
        module = importlib.util.module_from_spec(spec)
        sys.modules[known] = module
        spec.loader.exec_module(module)
    return sys.modules[known]


@pytest.fixture(scope="session")
def slurm_configuration() -> Iterator[Path]:
    slurm = load("slurm")
    if missing := slurm.missing_programs():
        pytest.skip(f"not on this machine: {', '.join(missing)} (Debian: slurmctld slurmd slurm-client munge)")
    with slurm.running_slurm() as configuration:
        yield configuration


@pytest.fixture
def slurm(slurm_configuration: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_CONF", str(slurm_configuration))


@pytest.fixture
def fake_pbs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    with load("fake_pbs").running_fake_pbs(tmp_path / "pbs", monkeypatch) as folder:
        yield folder


@pytest.fixture
def make_runner(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], Runner]:
    def make(kind: str) -> Runner:
        if kind == "slurm":
            request.getfixturevalue("slurm")
            return BatchJobs("slurm", 1, tmp_path / "shared", time_limit="00:05:00", memory="500MB", interface="lo")
        if kind == "pbs-fake":
            request.getfixturevalue("fake_pbs")
            return BatchJobs("pbs", 1, tmp_path / "shared", memory="500MB", interface="lo")
        if kind == "dask-scheduler":
            return DaskScheduler(request.getfixturevalue("dask_cluster"), patience_s=90)
        return {
            "in-process": InProcess(),
            "pool-1": LocalPool(1),
            "pool-2": LocalPool(2),
            "dask-here": DaskHere(1, tmp_path / "notes"),
        }[kind]

    return make


@pytest.fixture(scope="session")
def dask_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start a scheduler and a worker as their documentation says, and give the address."""
    with load("dask_programs").running_dask(tmp_path_factory.mktemp("dask")) as address:
        yield address
