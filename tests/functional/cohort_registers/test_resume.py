"""A run that was killed goes on from its finished shards and ends with the same bytes as an unbroken one."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from sandkasse.actions.cohorts import CohortRequest, Engine, publish_class_cohort, simulate_cohort
from sandkasse.cohort import run_folder, simulate
from sandkasse.core.errors import InvalidInputError, RunInterruptedError, StoreInUseError, UpstreamError

PERSONS = 3200
PROGRAM = """
import os, sys
from pathlib import Path
from sandkasse.actions.cohorts import CohortRequest, Engine, simulate_cohort
from sandkasse.cohort import simulate
from sandkasse.core.errors import SandkasseError
from sandkasse.core.settings import read_settings

if __name__ == "__main__":
    simulate.SHARD_PERSONS = 40

    def tell(done, total, unit):
        print(done, flush=True)
        if done >= 400:
            sys.stdin.read()  # so that the run is still under way when it is disturbed, however fast it is

    request = CohortRequest(n_persons=int(sys.argv[2]), seed=5, out=Path(sys.argv[1]), engine=Engine(workers=2))
    try:
        simulate_cohort(read_settings(os.environ), request, progress=tell)
    except SandkasseError as error:
        print(error.code, error.message, error.next_step, sep="|", flush=True)
        sys.exit(error.exit_code)
"""


@pytest.fixture
def request_(tmp_path):
    return CohortRequest(n_persons=PERSONS, seed=5, out=tmp_path / "out", engine=Engine(workers=2))


@pytest.fixture
def unbroken(settings, tmp_path, small_shards, request_, digests):
    """Make the cohort without a stop, and give the checksums of its files."""
    simulate_cohort(settings, replace(request_, out=tmp_path / "unbroken"))
    return digests(tmp_path / "unbroken")


@pytest.fixture
def start(settings, tmp_path):
    """Start the cohort in a process of its own, and wait until some shards are finished; it goes on when told."""
    started = []

    def begin() -> subprocess.Popen[str]:
        script = tmp_path / "program.py"
        script.write_text(PROGRAM)
        environment = {**os.environ, "SANDKASSE_HOME": str(settings.home), "SANDKASSE_KERNELS": str(settings.kernels)}
        command = [sys.executable, str(script), str(tmp_path / "out"), str(PERSONS)]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        started.append(process)
        while int(process.stdout.readline()) < 400:
            pass
        return process

    yield begin
    for process in started:
        process.kill()
        process.stdin.close()
        process.stdout.close()
        process.wait()


def test_a_killed_run_goes_on_and_ends_with_the_same_bytes(settings, tmp_path, start, unbroken, request_, digests):
    process = start()
    workers = children_of(process.pid)
    assert workers
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=60)
    wait_for_end(workers)
    assert not request_.out.exists()
    n_finished = len(list((tmp_path / "out.unfinished" / "shards").glob("*.json")))
    assert 10 <= n_finished < PERSONS // 40
    made = simulate_cohort(settings, request_).simulated
    assert (made.n_continued, made.n_shards) == (n_finished, PERSONS // 40)
    assert digests(request_.out) == unbroken
    assert not (tmp_path / "out.unfinished").exists()


def test_a_killed_worker_stops_the_run_with_one_line_and_what_is_finished_is_kept(
    settings, start, unbroken, request_, digests
):
    process = start()
    os.kill(children_of(process.pid)[0], signal.SIGKILL)
    process.stdin.close()
    code, message, next_step = process.stdout.read().strip().splitlines()[-1].split("|")
    assert process.wait(timeout=60) == RunInterruptedError.exit_code
    assert code == "interrupted"
    assert f"of {PERSONS // 40} shards are finished and kept" in message
    assert "same command again" in next_step
    assert simulate_cohort(settings, request_).simulated.n_continued >= 10
    assert digests(request_.out) == unbroken


def interrupt(settings, request, *, after: int) -> Path:
    """Let a run be stopped by Ctrl-C, and give its folder."""

    def stop(done: int, _total: int, _unit: str) -> None:
        if done >= after:
            raise KeyboardInterrupt

    with pytest.raises(RunInterruptedError, match="finished and kept"):
        simulate_cohort(settings, request, progress=stop)
    return request.out.with_name(f"{request.out.name}.unfinished")


@pytest.fixture
def small(request_):
    return replace(request_, n_persons=240, engine=Engine(workers=1))


def test_what_is_half_written_or_changed_is_made_again(settings, tmp_path, small_shards, small, digests):
    simulate_cohort(settings, replace(small, out=tmp_path / "unbroken"))
    folder = interrupt(settings, small, after=160)
    registers = folder / "registers" / "data"
    (folder / "shards" / "00000.json").write_text('{"number": 0, "pers')
    cut = registers / "lmdb" / "part-00001.parquet"
    cut.write_bytes(cut.read_bytes()[:-1])
    changed = folder / "truth" / ".parts" / "persons" / "part-00002.parquet"
    changed.write_bytes(bytes(reversed(changed.read_bytes())))
    (registers / "bef" / ".part-00009.parquet.0a0a").write_bytes(b"half")
    (registers / "bef" / "part-00099.parquet").write_bytes(b"of no shard")
    assert simulate_cohort(settings, small).simulated.n_continued == 1
    assert digests(small.out) == digests(tmp_path / "unbroken")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"seed": 6}, "the seed"),
        ({"n_persons": 280}, "the number of persons"),
        ({"lpr3": "f"}, "the options"),
        ({"keep": "none"}, "the keep"),
    ],
)
def test_another_request_in_the_folder_of_an_unfinished_run_is_refused(
    settings, small_shards, small, digests, change, words
):
    folder = interrupt(settings, small, after=80)
    before = digests(folder)
    with pytest.raises(InvalidInputError, match=f"differs in {words}") as caught:
        simulate_cohort(settings, replace(small, **change))
    assert str(folder) in caught.value.next_step
    assert digests(folder) == before


def test_another_version_of_the_simulator_does_not_continue_a_run(settings, small_shards, small, monkeypatch):
    interrupt(settings, small, after=80)
    monkeypatch.setattr(run_folder, "measure_model", lambda: "another")
    with pytest.raises(InvalidInputError, match="the version of the simulator"):
        simulate_cohort(settings, small)


def test_the_model_s_checksum_sees_every_parameter(tmp_path, monkeypatch):
    before = run_folder.measure_model()
    copy = tmp_path / "cohort"
    (tmp_path / "core").mkdir()
    (tmp_path / "core" / "rng.py").write_bytes((Path(simulate.__file__).parents[1] / "core" / "rng.py").read_bytes())
    subprocess.run(["cp", "-r", str(Path(simulate.__file__).parent), str(copy)], check=True)
    monkeypatch.setattr(run_folder, "_SOURCES", copy)
    assert run_folder.measure_model() == before
    parameters = sorted(path for path in copy.rglob("*") if path.suffix in (".toml", ".csv", ".py"))
    assert len(parameters) > 20
    for path in parameters[:: len(parameters) // 5]:
        content = path.read_bytes()
        path.write_bytes(content + b"\n# changed\n")
        assert run_folder.measure_model() != before
        path.write_bytes(content)
    assert run_folder.measure_model() == before


def test_a_worker_of_another_version_is_refused(settings, monkeypatch):
    manifest = simulate.Plan(10, 1).to_manifest()
    folder = simulate.cache_folder(settings.kernels)
    simulate.prepare_worker(folder, manifest)
    with pytest.raises(UpstreamError, match="another version of Sandkasse"):
        simulate.prepare_worker(folder, replace(manifest, software={**manifest.software, "pyarrow": "1.0.0"}))
    monkeypatch.setattr(simulate, "measure_model", lambda: "another")
    with pytest.raises(UpstreamError, match="another version of Sandkasse"):
        simulate.prepare_worker(folder, manifest)


def test_a_worker_that_does_not_see_the_folder_says_so(settings, tmp_path):
    simulate.prepare(simulate.cache_folder(settings.kernels))
    with pytest.raises(UpstreamError, match="does not see the folder") as caught:
        simulate.write_shard(simulate.ShardTask(0, (0, 10), 1, data=tmp_path / "elsewhere"))
    assert "--keep none" in caught.value.next_step


def test_a_folder_that_is_no_run_s_is_not_touched(settings, small, digests):
    folder = small.out.with_name("out.unfinished")
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work")
    with pytest.raises(InvalidInputError, match="no folder of an unfinished run"):
        simulate_cohort(settings, small)
    assert (folder / "thesis.txt").read_text() == "years of work"


def test_a_run_that_was_stopped_before_its_first_shard_stands_in_nobody_s_way(settings, small_shards, small, digests):
    unfinished = small.out.with_name("out.unfinished")
    another = simulate.Plan(small.n_persons + 40, small.seed + 1)
    with run_folder.open_run(unfinished, another.to_manifest()) as run:
        (run.data / "bef").mkdir()
        (run.data / "bef" / "part-00007.parquet").write_bytes(b"left behind")
    simulate_cohort(settings, small)
    simulate_cohort(settings, replace(small, out=small.out.with_name("fresh")))
    assert not unfinished.exists()
    assert digests(small.out) == digests(small.out.with_name("fresh"))


def test_without_a_seed_an_unfinished_run_goes_on_with_its_own(settings, small_shards, small):
    random = replace(small, seed=None)
    folder = interrupt(settings, random, after=80)
    kept = json.loads((folder / "run.json").read_text())["seed"]
    made = simulate_cohort(settings, random)
    assert str(made.seed) == kept
    assert made.simulated.n_continued >= 2


def test_two_processes_do_not_make_the_same_cohort(settings, small):
    unfinished = small.out.with_name("out.unfinished")
    plan = simulate.Plan(small.n_persons, small.seed)
    with run_folder.open_run(unfinished, plan.to_manifest()), pytest.raises(StoreInUseError):
        simulate_cohort(settings, small)


def test_the_class_cohort_goes_on_with_its_secret_seed_which_is_not_written_beside_it(
    settings, small_shards, monkeypatch
):
    def stop(done: int, _total: int, unit: str) -> None:
        if done >= 80 and unit == "persons":
            raise KeyboardInterrupt

    with pytest.raises(RunInterruptedError):
        publish_class_cohort(settings, n_persons=400, progress=stop)
    seed = json.loads((settings.secrets / "dk-registers-class.json").read_text())["seed"]
    written = list((settings.run / "cohorts").rglob("*.json"))
    assert len(written) >= 3
    assert not [path for path in written if seed in path.read_text()]
    assert not settings.datasets.exists() or not list(settings.datasets.glob("*/*"))
    seen = []
    publish_class_cohort(settings, n_persons=400, progress=lambda done, _total, unit: seen.append((done, unit)))
    assert min(done for done, unit in seen if unit == "persons") >= 80
    assert not list((settings.run / "cohorts").iterdir())


def children_of(parent: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                words = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if int(fields[1]) == parent and b"resource_tracker" not in words:
                found.append(int(entry.name))
    return found


def wait_for_end(processes: list[int]) -> None:
    deadline = time.monotonic() + 60
    while any(is_alive(process) for process in processes) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not [process for process in processes if is_alive(process)]


def is_alive(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
