"""From `up` to a page: the first start on an empty store, and the next ones; with `--setup`, from an empty clone too.

Prints JSON: seconds from starting the command to the first answered page, the median of the later starts, and with
`--setup` the seconds and megabytes of `run.py`'s own set-up in a fresh clone.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=5, help="later starts to measure")
    parser.add_argument("--setup", action="store_true", help="measure the set-up of a fresh clone too")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, str(ROOT / "run.py"), "up", "--json", "--home", f"{folder}/store"]
        first = seconds_to_page(command)
        later = [seconds_to_page(command) for _ in range(arguments.times)]
        result = {
            "first_start_s": round(first, 2),
            "later_start_median_s": round(statistics.median(later), 2),
            "later_starts_s": [round(value, 2) for value in later],
            "target_later_start_s": 5,
        }
        if arguments.setup:
            result |= setup_of_a_fresh_clone(Path(folder))
    print(json.dumps(result, indent=2))


def seconds_to_page(command: list[str]) -> float:
    """Start the sandbox, wait for its first page, and stop it again."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    text = ""
    while "}" not in text:
        text += process.stdout.readline() or sys.exit("the sandbox did not start")
    port = json.loads(text[text.index("{") :])["port"]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/sign-in", timeout=10) as answer:
        answer.read()
    seconds = time.perf_counter() - started
    # As Ctrl-C in a terminal does: the whole group is told.
    os.killpg(process.pid, signal.SIGINT)
    process.wait(30)
    return seconds


def setup_of_a_fresh_clone(folder: Path) -> dict[str, float]:
    """Clone, set up with every wheel downloaded anew, and weigh the environment."""
    clone = folder / "clone"
    subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
    # Neither pip's cache nor a folder of wheels beside it: a visitor has neither.
    unhelped = {name: value for name, value in os.environ.items() if name not in ("PIP_FIND_LINKS", "PIP_CACHE_DIR")}
    unhelped |= {"PIP_NO_CACHE_DIR": "1", "PIP_CONFIG_FILE": os.devnull}
    started = time.perf_counter()
    code = "import importlib.util as u; s = u.spec_from_file_location('r', 'run.py'); m = u.module_from_spec(s)\n"
    code += "s.loader.exec_module(m); raise SystemExit(m.set_up('base'))"
    subprocess.run([sys.base_prefix + "/bin/python3", "-c", code], cwd=clone, env=unhelped, check=True)
    seconds = time.perf_counter() - started
    size = sum(path.lstat().st_size for path in (clone / ".venv").rglob("*") if path.is_file())
    return {"setup_s": round(seconds, 1), "setup_mb": round(size / 1e6), "target_setup_s": 180, "target_setup_mb": 1400}


if __name__ == "__main__":
    main()
