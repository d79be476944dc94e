"""One cohort, every engine: the same checksums; a lost engine leaves finished shards and one clear error."""

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from sandkasse.actions.cohorts import CohortRequest, Engine, simulate_cohort
from sandkasse.cohort import simulate
from sandkasse.compute.credentials import make_credentials
from sandkasse.compute.dask_clusters import BatchJobs, DaskHere
from sandkasse.core.errors import InvalidInputError, RunInterruptedError, UpstreamError

SEED = 7_345_678_901_234


def request(tmp_path: Path, engine: Engine, *, n_persons: int = 240, name: str = "out") -> CohortRequest:
    return CohortRequest(n_persons=n_persons, seed=SEED, out=tmp_path / name, engine=engine)


@pytest.fixture
def expected(settings, tmp_path):
    """Give the checksums of the cohort, made by one process."""
    simulate_cohort(settings, request(tmp_path, Engine(workers=1), name="one"))
    return checksums(tmp_path / "one")


def checksums(folder: Path) -> dict[str, object]:
    return json.loads((folder / "checksums.json").read_text())


def test_two_processes_give_the_checksums_of_one(settings, tmp_path, expected):
    simulate_cohort(settings, request(tmp_path, Engine(workers=2)))
    assert checksums(tmp_path / "out") == expected


def test_dask_gives_the_checksums_of_one_process(settings, tmp_path, expected):
    simulate_cohort(settings, request(tmp_path, Engine("dask", workers=1)))
    assert checksums(tmp_path / "out") == expected


def test_a_running_dask_scheduler_gives_the_checksums_of_one_process(settings, tmp_path, expected, dask_programs):
    with dask_programs.running_dask(tmp_path) as address:
        simulate_cohort(settings, request(tmp_path, Engine("dask", scheduler=address)))
    assert checksums(tmp_path / "out") == expected


def test_slurm_gives_the_checksums_of_one_process(settings, tmp_path, expected, slurm):
    engine = Engine("slurm", workers=1, time_limit="00:10:00", interface="lo")
    simulate_cohort(settings, replace(request(tmp_path, engine), keep="none"))
    assert checksums(tmp_path / "out") == expected


def test_a_dask_scheduler_with_tls_is_reached_with_dask_s_own_settings(tmp_path, settings, dask_programs, monkeypatch):
    make_credentials(tmp_path)
    key, certificate = tmp_path / "cluster.key", tmp_path / "cluster.crt"
    tls = {"ca-file": certificate, "cert": certificate, "key": key}
    with dask_programs.running_dask(tmp_path, tls=tls) as address:
        assert address.startswith("tls://")
        code = (
            "import sys; from pathlib import Path; from functools import partial; import operator, os\n"
            "from sandkasse.compute.dask_client import DaskScheduler\n"
            "runner = DaskScheduler(sys.argv[1])\n"
            "print(sorted(runner.run(operator.neg, [1, 2, 3], prepare=partial(os.umask, 0o22))))\n"
        )
        names = {"CA_FILE": certificate, "CLIENT__CERT": certificate, "CLIENT__KEY": key}
        known = {f"DASK_DISTRIBUTED__COMM__TLS__{name}": str(path) for name, path in names.items()}
        command = ["python", "-c", code, address]
        done = run_python(command, {**os.environ, **known})
        assert done.stdout.strip() == "[-3, -2, -1]", done.stderr
        refused = run_python(command, os.environ)
        assert refused.returncode
        assert "TLS" in refused.stderr


def run_python(command: list[str], environment) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *command[1:]]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=120)


def test_our_own_cluster_is_closed_to_others_and_listens_on_this_machine_only(tmp_path):
    """Whoever has no certificate is turned away; nothing listens on the network; no page is served."""
    before = listening(os.getpid())
    results = DaskHere(1, tmp_path).run(hash, range(400), prepare=dict)
    next(results)
    try:
        addresses = [address for address in listening(os.getpid()) if address not in before]
        assert not [host for host, _ in addresses if host != "127.0.0.1"]
        # Those that are silent at first are asked again with more patience: a busy machine answers late.
        answers = [answer_without_certificate(address, patience_s=2) for address in addresses]
        if answers.count("certificate required") < 3:
            answers = [answer_without_certificate(address, patience_s=60) for address in addresses]
        pages = {page_at(address, path) for address in addresses for path in ("status", "metrics", "health")}
    finally:
        results.close()
    # Scheduler, nanny and worker at least; their web servers speak no TLS at all.
    assert answers.count("certificate required") >= 3
    assert set(answers) <= {"certificate required", "no TLS", "silence"}
    assert pages <= {"404", "none"}


def answer_without_certificate(address: tuple[str, int], *, patience_s: float) -> str:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with socket.create_connection(address, timeout=patience_s) as plain, context.wrap_socket(plain) as secure:
            return f"let in: {len(secure.recv(1))}"
    except ssl.SSLError as error:
        return "certificate required" if "CERTIFICATE_REQUIRED" in str(error) else "no TLS"
    except TimeoutError:
        return "silence"


def page_at(address: tuple[str, int], path: str) -> str:
    try:
        with urllib.request.urlopen(f"http://{address[0]}:{address[1]}/{path}", timeout=2) as answer:
            return str(answer.status)
    except urllib.error.HTTPError as error:
        return str(error.code)
    except OSError:
        return "none"


def listening(process: int) -> list[tuple[str, int]]:
    """Give the addresses on which a process or its children listen."""
    handles = [link for name in family_of(process) for link in Path(f"/proc/{name}/fd").glob("*")]
    sockets = {target for handle in handles if (target := where(handle)).startswith("socket:[")}
    found = []
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets:
                host, port = fields[1].split(":")
                shown = ".".join(str(byte) for byte in bytes.fromhex(host)[::-1]) if table == "tcp" else host
                found.append((shown, int(port, 16)))
    return found


def family_of(process: int) -> set[str]:
    """Give a process, its children and theirs."""
    family = {str(process)}
    for _ in range(3):
        for entry in Path("/proc").iterdir():
            with suppress(OSError):
                if entry.name.isdigit() and (entry / "stat").read_text().rpartition(")")[2].split()[1] in family:
                    family.add(entry.name)
    return family


def where(handle: Path) -> str:
    with suppress(OSError):
        return os.readlink(handle)
    return ""


def test_the_workers_notes_hold_no_seed_and_no_person(settings, tmp_path):
    def stop(done: int, _total: int, _unit: str) -> None:
        if done >= 120:
            raise KeyboardInterrupt

    with pytest.raises(RunInterruptedError):
        simulate_cohort(settings, request(tmp_path, Engine("dask", workers=1)), progress=stop)
    notes = list((tmp_path / "out.unfinished" / "logs").glob("worker-*.log"))
    assert notes
    words = " ".join(path.read_text() for path in notes)
    assert "one piece of work done" in words
    assert str(SEED) not in words
    assert str(SEED) not in repr(simulate.Plan(40, SEED).tasks())


def test_what_dask_logs_of_a_failed_shard_holds_no_seed(settings, tmp_path, slurm):
    wanted = replace(request(tmp_path, Engine("slurm", workers=1, interface="lo")), consumer="false")
    with pytest.raises(UpstreamError, match="exit code 1"):
        simulate_cohort(settings, wanted)
    logs = [path.read_text() for path in (tmp_path / "out.unfinished" / "logs").iterdir() if path.is_file()]
    assert any("Compute Failed" in text for text in logs)
    assert not [text for text in logs if str(SEED) in text]


def test_a_lost_worker_s_task_is_done_by_the_next_one(settings, tmp_path, expected, dask_programs):
    killed = []

    def kill(done: int, _total: int, unit: str) -> None:
        if done >= 80 and unit == "persons" and not killed:
            for entry in Path("/proc").iterdir():
                if entry.name.isdigit() and is_worker(entry, address):
                    killed.append(int(entry.name))
                    os.kill(int(entry.name), signal.SIGKILL)

    with dask_programs.running_dask(tmp_path) as address:
        simulate_cohort(settings, request(tmp_path, Engine("dask", scheduler=address)), progress=kill)
    assert killed
    assert checksums(tmp_path / "out") == expected


def is_worker(entry: Path, address: str) -> bool:
    """Say whether a process is the child that a worker's program has started to work for this scheduler."""
    try:
        parent = (entry / "stat").read_text().rpartition(")")[2].split()[1]
        return (
            address.encode() in Path(f"/proc/{parent}/cmdline").read_bytes()
            and b"spawn_main" in (entry / "cmdline").read_bytes()
        )
    except OSError:
        return False


def test_cancelled_jobs_end_the_run_and_it_goes_on_elsewhere(settings, tmp_path, slurm):
    def cancel(done: int, _total: int, unit: str) -> None:
        if done >= 200 and unit == "persons":
            subprocess.run(["scancel", "--name=sandkasse"], check=True)
            waiting = ["squeue", "--noheader", "--name=sandkasse"]  # else a fast worker might finish before it is told
            while subprocess.run(waiting, check=True, capture_output=True, text=True).stdout.strip():
                time.sleep(0.2)

    engine = Engine("slurm", workers=1, interface="lo")
    with pytest.raises(RunInterruptedError, match="finished and kept") as caught:
        simulate_cohort(settings, request(tmp_path, engine, n_persons=4000), progress=cancel)
    assert "Slurm has none of the jobs any more" in caught.value.message
    assert "logs" in caught.value.message
    done = simulate_cohort(settings, request(tmp_path, Engine(workers=2), n_persons=4000)).simulated
    assert 5 <= done.n_continued < 100


@pytest.mark.slow
def test_jobs_at_their_time_limit_end_the_run_with_that_reason(tmp_path, slurm):
    runner = BatchJobs("slurm", 1, tmp_path / "shared", time_limit="00:01:00", interface="lo")
    results = runner.run(time.sleep, [4.0] * 60, prepare=dict)
    assert [next(results) for _ in range(3)] == [None] * 3
    with pytest.raises(RunInterruptedError, match="ended the jobs at their time limit"):
        list(results)


@pytest.mark.parametrize(
    ("engine", "error", "words"),
    [
        ({"name": "dask", "scheduler": "tcp://127.0.0.1:9"}, UpstreamError, "No Dask scheduler answers"),
        ({"name": "dask", "scheduler": "127.0.0.1:port"}, InvalidInputError, "no address"),
        ({"name": "spark"}, InvalidInputError, "no engine named 'spark'"),
        ({"scheduler": "tcp://127.0.0.1:9"}, InvalidInputError, "for Dask"),
        ({"queue": "main"}, InvalidInputError, "--queue is for the jobs"),
        ({"name": "slurm", "time_limit": "an hour"}, InvalidInputError, "HH:MM:SS"),
        ({"workers": -2}, InvalidInputError, "number of workers"),
        ({"name": "dask", "workers": -2}, InvalidInputError, "number of workers"),
    ],
)
def test_an_engine_that_cannot_work_is_one_clear_error(settings, tmp_path, engine, error, words):
    with pytest.raises(error, match=words) as caught:
        simulate_cohort(settings, request(tmp_path, Engine(**engine)))
    assert caught.value.next_step
    assert not (tmp_path / "out").exists()


def test_a_batch_system_that_is_not_there_or_refuses_is_one_clear_error(settings, tmp_path, slurm, monkeypatch):
    with pytest.raises(UpstreamError, match=r"Slurm refused the job: sbatch: error: .*invalid partition"):
        simulate_cohort(settings, request(tmp_path, Engine("slurm", queue="none", interface="lo")))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UpstreamError, match="qsub of PBS is not on this machine"):
        simulate_cohort(settings, request(tmp_path, Engine("pbs")))
