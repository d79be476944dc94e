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

from numba import config, njit, types

Function = TypeVar("Function", bound=Callable[..., Any])

_REGISTERED: list[Any] = []
_SOURCES = Path(__file__).resolve().parent
_DRIVERS = (
    "describe.py",
    "estimate.py",
    "run_folder.py",
    "shards.py",
    "simulate.py",
    "observation/compile_care.py",
    "observation/society.py",
    "registers/columns.py",
    "registers/emit.py",
    "registers/events.py",
    "registers/hospital.py",
    "registers/population.py",
    "registers/truth.py",
)
"""Files of this folder that hold no kernel and that no file with a kernel imports; so are those of `validation/`."""


def kernel(function: Function) -> Function:
    """Compile an entry point with Numba on its first call, and let `enable_cache` keep the result on disk."""
    compiled: Any = njit(nogil=True)(function)
    _REGISTERED.append(compiled)
    return compiled  # type: ignore[no-any-return]


def helper(function: Function) -> Function:
    """Compile a function that other kernels call; it is cached within them.

    Numba would compile it again for every constant and every width of number that it is called with; here a constant is
    a number like any other and signed numbers have 64 bits, which halves the time to compile.
    """
    compiled: Any = njit(nogil=True)(function)
    template = compiled.get_call_template

    def with_plain_types(args: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        return template(tuple(map(_plain, args)), {name: _plain(entry) for name, entry in keywords.items()})

    compiled.get_call_template = with_plain_types
    return compiled  # type: ignore[no-any-return]


def _plain(kind: Any) -> Any:
    unliteral: Callable[[Any], Any] = types.unliteral
    plain = unliteral(kind)
    return types.int64 if plain in (types.int8, types.int16, types.int32) else plain


def cache_name() -> str:
    """Name the state of all kernel sources, of the compiler and of the processor family."""
    digest = hashlib.sha256()
    drivers = {_SOURCES / name for name in _DRIVERS} | {*(_SOURCES / "validation").rglob("*.py")}
    for source in sorted([*_SOURCES.rglob("*.py"), _SOURCES.parent / "core" / "rng.py"]):
        if source.is_file() and source not in drivers:
            digest.update(source.name.encode() + b"\0" + source.read_bytes())
    for name in ("numba", "llvmlite", "numpy"):
        digest.update(version(name).encode())
    digest.update(platform.python_version().encode() + platform.machine().encode())
    return digest.hexdigest()[:16]


def cache_folder(root: Path) -> Path:
    """Give the folder of this state of the kernels below the root of all caches."""
    return root / cache_name()


def is_compiled(root: Path) -> bool:
    """Say whether every registered kernel was compiled into the cache before."""
    folder = cache_folder(root)
    return all(any(folder.rglob(f"*{compiled.py_func.__name__}*.nbc")) for compiled in _REGISTERED)


def enable_cache(folder: Path) -> None:
    """Keep every registered kernel's machine code in a folder; call it once all are imported and before any runs.

    Args:
        folder: As `cache_folder` names it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    config.CACHE_DIR = str(folder)  # type: ignore[attr-defined]
    for compiled in _REGISTERED:
        if not compiled.signatures:
            compiled.enable_caching()


def cache_misses() -> int:
    """Count the kernels that this process had to compile itself since their cache was enabled."""
    return sum(sum(compiled.stats.cache_misses.values()) for compiled in _REGISTERED)
