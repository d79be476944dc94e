"""The cache of compiled kernels: what leaves it as it is holds no kernel, and nothing with a kernel leans on it."""

import ast
from pathlib import Path

from sandkasse.cohort import kernels

SOURCES = Path(kernels.__file__).parent


def test_what_the_cache_s_name_leaves_out_holds_no_kernel_and_is_imported_by_none():
    left_out = [SOURCES / name for name in kernels._DRIVERS]
    assert [path.name for path in left_out if not path.exists()] == []
    left_out += (SOURCES / "validation").rglob("*.py")
    assert len(left_out) >= 5
    names = {f"sandkasse.cohort.{path.stem}" for path in left_out if path.parent == SOURCES}
    names |= {"sandkasse.cohort.validation"}
    kept = [path for path in SOURCES.rglob("*.py") if path not in left_out]
    compiled = [path for path in kept if imports(path) & {"sandkasse.cohort.kernels", "numba"}]
    assert len(compiled) >= 5
    for path in left_out:
        used = imports(path)
        assert "numba" not in used
        assert not {"kernel", "helper"} & imported_from(path, "sandkasse.cohort.kernels"), path
    for path in compiled:
        assert not {name for name in imports(path) if any(name.startswith(left) for left in names)}, path


def imports(path: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(path.read_text("utf-8"))))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return plain | {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}


def imported_from(path: Path, module: str) -> set[str]:
    nodes = ast.walk(ast.parse(path.read_text("utf-8")))
    return {
        alias.name
        for node in nodes
        if isinstance(node, ast.ImportFrom) and node.module == module
        for alias in node.names
    }
