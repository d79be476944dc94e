"""How a dataset and its files are named to the world outside this site."""

from sandkasse.catalogue.card import Card


def dataset_address(card: Card, address: str | None) -> str:
    """Give the address of a dataset: on this site if it has one, else the publisher's page, else a URN.

    Args:
        card: The dataset's card.
        address: Where the catalogue is reached, `https://…`.
    """
    if address:
        return f"{address.rstrip('/')}/data/{card.id}"
    return card.source_url or dataset_urn(card)


def dataset_urn(card: Card) -> str:
    """Give the name of one version of a dataset, the same on every site."""
    return f"urn:sandkasse:dataset:{card.id}:{card.version}"
