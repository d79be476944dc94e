#!/usr/bin/env python3
"""The one front door: ``python3 run.py <up|test|check|docs|bench>``.

This file runs before anything is installed, on whatever Python the visitor has. It must therefore parse on
Python 3.8 and use the standard library only. It makes ``.venv`` beside itself, installs the locked dependencies, and
hands over.
"""

import hashlib
import os
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent
VENV = ROOT / ".venv"
OLDEST_PYTHON = (3, 11)
PIP_WHEEL = ROOT / "vendor" / "pip-26.1-py3-none-any.whl"
PIP_SHA256 = "4e8486d821d814b77319acb7b9e8bf5a4ee7590a643e7cb21029f209be8573c1"
LOCKS = {"base": ROOT / "locks" / "base.txt", "test": ROOT / "locks" / "test.txt"}
EXIT_SETUP_FAILED = 3

USAGE = """usage: python3 run.py <command> [arguments]

  up       set up, prepare the demo data and serve the sandbox on this machine
  test     set up and run every test that this machine can run (arguments go to pytest)
  check    formatting, types and layers (for developers)
  docs     make the generated reference pages again (for developers)
  bench    run the benchmarks (for developers; see benchmarks/README.md)
"""


def main(arguments):
    """Set up what the command needs, then become that command."""
    if sys.version_info < OLDEST_PYTHON:
        return fail(
            "Sandkasse needs Python %d.%d or newer; this is Python %d.%d." % (OLDEST_PYTHON + sys.version_info[:2]),
            "install a newer Python and run it, for example: python3.12 run.py up",
        )
    if not arguments or arguments[0] in ("-h", "--help"):
        print(USAGE, end="")
        return 0
    commands = {"up": up, "test": test, "check": check, "docs": docs, "bench": bench}
    command = commands.get(arguments[0])
    if command is None:
        return fail("There is no command %r." % arguments[0], "choose one of: " + ", ".join(commands))
    return command(arguments[1:])


def up(arguments):
    """Serve the sandbox; everything after the set-up is the product's own command."""
    if set_up("base"):
        return EXIT_SETUP_FAILED
    return run("-m", "sandkasse", "up", *arguments)


def test(arguments):
    """Run the tests; ``-ra`` names every skipped test with its reason."""
    if set_up("test"):
        return EXIT_SETUP_FAILED
    return run("-m", "pytest", "-ra", *arguments)


def check(arguments):
    """Run every static check and count the failures, rather than stop at the first."""
    if set_up("test"):
        return EXIT_SETUP_FAILED
    binaries = VENV / "bin"
    checks = [
        ["-m", "ruff", "format", "--check", "."],
        ["-m", "ruff", "check", "."],
        ["-m", "mypy"],
        [str(binaries / "lint-imports")],
    ]
    failures = [" ".join(words) for words in checks if run(*words)]
    for failure in failures:
        print("failed: " + failure, file=sys.stderr)
    return min(len(failures), 1)


def docs(arguments):
    """Write the generated reference pages again."""
    if set_up("test"):
        return EXIT_SETUP_FAILED
    return run("docs/generate.py", *arguments)


def bench(arguments):
    """Run one benchmark, or list them."""
    if set_up("test"):
        return EXIT_SETUP_FAILED
    return run("benchmarks/run.py", *arguments)


def set_up(lock):
    """Make ``.venv`` and install one lock; a stamp makes the next call quick. Returns True when it failed."""
    stamp = VENV / ("installed-%s" % lock)
    wanted = fingerprint(lock)
    if stamp.is_file() and stamp.read_text() == wanted:
        return False
    started = time.monotonic()
    print("Setting up (%s packages; the first time takes a few minutes) …" % lock, flush=True)
    if hashlib.sha256(PIP_WHEEL.read_bytes()).hexdigest() != PIP_SHA256:
        return bool(fail("The installer in vendor/ is not the one expected.", "restore it: git checkout -- vendor"))
    for step in set_up_steps(lock):
        if subprocess.call(step, cwd=str(ROOT), env=installer_environment()):
            return bool(fail("Setting up failed at: " + step_name(step), "see the lines above, then run it again"))
    stamp.write_text(wanted)
    print("Set up in %.0f s." % (time.monotonic() - started), flush=True)
    return False


def set_up_steps(lock):
    """List the commands that build the environment, in order."""
    quietly = ["--disable-pip-version-check", "--quiet", "--no-warn-script-location"]
    pip = [str(python()), str(PIP_WHEEL / "pip"), "install"] + quietly
    make = [] if python().is_file() else [[sys.executable, "-m", "venv", "--without-pip", str(VENV)]]
    return make + [
        pip + ["--progress-bar", "off", "--require-hashes", "--only-binary", ":all:", "-r", str(LOCKS[lock])],
        pip + ["--no-deps", "--no-index", "--no-build-isolation", "--editable", str(ROOT)],
    ]


def step_name(step):
    """Name a set-up step for a message: its last two words are what it was about."""
    return " ".join(step[-2:])


def installer_environment():
    """Keep the visitor's own pip settings (mirrors, proxies), but not settings that would install elsewhere."""
    unwanted = ("PIP_TARGET", "PIP_PREFIX", "PIP_USER", "PYTHONPATH", "PYTHONHOME", "PIP_REQUIRE_VIRTUALENV")
    return {name: value for name, value in os.environ.items() if name not in unwanted}


def fingerprint(lock):
    """Say what an environment was made from: the lock, the project file, this folder and this Python."""
    digest = hashlib.sha256(LOCKS[lock].read_bytes() + (ROOT / "pyproject.toml").read_bytes())
    digest.update(("%s %s" % (ROOT, sys.version)).encode())
    return digest.hexdigest()


def python():
    """Give the path of the environment's interpreter."""
    folder, name = ("Scripts", "python.exe") if os.name == "nt" else ("bin", "python")
    return VENV / folder / name


def run(*words):
    """Run a command in the environment and return its exit code."""
    is_script = words[0].startswith(str(VENV))
    command = list(words) if is_script else [str(python())] + list(words)
    try:
        return subprocess.call(command, cwd=str(ROOT))
    except KeyboardInterrupt:
        return 130


def fail(message, next_step):
    """Print what went wrong and what to do, and return the exit code for it."""
    print(message, file=sys.stderr)
    print("next: " + next_step, file=sys.stderr)
    return EXIT_SETUP_FAILED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
