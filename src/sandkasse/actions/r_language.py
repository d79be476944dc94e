"""Acts on R: say whether it is there, and put Sandkasse's R package where R finds it."""

import json
import sys
from collections.abc import Mapping
from typing import Any

from sandkasse.core.errors import UpstreamError
from sandkasse.core.r_language import NEEDED, SUGGESTED, find_r, install_package, libraries_folder


def describe_r(environment: Mapping[str, str]) -> dict[str, Any]:
    """Say whether R can be used here.

    Args:
        environment: Names the search path.

    Returns:
        `program`, `packages` (name to whether it is there), `is_usable`, and `next`: what to do now.
    """
    r = find_r(environment)
    return {
        "program": str(r.program) if r.program else None,
        "packages": {name: name in r.packages for name in (*NEEDED, *SUGGESTED)},
        "is_usable": r.is_usable,
        "next": r.why_not() or "notebooks offer the kernel R; for R outside notebooks: sandkasse r install",
    }


def install_r(environment: Mapping[str, str]) -> list[str]:
    """Put the R package into a library of its own, in the user's data folder.

    Args:
        environment: Names the search path and the user's home.

    Returns:
        Lines of R that make R find the package, and the package find this Python.

    Raises:
        UpstreamError: If R or a needed package is missing, or R's installer fails.
    """
    r = find_r(environment)
    if r.program is None or "reticulate" not in r.packages:
        raise UpstreamError(f"R cannot be used yet: {r.why_not()}.", next_step="install it, then: sandkasse r install")
    try:
        found = install_package(r, libraries_folder(environment))
    except OSError as exc:
        raise UpstreamError(str(exc), next_step="see whether the folder can be written, then try again") from exc
    return [
        f"Sys.setenv(RETICULATE_PYTHON = {json.dumps(sys.executable)})",
        f".libPaths(c({json.dumps(str(found))}, .libPaths()))",
        "library(sandkasse)",
    ]


def r_line(environment: Mapping[str, str]) -> str:
    """Say in one line whether notebooks in R run here, and if not, what is missing and how to install it."""
    why_not = find_r(environment).why_not()
    return f"not offered: {why_not}" if why_not else "notebooks offer it beside Python"
