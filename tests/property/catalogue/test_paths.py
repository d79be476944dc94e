"""Whatever a card says, the paths that it may name stay inside the dataset's folder."""

from pathlib import Path, PurePosixPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sandkasse.catalogue.card import is_data_path

FOLDER = Path("/site/datasets/small/1.0.0")
# Pieces that a hostile path would be made of, and ordinary ones.
PIECES = st.lists(
    st.sampled_from(
        [
            "data",
            "bef",
            "/",
            "..",
            ".",
            "\\",
            "\0",
            "\n",
            "*",
            "[a]",
            "?",
            "~",
            "%2e",
            ".parquet",
            "part-00000",
            "\u2024",
            " ",
        ]
    ),
    max_size=8,
).map("".join)


@given(st.one_of(PIECES, st.text(max_size=40), st.from_regex(r"data/bef(/[^/]{0,12})?\.parquet", fullmatch=True)))
@example("data/bef/../../../x.parquet")
@example("data/bef/.parquet")
@example("data/bef.parquet\n")
@pytest.mark.attack
def test_an_allowed_path_lies_below_the_data_folder_and_names_one_file(path: str) -> None:
    if not is_data_path(path, "bef"):
        return
    parts = PurePosixPath(path).parts
    assert parts[0] == "data"
    assert len(parts) in (2, 3)
    assert not any(part.startswith(".") for part in parts)
    assert path.endswith(".parquet")
    assert not set(path) & set("\\*?[]{}'\"\0\n\r ~%")
    assert (FOLDER / path).resolve().is_relative_to(FOLDER / "data")
