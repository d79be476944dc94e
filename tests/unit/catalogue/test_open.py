from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sandkasse.catalogue.card import Card, Citation
from sandkasse.catalogue.open import Dataset, open_tables
from sandkasse.contract import read_contract, write_contract
from sandkasse.core.errors import ColumnNotFoundError, CorruptDatasetError, TableNotFoundError

Made = Callable[..., tuple[Path, Card]]
MANY = pa.table({"pnr": [f"{number:03}" for number in range(100)], "koen": pa.array([1, 2] * 50, pa.int8())})


@pytest.fixture
def dataset(make_sealed: Made) -> Dataset:
    return open_tables(make_sealed()[0])


def count(table: object) -> int:
    return table.count().to_pyarrow().as_py()  # type: ignore[attr-defined,no-any-return]


def test_a_table_is_an_attribute_and_an_item(dataset: Dataset) -> None:
    assert dataset.tables == ("bef",)
    assert list(dataset) == ["bef"]
    assert len(dataset) == 1
    assert "bef" in dataset
    assert dataset.bef is dataset["bef"]
    assert dataset.bef.columns == ("pnr", "koen")
    assert count(dataset.bef.filter(dataset.bef.koen == 2)) == 2


def test_tables_and_columns_complete_by_tab(dataset: Dataset) -> None:
    assert "bef" in dir(dataset)
    assert dataset._ipython_key_completions_() == ["bef"]
    assert "koen" in dir(dataset.bef)


def test_an_unknown_table_names_the_nearest(dataset: Dataset) -> None:
    with pytest.raises(TableNotFoundError, match="did you mean bef"):
        dataset["beff"]
    with pytest.raises(AttributeError, match="did you mean bef"):
        _ = dataset.beff
    assert not hasattr(dataset, "_no_such_protocol_")


def test_an_unknown_column_names_the_nearest(dataset: Dataset) -> None:
    with pytest.raises(ColumnNotFoundError, match="did you mean koen"):
        dataset.bef["køn"]
    with pytest.raises(AttributeError, match="did you mean koen") as caught:
        _ = dataset.bef.kon
    assert caught.value._render_traceback_()[0].startswith("AttributeError: There is no column")


def test_tables_stay_ibis_tables(dataset: Dataset) -> None:
    grouped = dataset.bef.group_by("koen").aggregate(n=dataset.bef.count()).order_by("koen")
    assert dataset.collect(grouped).to_pylist() == [{"koen": 1, "n": 1}, {"koen": 2, "n": 2}]
    assert dataset.bef[["pnr"]].columns == ("pnr",)
    assert count(dataset.bef[:2]) == 2


def test_sql_sees_the_tables_by_their_names(dataset: Dataset) -> None:
    assert dataset.sql("select max(koen) as m from bef").to_pylist() == [{"m": 2}]


@pytest.mark.parametrize("n_parts", [0, 1, 7])
def test_parts_are_one_table(make_sealed: Made, n_parts: int) -> None:
    folder, card = make_sealed(n_parts=n_parts, table=MANY)
    assert len(card.files) == max(1, n_parts)
    assert open_tables(folder).bef.order_by("pnr").to_pyarrow() == MANY


@pytest.mark.parametrize("name", ["it's", "a [b]", "*", "q?", "sp ace", "æøå", '"'])
def test_the_folders_name_does_not_matter(make_sealed: Made, name: str) -> None:
    folder, _ = make_sealed(f"in/{name}", n_parts=2, table=MANY)
    make_sealed("in/a b", table=MANY)
    assert count(open_tables(folder).bef) == 100


def test_opening_reads_no_data(make_sealed: Made) -> None:
    """All parts but the first are replaced by noise of the same size: opening and the schema must not notice."""
    folder, card = make_sealed(n_parts=5, table=MANY)
    for file in card.files[1:]:
        (folder / file.path).chmod(0o644)
        (folder / file.path).write_bytes(b"\0" * file.bytes)
    dataset = open_tables(folder)
    assert dataset.bef.columns == ("pnr", "koen")
    with pytest.raises(CorruptDatasetError, match="cannot be read to its end"):
        dataset.collect(dataset.bef)


def test_opening_needs_nothing_but_the_card(make_sealed: Made) -> None:
    folder, card = make_sealed()
    (folder / "data" / "bef.parquet").unlink()
    assert open_tables(folder).card == card


def test_a_truncated_file_is_named_before_any_query(make_sealed: Made) -> None:
    folder, _ = make_sealed()
    path = folder / "data" / "bef.parquet"
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-20])
    dataset = open_tables(folder)
    with pytest.raises(CorruptDatasetError, match=r"data/bef\.parquet: not the size that was published") as caught:
        _ = dataset.bef
    assert str(folder) not in caught.value.message


def test_a_file_that_is_no_parquet_any_more_is_named(make_sealed: Made) -> None:
    folder, card = make_sealed()
    path = folder / "data" / "bef.parquet"
    path.chmod(0o644)
    path.write_bytes(b"x" * card.bytes)
    with pytest.raises(CorruptDatasetError, match=r"data/bef\.parquet: cannot be read as Parquet"):
        _ = open_tables(folder).bef


@pytest.mark.attack
def test_a_linked_file_is_not_read(make_sealed: Made, tmp_path: Path) -> None:
    folder, card = make_sealed()
    secret = tmp_path / "secret.parquet"
    pq.write_table(MANY, secret)
    path = folder / "data" / "bef.parquet"
    path.unlink()
    path.symlink_to(secret)
    with pytest.raises(CorruptDatasetError, match="a link, not a file"):
        _ = Dataset(folder, card).bef


def test_an_engines_error_is_told_without_its_words(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    class Quoting:
        def to_pyarrow(self) -> pa.Table:
            raise duckdb.ConversionException("Could not convert '0101901234' to INT32")

    with pytest.raises(CorruptDatasetError) as caught:
        dataset.collect(Quoting())
    assert "0101901234" not in str(caught.value)


def test_the_card_is_shown_as_text(dataset: Dataset) -> None:
    shown = repr(dataset)
    assert "A small <dataset>" in shown
    assert "small@1.0.0 · simulated · 3 persons · CC0-1.0" in shown
    assert "  bef              3 rows\n" in shown
    assert shown.splitlines()[-1] == "Cite: The tests. A small <dataset>. Version 1.0.0, 2026."


def test_the_card_says_what_each_table_holds(make_sealed: Made) -> None:
    folder, _ = make_sealed()
    contract = read_contract(folder / "contract.yaml")
    bef = replace(contract.tables[0], title="Persons <resident>", period="1986–2024")
    (folder / "contract.yaml").chmod(0o644)
    write_contract(replace(contract, tables=(bef,)), folder / "contract.yaml")
    assert "3 rows  Persons <resident>, 1986–2024" in repr(open_tables(folder))
    assert "<td style='text-align:left'>Persons &lt;resident&gt;, 1986–2024</td>" in open_tables(folder)._repr_html_()


def test_a_card_is_shown_without_its_contract(make_sealed: Made) -> None:
    folder, _ = make_sealed()
    (folder / "contract.yaml").chmod(0o644)
    (folder / "contract.yaml").write_text("not: [a contract")
    assert "bef              3 rows\n" in repr(open_tables(folder))
    assert "what it holds" not in open_tables(folder)._repr_html_()


def test_the_card_says_how_to_cite_and_that_there_are_faults(make_sealed: Made) -> None:
    citation = Citation(text="A (2001). B.", doi="10.1000/182")
    folder, _ = make_sealed(tier="public", citations=(citation,), known_faults=("One.", "Two."))
    for shown in (repr(open_tables(folder)), open_tables(folder)._repr_html_()):
        assert "Cite: A (2001). B. doi:10.1000/182" in shown
        assert "The tests. A small" not in shown  # published data are cited by their own paper
        assert "2 known faults: see .card.known_faults" in shown


def test_the_card_is_shown_as_html_without_letting_markup_in(dataset: Dataset) -> None:
    shown = dataset._repr_html_()
    assert "A small &lt;dataset&gt;" in shown
    assert "<dataset>" not in shown
    assert "<script" not in shown
