"""`sandkasse.open` and `sandkasse.datasets`: the catalogue in a notebook."""

import os
from typing import TYPE_CHECKING

from sandkasse.actions.datasets import list_datasets, open_dataset
from sandkasse.core.settings import read_settings

if TYPE_CHECKING:
    from sandkasse.catalogue.open import Dataset
    from sandkasse.catalogue.show import CardList


def open(name: str, *, dataset: str | None = None) -> "Dataset":  # noqa: A001  learners write `sandkasse.open`
    """Open a dataset by its contract's name.

    Args:
        name: The contract's name, for example `"dk-registers"`.
        dataset: One dataset's id, for exploring; a project that is to move to real data names contracts only.

    Returns:
        The dataset: `ds.bef` or `ds["bef"]` is an Ibis table, `ds.tables` lists them.

    Raises:
        DatasetNotFoundError: If no dataset keeps the contract; names the nearest.
        AmbiguousDatasetError: If several do, and none is bound or the default; lists them.
        CorruptDatasetError: If the dataset's files are not those that were published.
    """
    return open_dataset(read_settings(os.environ), name, dataset=dataset)


def datasets() -> "CardList":
    """List what can be opened here."""
    return list_datasets(read_settings(os.environ))
