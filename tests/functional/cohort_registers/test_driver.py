"""The driver from outside: same bytes for any number of workers, nothing half-written, errors of one line."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sandkasse.actions.cohorts import CohortRequest, commit_to, publish_class_cohort, simulate_cohort
from sandkasse.catalogue.store import Store
from sandkasse.cohort import simulate
from sandkasse.compute.local import InProcess, LocalPool
from sandkasse.core.errors import InvalidInputError, RunInterruptedError, StorageFullError
from sandkasse.core.settings import read_settings


@pytest.fixture
def settings(tmp_path):
    """A fresh store that shares the compiled kernels of this machine."""
    kernels = read_settings(os.environ).kernels
    (tmp_path / "content" / "datasets").mkdir(parents=True)
    names = {"HOME": tmp_path / "home", "CONTENT": tmp_path / "content", "KERNELS": kernels}
    return read_settings({f"SANDKASSE_{name}": str(path) for name, path in names.items()})


@pytest.fixture
def small_shards(monkeypatch):
    monkeypatch.setattr(simulate, "SHARD_PERSONS", 40)


def digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_bytes_do_not_depend_on_the_workers(settings, tmp_path, small_shards):
    made = []
    for number, runner in enumerate((InProcess(), LocalPool(1), LocalPool(3))):
        out, truth = tmp_path / f"out{number}", tmp_path / f"truth{number}"
        out.mkdir()
        truth.mkdir()
        simulate.simulate_registers(n_persons=150, seed=11, out=out, truth=truth, runner=runner, cache=settings.kernels)
        made.append({**digests(out), **digests(truth)})
    assert len(made[0]) > 40
    assert made[0] == made[1] == made[2]


def test_the_class_cohort_is_published_once_with_its_truth_beside(settings):
    card = publish_class_cohort(settings, n_persons=300)
    folder = Store(settings.datasets, settings.content / "datasets").folder(card)
    truth = settings.truth / card.id / card.version
    assert {path.name for path in truth.iterdir()} == {"persons.parquet", "events.parquet", "traps.parquet"}
    assert truth.stat().st_mode & 0o777 == 0o700
    secret = settings.secrets / f"{card.id}.json"
    assert secret.stat().st_mode & 0o777 == 0o600
    kept = json.loads(secret.read_text())
    assert card.seed_commitment == commit_to(kept["seed"], salt=kept["salt"])
    assert kept["seed"] not in (folder / "card.yaml").read_text()
    before = digests(settings.home)
    assert publish_class_cohort(settings, n_persons=300) == card
    assert digests(settings.home) == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_persons": 0}, "number of persons"),
        ({"seed": -1}, "seed"),
        ({"lpr3": "b"}, "delivery 'b'"),
        ({"workers": -2}, "number of workers"),
        ({"without_traps": ("no-such",)}, "no trap named 'no-such'"),
    ],
)
def test_a_request_that_cannot_be_met_leaves_nothing(settings, tmp_path, change, message):
    request = CohortRequest(**{"n_persons": 10, "seed": 1, "out": tmp_path / "out", **change})
    with pytest.raises(InvalidInputError, match=message):
        simulate_cohort(settings, request)
    assert not (tmp_path / "out").exists()


def test_an_existing_folder_is_not_touched(settings, tmp_path):
    with pytest.raises(InvalidInputError, match="exists already"):
        simulate_cohort(settings, CohortRequest(n_persons=10, seed=1, out=tmp_path))


def test_a_stop_in_the_middle_leaves_nothing(settings, tmp_path, small_shards):
    def stop(done: int, _total: int, _unit: str) -> None:
        if done:
            raise KeyboardInterrupt

    request = CohortRequest(n_persons=200, seed=1, out=tmp_path / "made" / "out", workers=1)
    with pytest.raises((KeyboardInterrupt, RunInterruptedError)):
        simulate_cohort(settings, request, progress=stop)
    assert not [path for path in (tmp_path / "made").iterdir() if not path.name.endswith(".lock")]


def test_a_full_disk_leaves_nothing_and_says_so(settings, tmp_path, monkeypatch):
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(simulate, "_write", full)
    monkeypatch.setattr("sandkasse.actions.cohorts.LocalPool", lambda _workers=0: InProcess())
    with pytest.raises(StorageFullError):
        simulate_cohort(settings, CohortRequest(n_persons=10, seed=1, out=tmp_path / "made" / "out"))
    assert not (tmp_path / "made" / "out").exists()


def test_workers_load_the_kernels_and_end_with_their_parent(settings, tmp_path):
    """Kill the parent in the middle: no worker lives on, no result appears."""
    program = (
        "import sys, os\n"
        "from pathlib import Path\n"
        "from sandkasse.actions.cohorts import CohortRequest, simulate_cohort\n"
        "from sandkasse.core.settings import read_settings\n"
        "if __name__ == '__main__':\n"
        "    tell = lambda done, total, unit: print(done, flush=True)\n"
        "    request = CohortRequest(n_persons=400_000, seed=1, out=Path(sys.argv[1]), workers=2)\n"
        "    simulate_cohort(read_settings(os.environ), request, progress=tell)\n"
    )
    script = tmp_path / "program.py"
    script.write_text(program)
    environment = {**os.environ, "SANDKASSE_HOME": str(settings.home), "SANDKASSE_KERNELS": str(settings.kernels)}
    process = subprocess.Popen(
        [sys.executable, str(script), str(tmp_path / "out")], stdout=subprocess.PIPE, text=True, env=environment
    )
    assert process.stdout is not None
    try:
        while int(process.stdout.readline()) == 0:
            pass
        workers = children_of(process.pid)
        assert workers
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=60)
        deadline = time.monotonic() + 60
        while any(is_alive(worker) for worker in workers) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not [worker for worker in workers if is_alive(worker)]
    finally:
        process.kill()
        process.stdout.close()
        process.wait()
    assert not (tmp_path / "out").exists()


def test_a_fresh_process_takes_the_kernels_from_the_cache(settings):
    simulate.prepare(simulate.cache_folder(settings.kernels))
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from sandkasse.cohort import kernels, simulate\n"
        "simulate.prepare(kernels.cache_folder(Path(sys.argv[1])))\n"
        "print(kernels.cache_misses())\n"
    )
    command = [sys.executable, "-c", program, str(settings.kernels)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0"


def children_of(parent: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                words = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if int(fields[1]) == parent and b"spawn_main" in words:
                found.append(int(entry.name))
    return found


def is_alive(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_the_command_says_what_it_made(tmp_path, settings):
    environment = {**os.environ, "SANDKASSE_HOME": str(settings.home), "SANDKASSE_KERNELS": str(settings.kernels)}
    command = [
        sys.executable,
        "-m",
        "sandkasse",
        "cohort",
        "simulate",
        "--persons",
        "50",
        "--seed",
        "4",
        "--workers",
        "1",
    ]
    out = tmp_path / "out"
    done = subprocess.run([*command, "--out", str(out), "--json"], capture_output=True, env=environment, check=True)
    said = json.loads(done.stdout)
    assert said["persons"] == 50
    assert said["rows"]["persons"] == 50
    assert (out / "registers" / "contract.yaml").is_file()
    assert (out / "truth").stat().st_mode & 0o777 == 0o700
    wrong = subprocess.run([*command, "--out", str(out)], capture_output=True, env=environment, text=True, check=False)
    assert wrong.returncode == InvalidInputError.exit_code
    assert len(wrong.stderr.strip().splitlines()) == 2
