"""List the benchmarks, or run one: `python benchmarks/run.py`, `python benchmarks/run.py cohort --persons 10000`."""

import ast
import runpy
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent


def main(arguments: list[str]) -> None:
    """List what there is, or hand the remaining arguments to the named benchmark."""
    scripts = {path.stem: path for path in sorted(FOLDER.glob("*.py")) if path.name != "run.py"}
    if not arguments:
        for name, path in scripts.items():
            first = (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").partition("\n")[0]
            print(f"{name:20} {first}")
        return
    if arguments[0] not in scripts:
        sys.exit(f"There is no benchmark named {arguments[0]!r}.\nnext: python benchmarks/run.py lists them")
    sys.argv = [str(scripts[arguments[0]]), *arguments[1:]]
    runpy.run_path(str(scripts[arguments[0]]), run_name="__main__")


if __name__ == "__main__":
    main(sys.argv[1:])
