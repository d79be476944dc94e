"""`qsub`, `qstat` and `qdel` of our own: no PBS, only what it is asked and how it answers, on this machine."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

_QSUB = """#!{python}
import re, subprocess, sys
script = sys.argv[-1]
text = open(script).read()
number = len(list(__import__("pathlib").Path("{folder}/jobs").iterdir())) + 1
open("{folder}/jobs/script-" + str(number), "w").write(text)
place = re.search(r"#PBS -o (.*)/", text)[1]
with open(place + "/sandkasse.o" + str(number), "wb") as out:
    job = subprocess.Popen(["bash", "{folder}/jobs/script-" + str(number)], stdout=out, stderr=out,
                           stdin=subprocess.DEVNULL, start_new_session=True)
open("{folder}/pids/" + str(number), "w").write(str(job.pid))
print(str(number) + ".fake")
"""
_QSTAT = """#!{python}
import os, sys
number = sys.argv[-1].partition(".")[0]
pid = int(open("{folder}/pids/" + number).read())
try:
    state = open("/proc/" + str(pid) + "/stat").read().rpartition(")")[2].split()[0]
except OSError:
    state = "Z"
if state == "Z":
    sys.exit(153)
print(number + ".fake sandkasse R")
"""
_QDEL = """#!{python}
import os, signal, sys
number = sys.argv[-1].partition(".")[0]
try:
    os.killpg(int(open("{folder}/pids/" + number).read()), signal.SIGKILL)
except ProcessLookupError:
    pass
"""


@contextmanager
def running_fake_pbs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Put the three commands first on the path, and end every job at the end."""
    for name in ("bin", "jobs", "pids"):
        (folder / name).mkdir(parents=True)
    for name, text in (("qsub", _QSUB), ("qstat", _QSTAT), ("qdel", _QDEL)):
        path = folder / "bin" / name
        path.write_text(text.replace("{python}", sys.executable).replace("{folder}", str(folder)))
        path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}")
    try:
        yield folder
    finally:
        for path in (folder / "pids").iterdir():
            with suppress(ProcessLookupError):
                os.killpg(int(path.read_text()), signal.SIGKILL)
