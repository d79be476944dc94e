"""The card of a dataset: what it is, who published it and how, and which files it has with their checksums."""

import re
from collections.abc import Iterator
from datetime import date
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from sandkasse.core.errors import CorruptDatasetError

CARD_FILE = "card.yaml"
CONTRACT_FILE = "contract.yaml"
DATA_FOLDER = "data"

Tier = Literal["public", "simulated", "twin", "anonymised"]
DatasetId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
Version = Annotated[str, Field(pattern=r"^[0-9]+(\.[0-9]+){0,2}([.+-][0-9A-Za-z]{1,40})*$", max_length=80)]
TableName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Text = Annotated[str, Field(min_length=1)]

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_PART = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]*$")


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class Licence(_Record):
    """Under which terms the data files may be used and passed on.

    Attributes:
        name: SPDX identifier where there is one, else the licence's own name.
        url: Where its text is.
        file: The text kept beside the data, as a path inside the dataset.
    """

    name: Text
    url: Text
    file: str | None = None


class Citation(_Record):
    """A reference that users of the data are asked to cite.

    Attributes:
        text: The reference, as it is printed.
        doi: Its DOI without the resolver, if it has one.
    """

    text: Text
    doi: Annotated[str, Field(pattern=r"^10\.[0-9]{4,9}/\S+$")] | None = None


class ContractReference(_Record):
    """The contract that the files keep.

    Attributes:
        name: The contract's name, by which `open` finds the dataset.
        version: The contract's own version.
        sha256: Its content hash, independent of layout and comments.
    """

    name: DatasetId
    version: Text
    sha256: Sha256


class DatasetFile(_Record):
    """One Parquet file: a whole table, or one part of it.

    Attributes:
        path: Relative to the dataset's folder: `data/<table>.parquet` or `data/<table>/part-00000.parquet`.
        table: The table that the rows belong to.
        rows: Number of rows.
        bytes: Size of the file.
        sha256: Hash of its bytes.
    """

    path: Text
    table: TableName
    rows: Annotated[int, Field(ge=0)]
    bytes: Annotated[int, Field(ge=0)]
    sha256: Sha256

    @model_validator(mode="after")
    def _lies_where_its_table_says(self) -> "DatasetFile":
        if not is_data_path(self.path, self.table):
            raise ValueError(f"path must be data/{self.table}.parquet or data/{self.table}/<part>.parquet")
        return self


class CardDraft(_Record):
    """What a publisher says about a dataset; the store adds the contract's reference and the files.

    Attributes:
        id: Short name, unique in a catalogue.
        version: Version of the data; a published version never changes.
        title: One line.
        summary: What it is, in two or three sentences.
        domain: Field of health data science: `registers`, `trials`, `epidemiology`, …
        tier: Why the data may lie in a sandbox at all.
        licence: Terms of the data files.
        publisher: Who published the data.
        how_published: Where and how they came from there to here.
        anonymity: What is known of the persons' anonymity, and who judged it.
        citations: What to cite, the data's own paper first.
        persons: Number of persons, if rows belong to persons.
        modalities: Kinds of data: `registers`, `clinical`, `laboratory`, `questionnaire`, …
        period: Calendar years covered, in words; absent if the data have no calendar time.
        country: Two-letter code of the country that the data are about.
        created: Day on which this version was made.
        provenance: How the files were made.
        seed_commitment: Salted hash of a secret seed, for simulated data that is graded.
        how_to_get_real: The road to the real data behind, in words.
        keywords: Words to find it by.
        known_faults: What a user will stumble over.
        source_url: The publisher's own page.
        default_for: Whether this is the site's default dataset of its contract.
    """

    id: DatasetId
    version: Version
    title: Text
    summary: Text
    domain: DatasetId
    tier: Tier
    licence: Licence
    publisher: Text
    how_published: Text
    anonymity: Text
    citations: tuple[Citation, ...] = ()
    persons: Annotated[int, Field(ge=0)] | None = None
    modalities: tuple[Text, ...] = ()
    period: str | None = None
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] | None = None
    created: date
    provenance: dict[str, Any] = Field(default_factory=dict)
    seed_commitment: str | None = None
    how_to_get_real: Text
    keywords: tuple[Text, ...] = ()
    known_faults: tuple[Text, ...] = ()
    source_url: str | None = None
    default_for: bool = False

    @field_validator("licence")
    @classmethod
    def _licence_text_lies_beside(cls, licence: Licence) -> Licence:
        if licence.file is not None and (len(PurePosixPath(licence.file).parts) != 1 or not _PART.match(licence.file)):
            raise ValueError("licence.file must name a file directly in the dataset's folder")
        return licence


class Card(CardDraft):
    """A published dataset's card.

    Attributes:
        contract: What the files keep.
        files: Every data file; a file that is not listed is not part of the dataset.
    """

    contract: ContractReference
    files: tuple[DatasetFile, ...]

    @model_validator(mode="after")
    def _speaks_plain_text(self) -> "Card":
        # A terminal would obey them.
        if any(_CONTROL.search(text) for text in _texts(self.model_dump())):
            raise ValueError("a card holds no control characters")
        return self

    @model_validator(mode="after")
    def _lists_each_file_once(self) -> "Card":
        paths = [file.path for file in self.files]
        if len(set(paths)) != len(paths):
            raise ValueError("files: the same path stands twice")
        return self

    @property
    def tables(self) -> tuple[str, ...]:
        """Names of the tables, in the order of the card's files."""
        return tuple(dict.fromkeys(file.table for file in self.files))

    @property
    def rows(self) -> dict[str, int]:
        """Number of rows of each table."""
        counts = dict.fromkeys(self.tables, 0)
        for file in self.files:
            counts[file.table] += file.rows
        return counts

    @property
    def bytes(self) -> int:
        """Size of all data files together."""
        return sum(file.bytes for file in self.files)

    @property
    def reference(self) -> str:
        """The id with its version, `<id>@<version>`: how one exact dataset is named."""
        return f"{self.id}@{self.version}"

    def files_of(self, table: str) -> tuple[DatasetFile, ...]:
        """List the files of one table in the order of their names; empty if there is no such table."""
        return tuple(sorted((file for file in self.files if file.table == table), key=lambda file: file.path))


def is_data_path(path: str, table: str) -> bool:
    """Say whether a path is one where the data of `table` may lie; refuses absolute, parent and hidden parts."""
    if path == f"{DATA_FOLDER}/{table}.parquet":
        return True
    parts = path.split("/")
    return (
        len(parts) == 3
        and parts[:2] == [DATA_FOLDER, table]
        and parts[2].endswith(".parquet")
        and _PART.match(parts[2]) is not None
    )


def read_card(path: Path) -> Card:
    """Read a card.

    Raises:
        CorruptDatasetError: If the file is missing, is a link, or is not a card; names the file and the fields.
    """
    if path.is_symlink():
        raise _unreadable(path, "it is a link; a card must be a file of its dataset")
    try:
        content = yaml.load(path.read_bytes(), Loader=_SafeLoader)  # noqa: S506  a safe loader, the fast one
    except FileNotFoundError as exc:
        raise _unreadable(path, "it is missing") from exc
    except OSError as exc:
        raise _unreadable(path, f"it cannot be opened, {exc.strerror}") from exc
    except (yaml.YAMLError, UnicodeDecodeError) as exc:
        raise _unreadable(path, "it is not YAML") from exc
    try:
        return Card.model_validate(content)
    except ValidationError as exc:
        fields = sorted({".".join(str(part) for part in error["loc"]) or "the whole" for error in exc.errors()})
        raise _unreadable(path, f"these fields are wrong: {', '.join(fields)}") from exc


def card_in(folder: Path) -> Card:
    """Read the card in a dataset's folder; unchanged cards are parsed once.

    Raises:
        CorruptDatasetError: If there is none, or it is not a card.
    """
    path = folder / CARD_FILE
    try:
        entry = path.lstat()
    except OSError:
        return read_card(path)  # says what is wrong
    return _read_cached(path, entry.st_mtime_ns, entry.st_size, entry.st_ino)


@lru_cache(maxsize=1024)
def _read_cached(path: Path, _mtime_ns: int, _size: int, _inode: int) -> Card:
    return read_card(path)


def write_card(card: Card, path: Path) -> None:
    """Write a card as YAML, in the order of its fields; what is absent is left out."""
    content = card.model_dump(mode="json", exclude_none=True)
    path.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=110), encoding="utf-8")


_SafeLoader: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield str(key)
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)


def _unreadable(path: Path, why: str) -> CorruptDatasetError:
    return CorruptDatasetError(
        f"The card {path.parent.name}/{path.name} cannot be read: {why}.",
        next_step="restore the dataset's folder from where it was published, or remove it",
    )
