"""Becomes an R kernel that knows Sandkasse: `python -m sandkasse.notebook.r_kernel CONNECTION_FILE`.

It puts the R package into a library of the user's own if it is not there yet, tells R which Python to use, and gives
its place to R. Standard library only: it starts quickly.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from sandkasse.core.r_language import find_r, install_package, libraries_folder


def main(connection_file: str) -> None:
    """Become the R kernel that listens where the connection file says."""
    r = find_r(os.environ)
    if not r.is_usable or r.program is None:
        sys.exit(f"There is no R kernel: {r.why_not()}")
    try:
        library = install_package(r, libraries_folder(os.environ))
    except OSError as error:
        sys.exit(f"There is no R kernel: {error}")
    environment = r_environment(os.environ, library=library, python=Path(sys.executable))
    command = [str(r.program), "--no-echo", "--no-save", "--no-restore", "--no-environ"]
    started = [*command, "-e", "sandkasse:::start_kernel()", "--args", connection_file]
    os.execve(r.program, started, environment)  # noqa: S606  no shell is wanted


def r_environment(environment: Mapping[str, str], *, library: Path, python: Path) -> dict[str, str]:
    """Give the environment in which R finds its half of Sandkasse, and Python the other.

    Args:
        environment: What there is.
        library: Where the R package was installed.
        python: The interpreter that has Sandkasse.
    """
    earlier = environment.get("R_LIBS", "")
    return {
        **environment,
        "R_LIBS": os.pathsep.join(part for part in (str(library), earlier) if part),
        "RETICULATE_PYTHON": str(python),
        # A sandbox has no /etc/localtime, and R asks the network's services for the zone where none is named.
        "TZ": environment.get("TZ") or "UTC",
    }


if __name__ == "__main__":
    main(sys.argv[1])
