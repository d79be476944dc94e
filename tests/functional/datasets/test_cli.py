"""`sandkasse dataset …` as a person at a terminal and a script with `--json` meet it."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass

import pytest

from sandkasse.cli import main
from sandkasse.core.settings import find_content


@dataclass(frozen=True)
class Shown:
    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def sandkasse(tmp_path, monkeypatch, capfd):
    """Run the command line in this process, with a store of its own."""
    monkeypatch.setenv("SANDKASSE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("SANDKASSE_BINDINGS", raising=False)

    def run(*arguments, content=None):
        if content:
            monkeypatch.setenv("SANDKASSE_CONTENT", str(content))
        monkeypatch.setattr(sys, "argv", ["sandkasse", "dataset", *arguments])
        capfd.readouterr()
        with pytest.raises(SystemExit) as left:
            main()
        sys.stdout.flush()
        printed = capfd.readouterr()
        return Shown(int(left.value.code or 0), printed.out, printed.err)

    return run


def test_the_command_line_is_a_program_of_its_own(tmp_path):
    command = [sys.executable, "-m", "sandkasse", "dataset", "show", "steno2"]
    environment = {**os.environ, "SANDKASSE_HOME": str(tmp_path)}
    shown = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=120)
    assert (shown.returncode, shown.stdout) == (21, "")
    assert shown.stderr.splitlines()[1].startswith("next: did you mean steno-2")


def test_the_list_names_every_dataset(sandkasse):
    shown = sandkasse("list")
    assert shown.returncode == 0, shown.stderr
    assert "steno-2" in shown.stdout
    assert "452,012" in shown.stdout
    listed = json.loads(sandkasse("list", "--json").stdout)
    assert [card["id"] for card in listed][-1] == "steno-2"


def test_a_dataset_is_shown_with_its_columns(sandkasse):
    shown = sandkasse("show", "steno-2")
    assert shown.returncode == 0, shown.stderr
    for expected in ("GPL-2.0-only", "hba1c", "mmol/mol", "known fault", "doi:10.1007/s00125-016-4065-6"):
        assert expected in shown.stdout
    page = json.loads(sandkasse("show", "steno-2", "--json").stdout)
    assert page["tables"][1]["name"] == "visits"


def test_opening_shows_code_and_first_rows(sandkasse):
    shown = sandkasse("open", "salmonella-1996")
    assert shown.returncode == 0, shown.stderr
    assert 'sandkasse.open("salmonella-1996")' in shown.stdout
    assert "matched_set" in shown.stdout
    assert json.loads(sandkasse("open", "salmonella-1996", "--json").stdout)["first_rows"]["interviews"][0]["age"] == 52


def test_verifying_and_checking_say_so(sandkasse):
    assert "all as published" in sandkasse("verify", "pbcseq").stdout
    assert json.loads(sandkasse("verify", "pbcseq", "--json").stdout)["files"] == 1
    assert "keeps its contract" in sandkasse("check", "pbcseq").stdout
    assert json.loads(sandkasse("check", "pbcseq", "--json").stdout)["passed"] is True


def test_exporting_writes_a_file(sandkasse, tmp_path):
    out = tmp_path / "croissant.json"
    assert sandkasse("export", "rotterdam", "--format", "croissant", "--out", str(out)).returncode == 0
    assert json.loads(out.read_text())["conformsTo"][0].endswith("croissant/1.1")


def test_citing_gives_text_and_bibtex(sandkasse):
    assert "@misc{nafld-1" in sandkasse("cite", "nafld").stdout


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("show", "steno2"), 21, "did you mean steno-2"),
        (("verify", "nothing"), 21, "sandkasse dataset list"),
        (("show", "../../etc"), 21, "There is no dataset"),
        (("export", "steno-2", "--format", "xml", "--out", "x"), 10, "croissant, dcat"),
        (("export", "steno-2", "--out", "/proc/nowhere/x"), 10, "cannot be written"),
    ],
)
def test_a_mistake_gives_one_line_and_a_next_step(sandkasse, arguments, code, said):
    shown = sandkasse(*arguments)
    assert shown.returncode == code
    assert said in shown.stderr
    assert len(shown.stderr.strip().splitlines()) == 2
    assert "Traceback" not in shown.stderr
    assert shown.stdout == ""


@pytest.fixture
def harmed(tmp_path):
    content = tmp_path / "content"
    shutil.copytree(find_content() / "datasets" / "steno-2", content / "datasets" / "steno-2")
    for path in (content / "datasets" / "steno-2").rglob("*.*"):
        path.chmod(0o644)
    return content


def test_a_truncated_file_is_named_with_its_own_exit_code(sandkasse, harmed):
    path = harmed / "datasets" / "steno-2" / "data" / "visits.parquet"
    path.write_bytes(path.read_bytes()[:-10])
    for command in ("verify", "open", "check"):
        shown = sandkasse(command, "steno-2", content=harmed)
        assert shown.returncode == 41, shown.stderr
        assert "data/visits.parquet" in shown.stderr
        assert "Traceback" not in shown.stderr


def test_a_tampered_file_is_named_with_its_own_exit_code(sandkasse, harmed):
    path = harmed / "datasets" / "steno-2" / "data" / "visits.parquet"
    content = bytearray(path.read_bytes())
    content[100] ^= 255
    path.write_bytes(content)
    shown = sandkasse("verify", "steno-2", content=harmed)
    assert shown.returncode == 41
    assert "data/visits.parquet: its checksum is not the published one" in shown.stderr


def test_a_broken_card_does_not_hide_the_others(sandkasse, harmed):
    shutil.copytree(harmed / "datasets" / "steno-2", harmed / "datasets" / "broken")
    for form in ([], ["--json"]):
        shown = sandkasse("list", *form, content=harmed)
        assert shown.returncode == 0
        assert "steno-2" in shown.stdout
        assert "'broken' holds the card of steno-2@1.0.0" in shown.stderr
