"""Open Data Contract Standard documents turned into our contract records.

What a contract promises but we could not check on every engine is refused rather than passed over.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC
from typing import Any, cast

from open_data_contract_standard.model import (
    CustomProperty,
    DataQuality,
    OpenDataContractStandard,
    Relationship,
    SchemaObject,
    SchemaProperty,
)

from sandkasse.contract.model import (
    LOGICAL_TYPES,
    ORDERED_TYPES,
    Code,
    Column,
    Contract,
    Key,
    LogicalType,
    Metric,
    Provenance,
    Quality,
    Reference,
    Severity,
    Table,
    Unit,
)
from sandkasse.contract.terms import (
    BOUND_OPTIONS,
    COLUMN_PROPERTIES,
    PROVENANCE_PROPERTIES,
    READ_VERSIONS,
    TABLE_PROPERTIES,
    invalid,
)
from sandkasse.contract.values import (
    INTEGER_LIMIT,
    as_list,
    check_order,
    check_unique,
    read_bound,
    read_count,
    read_name,
    read_pattern,
    read_scalar,
)


def contract_from_odcs(document: OpenDataContractStandard) -> Contract:
    """Turn an ODCS document into our records.

    Args:
        document: A document whose unknown keys were refused already.

    Returns:
        The contract; sections that promise nothing about the data (team, servers, price, …) are not kept.

    Raises:
        ContractInvalidError: If it contradicts itself, or promises what cannot be checked on every engine.
    """
    if document.kind != "DataContract":
        raise invalid("kind", "it must say DataContract", "write kind: DataContract")
    if document.apiVersion not in READ_VERSIONS:
        raise invalid(
            "apiVersion", f"version 3 of the standard is read, from {READ_VERSIONS[0]} to {READ_VERSIONS[-1]}"
        )
    for field in ("id", "version"):
        if not getattr(document, field):
            raise invalid(field, "it is missing")
    custom = _custom(document.customProperties, PROVENANCE_PROPERTIES, "customProperties")
    description = document.description
    name = document.name or cast(str, document.id)
    if not document.schema_:
        raise invalid("schema", "a contract promises at least one table")
    contract = Contract(
        name=name,
        version=cast(str, document.version),
        tables=tuple(_table(table) for table in document.schema_),
        id="" if document.id == name else cast(str, document.id),
        status=document.status or "active",
        domain=document.domain or "",
        purpose=(description.purpose if description else None) or "",
        usage=(description.usage if description else None) or "",
        limitations=(description.limitations if description else None) or "",
        provenance=_provenance(custom),
    )
    check_unique((table.name for table in contract.tables), "schema", "table")
    for table in contract.tables:
        _check_references(contract, table)
    return contract


def _table(table: SchemaObject) -> Table:
    name = read_name(table.name, "schema")
    where = f"schema.{name}"
    if not table.properties:
        raise invalid(where, "a table promises at least one column under properties")
    custom = _custom(table.customProperties, TABLE_PROPERTIES, where)
    if bool(custom.get("alternativeGroup")) != bool(custom.get("alternative")):
        raise invalid(where, "alternativeGroup and alternative are stated together or not at all")
    if custom.get("optional") and custom.get("alternativeGroup"):
        raise invalid(where, "a table is optional or one of alternatives, not both")
    columns = tuple(_column(column, where) for column in table.properties)
    check_unique((column.name for column in columns), where, "column")
    _check_described(columns, where)
    min_rows, max_rows, quality_keys = _table_quality(table.quality or [], where)
    keys = _keys(table.properties, where) + quality_keys
    return Table(
        name=name,
        columns=columns,
        description=table.description or "",
        title=table.businessName or "",
        granularity=table.dataGranularityDescription or "",
        period=custom.get("period", ""),
        keys=_known_keys(keys, columns, where),
        references=_references(table, where),
        min_rows=min_rows,
        max_rows=max_rows,
        optional=custom.get("optional", False),
        alternative_group=custom.get("alternativeGroup", ""),
        alternative=custom.get("alternative", ""),
        provenance=_provenance(custom),
    )


def _column(column: SchemaProperty, table: str) -> Column:
    name = read_name(column.name, table)
    where = f"{table}.{name}"
    if column.logicalType not in LOGICAL_TYPES:
        raise invalid(where, f"logicalType must be one of {', '.join(LOGICAL_TYPES)}")
    logical: LogicalType = column.logicalType
    custom = _custom(column.customProperties, COLUMN_PROPERTIES, where)
    options = _options(column.logicalTypeOptions or {}, logical, where)
    quality = tuple(_quality(rule, logical, where) for rule in column.quality or [] if rule.type != "text")
    codes = tuple(Code(read_scalar(entry.value, logical, where), entry.label or "") for entry in column.enum or [])
    codes, quality = _codes_of_quality(codes, quality)
    check_unique((f"{type(code.value).__name__} {code.value!r}" for code in codes), where, "code")
    return Column(
        name=name,
        type=logical,
        description=column.description or "",
        title=column.businessName or "",
        physical_type=column.physicalType or "",
        deprecated=bool(column.deprecated),
        required=bool(column.required),
        codes=codes,
        quality=quality,
        unit=custom.get("unit", ""),
        code_system=custom.get("codeSystem", ""),
        described_by=custom.get("describedBy", ""),
        provenance=_provenance(custom),
        **options,
    )


def _check_described(columns: Sequence[Column], where: str) -> None:
    known = {column.name for column in columns}
    for column in columns:
        if column.described_by and (column.described_by not in known or column.described_by == column.name):
            raise invalid(f"{where}.{column.name}", "describedBy must name another column of the table")


def _options(options: Mapping[str, Any], logical: LogicalType, where: str) -> dict[str, Any]:
    """Read logicalTypeOptions into the fields of `Column`; each type has its own."""
    read: dict[str, Any] = {}
    for option, value in options.items():
        if option in BOUND_OPTIONS and logical in ORDERED_TYPES:
            read[BOUND_OPTIONS[option]] = read_bound(value, logical, f"{where}.{option}")
        elif option == "pattern" and logical == "string":
            read["pattern"] = read_pattern(value, f"{where}.pattern")
        elif option in ("minLength", "maxLength") and logical == "string":
            read[f"{option[:3]}_length"] = read_count(value, f"{where}.{option}")
        elif option == "timezone" and logical == "timestamp" and isinstance(value, bool):
            read["timezone"] = value
        elif option != "format" or logical == "string":
            raise invalid(
                where, f"the option {option} of a {logical} column is unknown or not checked here",
                "leave it out, or say it as minimum, maximum, pattern, minLength, maxLength or enum",
            )  # fmt: skip
    if logical == "timestamp":
        _set_time_zone(read, where)
    for low in ("minimum", "exclusive_minimum"):
        for high in ("maximum", "exclusive_maximum"):
            check_order(read.get(low), read.get(high), where, "the lower bound", "the upper bound")
    check_order(read.get("min_length"), read.get("max_length"), where, "minLength", "maxLength")
    return read


def _set_time_zone(read: dict[str, Any], where: str) -> None:
    """Give every bound a zone if the timestamps have one (UTC unless it is named), and none if they do not."""
    for field in BOUND_OPTIONS.values():
        bound = read.get(field)
        if bound is None:
            continue
        if read.get("timezone"):
            try:
                read[field] = bound.replace(tzinfo=UTC) if bound.tzinfo is None else bound.astimezone(UTC)
            except OverflowError:
                raise invalid(where, "a bound lies outside the years 1 to 9999") from None
        elif bound.tzinfo is not None:
            raise invalid(where, "a bound names a time zone, the column does not", "add timezone: true to the column")


def _quality(rule: DataQuality, logical: LogicalType, where: str) -> Quality:
    """Read one library rule of a column."""
    metric = _metric(rule, where, ("nullValues", "missingValues", "invalidValues", "duplicateValues"))
    arguments = dict(rule.arguments or {})
    at_most, unit = _at_most(rule, where)
    listed = arguments.pop({"missingValues": "missingValues", "invalidValues": "validValues"}.get(metric, ""), None)
    pattern = arguments.pop("pattern", None) if metric == "invalidValues" else None
    if arguments:
        raise invalid(where, f"the {metric} rule has arguments that are not checked here: {', '.join(arguments)}")
    if metric in ("missingValues", "invalidValues") and not isinstance(listed, list) and pattern is None:
        raise invalid(where, f"the {metric} rule needs its list of values under arguments")
    if listed and pattern is not None:
        raise invalid(where, "an invalidValues rule has a list or a pattern, not both", "state two rules")
    if metric == "duplicateValues":
        raise invalid(where, "uniqueness of one column is said as unique: true", "write unique: true on the column")
    return Quality(
        metric=cast(Metric, metric),
        values=tuple(read_scalar(value, logical, where) for value in listed or []),
        pattern=None if pattern is None else read_pattern(pattern, where),
        at_most=at_most,
        unit=unit,
        severity=_severity(rule, where),
    )


def _codes_of_quality(
    codes: tuple[Code, ...], quality: tuple[Quality, ...]
) -> tuple[tuple[Code, ...], tuple[Quality, ...]]:
    """Say a plain list of valid values as codes, so that one promise has one form."""
    for rule in quality:
        plain = Quality("invalidValues", values=rule.values)
        if rule == plain and not codes:
            return tuple(Code(value) for value in rule.values), tuple(other for other in quality if other != rule)
    return codes, quality


def _table_quality(rules: Sequence[DataQuality], where: str) -> tuple[int | None, int | None, tuple[Key, ...]]:
    """Read a table's library rules: bounds on its rows, and keys of several columns."""
    low: int | None = None
    high: int | None = None
    keys: list[Key] = []
    for rule in rules:
        if rule.type == "text":
            continue
        metric = _metric(rule, where, ("rowCount", "duplicateValues"))
        if _severity(rule, where) == "warning":
            raise invalid(where, f"the {metric} rule of a table cannot be a warning")
        if metric == "rowCount":
            low, high = _row_bounds(rule, low, high, where)
        else:
            if _at_most(rule, where)[0] != 0:
                raise invalid(where, "a key of several columns allows no duplicate", "write mustBe: 0")
            names = (rule.arguments or {}).get("properties")
            if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
                raise invalid(where, "the duplicateValues rule names its columns under arguments.properties")
            keys.append(Key(tuple(names)))
    return low, high, tuple(keys)


def _row_bounds(rule: DataQuality, low: int | None, high: int | None, where: str) -> tuple[int | None, int | None]:
    operators = _operators(rule)
    for operator, value in operators.items():
        values = value if operator == "mustBeBetween" else [value]
        if operator not in _ROW_OPERATORS or not all(type(item) is int and item >= 0 for item in values):
            raise invalid(where, f"the rowCount rule cannot be read: {operator} needs whole numbers from 0")
        if operator == "mustBeLessThan" and value == 0:
            raise invalid(where, "the rowCount rule cannot be kept: no table has less than 0 rows")
        new_low, new_high = _ROW_OPERATORS[operator](values)
        low = new_low if low is None else max(low, new_low if new_low is not None else low)
        high = new_high if high is None else min(high, new_high if new_high is not None else high)
    if len(operators) != 1:
        raise invalid(where, "a rowCount rule has exactly one operator such as mustBeGreaterThan")
    check_order(low, high, where, "the lowest rowCount", "the highest")
    return low, high


_ROW_OPERATORS: dict[str, Any] = {
    "mustBe": lambda v: (v[0], v[0]),
    "mustBeGreaterThan": lambda v: (v[0] + 1, None),
    "mustBeGreaterOrEqualTo": lambda v: (v[0], None),
    "mustBeLessThan": lambda v: (None, v[0] - 1),
    "mustBeLessOrEqualTo": lambda v: (None, v[0]),
    "mustBeBetween": lambda v: (v[0], v[1]),
}


def _keys(columns: Sequence[SchemaProperty], where: str) -> tuple[Key, ...]:
    """Read the primary key, in the order of its positions, and the unique columns."""
    primary = [(column.primaryKeyPosition or 0, cast(str, column.name)) for column in columns if column.primaryKey]
    positions = [position for position, _ in primary if position > 0]
    if positions and sorted(positions) != list(range(1, len(primary) + 1)):
        raise invalid(where, "the positions of the primary key's columns must be 1, 2, 3, … once each")
    ordered = sorted(primary, key=lambda pair: pair[0])  # stable: without positions, the order of the columns
    keys = [Key(tuple(name for _, name in ordered), primary=True)] if ordered else []
    return (*keys, *(Key((cast(str, column.name),)) for column in columns if column.unique))


def _known_keys(keys: Iterable[Key], columns: Sequence[Column], where: str) -> tuple[Key, ...]:
    """Refuse keys over unknown columns; drop a key that another one says already."""
    known = {column.name for column in columns}
    kept: list[Key] = []
    for key in keys:
        missing = [name for name in key.columns if name not in known]
        if missing or len(set(key.columns)) != len(key.columns):
            raise invalid(where, f"the key ({', '.join(key.columns)}) must name different columns of the table")
        if not any(set(other.columns) == set(key.columns) for other in kept):
            kept.append(key)
    return tuple(kept)


def _references(table: SchemaObject, where: str) -> tuple[Reference, ...]:
    found = [
        _reference([f"{table.name}.{column.name}"], relationship, f"{where}.{column.name}")
        for column in table.properties or []
        for relationship in column.relationships or []
    ]
    for relationship in table.relationships or []:
        if relationship.from_ is None:
            raise invalid(where, "a relationship of a table needs its columns under from")
        found.append(_reference(as_list(relationship.from_), relationship, where))
    return tuple(dict.fromkeys(found))


def _reference(sources: Sequence[str], relationship: Relationship, where: str) -> Reference:
    """Read one relationship; columns may hold dots, tables may not."""
    if (relationship.type or "foreignKey") != "foreignKey":
        raise invalid(where, "the only type of relationship is foreignKey")
    targets = [target.partition(".") for target in as_list(relationship.to)]
    origin = [source.partition(".") for source in sources]
    if len(targets) != len(origin) or not all(column for _, _, column in (*targets, *origin)):
        raise invalid(where, "a relationship names as many table.column under to as under from")
    if len({table for table, _, _ in targets}) != 1:
        raise invalid(where, "a relationship points to the columns of one table")
    if any(f"schema.{table}" != where and not where.startswith(f"schema.{table}.") for table, _, _ in origin):
        raise invalid(where, "a relationship starts from the table that states it")
    return Reference(tuple(part[2] for part in origin), targets[0][0], tuple(part[2] for part in targets))


def _check_references(contract: Contract, table: Table) -> None:
    tables = {other.name: {column.name: column.type for column in other.columns} for other in contract.tables}
    for reference in table.references:
        where = f"schema.{table.name}"
        if reference.to_table not in tables:
            raise invalid(where, f"a relationship points to the table {reference.to_table}, which the contract lacks")
        unknown = [name for name in reference.columns if name not in tables[table.name]]
        unknown += [name for name in reference.to_columns if name not in tables[reference.to_table]]
        if unknown:
            raise invalid(where, f"a relationship names columns that the contract lacks: {', '.join(unknown)}")
        if len(set(reference.columns)) != len(reference.columns):
            raise invalid(where, "a relationship names a column twice")
        for name, target in zip(reference.columns, reference.to_columns, strict=True):
            if tables[table.name][name] != tables[reference.to_table][target]:
                raise invalid(where, f"a relationship joins {name} and {reference.to_table}.{target} of another type")


def _custom(properties: Sequence[CustomProperty] | None, known: Mapping[str, type], where: str) -> dict[str, Any]:
    """Read our own customProperties; those of another vendor are left alone."""
    found: dict[str, Any] = {}
    for item in properties or []:
        if item.vendor not in (None, "sandkasse"):
            continue
        if item.property is None or item.property not in known:
            raise invalid(
                where,
                f"the custom property {item.property!r} is unknown",
                f"use one of {', '.join(known)}, or name another vendor",
            )
        if item.property in found:
            raise invalid(where, f"the custom property {item.property} is stated twice")
        if type(item.value) is not known[item.property]:
            kind = "text" if known[item.property] is str else "true or false"
            raise invalid(where, f"the custom property {item.property} must be {kind}")
        found[item.property] = item.value
    return found


def _provenance(custom: Mapping[str, Any]) -> Provenance:
    return Provenance(**{name: custom[name] for name in PROVENANCE_PROPERTIES if name in custom})


def _metric(rule: DataQuality, where: str, known: Sequence[str]) -> str:
    if rule.type not in (None, "library") or rule.metric not in known:
        raise invalid(
            where,
            f"a quality rule must be of type text, or of type library with one of the metrics {', '.join(known)}",
        )
    return cast(str, rule.metric)


def _severity(rule: DataQuality, where: str) -> Severity:
    if rule.severity not in (None, "error", "warning"):
        raise invalid(where, "the severity of a quality rule is error or warning")
    return cast(Severity, rule.severity or "error")


_OPERATORS = (
    "mustBe", "mustNotBe", "mustBeGreaterThan", "mustBeGreaterOrEqualTo", "mustBeLessThan", "mustBeLessOrEqualTo",
    "mustBeBetween", "mustNotBeBetween",
)  # fmt: skip


def _operators(rule: DataQuality) -> dict[str, Any]:
    return {name: getattr(rule, name) for name in _OPERATORS if getattr(rule, name) is not None}


def _at_most(rule: DataQuality, where: str) -> tuple[float, Unit]:
    """Read how many rows may break the rule: `mustBe: 0`, or `mustBeLessOrEqualTo` with its unit."""
    operators = _operators(rule)
    unit = rule.unit or "rows"
    if unit not in ("rows", "percent"):
        raise invalid(where, "the unit of a quality rule is rows or percent")
    limit = operators.get("mustBeLessOrEqualTo", operators.get("mustBe"))
    plain = operators in ({"mustBe": limit}, {"mustBeLessOrEqualTo": limit})
    if not plain or ("mustBe" in operators and limit != 0) or type(limit) not in (int, float):
        raise invalid(where, "a quality rule says mustBe: 0, or mustBeLessOrEqualTo with its limit")
    if not 0 <= cast(float, limit) <= (100 if unit == "percent" else INTEGER_LIMIT):
        raise invalid(where, "the limit of a quality rule lies outside its range")
    return cast(float, limit), cast(Unit, unit)
