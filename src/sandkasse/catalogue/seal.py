"""Sealing a dataset: its files hashed and counted, held against their contract, and named by a card."""

from pathlib import Path

import pyarrow as pa

from sandkasse.catalogue.card import (
    CARD_FILE,
    CONTRACT_FILE,
    DATA_FOLDER,
    Card,
    CardDraft,
    ContractReference,
    DatasetFile,
    is_data_path,
    write_card,
)
from sandkasse.catalogue.integrity import count_rows, find_data_files
from sandkasse.catalogue.open import open_tables
from sandkasse.contract import Contract, check_tables, contract_sha256, raise_for_violations, read_contract
from sandkasse.core.errors import InvalidInputError
from sandkasse.core.hashing import sha256_file
from sandkasse.core.progress_bar import Progress, no_progress


def seal(folder: Path, draft: CardDraft, *, progress: Progress = no_progress) -> Card:
    """Hash, count and check what lies in a folder, and write the card that says so.

    Args:
        folder: Holds `contract.yaml`, `data/` and, if the draft names one, the licence's text.
        draft: What the card says.
        progress: Told of the files as they are hashed, then of the tables as they are checked.

    Raises:
        InvalidInputError: If something lies in the folder that is no part of a dataset, or a part is missing.
        ContractViolationError: If the data do not keep the contract beside them.
    """
    contract = read_contract(folder / CONTRACT_FILE)
    order = {table.name: position for position, table in enumerate(contract.tables)}
    described = _describe_files(folder, draft.licence.file, progress)
    files = sorted(described, key=lambda file: (order.get(file.table, len(order)), file.path))
    reference = ContractReference(name=contract.name, version=contract.version, sha256=contract_sha256(contract))
    card = Card.model_validate({**dict(draft), "contract": reference, "files": files})
    check_contract(folder, card, contract, progress=progress)
    write_card(card, folder / CARD_FILE)
    for path in (folder / CARD_FILE, folder / CONTRACT_FILE, *(folder / file.path for file in files)):
        path.chmod(0o444)
    return card


def check_contract(folder: Path, card: Card, contract: Contract, *, progress: Progress = no_progress) -> None:
    """Hold a folder's tables against a contract.

    Raises:
        ContractViolationError: If they do not keep it; counts only, never a value.
    """
    dataset = open_tables(folder, card=card)
    tables = {name: dataset[name] for name in dataset.tables}
    raise_for_violations(check_tables(contract, tables, progress=progress))


def _describe_files(folder: Path, licence_file: str | None, progress: Progress) -> tuple[DatasetFile, ...]:
    allowed = {CONTRACT_FILE, DATA_FOLDER, *([licence_file] if licence_file else [])}
    present = {path.name for path in folder.iterdir()}
    if present != allowed:
        wrong = ", ".join(sorted(present ^ allowed))
        raise InvalidInputError(
            f"A dataset's folder holds {', '.join(sorted(allowed))}; missing or too many: {wrong}.",
            next_step="write these, and nothing else",
        )
    paths = sorted(find_data_files(folder))
    if not paths:
        raise InvalidInputError("A dataset needs at least one Parquet file.", next_step="write data/<table>.parquet")
    described = []
    for done, path in enumerate(paths, start=1):
        described.append(_describe_file(folder, path))
        progress(done, len(paths), "files")
    return tuple(described)


def _describe_file(folder: Path, path: str) -> DatasetFile:
    table = Path(path).parts[1].removesuffix(".parquet")
    full = folder / path
    if not is_data_path(path, table) or full.is_symlink() or not full.is_file():
        raise InvalidInputError(
            f"{path} may not be part of a dataset.",
            next_step="write data/<table>.parquet or data/<table>/part-00000.parquet, no links, no other files",
        )
    try:
        rows = count_rows(full)
    except pa.ArrowInvalid as exc:
        raise InvalidInputError(f"{path} is not a Parquet file.", next_step="write it again, as Parquet") from exc
    return DatasetFile(path=path, table=table, rows=rows, bytes=full.stat().st_size, sha256=sha256_file(full))
