"""`sandkasse up`: prepare what is missing, start the portal, print one address, and serve until Ctrl-C."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from sandkasse.cli.output import print_json, print_line, progress_reporter
from sandkasse.core.errors import PortInUseError, StoreInUseError, UpstreamError
from sandkasse.core.lock import hold_store, read_address
from sandkasse.core.settings import HOME_VARIABLE, Settings, read_settings

HOST = "127.0.0.1"
DEFAULT_PORT = 8765
PORTS_TRIED = 20
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 10.0


def serve(
    *,
    port: Annotated[int | None, typer.Option(help=f"Port; without it, the first free one from {DEFAULT_PORT}.")] = None,
    home: Annotated[Path | None, typer.Option(help="Folder of the site's store.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the address as one line of JSON.")] = False,
) -> None:
    """Prepare the demo data and serve the sandbox on this machine."""
    settings = read_settings(os.environ)
    if home is not None:
        settings = replace(settings, home=home.expanduser().absolute())
    with ExitStack() as stack:
        try:
            serve_at = stack.enter_context(hold_store(settings.run))
        except StoreInUseError as error:
            raise _with_sign_in(error, settings) from error
        listener = stack.enter_context(_take_port(port))
        chosen = listener.getsockname()[1]
        serve_at(f"http://{HOST}:{chosen}")
        _prepare(settings)
        with _portal(settings, listener) as process:
            _announce(settings, chosen, as_json=as_json)
            sys.exit(process.wait())


def _with_sign_in(error: StoreInUseError, settings: Settings) -> StoreInUseError:
    """Offer a new one-time address of the portal that serves the store already: its first one may be too old."""
    port = urlsplit(read_address(settings.run)).port
    if port is None or not _answers(port):
        return error
    return StoreInUseError(
        error.message,
        next_step=f"open {_sign_in_address(settings, port)} or choose another store: up --home FOLDER",
    )


def _prepare(settings: Settings) -> None:
    from sandkasse.actions import cohorts, site  # the help of `up` needs neither

    site.prepare_site(settings)
    with progress_reporter("Making the demo data") as report:
        cohorts.publish_class_cohort(settings, progress=report)


def _take_port(wanted: int | None) -> socket.socket:
    """Listen at once, so that nobody else can take the port while the demo data are made."""
    candidates = range(DEFAULT_PORT, DEFAULT_PORT + PORTS_TRIED) if wanted is None else (wanted,)
    for candidate in candidates:
        listener = socket.socket()
        # A port whose last connections are still closing is free; one that somebody listens on is not.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, candidate))
            listener.listen(128)
        except OSError:
            listener.close()
        else:
            return listener
    raise PortInUseError(
        f"Another program listens on port {candidates[0]} of {HOST}.",
        next_step=f"choose another port: up --port {candidates[-1] + 1}",
    )


@contextmanager
def _portal(settings: Settings, listener: socket.socket) -> Iterator[subprocess.Popen[bytes]]:
    environment = {**os.environ, HOME_VARIABLE: str(settings.home)}
    port = listener.getsockname()[1]
    command = [sys.executable, "-m", "sandkasse.portal", "--host", HOST, "--port", str(port)]
    if sys.platform == "win32":  # sockets are not inherited by number there
        listener.close()
        process = subprocess.Popen(command, env=environment)
    else:
        command += ["--fd", str(listener.fileno())]
        process = subprocess.Popen(command, env=environment, pass_fds=(listener.fileno(),))
        listener.close()
    # Ctrl-C reaches both processes; this one only waits for the portal to finish its work.
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    try:
        _wait_until_ready(process, port)
        yield process
    except KeyboardInterrupt:
        print_line("Stopped. Your work is kept.")
        sys.exit(0)
    finally:
        _stop(process)


def _wait_until_ready(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and process.poll() is None:
        if _answers(port):
            return
        time.sleep(0.05)
    raise UpstreamError("The portal did not start.", next_step="see the lines above, then try again: up")


def _answers(port: int) -> bool:
    # A proxy that the environment names must not be asked for this machine's own address.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://{HOST}:{port}/healthz", timeout=1):
            return True
    except (urllib.error.URLError, OSError):
        return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _announce(settings: Settings, port: int, *, as_json: bool) -> None:
    address = _sign_in_address(settings, port)
    if as_json:
        print_json({"address": address, "home": str(settings.home), "port": port})
        return
    print_line(f"Sandkasse is ready: {address}")
    from sandkasse.actions import r_language

    print_line(f"R: {r_language.r_line(os.environ)}.")
    print_line("The address signs you in once. Stop with Ctrl-C; your work is kept.")


def _sign_in_address(settings: Settings, port: int) -> str:
    from sandkasse.actions import people, site

    # The secret stands behind '#': browsers do not send it, so that no server logs it.
    return f"http://{HOST}:{port}/sign-in#{people.issue_sign_in(site.open_site(settings))}"
