"""R on this machine: whether it is there, with which packages, and Sandkasse's own R package put into a library (edge).

Everything R is optional. Only the standard library is imported here: a kernel that starts passes through.
"""

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

R_FOLDER = Path(__file__).resolve().parents[1] / "notebook" / "r"
PACKAGE_FOLDER = R_FOLDER / "package"
KERNELS_FOLDER = R_FOLDER / "kernels"  # holds `ir/kernel.json`
KERNEL_NAME = "ir"
NEEDED = ("reticulate", "IRkernel")
NEEDED_BY_LESSONS = (*NEEDED, "dplyr", "dbplyr", "survival")
SUGGESTED = ("dplyr", "dbplyr", "survival", "Epi")
INSTALL_COMMAND = (
    "sudo apt install r-base-core r-cran-reticulate r-cran-irkernel r-cran-dplyr r-cran-dbplyr r-cran-survival "
    "r-cran-epi"
)
_LIBRARIES = ("/usr/local/lib/R/site-library", "/usr/lib/R/site-library", "/usr/lib/R/library")
_INSTALL_TIMEOUT_S = 120.0


@dataclass(frozen=True)
class RLanguage:
    """R as this machine has it.

    Attributes:
        program: The program `R`; absent where there is none.
        home: Where R lies.
        packages: Which of the needed and suggested packages are there.
    """

    program: Path | None
    home: Path | None
    packages: frozenset[str]

    @property
    def is_usable(self) -> bool:
        """Whether notebooks in R run here."""
        return not self.why_not()

    def why_not(self, *, needed: Sequence[str] = NEEDED) -> str:
        """Say in one line what is missing and how to install it; empty when nothing is.

        Args:
            needed: The packages that are asked for.
        """
        missing = [name for name in needed if name not in self.packages]
        if self.program is None:
            missing = ["R", *missing]
        if not missing:
            return ""
        verb = "is" if len(missing) == 1 else "are"
        return f"{', '.join(missing)} {verb} not installed; on Debian: {INSTALL_COMMAND}"


def find_r(environment: Mapping[str, str]) -> RLanguage:
    """Look for R and its packages, without starting R: a few milliseconds.

    Args:
        environment: Names the search path (`PATH`) and further libraries (`R_LIBS`, `R_LIBS_SITE`, `R_LIBS_USER`).
    """
    found = shutil.which("R", path=environment.get("PATH", os.defpath))
    home = _find_home(Path(found)) if found else None
    if found is None or home is None:
        return RLanguage(None, None, frozenset())
    names = ("R_LIBS", "R_LIBS_USER", "R_LIBS_SITE")
    told = [part for name in names for part in environment.get(name, "").split(os.pathsep) if part]
    libraries = [Path(part) for part in (*told, *_LIBRARIES, str(home / "library"), str(home / "site-library"))]
    there = frozenset(
        package
        for package in (*NEEDED, *SUGGESTED)
        if any((library / package / "DESCRIPTION").is_file() for library in libraries)
    )
    return RLanguage(Path(found), home, there)


def libraries_folder(environment: Mapping[str, str]) -> Path:
    """Say where libraries with Sandkasse's R package lie for a user.

    Args:
        environment: Names the user's home.
    """
    data = environment.get("XDG_DATA_HOME") or str(Path(environment.get("HOME", "~")).expanduser() / ".local" / "share")
    return Path(data) / "sandkasse" / "r-libraries"


def install_package(r: RLanguage, libraries: Path) -> Path:
    """Put Sandkasse's R package into a library of its own, named by the package's content and R's home; once.

    Args:
        r: R on this machine.
        libraries: The folder in which such libraries are made.

    Returns:
        The library, for R's search path (`R_LIBS`).

    Raises:
        OSError: If R is missing, its installer fails (its last line is the text), or the folder cannot be written.
    """
    if r.program is None:
        raise OSError(r.why_not())
    library = libraries / _library_name(r)
    if (library / "sandkasse" / "DESCRIPTION").is_file():
        return library
    libraries.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=libraries, prefix=".partial-") as name:
        _run_installer(r.program, Path(name))
        try:
            Path(name).chmod(0o755)
            Path(name).rename(library)
        except OSError:
            if not library.is_dir():  # else another kernel was quicker, with the same bytes
                raise
        else:
            Path(name).mkdir()  # what the block above removes
    return library


def _run_installer(program: Path, library: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="sandkasse-r-") as scratch:
        source = (
            Path(scratch) / "sandkasse"
        )  # the shipped folder may be read-only, and R writes beside what it installs
        shutil.copytree(PACKAGE_FOLDER, source, ignore=shutil.ignore_patterns("tests"))
        command = [str(program), "CMD", "INSTALL", "--no-test-load", "--no-lock", f"--library={library}", str(source)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_INSTALL_TIMEOUT_S, check=False)
        except subprocess.TimeoutExpired as exc:
            raise OSError("R did not install its half of Sandkasse in time.") from exc
    if done.returncode != 0:
        last = (done.stderr.strip() or done.stdout.strip() or f"exit code {done.returncode}").splitlines()[-1]
        raise OSError(f"R could not install its half of Sandkasse: {last}")


def _library_name(r: RLanguage) -> str:
    digest = hashlib.sha256(str(r.home).encode())
    if r.home is not None:
        # R's own version stands in this file's text; an R that was replaced needs its packages made again.
        base = r.home / "library" / "base" / "DESCRIPTION"
        digest.update(base.read_bytes() if base.is_file() else b"")
    for path in sorted(PACKAGE_FOLDER.rglob("*")):
        if path.is_file() and "tests" not in path.relative_to(PACKAGE_FOLDER).parts:
            digest.update(path.relative_to(PACKAGE_FOLDER).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def _find_home(program: Path) -> Path | None:
    """Ask R's own start script where R lies; it answers without starting R."""
    try:
        told = subprocess.run([str(program), "RHOME"], capture_output=True, text=True, timeout=10, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    home = Path(told.strip())
    return home if home.is_dir() else None
