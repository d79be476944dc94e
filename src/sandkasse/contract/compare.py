"""Two contracts held against one another, on behalf of code that reads the data.

Code that was written for the old contract must go on being right on data that keep the new one. So what allows more
than before breaks the contract, and what allows less is compatible. `docs/explanation/contracts.md` has the table of
rules with the reasons.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from sandkasse.contract.model import Column, Contract, Quality, Table

Verdict = Literal["equal", "compatible", "breaking"]
Effect = Literal["breaking", "narrowing", "wording"]


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between two contracts.

    Args:
        table: The table's name, the group's for alternatives, None for the contract itself.
        column: The column or columns, None for the table itself.
        what: What changed, in one word or two.
        effect: `breaking` lets data hold what the reader did not expect; `narrowing` promises more than before;
            `wording` changes words only.
        reason: Why it matters to a reader of the data, in one line.
    """

    table: str | None
    column: str | None
    what: str
    effect: Effect
    reason: str

    def text(self) -> str:
        """Say the change in one line."""
        place = ".".join(part for part in (self.table, self.column) if part) or "contract"
        return f"{'breaking' if self.effect == 'breaking' else 'compatible'}: {place}: {self.reason}"

    def to_dict(self) -> dict[str, Any]:
        """Give the change as plain values."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Comparison:
    """What changed from an old contract to a new one, in the order of the old one's tables and columns."""

    old: str
    new: str
    changes: tuple[Change, ...]

    @property
    def verdict(self) -> Verdict:
        """`equal` if nothing but the version differs, `breaking` if any change is, else `compatible`."""
        if not self.changes:
            return "equal"
        return "breaking" if any(change.effect == "breaking" for change in self.changes) else "compatible"

    def text(self) -> str:
        """Say the comparison: the verdict in front, then one line per change."""
        head = f"{self.old} to {self.new}: {self.verdict}"
        return "\n".join([head, *(change.text() for change in self.changes)])

    def to_dict(self) -> dict[str, Any]:
        """Give the comparison as plain values for JSON."""
        return {
            "old": self.old,
            "new": self.new,
            "verdict": self.verdict,
            "changes": [change.to_dict() for change in self.changes],
        }


def compare_contracts(old: Contract, new: Contract) -> Comparison:
    """Find what a reader of the old contract's data meets in data that keep the new one.

    Args:
        old: The contract that the code was written for.
        new: The contract that the data keep.

    Returns:
        Every change of tables, columns, keys, references and words; a version number alone is no change.
    """
    changes: list[Change] = []
    if old.name != new.name:
        reason = f"the name is {new.name} instead of {old.name}; data are opened by it"
        changes.append(Change(None, None, "name", "breaking", reason))
    changes += _words(None, None, old, new, ("id", "status", "domain", "purpose", "usage", "limitations"))
    before, after = _by_name(old.tables), _by_name(new.tables)
    for name in before:
        changes += _presence_changes(old, new, name)
        if name in after:
            changes += _table_changes(before[name], after[name])
    changes += [Change(n, None, "added table", "narrowing", "the table is new") for n in after if n not in before]
    changes += _added_alternatives(old, new)
    changes += _order(None, "tables", before, after)
    return Comparison(f"{old.name} {old.version}", f"{new.name} {new.version}", tuple(changes))


# --------------------------------------------------------------------------------------------- tables come and go


def _presence_changes(old: Contract, new: Contract, name: str) -> Iterator[Change]:
    """Compare whether a reader may count on a table of the old contract."""
    before = old.table(name)
    after = next((table for table in new.tables if table.name == name), None)
    was, now = _presence(before), None if after is None else _presence(after)
    if was == now:
        return
    if after is None:
        if _another_remains(old, new, before):
            yield Change(name, None, "removed alternative", "narrowing", "its alternative does not occur any more")
        else:
            yield Change(name, None, "removed table", "breaking", "the table is gone")
    elif now == _ALWAYS and (was == _OPTIONAL or _only_one_left(old, new, before)):
        yield Change(name, None, "presence", "narrowing", "the table is always there now")
    elif was == _OPTIONAL:
        yield Change(name, None, "presence", "narrowing", "the table is now there whenever its alternative is")
    elif was == _ALWAYS:
        yield Change(name, None, "presence", "breaking", "the table may be absent now")
    else:
        yield Change(name, None, "presence", "breaking", "the table belongs to another alternative now")


def _added_alternatives(old: Contract, new: Contract) -> Iterator[Change]:
    for group, alternatives in old.alternatives.items():
        for label in new.alternatives.get(group, {}):
            if label not in alternatives:
                reason = f"data may now come as the alternative {label}, with none of the others"
                yield Change(group, None, "added alternative", "breaking", reason)


_ALWAYS = ("always", "")
_OPTIONAL = ("optional", "")


def _presence(table: Table) -> tuple[str, str]:
    if table.alternative_group:
        return table.alternative_group, table.alternative
    return _OPTIONAL if table.optional else _ALWAYS


def _another_remains(old: Contract, new: Contract, table: Table) -> bool:
    """Say whether a table's whole alternative is gone while another old one of its group still occurs."""
    group = old.alternatives.get(table.alternative_group, {})
    now = {other.name: _presence(other) for other in new.tables}
    if table.alternative_group == "" or any(name in now for name in group[table.alternative]):
        return False
    return any(
        all(now.get(name) in ((table.alternative_group, label), _ALWAYS) for name in members)
        for label, members in group.items()
        if label != table.alternative
    )


def _only_one_left(old: Contract, new: Contract, table: Table) -> bool:
    """Say whether a table's alternative is always there now, and no table of the other alternatives is left."""
    group = old.alternatives[table.alternative_group]
    now = {other.name: _presence(other) for other in new.tables}
    mine = group[table.alternative]
    others = {name for label, members in group.items() if label != table.alternative for name in members}
    return all(now.get(name) == _ALWAYS for name in mine) and not others & now.keys()


# ---------------------------------------------------------------------------------------------- within one table


def _table_changes(old: Table, new: Table) -> Iterator[Change]:
    yield from _words(old.name, None, old, new, ("description", "title", "granularity", "period"))
    yield from _bound(old.name, None, "lowest row count", (old.min_rows, False), (new.min_rows, False), lower=True)
    yield from _bound(old.name, None, "highest row count", (old.max_rows, False), (new.max_rows, False), lower=False)
    before, after = _by_name(old.columns), _by_name(new.columns)
    for name, column in before.items():
        if name not in after:
            yield Change(old.name, name, "removed column", "breaking", "the column is gone")
        else:
            yield from _column_changes(old, new, column, after[name])
    for name in (name for name in after if name not in before):
        yield Change(old.name, name, "added column", "narrowing", "the column is new")
    yield from _key_changes(old, new)
    yield from _reference_changes(old, new)
    yield from _order(old.name, "columns", before, after)


def _key_changes(old: Table, new: Table) -> Iterator[Change]:
    """A key is still promised if some key of the other contract lies within its columns."""
    was, now = [set(key.columns) for key in old.keys], [set(key.columns) for key in new.keys]
    for key in old.keys:
        if not any(other <= set(key.columns) for other in now):
            yield Change(old.name, ", ".join(key.columns), "removed key", "breaking", "the values may repeat")
    for key in new.keys:
        if not any(other <= set(key.columns) for other in was):
            yield Change(old.name, ", ".join(key.columns), "added key", "narrowing", "the values occur once now")
    primary = [[key.columns for key in table.keys if key.primary] for table in (old, new)]
    if primary[0] != primary[1]:
        yield Change(old.name, None, "primary key", "wording", "another key is called the primary one")


def _reference_changes(old: Table, new: Table) -> Iterator[Change]:
    was = {(r.to_table, frozenset(zip(r.columns, r.to_columns, strict=True))): r for r in old.references}
    now = {(r.to_table, frozenset(zip(r.columns, r.to_columns, strict=True))): r for r in new.references}
    for identity, reference in was.items():
        if identity not in now:
            reason = f"the values need not occur in {reference.to_table} any more"
            yield Change(old.name, ", ".join(reference.columns), "removed reference", "breaking", reason)
    for identity, reference in now.items():
        if identity not in was:
            reason = f"the values occur in {reference.to_table} now"
            yield Change(old.name, ", ".join(reference.columns), "added reference", "narrowing", reason)


# --------------------------------------------------------------------------------------------- within one column


def _column_changes(table: Table, new_table: Table, old: Column, new: Column) -> Iterator[Change]:
    yield from _words(
        table.name, old.name, old, new, ("description", "title", "physical_type", "deprecated", "described_by")
    )
    yield from _meaning(table.name, old.name, "unit", old.unit, new.unit)
    yield from _meaning(table.name, old.name, "code system", old.code_system, new.code_system)
    if old.name in table.never_null and old.name not in new_table.never_null:
        yield Change(table.name, old.name, "nulls", "breaking", "the column may hold nulls now")
    if old.name not in table.never_null and old.name in new_table.never_null:
        yield Change(table.name, old.name, "nulls", "narrowing", "the column holds no nulls any more")
    if old.type != new.type:
        yield Change(table.name, old.name, "type", "breaking", f"the type is {new.type} instead of {old.type}")
        return  # values of another type cannot be compared further
    yield from _meaning(table.name, old.name, "time zone", old.timezone, new.timezone)
    yield from _meaning(table.name, old.name, "pattern", old.pattern, new.pattern)
    yield from _code_changes(table.name, old, new)
    yield from _bound(table.name, old.name, "minimum", _lowest(old), _lowest(new), lower=True)
    yield from _bound(table.name, old.name, "maximum", _highest(old), _highest(new), lower=False)
    lengths = ((old.min_length, False), (new.min_length, False)), ((old.max_length, False), (new.max_length, False))
    yield from _bound(table.name, old.name, "shortest length", *lengths[0], lower=True)
    yield from _bound(table.name, old.name, "longest length", *lengths[1], lower=False)
    yield from _quality_changes(table.name, old, new)


def _meaning(table: str, column: str, what: str, old: object, new: object) -> Iterator[Change]:
    """Compare what tells a reader how to take a value: stated newly it is a promise more, else it breaks."""
    if old == new:
        return
    if old in ("", None):
        yield Change(table, column, what, "narrowing", f"the {what} is stated now")
    else:
        how = "not stated any more" if new in ("", None) else f"{_shown(new)} instead of {_shown(old)}"
        yield Change(table, column, what, "breaking", f"the {what} is {how}")


def _code_changes(table: str, old: Column, new: Column) -> Iterator[Change]:
    was = {(type(code.value), code.value): code.label for code in old.codes}
    now = {(type(code.value), code.value): code.label for code in new.codes}
    if bool(was) != bool(now):
        if was:
            yield Change(table, old.name, "codes", "breaking", "any value may occur now")
        else:
            yield Change(table, old.name, "codes", "narrowing", f"only {len(now)} codes occur now")
        return
    added, gone = len(now.keys() - was.keys()), len(was.keys() - now.keys())
    if added:
        yield Change(table, old.name, "codes", "breaking", f"{added} codes are new")
    if gone:
        yield Change(table, old.name, "codes", "narrowing", f"{gone} codes do not occur any more")
    relabelled = sum(bool(was[code]) and was[code] != now[code] for code in was.keys() & now.keys())
    labelled = sum(not was[code] and bool(now[code]) for code in was.keys() & now.keys())
    if relabelled:
        yield Change(table, old.name, "labels", "breaking", f"{relabelled} codes are labelled otherwise")
    if labelled:
        yield Change(table, old.name, "labels", "narrowing", f"{labelled} codes have a label now")
    if not added and not gone and list(was) != list(now):
        yield Change(table, old.name, "codes", "wording", "the codes stand in another order")


def _quality_changes(table: str, old: Column, new: Column) -> Iterator[Change]:
    """A limit is still promised if the other contract has it as strictly; warnings promise nothing."""
    was = [rule for rule in old.quality if rule.severity == "error"]
    now = [rule for rule in new.quality if rule.severity == "error"]
    for rule in was:
        if not any(_implies(other, rule) for other in now):
            yield Change(table, old.name, rule.metric, "breaking", f"the limit on {rule.metric} is wider or gone")
    for rule in now:
        if not any(_implies(other, rule) for other in was):
            yield Change(table, old.name, rule.metric, "narrowing", f"the limit on {rule.metric} is new or closer")
    warnings = [{rule for rule in column.quality if rule.severity == "warning"} for column in (old, new)]
    if warnings[0] != warnings[1]:
        yield Change(table, old.name, "warnings", "wording", "other warnings are given")


def _implies(strict: Quality, rule: Quality) -> bool:
    same = (strict.metric, set(strict.values), strict.pattern) == (rule.metric, set(rule.values), rule.pattern)
    return same and (strict.at_most == 0 or (strict.unit == rule.unit and strict.at_most <= rule.at_most))


# ------------------------------------------------------------------------------------------------- small comparisons

_End = tuple[Any, bool]  # a bound, or None, and whether the bound itself is excluded


def _lowest(column: Column) -> _End:
    ends = [(column.minimum, False), (column.exclusive_minimum, True)]
    return max((end for end in ends if end[0] is not None), default=(None, False))


def _highest(column: Column) -> _End:
    ends = [(column.maximum, True), (column.exclusive_maximum, False)]
    value, included = min((end for end in ends if end[0] is not None), default=(None, True))
    return value, not included


def _bound(table: str, column: str | None, what: str, old: _End, new: _End, *, lower: bool) -> Iterator[Change]:
    """Compare one end of a range: an end that moved outwards or went breaks, one that moved inwards is closer."""
    if old == new:
        return
    if old[0] is None:
        yield Change(table, column, what, "narrowing", f"the {what} is {_end(new)} now")
    elif new[0] is None:
        yield Change(table, column, what, "breaking", f"the {what} of {_end(old)} is gone")
    else:
        effect: Effect = "narrowing" if _is_closer(old, new, lower=lower) else "breaking"
        yield Change(table, column, what, effect, f"the {what} is {_end(new)} instead of {_end(old)}")


def _is_closer(old: _End, new: _End, *, lower: bool) -> bool:
    try:
        if new[0] == old[0]:
            return new[1]  # the end itself is excluded now
        return bool(new[0] > old[0]) == lower
    except TypeError:  # one end names a time zone, the other does not
        return False


def _words(table: str | None, column: str | None, old: Any, new: Any, fields: Iterable[str]) -> Iterator[Change]:
    for field in (*fields, "provenance"):
        if getattr(old, field) != getattr(new, field):
            words = field.replace("_", " ")
            yield Change(table, column, words, "wording", f"the {words} is said otherwise")


def _order(table: str | None, what: str, old: Mapping[str, object], new: Mapping[str, object]) -> Iterator[Change]:
    if [name for name in old if name in new] != [name for name in new if name in old]:
        yield Change(table, None, "order", "wording", f"the {what} stand in another order")


_Named = TypeVar("_Named", Table, Column)


def _by_name(things: Iterable[_Named]) -> dict[str, _Named]:
    return {thing.name: thing for thing in things}


def _shown(value: object) -> str:
    return {True: "given", False: "not given"}.get(value, str(value)) if isinstance(value, bool) else str(value)


def _end(end: _End) -> str:
    return f"{end[0]} (itself excluded)" if end[1] else f"{end[0]}"
