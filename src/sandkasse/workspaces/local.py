"""Notebook servers on this machine, each a child of one supervisor process (edge)."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from sandkasse.core.errors import WorkspaceStartError
from sandkasse.workspaces.inside import Limits
from sandkasse.workspaces.launcher import EndedWorkspace, Info, RunningWorkspace, WorkspaceRequest
from sandkasse.workspaces.sandbox import find_why_not_isolated
from sandkasse.workspaces.server_process import Configuration
from sandkasse.workspaces.wire import request_to_wire, running_from_wire

ANSWER_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 15.0
MEMORY_SHARE = 0.75  # our choice: one process may take three quarters of the machine's memory, never all of it
WhenEnded = Callable[[EndedWorkspace], None]


@dataclass(frozen=True)
class LocalOptions:
    """How a site runs its workspaces.

    Attributes:
        run_folder: Where logs go.
        hidden: What no workspace may see: the site's store, the shipped content.
        isolation: `auto` uses bubblewrap where it holds, else practice mode; `none` is practice mode, as one's choice.
        limits: What one process may use; without them, a share of this machine.
        idle_s: Seconds without activity after which a workspace is ended.
    """

    run_folder: Path
    hidden: tuple[Path, ...]
    isolation: Literal["auto", "none"] = "auto"
    limits: Limits | None = None
    idle_s: float = 2 * 3600.0


class LocalLauncher:
    """Starts notebook servers through a supervisor process that ends them all when this process ends.

    Safe to use from any thread.

    Args:
        options: How the site runs its workspaces.
        when_ended: Told of every workspace that ends, from a thread of its own.
    """

    def __init__(self, options: LocalOptions, *, when_ended: WhenEnded = lambda _ended: None) -> None:
        self._options = options
        self._when_ended = when_ended
        self._lock = threading.RLock()
        self._line: _Line | None = None

    @cached_property
    def info(self) -> Info:
        """What this launcher is; the first look runs the sandbox once to see whether it holds."""
        chosen = "practice mode was chosen" if self._options.isolation == "none" else ""
        why = chosen or find_why_not_isolated()
        isolation: Literal["bubblewrap", "none"] = "none" if why else "bubblewrap"
        return Info(id="local", title="This machine", isolation=isolation, why_not_isolated=why)

    def start(self, request: WorkspaceRequest) -> RunningWorkspace:
        """Start a server and wait until it answers, or give the one that runs for the same person and module.

        Raises:
            WorkspaceStartError: If it does not start.
        """
        return running_from_wire(self._ask("start", ANSWER_TIMEOUT_S, request=request_to_wire(request)))

    def stop(self, workspace_id: str) -> None:
        """Stop a server and wait until it is gone; one that does not run is left alone."""
        if self._line is not None and self._line.is_alive:
            self._ask("stop", STOP_TIMEOUT_S, workspace_id=workspace_id)

    def list(self) -> tuple[RunningWorkspace, ...]:
        """List the servers that run now."""
        if self._line is None or not self._line.is_alive:
            return ()
        return tuple(running_from_wire(values) for values in self._ask("list", STOP_TIMEOUT_S))

    def warm_up(self) -> None:
        """Start the supervisor before the first workspace asks for it."""
        self._connected()

    def close(self) -> None:
        """End every workspace and the supervisor."""
        with self._lock:
            if self._line is not None:
                self._line.close()
                self._line = None

    def _ask(self, act: str, timeout_s: float, **values: Any) -> Any:
        try:
            return self._connected().ask(act, **values).result(timeout_s)
        except (TimeoutError, OSError) as exc:
            raise WorkspaceStartError(
                "The process that runs the notebooks does not answer.",
                next_step="stop `sandkasse up` and start it again",
            ) from exc

    def _connected(self) -> "_Line":
        with self._lock:
            if self._line is None or not self._line.is_alive:
                self._line = _Line(self._when_ended)
                self._line.ask("configure", configuration=self._configuration().to_wire())
            return self._line

    def _configuration(self) -> Configuration:
        options = self._options
        limits = options.limits or Limits(memory_bytes=int(_machine_memory() * MEMORY_SHARE))
        return Configuration(
            isolation=self.info.isolation,
            run_folder=options.run_folder,
            hidden=options.hidden,
            limits=limits,
            idle_s=options.idle_s,
        )


def _machine_memory() -> int:
    """Bytes of memory of this machine; where it does not say, as much as a small laptop has."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return 8 << 30


class _Line:
    """The line to one supervisor process: questions go out, a thread of its own takes answers and news."""

    def __init__(self, when_ended: WhenEnded) -> None:
        # A session of its own: Ctrl-C in the terminal goes to the portal, which then ends the supervisor in order.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "sandkasse.workspaces.supervisor"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=sys.platform != "win32",
        )
        self._when_ended = when_ended
        self._lock = threading.Lock()
        self._waiting: dict[int, Future[Any]] = {}
        self._asked = 0
        self._reader = threading.Thread(target=self._read, name="workspace-news", daemon=True)
        self._reader.start()

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, act: str, **values: Any) -> "Future[Any]":
        answer: Future[Any] = Future()
        with self._lock:
            self._asked += 1
            self._waiting[self._asked] = answer
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps({"id": self._asked, "act": act, **values}).encode() + b"\n")
            self._process.stdin.flush()
        return answer

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()  # the sandboxes die with it
            self._process.wait()
        self._reader.join(STOP_TIMEOUT_S)
        self._process.stdout.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._take(json.loads(line))
        self._process.wait()
        with self._lock:
            waiting, self._waiting = self._waiting, {}
        for answer in waiting.values():
            answer.set_exception(BrokenPipeError("the supervisor ended"))

    def _take(self, message: Mapping[str, Any]) -> None:
        if "ended" in message:
            self._when_ended(EndedWorkspace(**message["ended"]))
            return
        with self._lock:
            answer = self._waiting.pop(message["id"], None)
        if answer is None:
            return
        if "failed" in message:
            answer.set_exception(
                WorkspaceStartError(
                    f"The notebook server did not start: {message['failed']}.",
                    next_step="press Start again; if it fails again, see the logs in the store's run/workspaces folder",
                )
            )
        else:
            answer.set_result(message["done"])
