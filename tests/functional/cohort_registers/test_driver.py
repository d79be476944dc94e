"""The driver from outside: same bytes for any number of workers, nothing half-written, errors of one line."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sandkasse.actions.cohorts import CohortRequest, commit_to, publish_class_cohort, simulate_cohort
from sandkasse.catalogue.store import Store
from sandkasse.cohort import shards, simulate
from sandkasse.compute.local import InProcess, LocalPool
from sandkasse.core.errors import InvalidInputError, StorageFullError


def test_bytes_do_not_depend_on_the_workers(settings, tmp_path, small_shards, digests):
    made = []
    for number, runner in enumerate((InProcess(), LocalPool(1), LocalPool(3))):
        out, truth = tmp_path / f"out{number}", tmp_path / f"truth{number}"
        out.mkdir()
        truth.mkdir()
        simulate.simulate_registers(n_persons=150, seed=11, out=out, truth=truth, runner=runner, cache=settings.kernels)
        made.append({**digests(out), **digests(truth)})
    assert len(made[0]) > 40
    assert made[0] == made[1] == made[2]


def test_the_class_cohort_is_published_once_with_its_truth_beside(settings, digests):
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
        ({"tier": "dirty"}, "dirty"),
        ({"density": "high"}, "density 'high'"),
        ({"keep": "some"}, "keep 'some'"),
        ({"without_traps": ("no-such",)}, "no trap named 'no-such'"),
    ],
)
def test_a_request_that_cannot_be_met_leaves_nothing(settings, tmp_path, change, message):
    request = CohortRequest(**{"n_persons": 10, "seed": 1, "out": tmp_path / "out", **change})
    with pytest.raises(InvalidInputError, match=message):
        simulate_cohort(settings, request)
    assert not (tmp_path / "out").exists()


def test_an_existing_folder_is_not_touched(settings, tmp_path):
    (tmp_path / "mine.txt").write_text("kept")
    with pytest.raises(InvalidInputError, match="exists already"):
        simulate_cohort(settings, CohortRequest(n_persons=10, seed=1, out=tmp_path))
    assert {path.name: path.read_text() for path in tmp_path.iterdir() if path.is_file()} == {"mine.txt": "kept"}


def test_a_full_disk_publishes_nothing_keeps_what_is_finished_and_says_so(
    settings, tmp_path, monkeypatch, small_shards
):
    land = shards.land_file

    def full(content: object, path: Path) -> None:
        if path.name == "part-00002.parquet":
            raise OSError(28, "No space left on device")
        land(content, path)

    monkeypatch.setattr(shards, "land_file", full)
    monkeypatch.setattr("sandkasse.actions.cohorts.choose_runner", lambda *_, **__: InProcess())
    request = CohortRequest(n_persons=200, seed=1, out=tmp_path / "made" / "out")
    with pytest.raises(StorageFullError, match="2 of 5 shards are finished and kept"):
        simulate_cohort(settings, request)
    assert not (tmp_path / "made" / "out").exists()
    monkeypatch.undo()
    monkeypatch.setattr(simulate, "SHARD_PERSONS", 40)
    assert simulate_cohort(settings, request).simulated.n_continued == 2


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
    assert len(said["sha256"]) == 64
    assert {path.name for path in out.iterdir()} == {"registers", "truth", "checksums.json", "run.json"}
    assert (out / "registers" / "contract.yaml").is_file()
    assert {path.name for path in (out / "truth").iterdir()} == {"persons.parquet", "events.parquet", "traps.parquet"}
    assert (out / "truth").stat().st_mode & 0o777 == 0o700
    wrong = subprocess.run([*command, "--out", str(out)], capture_output=True, env=environment, text=True, check=False)
    assert wrong.returncode == InvalidInputError.exit_code
    assert len(wrong.stderr.strip().splitlines()) == 2
