"""The bubblewrap sandbox around one workspace: which flags, and whether they work on this machine (edge).

Everything is refused unless it is mounted here. `docs/explanation/isolation.md` says why each flag stands.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

BUBBLEWRAP = "bwrap"
LEARNER_ID = 1000  # the person inside, whoever runs the site outside
LEARNER_HOME = Path("/home/learner")
DATA_ROOT = Path("/data")
TEMPORARY_BYTES = 1 << 30  # our choice: room for a learner's scratch files, not for filling the machine's memory
PROBE_TIMEOUT_S = 20.0

_ETC_SHOWN = (
    # Certificates only: `/etc/ssl/private` is readable for a site that runs as root.
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/etc/pki/tls/certs",
    "/etc/pki/ca-trust/extracted",
    "/etc/hosts",
    "/etc/resolv.conf",
    "/etc/fonts",
    # R's own settings, but not the site's (`Renviron.site`, `Rprofile.site`), which may hold secrets of the machine;
    # and the links that choose among installed programs and libraries, such as R's linear algebra.
    "/etc/R/Makeconf",
    "/etc/R/Renviron",
    "/etc/R/ldpaths",
    "/etc/R/repositories",
    "/etc/alternatives",
)
_FILES_MADE = {
    "/etc/passwd": f"learner:x:{LEARNER_ID}:{LEARNER_ID}:Learner:{LEARNER_HOME}:/bin/bash\n",
    "/etc/group": f"learner:x:{LEARNER_ID}:\n",
    "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
}
# Runs inside: says `contained` only if the sandbox holds against its own user. Each line is one property.
_PROBE = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
def refused(act):
    try:
        return not act()
    except OSError:
        return True
held = [
    refused(lambda: open(sys.argv[1])),
    refused(lambda: open(sys.argv[2] + "/written", "w")),
    refused(lambda: libc.mount(None, sys.argv[2].encode(), None, 4096 | 32, None) == 0),
    refused(lambda: libc.unshare(0x10000000) == 0),
    refused(lambda: os.open("/proc/sys/kernel/core_pattern", os.O_WRONLY) >= 0),
    "CapEff:\\t0000000000000000" in open("/proc/self/status").read(),
    not any(name.isdigit() and int(name) > 1000 for name in os.listdir("/proc")),
]
print("contained" if all(held) else "not contained: " + str(held))
"""


@dataclass(frozen=True)
class Interpreter:
    """Where the Python that runs inside lies.

    Attributes:
        executable: The virtual environment's interpreter.
        shown: Folders that it needs, to be seen read-only: environment, base installation, this package.
    """

    executable: Path
    shown: tuple[Path, ...]


@dataclass(frozen=True)
class View:
    """What a workspace sees of the machine.

    Attributes:
        own: The learner's folder on the host, seen at `/home/learner` and writable.
        datasets: Dataset id to its folder on the host, seen read-only at `/data/<id>`.
        hidden: Folders to cover wherever something above them is shown: the site's store, the shipped content.
        environment: Every variable that the workspace has.
    """

    own: Path
    datasets: Mapping[str, Path]
    hidden: tuple[Path, ...]
    environment: Mapping[str, str] = field(repr=False)


def current_interpreter() -> Interpreter:
    """Find what the running Python consists of; works for an installation under a home that others cannot enter."""
    package = Path(__file__).resolve().parents[1]
    found = [Path(sys.prefix), Path(sys.base_prefix), Path(sys.base_prefix).resolve(), package]
    found.append(Path(sys.executable).resolve().parents[1])
    shown = dict.fromkeys(path for path in found if path != Path("/usr"))
    return Interpreter(executable=Path(sys.executable), shown=tuple(shown))


def plan_sandbox(view: View, interpreter: Interpreter) -> list[str]:
    """List the bubblewrap arguments for one workspace, to be handed over by a file descriptor, not on a command line.

    Args:
        view: What the workspace sees.
        interpreter: The Python that runs in it.

    Returns:
        Arguments in order. They hold the environment with its tokens.
    """
    return [
        *_separation(),
        *_skeleton(),
        *_shown_and_hidden((*interpreter.shown, Path("/usr")), (*view.hidden, *_never_shown())),
        *("--bind", str(view.own), str(LEARNER_HOME)),
        *_flatten(("--ro-bind", str(folder), str(DATA_ROOT / name)) for name, folder in sorted(view.datasets.items())),
        # A site that runs as root leaves its user id inside, which alone may write kernel settings (/proc/sys).
        *("--remount-ro", "/proc", "--remount-ro", "/", "--chdir", str(LEARNER_HOME)),
        *_flatten(("--setenv", name, value) for name, value in sorted(view.environment.items())),
    ]


@contextmanager
def sandboxed(view: View, interpreter: Interpreter, command: Sequence[str]) -> Iterator[tuple[list[str], list[int]]]:
    """Prepare to run a command in the sandbox.

    Yields:
        The command line, which holds no secret, and the file descriptors that the child must inherit. They are closed
        when the block ends; the child has its own by then.
    """
    files = {path: _open_text(text) for path, text in _FILES_MADE.items()}
    made = _flatten(("--ro-bind-data", str(handle), path) for path, handle in files.items())
    arguments = _open_text("".join(f"{word}\0" for word in [*made, *plan_sandbox(view, interpreter)]))
    handles = [*files.values(), arguments]
    try:
        yield [BUBBLEWRAP, "--args", str(arguments), "--", *command], handles
    finally:
        for handle in handles:
            os.close(handle)


def find_why_not_isolated() -> str:
    """Run the sandbox once and try to break it from inside.

    Returns:
        Nothing if it holds; else why a workspace cannot be isolated here, in one line.
    """
    if not sys.platform.startswith("linux"):
        return "bubblewrap runs on Linux only"
    if shutil.which(BUBBLEWRAP) is None:
        return "bubblewrap (the program bwrap) is not installed"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in ("own", "data"):
            (folder / part).mkdir()
        secret = folder / "secret"
        secret.write_text("x")
        return _probe(View(folder / "own", {"probe": folder / "data"}, (), {}), secret)


def _probe(view: View, secret: Path) -> str:
    interpreter = current_interpreter()
    command = [str(interpreter.executable), "-I", "-c", _PROBE, str(secret), str(DATA_ROOT / "probe")]
    with sandboxed(view, interpreter, command) as (words, handles):
        try:
            result = subprocess.run(
                words, pass_fds=handles, capture_output=True, text=True, timeout=PROBE_TIMEOUT_S, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            return "bubblewrap does not run here"
    said = (result.stdout.strip() or result.stderr.strip() or f"exit code {result.returncode}").splitlines()[-1]
    return "" if said == "contained" else f"bubblewrap does not hold here ({said})"


def _separation() -> list[str]:
    identity = str(LEARNER_ID)
    return [
        *("--unshare-user", "--uid", identity, "--gid", identity, "--cap-drop", "ALL", "--disable-userns"),
        *("--unshare-pid", "--unshare-ipc", "--clearenv", "--die-with-parent", "--new-session"),
    ]


def _skeleton() -> list[str]:
    links: list[str] = []
    for name in ("bin", "sbin", "lib", "lib32", "lib64"):
        top = Path("/", name)
        if top.is_symlink():
            links += ["--symlink", os.readlink(top).lstrip("/"), str(top)]
        elif top.is_dir():
            links += ["--ro-bind", str(top), str(top)]
    etc = _flatten(("--ro-bind-try", path, path) for path in _ETC_SHOWN)
    memory = str(TEMPORARY_BYTES)
    scratch = _flatten(("--size", memory, "--tmpfs", path) for path in ("/dev/shm", "/tmp"))  # noqa: S108
    kernel = ["--proc", "/proc", "--dev", "/dev"]
    return ["--ro-bind", "/usr", "/usr", *links, *kernel, *scratch, "--dir", str(DATA_ROOT), *etc]


def _shown_and_hidden(shown: Sequence[Path], hidden: Sequence[Path]) -> list[str]:
    """Mount what is shown and cover what is hidden, outermost first, so that the innermost word counts."""
    wanted = {**dict.fromkeys(shown, True), **dict.fromkeys(hidden, False)}
    arguments: list[str] = []
    covers: list[str] = []
    for path, is_shown in sorted(wanted.items(), key=lambda item: (len(item[0].parts), item[0])):
        if path == Path("/usr"):
            continue
        if is_shown:
            arguments += ["--ro-bind", str(path), str(path)]
        elif path.is_dir() and _is_below_shown(path, wanted):
            arguments += ["--tmpfs", str(path)]
            covers += ["--remount-ro", str(path)]
    return arguments + covers


def _is_below_shown(path: Path, wanted: Mapping[Path, bool]) -> bool:
    return next((wanted[parent] for parent in path.parents if parent in wanted), False)


def _never_shown() -> tuple[Path, ...]:
    """List what lies inside the environment that is shown, and yet is not for learners.

    An installed package keeps lessons with their solutions there. The kernel's debugger, once somebody starts it, takes
    commands from every process of the machine on a port without a password.
    """
    prefixes = dict.fromkeys((sys.prefix, sys.base_prefix))
    debugger = find_spec("debugpy")
    debuggers = () if debugger is None or debugger.origin is None else (Path(debugger.origin).parent,)
    return (*(Path(prefix, "share", "sandkasse") for prefix in prefixes), *debuggers)


def _flatten(groups: Iterable[Iterable[str]]) -> list[str]:
    return [word for group in groups for word in group]


def _open_text(text: str) -> int:
    """Put a text into a file that has no name and that a child can be given."""
    handle = os.memfd_create("sandkasse", 0)
    os.write(handle, text.encode())
    os.lseek(handle, 0, os.SEEK_SET)
    return handle
