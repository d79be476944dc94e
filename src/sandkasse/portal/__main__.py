"""`python -m sandkasse.portal`: serve the portal on this machine; settings come from the environment."""

import argparse
import logging
import os
import socket
from contextlib import ExitStack
from logging.handlers import RotatingFileHandler
from pathlib import Path

import uvicorn

from sandkasse.actions.site import open_site
from sandkasse.actions.workspaces import serve_workspaces
from sandkasse.core.settings import read_settings
from sandkasse.portal.app import create_app
from sandkasse.portal.site_acts import real_acts
from sandkasse.portal.warm import warm_profiles

LOG_BYTES, LOG_FILES = 5_000_000, 3


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m sandkasse.portal", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=8765, help="port to listen on")
    parser.add_argument("--fd", type=int, help="socket that already listens on that port, inherited")
    options = parser.parse_args()
    settings = read_settings(os.environ)
    _open_log(settings.run / "portal.log")
    origin = f"http://{options.host}:{options.port}"
    with ExitStack() as stack:
        site = stack.enter_context(serve_workspaces(open_site(settings), portal_url=origin))
        acts = real_acts(site)
        stack.enter_context(warm_profiles(acts))
        # The access log is our own: uvicorn's writes query strings.
        config = uvicorn.Config(
            create_app(site, origin=origin, acts=acts),
            host=options.host,
            port=options.port,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            lifespan="off",
            log_level="warning",
            timeout_graceful_shutdown=5,
        )
        sockets = None if options.fd is None else [socket.socket(fileno=options.fd)]
        uvicorn.Server(config).run(sockets=sockets)


def _open_log(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = RotatingFileHandler(path, maxBytes=LOG_BYTES, backupCount=LOG_FILES, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log = logging.getLogger("sandkasse.portal")
    log.setLevel(logging.INFO)
    log.addHandler(handler)
    log.propagate = False


main()
