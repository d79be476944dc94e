"""A user's own download of the vocabularies from Athena: what our codes map to in it.

Source:
    OHDSI Standardized Vocabularies, https://athena.ohdsi.org: a zip file with tab-separated CONCEPT.csv,
    CONCEPT_RELATIONSHIP.csv and VOCABULARY.csv.
"""

import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from sandkasse.core.errors import InvalidInputError
from sandkasse.transforms.omop.source import connect
from sandkasse.transforms.omop.vocabulary import CodeMap, Concept

FILES = {
    "CONCEPT.csv": (
        "concept_id",
        "concept_name",
        "domain_id",
        "vocabulary_id",
        "concept_class_id",
        "standard_concept",
        "concept_code",
        "invalid_reason",
    ),
    "CONCEPT_RELATIONSHIP.csv": ("concept_id_1", "concept_id_2", "relationship_id", "invalid_reason"),
    "VOCABULARY.csv": ("vocabulary_id", "vocabulary_name", "vocabulary_version", "vocabulary_concept_id"),
}
NEEDED = ("ATC", "ICD10", "RxNorm", "SNOMED")
_OPTIONAL = {"DK-NPU": "NPU"}
_AGAIN = (
    "download the vocabularies again from https://athena.ohdsi.org, in version 5.x, with at least "
    f"{', '.join(NEEDED)}, and give the zip file or the folder that it unpacks to"
)
_CODES = {"DK-ATC": "ATC", "DK-SKS": "ICD10", **_OPTIONAL}
_SHORTEST_ICD10 = 3


def read_athena(path: Path, codes: Iterable[tuple[str, str]]) -> CodeMap:
    """Read what some codes map to in a download from Athena.

    ATC codes map to ingredients, diagnoses of SKS through ICD-10 (a Danish extension counts as the code that it
    extends), NPU codes where the download has them. Only standard concepts that are valid count.

    Args:
        path: The zip file, or the folder that it unpacks to.
        codes: (vocabulary, code) pairs of our own vocabularies.

    Raises:
        InvalidInputError: If it is no such download, or lacks files, columns or vocabularies.
    """
    wanted = sorted(set(codes))
    with _unpacked(path) as folder, connect() as con:
        for name, columns in FILES.items():
            _open(con, folder / name, columns)
        version = _version(con)
        targets = _find_targets(con, wanted)
        concepts = _concepts(con, {target for found in targets.values() for target in found})
        return CodeMap(version, concepts, targets, _metadata(con, concepts.values()))


@contextmanager
def _unpacked(path: Path) -> Iterator[Path]:
    if path.is_dir():
        _check_files({entry.name for entry in path.iterdir()})
        yield path
        return
    if not path.exists():
        raise InvalidInputError(
            "There is no such file: the Athena download cannot be found.",
            next_step="give the zip file from https://athena.ohdsi.org, or the folder that it unpacks to",
        )
    try:
        archive = zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile) as exc:
        raise InvalidInputError("The Athena download cannot be read: it is no zip file.", next_step=_AGAIN) from exc
    with archive, tempfile.TemporaryDirectory(prefix="sandkasse-athena-") as temporary:
        members = {Path(name).name: name for name in archive.namelist()}
        _check_files(set(members))
        for name in FILES:
            try:
                with archive.open(members[name]) as source, (Path(temporary) / name).open("wb") as target:
                    while block := source.read(1 << 20):
                        target.write(block)
            except (zipfile.BadZipFile, RuntimeError, EOFError) as exc:
                raise InvalidInputError(f"The Athena download is damaged at {name}.", next_step=_AGAIN) from exc
        yield Path(temporary)


def _check_files(present: set[str]) -> None:
    missing = sorted(set(FILES) - present)
    if missing:
        raise InvalidInputError(f"The Athena download lacks {', '.join(missing)}.", next_step=_AGAIN)


def _open(con: duckdb.DuckDBPyConnection, file: Path, columns: tuple[str, ...]) -> None:
    """Make a file a view of its own name, every column as text."""
    with file.open(encoding="utf-8", errors="replace") as handle:
        header = handle.readline().rstrip("\r\n").lower().split("\t")
    missing = [name for name in columns if name not in header]
    if missing:
        raise InvalidInputError(
            f"{file.name} of the Athena download has not the columns of version 5: it lacks {', '.join(missing)}.",
            next_step=_AGAIN,
        )
    named = "{" + ", ".join(f"'{name}': 'VARCHAR'" for name in header) + "}"
    place = str(file).replace("'", "''")
    con.execute(  # only the file's place and its own header, quoted
        f"create view {file.stem.lower()} as select * from read_csv('{place}', delim='\t', quote='', escape='', "  # noqa: S608
        f"header=true, columns={named}, auto_detect=false, null_padding=true, strict_mode=false)"
    )


def _version(con: duckdb.DuckDBPyConnection) -> str:
    present = {row[0] for row in con.execute("select distinct vocabulary_id from concept").fetchall()}
    missing = [name for name in NEEDED if name not in present]
    if missing:
        raise InvalidInputError(f"The Athena download lacks the vocabularies {', '.join(missing)}.", next_step=_AGAIN)
    found = con.execute("select vocabulary_version from vocabulary where vocabulary_id = 'None'").fetchone()
    return str(found[0] if found and found[0] else "Athena")[:20]


def _find_targets(
    con: duckdb.DuckDBPyConnection, wanted: list[tuple[str, str]]
) -> dict[tuple[str, str], tuple[int, ...]]:
    asked = [
        (vocabulary, code, _CODES[vocabulary], spelling, rank)
        for vocabulary, code in wanted
        if vocabulary in _CODES
        for rank, spelling in enumerate(spellings(vocabulary, code))
    ]
    con.execute("create table asked (own varchar, code varchar, vocabulary varchar, spelling varchar, rank int)")
    if asked:
        con.executemany("insert into asked values (?, ?, ?, ?, ?)", asked)
    rows = con.execute(
        """
        with source as (
            select a.own, a.code, a.rank, c.concept_id
            from asked a join concept c on c.vocabulary_id = a.vocabulary and c.concept_code = a.spelling
        )
        select distinct s.own, s.code, s.rank, cast(t.concept_id as int) as target
        from source s
        join concept_relationship r on r.concept_id_1 = s.concept_id
        join concept t on t.concept_id = r.concept_id_2
        where r.relationship_id = 'Maps to' and coalesce(r.invalid_reason, '') = ''
          and t.standard_concept = 'S' and coalesce(t.invalid_reason, '') = ''
          and (s.own <> 'DK-ATC' or t.concept_class_id = 'Ingredient')
          and (s.own <> 'DK-NPU' or t.domain_id = 'Measurement')
        order by all
        """
    ).fetchall()
    best: dict[tuple[str, str], tuple[int, list[int]]] = {}
    for own, code, rank, target in rows:
        known = best.setdefault((own, code), (rank, []))
        if known[0] == rank:
            known[1].append(target)
    return {key: tuple(found) for key, (_, found) in best.items()}


def spellings(vocabulary: str, code: str) -> list[str]:
    """List how Athena may write one of our codes, the closest first.

    A Danish diagnosis is ICD-10 with a D in front and without the dot; Danish extensions are shortened until they fit.
    """
    if vocabulary != "DK-SKS":
        return [code]
    if not code.startswith("D"):
        return []
    plain = code[1:]
    lengths = range(len(plain), _SHORTEST_ICD10 - 1, -1)
    return [plain[:3] + ("." + plain[3:length] if length > _SHORTEST_ICD10 else "") for length in lengths]


def _concepts(con: duckdb.DuckDBPyConnection, ids: set[int]) -> dict[int, Concept]:
    rows = con.execute(
        "select cast(concept_id as int), concept_name, domain_id, vocabulary_id, concept_class_id, standard_concept, "
        "concept_code from concept where list_contains(?, cast(concept_id as int)) order by 1",
        [sorted(ids)],
    ).fetchall()
    return {row[0]: Concept(*row) for row in rows}


def _metadata(con: duckdb.DuckDBPyConnection, concepts: Iterable[Concept]) -> dict[str, dict[str, dict[str, object]]]:
    """Find the concepts that stand for the domains and classes themselves, and the vocabularies' own rows."""
    listed = list(concepts)
    names = {
        "domain": sorted({concept.domain_id for concept in listed}),
        "concept_class": sorted({concept.concept_class_id for concept in listed}),
    }
    found: dict[str, dict[str, dict[str, object]]] = {"domain": {}, "concept_class": {}, "vocabulary": {}}
    for kind, vocabulary in (("domain", "Domain"), ("concept_class", "Concept Class")):
        rows = con.execute(
            "select concept_name, cast(concept_id as int) from concept "
            "where vocabulary_id = ? and list_contains(?, concept_name)",
            [vocabulary, names[kind]],
        ).fetchall()
        found[kind] = {name: {"name": name, "concept_id": number} for name, number in rows}
    for name, title, version, number in con.execute(
        "select vocabulary_id, vocabulary_name, vocabulary_version, cast(vocabulary_concept_id as int) from vocabulary"
    ).fetchall():
        found["vocabulary"][name] = {"name": title, "version": version, "concept_id": number}
    return found
