"""How compiled kernels are cached: one folder per state of their sources, chosen by the driver before the first call.

Numba's own cache looks only at the file of the function that it caches, and so goes stale when a helper in another file
changes. Here the folder is named by the hash of every source that a kernel can use and of the compiler's versions.
"""

import hashlib
import platform
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import numba
from numba import config, njit

Function = TypeVar("Function", bound=Callable[..., Any])

_REGISTERED: list[Any] = []
_SOURCES = Path(__file__).resolve().parent


def kernel(function: Function) -> Function:
    """Compile an entry point with Numba on its first call, and let `enable_cache` keep the result on disk."""
    compiled: Any = njit(nogil=True)(function)
    _REGISTERED.append(compiled)
    return compiled  # type: ignore[no-any-return]


def helper(function: Function) -> Function:
    """Compile a function that other kernels call; it is cached within them."""
    compiled: Any = njit(nogil=True)(function)
    return compiled  # type: ignore[no-any-return]


def cache_name() -> str:
    """Name the state of all kernel sources, of the compiler and of the processor family."""
    digest = hashlib.sha256()
    for source in sorted([*_SOURCES.rglob("*.py"), _SOURCES.parent / "core" / "rng.py"]):
        if source.is_file():
            digest.update(source.name.encode() + b"\0" + source.read_bytes())
    for name in ("numba", "llvmlite", "numpy"):
        digest.update(version(name).encode())
    digest.update(platform.python_version().encode() + platform.machine().encode())
    return digest.hexdigest()[:16]


def enable_cache(folder: Path) -> None:
    """Keep every registered kernel's machine code under `folder`; call it before any kernel runs.

    Args:
        folder: Root of all kernel caches; a folder named by `cache_name` is made in it.
    """
    target = folder / cache_name()
    target.mkdir(parents=True, exist_ok=True)
    config.CACHE_DIR = str(target)  # type: ignore[attr-defined]
    for compiled in _REGISTERED:
        if isinstance(compiled, numba.core.registry.CPUDispatcher) and not compiled.signatures:
            compiled.enable_caching()
