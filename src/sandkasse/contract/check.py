"""Data held against their contract, in the data's own engine.

A check is one aggregation per table (rows, nulls, violations per rule), one grouped query per key and one anti-join per
reference. Every query returns counts alone, so failing data cost no more than good data and no person's value leaves
the engine.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import ibis.expr.types as ir

from sandkasse.contract.keys import count_repeats
from sandkasse.contract.model import Contract, Reference, Severity, Table
from sandkasse.contract.probes import Probe, TypeFault, anti_join, fits, table_probes
from sandkasse.core.errors import ContractViolationError, CorruptDatasetError, UpstreamError
from sandkasse.core.progress_bar import Progress, no_progress

FindingKind = Literal[
    "missing_table",
    "extra_table",
    "missing_alternative",
    "several_alternatives",
    "row_count",
    "missing_column",
    "extra_column",
    "wrong_type",
    "null",
    "unknown_code",
    "pattern",
    "length",
    "out_of_range",
    "not_a_number",
    "missing_value",
    "broken_key",
    "broken_reference",
]
Run = Callable[[ir.Table], Mapping[str, Any]]

# Ibis compiles an aggregation in time that grows with its square. More counts than this (our choice; a hundred columns
# or so) are taken in parts, each of which reads its own columns only.
AT_ONCE = 300

_WORDS: dict[str, str] = {
    "missing_table": "the table is missing",
    "extra_table": "the contract knows no such table",
    "missing_alternative": "no alternative of this group is present",
    "several_alternatives": "several alternatives of this group are present",
    "row_count": "the table has too few or too many rows",
    "missing_column": "the column is missing",
    "extra_column": "the contract knows no such column",
    "wrong_type": "the type is wrong",
    "null": "null where a value is promised",
    "unknown_code": "a value that is not among the codes",
    "pattern": "text that breaks the pattern",
    "length": "text that is too short or too long",
    "out_of_range": "a value outside its range",
    "not_a_number": "not-a-number where null or a number is promised",
    "missing_value": "a value that stands for missing",
    "broken_key": "rows repeat a key that is promised to be unique",
    "broken_reference": "rows refer to what is not there",
}
_PLAIN_NAME = re.compile(r"[^\W\d][\w .-]{0,63}")


@dataclass(frozen=True, slots=True)
class Finding:
    """One promise that the data break.

    Args:
        kind: Which sort of promise.
        table: The table's name, or the group's for alternatives.
        column: The column or columns that break it; None for a finding about a whole table.
        count: How many rows break it; None where the finding is not about rows.
        rows: How many rows the table has; None where the finding is not about rows.
        promise: What the contract promises, in words; never anything from the data but a type.
        severity: A `warning` does not break the contract.
    """

    kind: FindingKind
    table: str
    column: str | None
    count: int | None
    rows: int | None
    promise: str
    severity: Severity = "error"

    def text(self) -> str:
        """Say the finding in one line."""
        place = self.table if self.column is None else f"{self.table}.{self.column}"
        share = "" if self.count is None else f" in {self.count} of {self.rows} rows"
        mark = "warning: " if self.severity == "warning" else ""
        return f"{mark}{place}: {_WORDS[self.kind]}{share}; promised: {self.promise}"

    def to_dict(self) -> dict[str, Any]:
        """Give the finding as plain values."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class TableCheck:
    """What was counted in one table: its rows, and the nulls of every column that the contract knows."""

    table: str
    rows: int
    nulls: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What a check found; counts and names only, never a value of the data."""

    contract: str
    version: str
    tables: tuple[TableCheck, ...]
    findings: tuple[Finding, ...]

    @property
    def passed(self) -> bool:
        """Whether the data keep their contract; warnings do not break it."""
        return not any(finding.severity == "error" for finding in self.findings)

    def text(self) -> str:
        """Say the whole report: one line in front, then one per finding."""
        rows = sum(table.rows for table in self.tables)
        verdict = "is kept" if self.passed else "is broken"
        head = f"The contract {self.contract} {self.version} {verdict}: {len(self.tables)} tables, {rows} rows checked"
        return "\n".join([head + (", no findings" if not self.findings else ""), *(f.text() for f in self.findings)])

    def to_dict(self) -> dict[str, Any]:
        """Give the report as plain values for JSON."""
        return {
            "contract": self.contract,
            "version": self.version,
            "passed": self.passed,
            "tables": [{"table": t.table, "rows": t.rows, "nulls": dict(t.nulls)} for t in self.tables],
            "findings": [finding.to_dict() for finding in self.findings],
        }


def check_tables(
    contract: Contract,
    tables: Mapping[str, ir.Table],
    *,
    run: Run | None = None,
    progress: Progress = no_progress,
) -> CheckReport:
    """Hold tables against their contract, wherever they lie.

    Args:
        contract: What is promised.
        tables: The data by table name, as Ibis tables of one engine.
        run: Runs an expression of one row and gives it by name; by default the expression's own engine.
        progress: Told of the tables.

    Returns:
        The findings in the contract's order of tables and columns; none if the data keep their contract.

    Raises:
        CorruptDatasetError: If the engine cannot read a table.
        UpstreamError: If the engine runs out of memory or disk.
    """
    runner = run or _run_in_engine
    findings = _presence_findings(contract, tables)
    checks: list[TableCheck] = []
    present = [table for table in contract.tables if table.name in tables]
    for done, table in enumerate(present):
        progress(done, len(present), "tables held against the contract")
        found, check = _check_table(contract, table, tables, _translating(runner, table))
        findings += found
        checks.append(check)
    return CheckReport(contract.name, contract.version, tuple(checks), tuple(findings))


def raise_for_violations(report: CheckReport) -> None:
    """Do nothing if the report passed.

    Raises:
        ContractViolationError: If it did not; it names the first finding and how many there are.
    """
    if report.passed:
        return
    errors = [finding for finding in report.findings if finding.severity == "error"]
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    raise ContractViolationError(
        f"The data do not keep the contract {report.contract} {report.version}: {errors[0].text()}{more}.",
        next_step="mend the data, or publish a new version of the contract that says what they hold",
    )


def _presence_findings(contract: Contract, tables: Mapping[str, ir.Table]) -> list[Finding]:
    """Find tables that are missing or unknown, and alternatives that are not exactly one."""
    missing = {table.name for table in contract.tables if not (table.optional or table.alternative_group)}
    findings: list[Finding] = []
    for group, alternatives in contract.alternatives.items():
        present = [name for name, members in alternatives.items() if any(member in tables for member in members)]
        promise = f"exactly one of the alternatives {', '.join(alternatives)}"
        if not present:
            findings.append(Finding("missing_alternative", group, None, None, None, promise))
        elif len(present) > 1:
            findings.append(Finding("several_alternatives", group, None, None, None, promise))
        else:
            missing |= set(alternatives[present[0]])
    known = {table.name for table in contract.tables}
    findings += [
        Finding("missing_table", table.name, None, None, None, "this table")
        for table in contract.tables
        if table.name in missing and table.name not in tables
    ]
    findings += [
        Finding("extra_table", _shown(name, "table", position), None, None, None, "only the tables of the contract")
        for position, name in enumerate(tables, start=1)
        if name not in known
    ]
    return findings


def _check_table(
    contract: Contract, table: Table, tables: Mapping[str, ir.Table], run: Run
) -> tuple[list[Finding], TableCheck]:
    data = tables[table.name]
    findings = _column_findings(table, data)
    probes, faults = table_probes(table, data)
    findings += [_type_finding(table, fault) for fault in faults]
    rows, nulls, broken = _count(table, data, probes, run)
    findings += _row_count_findings(table, rows)
    findings += [f for p, n in zip(probes, broken, strict=True) if (f := _probe_finding(table, p, n, rows))]
    findings += _key_findings(table, data, rows, run)
    for reference in table.references:
        findings += _reference_findings(contract, table, reference, tables, rows, run)
    return _in_order(table, findings), TableCheck(table.name, rows, nulls)


def _count(table: Table, data: ir.Table, probes: Sequence[Probe], run: Run) -> tuple[int, dict[str, int], list[int]]:
    """Count rows, nulls and broken promises in one aggregation; a very wide table takes several."""
    present = [column.name for column in table.columns if column.name in data.columns]
    conditions = {f"n{i}": data[name].isnull() for i, name in enumerate(present)}
    conditions |= {f"v{i}": probe.broken for i, probe in enumerate(probes) if probe.broken is not None}
    counts: dict[str, Any] = {}
    names = list(conditions)
    for start in range(0, max(len(names), 1), AT_ONCE):
        part = [data.count(where=conditions[name]).name(name) for name in names[start : start + AT_ONCE]]
        counts |= run(data.aggregate([data.count().name("rows"), *part]))
    counts |= {f"v{i}": run(probe.apart)["n"] for i, probe in enumerate(probes) if probe.apart is not None}
    nulls = {name: int(counts[f"n{i}"]) for i, name in enumerate(present)}
    return int(counts["rows"]), nulls, [int(counts[f"v{i}"]) for i in range(len(probes))]


def _column_findings(table: Table, data: ir.Table) -> list[Finding]:
    known = {column.name for column in table.columns}
    missing = [
        Finding("missing_column", table.name, column.name, None, None, column.type)
        for column in table.columns
        if column.name not in data.columns
    ]
    extra = [
        Finding("extra_column", table.name, _shown(name, "column", position), None, None, "only the contract's columns")
        for position, name in enumerate(data.columns, start=1)
        if name not in known
    ]
    return missing + extra


def _type_finding(table: Table, fault: TypeFault) -> Finding:
    return Finding("wrong_type", table.name, fault.column, None, None, f"{fault.promised}, not {fault.got}")


def _row_count_findings(table: Table, rows: int) -> list[Finding]:
    low, high = table.min_rows or 0, table.max_rows
    if low <= rows and (high is None or rows <= high):
        return []
    promise = f"at least {low} rows" if rows < low else f"at most {high} rows"
    return [Finding("row_count", table.name, None, rows, rows, promise)]


def _probe_finding(table: Table, probe: Probe, count: int, rows: int) -> Finding | None:
    limit = probe.at_most if probe.unit == "rows" else probe.at_most / 100 * rows
    if count <= limit:
        return None
    return Finding(probe.kind, table.name, probe.column, count, rows, probe.promise, probe.severity)


def _key_findings(table: Table, data: ir.Table, rows: int, run: Run) -> list[Finding]:
    findings: list[Finding] = []
    for key in table.keys:
        if all(name in data.columns for name in key.columns):
            excess = count_repeats(data, key.columns, run, rows=rows)
            if excess:
                names = ", ".join(key.columns)
                promise = f"{'the primary key' if key.primary else 'a key'} occurs once"
                findings.append(Finding("broken_key", table.name, names, excess, rows, promise))
    return findings


def _reference_findings(
    contract: Contract, table: Table, reference: Reference, tables: Mapping[str, ir.Table], rows: int, run: Run
) -> list[Finding]:
    """Count the rows that refer to nothing; a reference whose columns are absent or ill-typed was reported as such."""
    parent = tables.get(reference.to_table)
    data = tables[table.name]
    if parent is None:
        return []
    target = contract.table(reference.to_table)
    ends = [(table, data, name) for name in reference.columns] + [(target, parent, n) for n in reference.to_columns]
    if not all(name in side.columns and fits(of.column(name), side.schema()[name]) for of, side, name in ends):
        return []
    unique = any(set(key.columns) <= set(reference.to_columns) for key in target.keys)
    lost = int(run(anti_join(data, parent, reference, unique=unique))["lost"])
    if not lost:
        return []
    names = ", ".join(reference.columns)
    promise = f"each value occurs in {reference.to_table}.{', '.join(reference.to_columns)}"
    return [Finding("broken_reference", table.name, names, lost, rows, promise)]


def _in_order(table: Table, findings: list[Finding]) -> list[Finding]:
    place = {column.name: position for position, column in enumerate(table.columns)}
    return sorted(
        findings, key=lambda f: place.get((f.column or "").split(", ")[0], -1 if f.column is None else len(place))
    )


def _shown(name: str, kind: str, position: int) -> str:
    """Show a name that the contract does not know only if it looks like one.

    A file read without its header line has its first person's values as column names.
    """
    return name if _PLAIN_NAME.fullmatch(name) else f"({kind} {position}, whose name is not shown)"


def _run_in_engine(expression: ir.Table) -> Mapping[str, Any]:
    result: dict[str, Any] = expression.to_pyarrow().to_pylist()[0]
    return result


def _translating(run: Run, table: Table) -> Run:
    """Pass on only the class of an engine's error: its text quotes values."""

    def translated(expression: ir.Table) -> Mapping[str, Any]:
        try:
            return run(expression)
        except Exception as error:
            raise _readable_error(type(error).__name__, table, storage=isinstance(error, OSError)) from None

    return translated


def _readable_error(name: str, table: Table, *, storage: bool) -> UpstreamError:
    if "Memory" in name or storage:
        return UpstreamError(
            f"The check of the table {table.name} ran out of memory or disk ({name}).",
            next_step="free memory or disk space, or raise the engine's limits, and check again",
        )
    return CorruptDatasetError(
        f"The table {table.name} cannot be read to its end ({name}).",
        next_step="fetch or write the dataset again; sandkasse dataset verify names the damaged file",
    )
