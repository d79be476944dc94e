"""A site's store to attack, and ways to run an attacker's code: in the workspace's sandbox, or with less protection."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from sandkasse.workspaces import inside
from sandkasse.workspaces.inside import Limits
from sandkasse.workspaces.sandbox import Interpreter, View, current_interpreter, find_why_not_isolated, sandboxed

Protection = Literal["sandbox", "nothing covered", "plain flags", "none"]
ORDINARY = "nobody"
# The flags that look right and are not: started by root they leave every capability inside.
PLAIN_FLAGS = ("--unshare-all", "--share-net", "--die-with-parent", "--proc", "/proc", "--dev", "/dev")


@dataclass(frozen=True)
class Store:
    """What an attacker wants, as paths on the host; `own` and `dataset` are what they are given."""

    root: Path
    content: Path
    own: Path
    dataset: Path
    program: Path

    @property
    def home(self) -> Path:
        return self.root / "home"

    @property
    def covered(self) -> Path:
        """A folder with secrets inside a folder that workspaces see, as an installed package's lessons are."""
        return self.program / "share"

    def targets(self) -> dict[str, Path]:
        home = self.home
        return {
            "truth": home / "truth/demo/1/persons.parquet",
            "other workspace": home / "workspaces/somebody-else/demo/lesson.ipynb",
            "site database": home / "site.db",
            "secrets": home / "secrets/seed.key",
            "logs": home / "run/workspaces/other.log",
            "solution": self.content / "modules/demo/01-solution.md",
            "git": self.content / ".git/HEAD",
        }


class Attacker:
    """Runs code as somebody who was given a workspace of a store.

    Args:
        store: The store that is attacked.
        user: Whose account runs the site; nobody's else than the tests' own if empty.
    """

    def __init__(self, store: Store, user: str) -> None:
        self.store = store
        self.user = user

    @property
    def is_root(self) -> bool:
        return os.geteuid() == 0 and not self.user

    def run(self, code: str, *arguments: object, protection: Protection = "sandbox") -> str:
        """Run code and give what it printed last; paths in the arguments are as the code's side sees them."""
        interpreter = self._interpreter()
        words = [str(argument) for argument in arguments]
        command = [str(interpreter.executable), "-I", "-c", code, *words]
        if protection == "none":
            return self._last_line(command, ())
        if protection == "plain flags":
            shown = [
                word for path in (*interpreter.shown, Path("/usr")) for word in ("--ro-bind", str(path), str(path))
            ]
            links = ("--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64")
            data = ("--ro-bind", str(self.store.dataset), "/data/demo")
            return self._last_line(["bwrap", *shown, *links, *PLAIN_FLAGS, *data, "--", *command], ())
        hidden = () if protection == "nothing covered" else (self.store.home, self.store.content, self.store.covered)
        view = View(self.store.own, {"demo": self.store.dataset}, hidden, {"PATH": "/usr/bin:/bin"})
        limits = Limits(memory_bytes=4 << 30).to_json()
        first = [str(interpreter.executable), "-I", str(self.store.program / "inside.py"), limits]
        with sandboxed(view, interpreter, [*first, *command]) as (sandbox, handles):
            return self._last_line(sandbox, handles)

    def spawn(self, *command: str) -> subprocess.Popen[bytes]:
        """Start a process of the same account outside any sandbox: somebody to attack."""
        return subprocess.Popen(list(command), **self._identity())

    def _interpreter(self) -> Interpreter:
        if not self.user:
            ours = current_interpreter()
            return Interpreter(ours.executable, (*ours.shown, self.store.program))
        # The tests' own Python may lie in a home that this account cannot enter; the attacks need the library only.
        return Interpreter(Path("/usr/bin/python3"), (self.store.program,))

    def _last_line(self, command: Sequence[str], handles: Sequence[int]) -> str:
        result = subprocess.run(
            command, pass_fds=handles, capture_output=True, text=True, timeout=60, check=False, **self._identity()
        )
        lines = result.stdout.strip().splitlines()
        assert lines, f"the attacker's code did not run: {result.stderr[-2000:]}"
        return lines[-1]

    def _identity(self) -> dict[str, object]:
        if not self.user:
            return {}
        account = pwd.getpwnam(self.user)
        return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


@pytest.fixture(scope="session", autouse=True)
def _isolation_works() -> None:
    why = find_why_not_isolated()
    if why:
        pytest.skip(f"no isolation to attack on this machine: {why}")


# As root, also a site that an ordinary account runs; as an ordinary user, that is this account already.
ACCOUNTS = ("this account", "an ordinary account") if os.geteuid() == 0 else ("this account",)


@pytest.fixture(scope="module", params=ACCOUNTS)
def attacker(request: pytest.FixtureRequest) -> Iterator[Attacker]:
    """An attacker on a site that this account runs; where that is root, also on one that an ordinary account runs."""
    user = ORDINARY if request.param == "an ordinary account" else ""
    if user and not Path("/usr/bin/python3").exists():
        pytest.skip("needs /usr/bin/python3, which every account can run")
    # Not pytest's own folder: another account cannot enter it.
    root = Path(tempfile.mkdtemp(prefix="sandkasse-attack-"))
    try:
        store = build_store(root)
        if user:
            subprocess.run(["chown", "-R", user, str(root)], check=True)
        yield Attacker(store, user)
    finally:
        shutil.rmtree(root)


def build_store(root: Path) -> Store:
    """Fill a folder with a site's store and a clone, one secret word in each file."""
    store = Store(
        root,
        content=root / "clone",
        own=root / "home/workspaces/me/demo",
        dataset=root / "home/datasets/demo/1",
        program=root / "program",
    )
    for path in store.targets().values():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("secret")
    for folder in (store.own, store.dataset, store.program):
        folder.mkdir(parents=True)
    (store.covered / "lessons").mkdir(parents=True)
    (store.covered / "lessons" / "solution.md").write_text("secret")
    (store.own / "mine.txt").write_text("mine")
    (store.dataset / "table.parquet").write_text("data")
    shutil.copyfile(inside.__file__, store.program / "inside.py")
    return store
