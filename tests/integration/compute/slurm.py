"""A real Slurm of one node, from Debian's packages, on a private configuration: up in a second, then gone."""

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "sinfo")
PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"

CONFIGURATION = """
ClusterName=sandkasse
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ctld_port}
SlurmdPort={slurmd_port}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CryptoType=crypto/munge
SlurmUser={user}
SlurmdUser={user}
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,sched_min_interval=0,batch_sched_delay=0,bf_interval=1
MpiDefault=none
ReturnToService=2
KillWait=1
InactiveLimit=0
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
NodeName={host} NodeHostname={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory=4000 State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP OverSubscribe=FORCE:4
"""


def missing_programs() -> list[str]:
    """Name the programs that are not on this machine."""
    return [name for name in PROGRAMS if shutil.which(name, path=PATH) is None]


@contextmanager
def running_slurm() -> Iterator[Path]:
    """Start munge, the controller and the node, give the configuration file, stop them at the end."""
    # Munge wants every folder above its socket to be safe, and no longer name than a socket's.
    folder = Path(tempfile.mkdtemp(prefix="slurm-", dir="/tmp"))
    folder.chmod(0o755)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        configuration = _write_configuration(folder)
        munge = ["munged", "--foreground", f"--key-file={folder}/munge.key", f"--socket={folder}/munge.socket"]
        munge += [
            f"--pid-file={folder}/munge.pid",
            f"--log-file={folder}/munge.log",
            f"--seed-file={folder}/munge.seed",
        ]
        _serve(stack, folder, [*munge, "--num-threads=2"])
        _wait_for((folder / "munge.socket").exists, folder)
        environment = {"SLURM_CONF": str(configuration)}
        _serve(stack, folder, ["slurmctld", "-D", "-i", "-f", str(configuration)], environment)
        _serve(stack, folder, ["slurmd", "-D", "-f", str(configuration)], environment)
        _wait_for(lambda: _state(configuration) == "idle", folder)
        yield configuration


def _write_configuration(folder: Path) -> Path:
    key = folder / "munge.key"
    key.touch(mode=0o600)
    key.write_bytes(secrets.token_bytes(128))
    for name in ("state", "spool"):
        (folder / name).mkdir(mode=0o755)
    path = folder / "slurm.conf"
    path.write_text(
        CONFIGURATION.format(
            host=socket.gethostname().partition(".")[0],
            ctld_port=_free_port(),
            slurmd_port=_free_port(),
            user=pwd.getpwuid(os.getuid()).pw_name,
            cpus=len(os.sched_getaffinity(0)),
            folder=folder,
        )
    )
    return path


def _serve(stack: ExitStack, folder: Path, command: list[str], environment: dict[str, str] | None = None) -> None:
    with (folder / f"{command[0]}.out").open("wb") as out:
        program = shutil.which(command[0], path=PATH)
        process = subprocess.Popen(
            [program, *command[1:]], stdout=out, stderr=out, env={**os.environ, **(environment or {}), "PATH": PATH}
        )

    def stop() -> None:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    stack.callback(stop)


def _state(configuration: Path) -> str:
    command = ["sinfo", "--noheader", "--format=%t"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "SLURM_CONF": str(configuration)}
    )
    return done.stdout.strip()


def _wait_for(is_so, folder: Path) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        if time.monotonic() > deadline:
            said = [f"{path.name}: {path.read_text(errors='replace')[-600:]}" for path in folder.glob("*.[ol]*")]
            raise RuntimeError("Slurm did not start. " + " | ".join(said))
        time.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
