"""One process at a time serves a store."""

import subprocess
import sys

import pytest

from sandkasse.core.errors import StoreInUseError
from sandkasse.core.lock import hold_store, read_address


def test_a_second_holder_is_refused_and_told_who_holds_it(tmp_path):
    child = "import sys, pathlib; from sandkasse.core.lock import hold_store\n"
    child += f"with hold_store(pathlib.Path({str(tmp_path)!r})) as serve_at:\n"
    child += " serve_at('http://here'); print('held', flush=True); sys.stdin.read()"
    process = subprocess.Popen([sys.executable, "-c", child], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "held\n"
        with pytest.raises(StoreInUseError, match=str(process.pid)) as caught, hold_store(tmp_path):
            pass
        assert "open http://here" in caught.value.next_step
        assert read_address(tmp_path) == "http://here"
    finally:
        process.communicate("")
    with hold_store(tmp_path):
        assert (tmp_path / "site.lock").exists()


def test_the_lock_of_a_killed_process_is_free(tmp_path):
    child = "import pathlib, os; from sandkasse.core.lock import hold_store\n"
    child += f"with hold_store(pathlib.Path({str(tmp_path)!r})):\n os.kill(os.getpid(), 9)"
    assert subprocess.run([sys.executable, "-c", child], check=False).returncode == -9
    with hold_store(tmp_path):
        assert (tmp_path / "site.lock").read_text().strip().isdigit()
