"""The one process that starts every workspace, and ends them all when the portal ends.

A sandbox dies with the *thread* that started it, and web frameworks come and go with threads; so one process starts
them all from its main thread. It is spoken to in lines of JSON on its standard input (requests) and output (replies and
news), and takes the end of its input as the portal's end. Nothing else may be written to its standard output.

Request: `{"id": 1, "act": "configure" | "start" | "stop" | "list", …}`.
Reply: `{"id": 1, "done": …}` or `{"id": 1, "failed": "why"}`. News: `{"ended": {"workspace_id": …, "reason": …}}`.
"""

import asyncio
import contextlib
import json
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sandkasse.workspaces.launcher import EndReason
from sandkasse.workspaces.server_process import Configuration, ServerProcess, StartFailedError
from sandkasse.workspaces.wire import request_from_wire

LONGEST_IDLE_CHECK_S = 30.0  # our choice

Send = Callable[[Mapping[str, Any]], None]


class Supervisor:
    """Holds the running workspaces; all its methods run in the main thread's event loop.

    Args:
        send: Takes a reply or a piece of news to the portal.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self._configuration: Configuration | None = None
        self._servers: dict[tuple[str, str], asyncio.Task[ServerProcess]] = {}
        self._watchers: set[asyncio.Task[None]] = set()
        self._background: list[asyncio.Task[None]] = []

    async def answer(self, message: Mapping[str, Any]) -> None:
        """Do what one request asks and send its reply."""
        acts: dict[str, Callable[[Mapping[str, Any]], Awaitable[Any]]] = {
            "configure": self._configure,
            "start": self._start,
            "stop": self._stop,
            "list": self._list,
        }
        try:
            done = await acts[message["act"]](message)
            self._send({"id": message["id"], "done": done})
        except StartFailedError as error:
            self._send({"id": message["id"], "failed": str(error)})
        except Exception as error:
            self._send({"id": message["id"], "failed": f"the supervisor failed ({type(error).__name__})"})

    async def end_all(self) -> None:
        """End every workspace and wait until they are gone."""
        starting = [task for task in self._servers.values() if not task.done()]
        for task in [*self._background, *starting]:
            task.cancel()
        await asyncio.gather(*starting, return_exceptions=True)
        await asyncio.gather(*(server.end("portal-stopped") for server in self._running()))
        await asyncio.gather(*self._watchers, return_exceptions=True)

    async def _reap_idle(self, idle_s: float) -> None:
        """Look for idle workspaces for ever, and end them."""
        while True:
            await asyncio.sleep(min(LONGEST_IDLE_CHECK_S, idle_s / 4))
            for server in self._running():
                if await server.is_idle():
                    await server.end("idle")

    async def _configure(self, message: Mapping[str, Any]) -> None:
        self._configuration = Configuration.from_wire(message["configuration"])
        self._background.append(asyncio.create_task(self._reap_idle(self._configuration.idle_s)))

    async def _start(self, message: Mapping[str, Any]) -> dict[str, Any]:
        request = request_from_wire(message["request"])
        key = (request.user_id, request.module_id)
        if key not in self._servers:
            assert self._configuration is not None
            self._servers[key] = asyncio.create_task(ServerProcess.start(request, self._configuration))
            self._watchers.add(asyncio.create_task(self._watch(key, self._servers[key])))
        # Two who ask at once wait for one start; one who gives up must not end it for the other.
        server = await asyncio.shield(self._servers[key])
        return asdict(server.running)

    async def _watch(self, key: tuple[str, str], start: "asyncio.Task[ServerProcess]") -> None:
        reason: EndReason = "died"
        try:
            server = await start
            reason = await server.wait_until_ended()
            self._send({"ended": {"workspace_id": server.running.workspace_id, "reason": reason}})
        except (StartFailedError, asyncio.CancelledError, OSError):
            pass
        finally:
            self._servers.pop(key, None)
            current = asyncio.current_task()
            if current is not None:
                self._watchers.discard(current)

    async def _stop(self, message: Mapping[str, Any]) -> None:
        found = [server for server in self._running() if server.running.workspace_id == message["workspace_id"]]
        await asyncio.gather(*(server.end("stopped") for server in found))

    async def _list(self, _message: Mapping[str, Any]) -> list[dict[str, Any]]:
        return [asdict(server.running) for server in self._running()]

    def _running(self) -> list[ServerProcess]:
        started = [task for task in self._servers.values() if task.done() and not task.cancelled()]
        return [task.result() for task in started if task.exception() is None and not task.result().has_ended]


async def serve() -> None:
    """Answer requests until standard input ends, then end every workspace."""
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[bytes] = asyncio.Queue()
    supervisor = Supervisor(_send)
    threading.Thread(target=_read_lines, args=(loop, lines), daemon=True).start()
    for kind in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):  # Windows
            loop.add_signal_handler(kind, lines.put_nowait, b"")
    answers: set[asyncio.Task[None]] = set()
    while line := await lines.get():
        task = asyncio.create_task(supervisor.answer(json.loads(line)))
        answers.add(task)
        task.add_done_callback(answers.discard)
    await supervisor.end_all()


def main() -> None:
    """Run the supervisor; `python -m sandkasse.workspaces.supervisor`."""
    os.umask(0o077)
    asyncio.run(serve())
    # The reading thread may still wait for a line and hold the stream's lock, on which an ordinary exit would stumble.
    os._exit(0)


def _read_lines(loop: asyncio.AbstractEventLoop, lines: "asyncio.Queue[bytes]") -> None:
    for line in sys.stdin.buffer:
        loop.call_soon_threadsafe(lines.put_nowait, line)
    loop.call_soon_threadsafe(lines.put_nowait, b"")


def _send(message: Mapping[str, Any]) -> None:
    with contextlib.suppress(BrokenPipeError):  # the portal is gone; the end of our input tells us
        sys.stdout.buffer.write(json.dumps(message, default=datetime.isoformat).encode() + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
