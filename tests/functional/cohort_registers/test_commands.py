"""The commands: what is kept, what is handed on, what is estimated, what the catalogue can make."""

import json
import os
import stat
import subprocess
import sys
from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from sandkasse.actions import cohorts
from sandkasse.actions.cohort_recipes import RECIPES, list_makeable
from sandkasse.actions.cohorts import CohortRequest, Engine, MakeRequest, estimate_cohort, make_cohort, simulate_cohort
from sandkasse.cohort import simulate
from sandkasse.cohort.estimate import estimate_run
from sandkasse.core.errors import InvalidInputError, NotFoundError, RunInterruptedError, StorageFullError, UpstreamError


@pytest.fixture
def request_(tmp_path):
    return CohortRequest(n_persons=200, seed=9, out=tmp_path / "out", engine=Engine(workers=1))


def checksums(folder: Path) -> dict[str, object]:
    return json.loads((folder / "checksums.json").read_text())


def test_nothing_is_kept_but_checksums_and_they_are_those_of_what_would_be_kept(
    settings, tmp_path, small_shards, request_, digests
):
    kept = simulate_cohort(settings, replace(request_, out=tmp_path / "kept"))
    dropped = simulate_cohort(settings, replace(request_, keep="none"))
    assert dropped.simulated == kept.simulated
    assert checksums(request_.out) == checksums(tmp_path / "kept")
    assert set(digests(request_.out)) == {"checksums.json", "run.json"}
    files = digests(tmp_path / "kept" / "registers" / "data")
    for shard in checksums(request_.out)["shards"]:
        for table, part in shard["registers"].items():
            name = f"{table}/part-{shard['number']:05d}.parquet"
            assert files[name] == part["sha256"]
            assert pq.read_metadata(tmp_path / "kept" / "registers" / "data" / name).num_rows == part["rows"]
    assert len(files) == sum(len(shard["registers"]) for shard in checksums(request_.out)["shards"])


def test_a_run_that_keeps_nothing_goes_on_where_it_stopped(settings, tmp_path, small_shards, request_):
    def stop(done: int, _total: int, _unit: str) -> None:
        if done >= 80:
            raise KeyboardInterrupt

    streamed = replace(request_, keep="none")
    with pytest.raises(RunInterruptedError):
        simulate_cohort(settings, streamed, progress=stop)
    assert simulate_cohort(settings, streamed).simulated.n_continued >= 2
    simulate_cohort(settings, replace(request_, out=tmp_path / "kept"))
    assert checksums(request_.out) == checksums(tmp_path / "kept")


def test_a_consumer_gets_each_shard_once_in_a_folder_that_vanishes(settings, tmp_path, small_shards, request_):
    log = tmp_path / "log"
    consumer = tmp_path / "consumer.py"
    consumer.write_text(
        f"#!{sys.executable}\n"
        "import os, pathlib, sys\n"
        "import pyarrow.parquet as pq\n"
        "folder = pathlib.Path(sys.argv[2])\n"
        "assert (folder / 'registers' / 'contract.yaml').is_file()\n"
        "rows = sum(pq.read_metadata(path).num_rows for path in folder.rglob('*.parquet'))\n"
        "with open(sys.argv[1], 'a') as out: print(os.environ['SANDKASSE_SHARD'], rows, folder, file=out)\n"
    )
    consumer.chmod(consumer.stat().st_mode | stat.S_IXUSR)
    made = simulate_cohort(settings, replace(request_, keep="none", consumer=f"{consumer} '{log}'"))
    lines = [line.split() for line in log.read_text().splitlines()]
    assert sorted(int(number) for number, _, _ in lines) == list(range(5))
    assert sum(int(rows) for _, rows, _ in lines) == sum(made.simulated.rows.values())
    assert not [folder for _, _, folder in lines if Path(folder).exists()]


@pytest.mark.parametrize(
    ("command", "error", "words"),
    [
        ("", InvalidInputError, "no command"),
        ("'open", InvalidInputError, "no command"),
        ("/no/such/program", UpstreamError, "cannot be started"),
        ("false", UpstreamError, "exit code 1 at shard 0"),
    ],
)
def test_a_consumer_that_does_not_work_is_one_clear_error(settings, request_, command, error, words):
    with pytest.raises(error, match=words) as caught:
        simulate_cohort(settings, replace(request_, consumer=command))
    assert caught.value.next_step


def test_an_estimate_is_what_comes_out(settings):
    plan = simulate.Plan(15_000, 3)
    simulate.prepare(simulate.cache_folder(settings.kernels))
    estimate = estimate_run(plan, workers=4)
    made = [simulate.make_shard(task) for task in plan.tasks()]
    rows = sum(table.num_rows for tables in made for group in tables for table in group.values())
    # Three shards of 5,000 persons differ by less than five per cent: rows a person have a standard deviation about
    # as large as their mean, so a shard's mean differs by 1.4 % (standard error): 3.5 of them, below one in a thousand.
    assert abs(estimate.rows / rows - 1) < 0.05
    assert estimate.workers == 3
    assert estimate.bytes > 10 * 15_000
    assert estimate_run(replace(plan, keep="none"), workers=1).bytes == 0


def test_what_the_disk_cannot_hold_is_refused_before_anything_is_made(settings, request_, monkeypatch):
    free = namedtuple("free", "total used free")(2**40, 2**40, 10 * 2**20)
    monkeypatch.setattr(cohorts.shutil, "disk_usage", lambda _: free)
    large = replace(request_, n_persons=1_000_000)
    with pytest.raises(StorageFullError, match=r"1,000,000 persons need about .* GiB; 0.0 GiB are free") as caught:
        estimate_cohort(settings, large)
    assert "--keep none" in caught.value.next_step
    assert estimate_cohort(settings, replace(large, keep="none")).bytes == 0
    assert not request_.out.with_name("out.unfinished").exists()


def test_the_catalogue_makes_mini_with_a_secret_seed_and_says_what_else_it_can_make(settings):
    assert [recipe.name for recipe in list_makeable(settings)] == ["mini", "class", "region", "nation"]
    card = make_cohort(settings, MakeRequest("mini"))
    assert (card.id, card.persons, card.default_for) == ("dk-registers-mini", 500, False)
    truth = settings.truth / card.id / card.version
    assert pq.read_table(truth / "persons.parquet").num_rows == 500
    seed = json.loads((settings.secrets / f"{card.id}.json").read_text())["seed"]
    assert not [path for path in settings.datasets.rglob("*.yaml") if seed in path.read_text()]
    assert make_cohort(settings, MakeRequest("mini")) == card
    assert [recipe.name for recipe in list_makeable(settings)] == ["class", "region", "nation"]
    assert {recipe.command for recipe in RECIPES} >= {"sandkasse cohort make nation"}
    with pytest.raises(NotFoundError, match="no cohort named 'natoin'") as caught:
        make_cohort(settings, MakeRequest("natoin"))
    assert "nation" in caught.value.next_step


def test_a_nation_is_not_begun_without_being_asked_for(settings):
    environment = {
        **os.environ,
        "SANDKASSE_HOME": str(settings.home),
        "SANDKASSE_KERNELS": str(settings.kernels),
        "SANDKASSE_CONTENT": str(settings.content),
    }
    command = [sys.executable, "-m", "sandkasse", "cohort", "make", "nation"]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode in (InvalidInputError.exit_code, StorageFullError.exit_code)
    assert "GiB" in done.stderr
    assert done.stderr.strip().splitlines()[-1].startswith("next: ")
    assert not (settings.run / "cohorts").exists()
    assert not settings.secrets.exists(), "a seed is drawn when somebody agreed, not before"


def test_validate_writes_a_page_and_says_its_headline(tmp_path, settings):
    environment = {**os.environ, "SANDKASSE_HOME": str(settings.home), "SANDKASSE_KERNELS": str(settings.kernels)}
    command = [sys.executable, "-m", "sandkasse", "cohort", "validate", "--persons", "2000", "--json", "--out"]
    page = tmp_path / "validation.html"
    done = subprocess.run([*command, str(page)], capture_output=True, text=True, env=environment, check=True)
    said = json.loads(done.stdout)
    assert said["file"] == str(page)
    assert said["headline"]
    assert "<svg" in page.read_text()
    wrong = subprocess.run(
        [*command, str(tmp_path / "page.pdf")], capture_output=True, text=True, env=environment, check=False
    )
    assert wrong.returncode == InvalidInputError.exit_code
    assert not (tmp_path / "page.pdf").exists()


def test_density_and_tier_change_what_is_written_and_not_who_lives(settings, tmp_path, request_):
    streamed = replace(request_, keep="none")
    plain = simulate_cohort(settings, streamed).simulated.rows
    dense = simulate_cohort(settings, replace(streamed, out=tmp_path / "dense", density="register")).simulated.rows
    messy = simulate_cohort(settings, replace(streamed, out=tmp_path / "messy", tier="messy")).simulated.rows
    assert dense["persons"] == messy["persons"] == plain["persons"]
    assert dense["sssy"] > plain["sssy"]
    assert messy["traps"] > plain["traps"]


def test_the_effect_of_an_intervention_is_said_with_its_error(settings):
    environment = {**os.environ, "SANDKASSE_HOME": str(settings.home), "SANDKASSE_KERNELS": str(settings.kernels)}
    command = [sys.executable, "-m", "sandkasse", "cohort", "effect", "--outcome", "death", "--persons", "2000"]
    done = subprocess.run(
        [*command, "--course", "no_smoking", "--json"], capture_output=True, text=True, env=environment, check=True
    )
    said = json.loads(done.stdout)
    assert 0 < said["risk"]["value"] < 1
    assert said["risk"]["standard_error"] > 0
    wrong = subprocess.run([*command, "--course", "x"], capture_output=True, text=True, env=environment, check=False)
    assert wrong.returncode == InvalidInputError.exit_code
    assert "no_smoking" in wrong.stderr
