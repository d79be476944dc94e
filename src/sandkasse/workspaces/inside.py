"""The first thing that runs in a workspace: it gives up what a notebook does not need, then becomes JupyterLab.

`python -m sandkasse.workspaces.inside '{"memory_bytes": …}' COMMAND…`. Standard library only: it starts quickly.
"""

import ctypes
import json
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass

if sys.platform != "win32":
    import resource

_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
_LANDLOCK_CREATE_RULESET = 444
_LANDLOCK_RESTRICT_SELF = 446
_LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET = 1
_LANDLOCK_SCOPE_SIGNAL = 2


@dataclass(frozen=True)
class Limits:
    """What one process of a workspace may use; no limit binds all of them together (that needs control groups).

    Attributes:
        memory_bytes: Private writable memory of one process.
        file_bytes: Size of one file.
        processes: Processes and threads of the learner; not counted where the site runs as root.
        open_files: Open files of one process.
    """

    memory_bytes: int
    file_bytes: int = 20 << 30
    processes: int = 2048
    open_files: int = 4096

    def to_json(self) -> str:
        """Give the limits as the first argument of this program."""
        return json.dumps(asdict(self))


def main(arguments: Sequence[str]) -> None:
    """Apply the limits in the first argument, then become the command in the others."""
    limits = Limits(**json.loads(arguments[0]))
    if sys.platform != "win32":
        limit_resources(limits)
    if sys.platform.startswith("linux"):
        die_with_parent()
        scope_to_workspace()
    os.execv(arguments[1], list(arguments[1:]))  # noqa: S606  no shell is wanted


if sys.platform != "win32":

    def limit_resources(limits: Limits) -> None:
        """Lower this process's limits, never raise them; they pass on to every child."""
        wanted = {
            resource.RLIMIT_CORE: 0,
            resource.RLIMIT_DATA: limits.memory_bytes,
            resource.RLIMIT_FSIZE: limits.file_bytes,
            resource.RLIMIT_NPROC: limits.processes,
            resource.RLIMIT_NOFILE: limits.open_files,
        }
        for kind, value in wanted.items():
            _soft, hard = resource.getrlimit(kind)
            lower = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(kind, (lower, lower))


def die_with_parent() -> None:
    """Have the kernel end this process when the one that started it ends, however it ends."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def scope_to_workspace() -> bool:
    """Keep this process and its children from signalling, or connecting to abstract sockets of, anything outside.

    Abstract Unix sockets belong to the network, which a workspace shares with the machine: no mount hides them.
    Landlock does, from Linux 6.12 on.

    Returns:
        Whether the kernel could do it.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    # struct landlock_ruleset_attr { __u64 handled_access_fs, handled_access_net, scoped; }
    attributes = (ctypes.c_uint64 * 3)(0, 0, _LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | _LANDLOCK_SCOPE_SIGNAL)
    ruleset = libc.syscall(_LANDLOCK_CREATE_RULESET, attributes, ctypes.c_size_t(ctypes.sizeof(attributes)), 0)
    if ruleset < 0:
        return False
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    done: int = libc.syscall(_LANDLOCK_RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)
    return done == 0


if __name__ == "__main__":
    main(sys.argv[1:])
