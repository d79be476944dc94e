"""Our contract records in their normal Open Data Contract Standard form, on which the content hash rests."""

from datetime import date, time
from typing import Any

from sandkasse.contract.model import Column, Contract, Provenance, Quality, Table
from sandkasse.contract.terms import API_VERSION, BOUND_OPTIONS, PROVENANCE_PROPERTIES


def contract_to_odcs(contract: Contract) -> dict[str, Any]:
    """Turn a contract into its normal ODCS form: plain values, defaults left out, dates as ISO text."""
    description = {"purpose": contract.purpose, "usage": contract.usage, "limitations": contract.limitations}
    return _filled(
        apiVersion=API_VERSION,
        kind="DataContract",
        id=contract.id or contract.name,
        name=contract.name,
        version=contract.version,
        status=contract.status,
        domain=contract.domain,
        description=_filled(**description),
        customProperties=_custom_to_odcs(contract.provenance),
        schema=[_table_to_odcs(table) for table in contract.tables],
    )


def _table_to_odcs(table: Table) -> dict[str, Any]:
    quality = [
        _filled(type="library", metric="rowCount", **{operator: bound})
        for operator, bound in (("mustBeGreaterOrEqualTo", table.min_rows), ("mustBeLessOrEqualTo", table.max_rows))
        if bound is not None
    ]
    quality += [
        {"type": "library", "metric": "duplicateValues", "arguments": {"properties": list(key.columns)}, "mustBe": 0}
        for key in table.keys
        if not key.primary and len(key.columns) > 1
    ]
    relationships = [
        {
            "from": [f"{table.name}.{name}" for name in reference.columns],
            "to": [f"{reference.to_table}.{name}" for name in reference.to_columns],
        }
        for reference in table.references
        if len(reference.columns) > 1
    ]
    return _filled(
        name=table.name,
        businessName=table.title,
        physicalType="table",
        description=table.description,
        dataGranularityDescription=table.granularity,
        customProperties=_custom_to_odcs(
            table.provenance,
            period=table.period,
            optional=table.optional or "",
            alternativeGroup=table.alternative_group,
            alternative=table.alternative,
        ),
        relationships=relationships,
        quality=quality,
        properties=[_column_to_odcs(column, table) for column in table.columns],
    )


def _column_to_odcs(column: Column, table: Table) -> dict[str, Any]:
    options = {
        "pattern": column.pattern,
        "minLength": column.min_length,
        "maxLength": column.max_length,
        "timezone": column.timezone,
        **{option: _plain(getattr(column, field)) for option, field in BOUND_OPTIONS.items()},
    }
    position = next((key.columns.index(column.name) + 1 for key in table.keys
                     if key.primary and column.name in key.columns), None)  # fmt: skip
    unique = any(not key.primary and key.columns == (column.name,) for key in table.keys)
    return _filled(
        name=column.name,
        businessName=column.title,
        logicalType=column.type,
        physicalType=column.physical_type,
        logicalTypeOptions={name: value for name, value in options.items() if value is not None},
        description=column.description,
        deprecated=column.deprecated or None,
        primaryKey=True if position else None,
        primaryKeyPosition=position,
        required=column.required or None,
        unique=unique or None,
        enum=[_filled(value=code.value, label=code.label) for code in column.codes],
        relationships=[
            {"to": f"{reference.to_table}.{reference.to_columns[0]}"}
            for reference in table.references
            if reference.columns == (column.name,)
        ],
        quality=[_quality_to_odcs(rule) for rule in column.quality],
        customProperties=_custom_to_odcs(
            column.provenance, unit=column.unit, codeSystem=column.code_system, describedBy=column.described_by
        ),
    )


def _quality_to_odcs(rule: Quality) -> dict[str, Any]:
    listed = {"missingValues": "missingValues", "invalidValues": "validValues"}.get(rule.metric, "")
    arguments = {listed: list(rule.values)} if rule.values else {}
    operator = "mustBe" if rule.at_most == 0 else "mustBeLessOrEqualTo"
    return _filled(
        type="library",
        metric=rule.metric,
        arguments={**arguments, **({} if rule.pattern is None else {"pattern": rule.pattern})},
        unit=rule.unit,
        severity=rule.severity,
        **{operator: rule.at_most},
    )


def _custom_to_odcs(provenance: Provenance, **more: Any) -> list[dict[str, Any]]:
    values = {name: getattr(provenance, name) for name in PROVENANCE_PROPERTIES} | more
    return [{"property": name, "value": value} for name, value in values.items() if value not in ("", None)]


def _filled(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value not in ("", None, [], {}) or name == "value"}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date | time) else value
