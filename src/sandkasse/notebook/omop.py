"""`sandkasse.to_omop`: open registers in the form of the OMOP Common Data Model."""

from typing import TYPE_CHECKING

from sandkasse.actions.omop import open_as_omop

if TYPE_CHECKING:
    from sandkasse.catalogue.open import Dataset
    from sandkasse.transforms.omop.on_demand import OmopTables


def to_omop(registers: "Dataset") -> "OmopTables":
    """See open registers as the OMOP Common Data Model 5.4; nothing is written.

    Each table is made in memory when it is first asked for, beside the registers, so that one query may ask both.
    `sandkasse transform omop` writes files instead.

    Args:
        registers: What `sandkasse.open("dk-registers")` gave.

    Returns:
        The tables: `omop.person` or `omop["person"]` is an Ibis table, `omop.tables` lists them.

    Raises:
        InvalidInputError: If it is not a dataset of the registers.
    """
    return open_as_omop(registers)
