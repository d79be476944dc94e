"""How long the portal's pages take: every page of a real site, asked one after another over the loopback.

Starts `python -m sandkasse.portal` on a store of its own (or, with `--home`, on one that has data), signs in, asks
every page a few times for warmth and then so many times, and prints JSON: milliseconds at the median and at the 95th
percentile for each page. The profile of a table is measured once before, as the first visitor waits for it, apart.
"""

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx

from sandkasse.actions.datasets import list_datasets
from sandkasse.actions.modules import list_modules
from sandkasse.actions.people import issue_sign_in
from sandkasse.actions.site import open_site, prepare_site
from sandkasse.core.settings import HOME_VARIABLE, read_settings

TARGET_MS = 100


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, help="a store with data; without it, an empty one and the shipped data")
    parser.add_argument("--times", type=int, default=40, help="requests of each page")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = read_settings({**os.environ, HOME_VARIABLE: str(arguments.home or folder)})
        prepare_site(settings)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        environment = {**os.environ, HOME_VARIABLE: str(settings.home)}
        process = subprocess.Popen([sys.executable, "-m", "sandkasse.portal", "--port", str(port)], env=environment)
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=120) as client:
                print(json.dumps(measure(client, settings, times=arguments.times), indent=2))
        finally:
            process.terminate()
            process.wait(20)


def measure(client: httpx.Client, settings: object, *, times: int) -> dict[str, object]:
    """Ask every page and summarise."""
    wait_until_ready(client)
    code = issue_sign_in(open_site(settings))
    client.post("/sign-in", data={"code": code}, headers={"origin": str(client.base_url).rstrip("/")})
    first_profiles, pages = {}, ["/", "/learn", "/data", "/data?q=diabetes", "/workspaces", "/progress", "/about"]
    pages += [f"/learn/{module.id}" for module in list_modules(settings)]
    for card in list_datasets(settings):
        pages += [f"/data/{card.id}", f"/data/{card.id}/look", f"/data/{card.id}?column=date"]
        for table in card.tables:
            path = f"/data/{card.id}/tables/{table}"
            pages += [path, f"{path}/profile"]
            first_profiles[path] = round(ask(client, f"{path}/profile"), 1)
    took = {path: [ask(client, path) for _ in range(times + 2)][2:] for path in pages}
    every = [ms for values in took.values() for ms in values]
    slowest = sorted(took, key=lambda path: -percentile(took[path], 95))[:8]
    return {
        "pages": len(pages),
        "requests": len(every),
        "median_ms": round(statistics.median(every), 1),
        "p95_ms": round(percentile(every, 95), 1),
        "worst_page_p95_ms": round(percentile(took[slowest[0]], 95), 1),
        "target_p95_ms": TARGET_MS,
        "slowest_pages": {
            p: {"median": round(statistics.median(took[p]), 1), "p95": round(percentile(took[p], 95), 1)}
            for p in slowest
        },
        "first_profile_ms": dict(sorted(first_profiles.items(), key=lambda item: -item[1])[:5]),
    }


def ask(client: httpx.Client, path: str) -> float:
    """Ask a page and give the milliseconds it took, the whole answer read."""
    began = time.perf_counter()
    answer = client.get(path)
    took = (time.perf_counter() - began) * 1000
    if answer.status_code != 200:
        sys.exit(f"{path} answered {answer.status_code}")
    return took


def percentile(values: list[float], percent: int) -> float:
    """The smallest value that at least so many per cent do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def wait_until_ready(client: httpx.Client) -> None:
    """Wait until the portal answers."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            client.get("/healthz")
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    sys.exit("the portal did not start")


if __name__ == "__main__":
    main()
