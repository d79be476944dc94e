"""The R package, tested in R itself by testthat, and found by R as `sandkasse r install` says."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from sandkasse.actions.r_language import describe_r, install_r
from sandkasse.core.errors import UpstreamError
from sandkasse.core.r_language import find_r, install_package

TESTS = Path(__file__).parent / "testthat"
needs_r = pytest.mark.skipif(not find_r(os.environ).is_usable, reason=find_r(os.environ).why_not() or "R is here")


def run_r(code: str, environment: dict[str, str]) -> str:
    done = subprocess.run(
        ["Rscript", "-e", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@needs_r
@pytest.mark.parametrize("file", sorted(path.stem.removeprefix("test-") for path in TESTS.glob("*.R")))
def test_in_r(file, tmp_path):
    lines = install_r({**os.environ, "XDG_DATA_HOME": str(tmp_path)})
    code = "; ".join([*lines, f"testthat::test_dir({str(TESTS)!r}, filter = '^{file}$', reporter = 'summary')"])
    said = run_r(code, {"SANDKASSE_HOME": str(tmp_path / "home")})
    assert "DONE" in said
    if shutil.which("R") and "dbplyr" in find_r(os.environ).packages:
        assert "Skipped" not in said


@needs_r
def test_it_is_attached_without_a_warning_that_open_is_its_own(tmp_path):
    lines = install_r({**os.environ, "XDG_DATA_HOME": str(tmp_path)})
    said = run_r("; ".join(["sink(stdout(), type = 'message')", *lines, "cat(class(open), 'done')"]), {})
    assert said.endswith("function done")
    assert "masked" not in said


@needs_r
def test_it_is_installed_once_and_named_by_its_content(tmp_path):
    r = find_r(os.environ)
    first = install_package(r, tmp_path)
    before = (first / "sandkasse" / "DESCRIPTION").stat().st_mtime_ns
    assert install_package(r, tmp_path) == first
    assert (first / "sandkasse" / "DESCRIPTION").stat().st_mtime_ns == before
    assert [path.name for path in tmp_path.iterdir()] == [first.name]


@needs_r
def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UpstreamError) as caught:
        install_r({**os.environ, "XDG_DATA_HOME": str(tmp_path / "file")})
    assert "try again" in caught.value.next_step


def test_without_r_one_line_says_how_to_install_it():
    nowhere = {"PATH": "/nowhere"}
    told = describe_r(nowhere)
    assert (told["program"], told["is_usable"]) == (None, False)
    assert told["next"].startswith("R, reticulate, IRkernel are not installed; on Debian: sudo apt install")
    with pytest.raises(UpstreamError, match="not installed"):
        install_r(nowhere)
