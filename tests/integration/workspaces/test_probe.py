"""Isolation is decided by running bubblewrap: a program of that name that does not isolate is not believed."""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from sandkasse.workspaces.sandbox import find_why_not_isolated

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="bubblewrap runs on Linux only")

# Runs the command without any sandbox, as a broken or a hostile `bwrap` would.
NO_SANDBOX = '#!/bin/sh\nwhile [ "$1" != "--" ]; do shift; done; shift; exec "$@"\n'
FAILS = "#!/bin/sh\necho 'bwrap: No permissions to create a new namespace' >&2\nexit 1\n"
SAYS_YES = "#!/bin/sh\nexit 0\n"


def install(folder: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    program = folder / "bwrap"
    program.write_text(text)
    program.chmod(stat.S_IRWXU)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def test_a_machine_without_it_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "not installed" in find_why_not_isolated()


@pytest.mark.parametrize(
    ("program", "reason"),
    [(NO_SANDBOX, "does not hold"), (FAILS, "No permissions to create a new namespace"), (SAYS_YES, "does not hold")],
)
def test_a_program_that_does_not_isolate_is_not_believed(tmp_path, monkeypatch, program, reason):
    install(tmp_path, program, monkeypatch)
    assert reason in find_why_not_isolated()


def test_one_that_hangs_is_given_up(tmp_path, monkeypatch):
    install(tmp_path, "#!/bin/sh\nexec sleep 60\n", monkeypatch)
    monkeypatch.setattr("sandkasse.workspaces.sandbox.PROBE_TIMEOUT_S", 0.5)
    assert "does not run" in find_why_not_isolated()


@pytest.mark.attack
def test_where_bubblewrap_runs_the_isolation_holds():
    """The attack tests are skipped where there is no isolation: a broken one must not hide behind that."""
    program = shutil.which("bwrap")
    plain = [program, "--unshare-user", "--ro-bind", "/", "/", "true"]
    if program is None or subprocess.run(plain, capture_output=True, check=False).returncode != 0:
        pytest.skip("bubblewrap does not run on this machine")
    assert find_why_not_isolated() == ""
