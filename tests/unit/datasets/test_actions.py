import json
import shutil
from pathlib import Path

import orjson
import pytest

from sandkasse.actions import datasets as actions
from sandkasse.core.errors import CorruptDatasetError, DatasetNotFoundError, InvalidInputError, TableNotFoundError
from sandkasse.core.settings import Settings, find_content


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", content=find_content())


@pytest.fixture
def own(tmp_path: Path) -> Settings:
    """A site whose shipped datasets are copies that a test may harm."""
    shutil.copytree(find_content() / "datasets" / "steno-2", tmp_path / "content" / "datasets" / "steno-2")
    return Settings(home=tmp_path / "home", content=tmp_path / "content")


def test_a_dataset_opens_by_its_contract(settings: Settings) -> None:
    dataset = actions.open_dataset(settings, "steno-2")
    assert dataset.tables == ("persons", "visits", "albuminuria")
    assert dataset.collect(dataset.visits.count().as_table()).to_pylist() == [{"CountStar(visits)": 750}]


def test_what_is_bound_is_opened_from_its_folder(settings: Settings, own: Settings) -> None:
    folder = own.content / "datasets" / "steno-2"
    bound = Settings(home=settings.home, content=own.content / "nothing", bindings={"steno-2": folder})
    assert actions.open_dataset(bound, "steno-2").folder == folder
    assert [(c.name, c.bound_to, c.datasets) for c in actions.list_contracts(bound)] == [
        ("steno-2", "steno-2@1.0.0", ("steno-2",))
    ]


def test_every_act_works_on_what_is_bound_without_a_store(own: Settings, tmp_path: Path) -> None:
    """Inside a workspace there is no store: only the folders of the datasets that it was given."""
    folder = own.content / "datasets" / "steno-2"
    inside = Settings(home=tmp_path / "none", content=tmp_path / "none", bindings={"steno-2": folder})
    assert [card.id for card in actions.list_datasets(inside)] == ["steno-2"]
    assert actions.show_dataset(inside, "steno-2").versions == ("1.0.0",)
    assert actions.preview_table(inside, "steno-2@1.0.0", "visits", 1).num_rows == 1
    assert actions.verify_dataset(inside, "steno-2").n_files == 3
    assert actions.check_dataset(inside, "steno-2").passed
    assert str(folder) in actions.write_snippets(inside, "steno-2").sql
    with pytest.raises(DatasetNotFoundError):
        actions.show_dataset(inside, "nafld")


def test_contracts_are_listed_with_their_datasets(settings: Settings) -> None:
    listed = {entry.name: entry for entry in actions.list_contracts(settings)}
    assert listed["rotterdam"].datasets == ("rotterdam",)
    assert listed["rotterdam"].default == "rotterdam"
    assert listed["rotterdam"].bound_to is None


def test_a_page_has_card_contract_and_versions(settings: Settings) -> None:
    page = actions.show_dataset(settings, "steno-2")
    assert page.versions == ("1.0.0",)
    assert page.contract.table("visits").column("hba1c").unit == "mmol/mol"
    described = orjson.loads(orjson.dumps(actions.describe_page(page), default=str))
    assert described["tables"][0]["columns"][0]["name"] == "person_id"
    assert any("Gæde" in line for line in actions.format_page(page))


def test_a_preview_has_the_first_rows_in_the_files_order(settings: Settings) -> None:
    preview = actions.preview_table(settings, "steno-2", "visits", 3)
    assert preview.num_rows == 3
    assert preview["hba1c"].to_pylist() == [87.3, 66.5, 73.0]


@pytest.mark.parametrize("limit", [0, -1, 1001])
def test_a_preview_is_short(settings: Settings, limit: int) -> None:
    with pytest.raises(InvalidInputError, match=r"between 1 and 1,000"):
        actions.preview_table(settings, "steno-2", "visits", limit)


def test_unknown_names_are_led_to_the_nearest(settings: Settings) -> None:
    with pytest.raises(DatasetNotFoundError, match="did you mean steno-2"):
        actions.show_dataset(settings, "steno2")
    with pytest.raises(TableNotFoundError, match="did you mean visits"):
        actions.preview_table(settings, "steno-2", "visit")
    with pytest.raises(TableNotFoundError, match="did you mean visits"):
        actions.profile_table(settings, "steno-2", "visit")


def test_a_profile_is_kept_by_checksum(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    first = actions.profile_table(settings, "steno-2", "visits")
    assert len(list((settings.cache / "profiles").iterdir())) == 1
    monkeypatch.setattr(actions, "measure_profile", lambda *_, **__: pytest.fail("measured again"))
    assert actions.profile_table(settings, "steno-2", "visits") == first


def test_a_spoilt_kept_profile_is_measured_again(settings: Settings) -> None:
    first = actions.profile_table(settings, "steno-2", "visits")
    (kept,) = (settings.cache / "profiles").iterdir()
    kept.write_text("{")
    assert actions.profile_table(settings, "steno-2", "visits") == first
    assert json.loads(kept.read_text())["rows"] == 750


def test_a_profile_needs_no_writable_cache(settings: Settings) -> None:
    settings.home.mkdir()
    settings.cache.write_text("a file where the folder should be")
    assert actions.profile_table(settings, "steno-2", "visits").rows == 750


def test_damage_is_reported_and_broken_cards_are_listed(own: Settings) -> None:
    folder = own.content / "datasets" / "steno-2"
    path = folder / "data" / "visits.parquet"
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(CorruptDatasetError, match=r"data/visits\.parquet"):
        actions.verify_dataset(own, "steno-2")
    with pytest.raises(CorruptDatasetError, match=r"data/visits\.parquet"):
        actions.preview_table(own, "steno-2", "visits")
    (folder / "card.yaml").chmod(0o644)
    (folder / "card.yaml").write_text("nonsense")
    assert actions.list_datasets(own) == ()
    assert len(actions.list_faults(own)) == 1


@pytest.mark.parametrize("kind", ["croissant", "dcat", "schema.org"])
def test_an_export_is_written_whole_and_never_over_another(settings: Settings, tmp_path: Path, kind: str) -> None:
    out = tmp_path / "out.json"
    assert actions.export_dataset(settings, "steno-2", kind, out) == out  # type: ignore[arg-type]
    assert json.loads(out.read_text())["@context"]
    with pytest.raises(InvalidInputError, match="already a file"):
        actions.export_dataset(settings, "steno-2", kind, out)  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match="cannot be written"):
        actions.export_dataset(settings, "steno-2", kind, tmp_path / "no" / "out.json")  # type: ignore[arg-type]
    assert [path.name for path in tmp_path.iterdir()] == ["out.json"]


def test_an_unknown_export_format_is_refused(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="croissant, dcat, schema"):
        actions.export_dataset(settings, "steno-2", "xml", tmp_path / "x")  # type: ignore[arg-type]


def test_the_python_that_is_shown_runs(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANDKASSE_HOME", str(settings.home))
    snippets = actions.write_snippets(settings, "steno-2")
    names: dict[str, object] = {}
    exec(snippets.python.replace(".execute()", "").replace(".to_pandas()", ""), names)
    assert repr(names["ds"]).startswith("Steno-2")


def test_the_sql_that_is_shown_runs(settings: Settings) -> None:
    import duckdb

    snippets = actions.write_snippets(settings, "nafld")
    assert duckdb.sql(snippets.sql).fetchall() == [(17_549,)]


def test_the_r_that_is_shown_runs(settings: Settings, tmp_path: Path) -> None:
    import os
    import subprocess

    from sandkasse.actions.r_language import install_r
    from sandkasse.core.r_language import find_r

    if find_r(os.environ).program is None or "reticulate" not in find_r(os.environ).packages:
        pytest.skip(find_r(os.environ).why_not())
    code = "\n".join(
        [*install_r({**os.environ, "XDG_DATA_HOME": str(tmp_path)}), actions.write_snippets(settings, "nafld").r]
    )
    environment = {**os.environ, "SANDKASSE_HOME": str(settings.home)}
    done = subprocess.run(["Rscript", "-e", code], env=environment, capture_output=True, text=True, check=False)
    assert "17549" in done.stdout, done.stderr


def test_a_citation_is_text_and_bibtex(settings: Settings) -> None:
    citations = actions.cite_dataset(settings, "rotterdam")
    assert citations.texts[0].endswith("doi:10.1186/1471-2288-13-33")
    assert "@misc{rotterdam-1," in citations.bibtex
    assert "author = {Royston, P and Altman, DG}" in citations.bibtex
    assert "year = {2013}" in citations.bibtex
    assert citations.bibtex.count("{") == citations.bibtex.count("}")
