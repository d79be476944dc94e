"""One notebook server as the supervisor sees it: started, waited for, asked whether it is idle, ended (edge)."""

import asyncio
import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Self

from sandkasse.workspaces.inside import Limits
from sandkasse.workspaces.launcher import EndReason, Isolation, RunningWorkspace, WorkspaceRequest
from sandkasse.workspaces.log_file import LogFile
from sandkasse.workspaces.notebook_server import (
    NOTEBOOK_HOST,
    Address,
    Places,
    draw_address,
    find_kernels,
    places_in_sandbox,
    plan_command,
    plan_practice_environment,
    plan_view,
)
from sandkasse.workspaces.sandbox import current_interpreter, sandboxed

READY_POLL_S = 0.05
END_TIMEOUT_S = 5.0
HTTP_TIMEOUT_S = 3.0
PORT_ATTEMPTS = 3


class StartFailedError(Exception):
    """A notebook server did not answer; the text says why in one line, without tokens."""


@dataclass(frozen=True)
class Configuration:
    """What all workspaces of a site share.

    Attributes:
        isolation: What holds them.
        run_folder: Where their logs go, and in practice mode their sockets.
        hidden: What no workspace may see.
        limits: What one process may use.
        idle_s: Seconds without activity after which a workspace is ended.
        start_timeout_s: Seconds that a server may take until it answers.
    """

    isolation: Isolation
    run_folder: Path
    hidden: tuple[Path, ...]
    limits: Limits
    idle_s: float = 2 * 3600.0  # our choice: longer than a lunch, shorter than a forgotten evening
    start_timeout_s: float = 60.0

    def to_wire(self) -> dict[str, Any]:
        """Give the configuration as plain values."""
        return {**asdict(self), "run_folder": str(self.run_folder), "hidden": [str(path) for path in self.hidden]}

    @classmethod
    def from_wire(cls, values: Mapping[str, Any]) -> Self:
        """Read the configuration back."""
        limits = Limits(**values["limits"])
        hidden = tuple(Path(path) for path in values["hidden"])
        return cls(**{**values, "limits": limits, "hidden": hidden, "run_folder": Path(values["run_folder"])})


class ServerProcess:
    """A notebook server that has answered once.

    Args:
        running: What the portal is told of it.
        address: Where it answers.
        process: The server, or the sandbox around it.
        log: Where its output goes.
        idle_s: Seconds without activity after which it is idle.
        scratch: A folder to remove at its end.
    """

    def __init__(
        self,
        running: RunningWorkspace,
        address: Address,
        process: asyncio.subprocess.Process,
        log: "asyncio.Task[None]",
        *,
        idle_s: float,
        scratch: Path,
    ) -> None:
        self._running = running
        self._last_activity = datetime.now(UTC)
        self._address = address
        self._process = process
        self._log = log
        self._idle_s = idle_s
        self._scratch = scratch
        self._reason: EndReason = "died"

    @classmethod
    async def start(cls, request: WorkspaceRequest, configuration: Configuration) -> Self:
        """Start a server and wait until it answers.

        Raises:
            StartFailedError: If it ends or stays silent.
        """
        failure = StartFailedError("it was not tried")
        for _ in range(PORT_ATTEMPTS):
            try:
                return await cls._start_at(draw_address(_free_port()), request, configuration)
            except _PortTakenError as error:  # somebody was quicker between our choice of port and the server's start
                failure = error
        raise failure

    @classmethod
    async def _start_at(cls, address: Address, request: WorkspaceRequest, configuration: Configuration) -> Self:
        log = LogFile(
            configuration.run_folder / "workspaces" / f"{request.workspace_id}.log",
            secrets=(address.token, request.portal_token),
        )
        try:
            process = await _spawn(address, request, configuration)
        except OSError as exc:
            raise StartFailedError(f"{exc.strerror}: {exc.filename}") from exc
        assert process.stdout is not None
        logging = asyncio.create_task(log.take_from(process.stdout))
        try:
            await _wait_until_ready(address, process, timeout_s=configuration.start_timeout_s)
        except BaseException as error:
            await _kill(process)
            await logging
            if isinstance(error, StartFailedError):
                raise _explain(log.last_line, error) from None
            raise
        running = RunningWorkspace(
            workspace_id=request.workspace_id,
            user_id=request.user_id,
            module_id=request.module_id,
            port=address.port,
            isolation=configuration.isolation,
            url=address.to_url(request.open_path),
            process_id=process.pid,
        )
        scratch = _scratch(request, configuration)
        return cls(running, address, process, logging, idle_s=configuration.idle_s, scratch=scratch)

    @property
    def running(self) -> RunningWorkspace:
        """What the portal is told of it."""
        return replace(self._running, ends_at=self._last_activity + timedelta(seconds=self._idle_s))

    @property
    def has_ended(self) -> bool:
        """Whether the process is gone."""
        return self._process.returncode is not None

    async def wait_until_ended(self) -> EndReason:
        """Wait for the process's end and say why it ended."""
        code = await self._process.wait()
        await self._log
        shutil.rmtree(self._scratch, ignore_errors=True)  # in practice mode, Jupyter's own note of its token is there
        # A server that ends in order without us was ended from inside, by its user or by its own idle limit.
        return "stopped" if self._reason == "died" and code == 0 else self._reason

    async def end(self, reason: EndReason) -> None:
        """End the server and everything it started."""
        if not self.has_ended:
            self._reason = reason
            await _kill(self._process)

    async def is_idle(self) -> bool:
        """Ask the server whether nothing has happened for long enough, and no kernel is computing.

        A server that does not answer counts as busy: a long computation can keep it from answering.
        """
        try:
            status = await self._ask("api/status")
            self._last_activity = datetime.fromisoformat(status["last_activity"])
            if datetime.now(UTC) - self._last_activity < timedelta(seconds=self._idle_s):
                return False
            kernels = await self._ask("api/kernels?no_track_activity=1")
        except (OSError, ValueError, KeyError, http.client.HTTPException):
            return False
        return not any(kernel.get("execution_state") == "busy" for kernel in kernels)

    async def _ask(self, path: str) -> Any:
        _status, body = await asyncio.to_thread(_get, self._address, path)
        return json.loads(body)


class _PortTakenError(StartFailedError):
    pass


def _explain(last_line: str, error: StartFailedError) -> StartFailedError:
    if "is already in use" in last_line or ("port" in last_line.lower() and "could be found" in last_line):
        return _PortTakenError(last_line)
    return StartFailedError(f"{error}; its last words: {last_line}" if last_line else str(error))


async def _spawn(
    address: Address, request: WorkspaceRequest, configuration: Configuration
) -> asyncio.subprocess.Process:
    interpreter = current_interpreter()
    is_isolated = configuration.isolation == "bubblewrap"
    places = places_in_sandbox(request) if is_isolated else _practice_places(request, configuration)
    command = plan_command(
        address,
        interpreter=interpreter,
        limits=configuration.limits,
        root=places.own,
        idle_s=configuration.idle_s,
        is_isolated=is_isolated,
    )
    kernels = find_kernels(is_isolated=is_isolated, outside=os.environ)
    run = partial(
        asyncio.create_subprocess_exec,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    if is_isolated:
        view = plan_view(
            request, address, hidden=configuration.hidden, executable=interpreter.executable, kernels=kernels
        )
        with sandboxed(view, interpreter, command) as (words, handles):
            return await run(*words, pass_fds=handles, env={"PATH": os.environ.get("PATH", os.defpath)})
    environment = plan_practice_environment(request, address, places, outside=os.environ, kernels=kernels)
    return await run(*command, env=environment, cwd=places.own, start_new_session=sys.platform != "win32")


def _practice_places(request: WorkspaceRequest, configuration: Configuration) -> Places:
    temporary = _scratch(request, configuration)
    temporary.mkdir(parents=True, exist_ok=True, mode=0o700)
    return Places(own=request.folder, temporary=temporary, datasets=request.datasets)


def _scratch(request: WorkspaceRequest, configuration: Configuration) -> Path:
    return configuration.run_folder / "workspaces" / request.workspace_id


async def _wait_until_ready(address: Address, process: asyncio.subprocess.Process, *, timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if process.returncode is not None:
            raise StartFailedError("the notebook server ended while it started")
        with contextlib.suppress(OSError, http.client.HTTPException):
            status, _body = await asyncio.to_thread(_get, address, "api")
            if status == http.client.OK:
                return
        await asyncio.sleep(READY_POLL_S)
    raise StartFailedError(f"the notebook server did not answer within {timeout_s:.0f} s")


async def _kill(process: asyncio.subprocess.Process) -> None:
    """End a process and all it started: politely first, which for a sandbox is at once."""
    for kind in ("SIGTERM", "SIGKILL"):
        if process.returncode is not None:
            return
        _signal(process, kind)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), END_TIMEOUT_S)


def _signal(process: asyncio.subprocess.Process, kind: str) -> None:
    with contextlib.suppress(ProcessLookupError):
        if sys.platform == "win32":
            process.kill()
        elif os.getpgid(process.pid) == process.pid:
            os.killpg(process.pid, getattr(signal, kind))
        else:
            process.send_signal(getattr(signal, kind))


def _get(address: Address, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", address.port, timeout=HTTP_TIMEOUT_S)
    headers = {"Host": f"{NOTEBOOK_HOST}:{address.port}", "Authorization": f"token {address.token}"}
    try:
        connection.request("GET", address.base_url + path, headers=headers)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def _free_port() -> int:
    """Choose a port that is free now; a server that finds it taken is started again at another."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
