"""One sandbox, started as a visitor starts it, for every test that looks at it from the outside."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Served:
    """A running sandbox: its one-time address, its port and its store."""

    address: str
    port: int
    home: Path


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Start `sandkasse up` on an empty store; stop it as Ctrl-C does."""
    home = tmp_path_factory.mktemp("store")
    command = [sys.executable, "-m", "sandkasse", "up", "--home", str(home), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        try:
            yield Served(**(_read_json(process) | {"home": home}))
        finally:
            os.killpg(process.pid, signal.SIGINT)
            process.wait(timeout=90)


def _read_json(process: "subprocess.Popen[str]") -> dict[str, object]:
    text = ""
    while not text.rstrip().endswith("}"):
        line = process.stdout.readline()
        assert line, "the sandbox stopped before it said its address"
        text += line
    return json.loads(text)
