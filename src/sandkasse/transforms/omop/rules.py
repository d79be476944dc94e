"""The rules of a well-behaved OMOP data set, as queries of counts.

Every generator yields (query of one row, {column of the query: (rule, field)}); a column counts what breaks the rule.
"""

from collections.abc import Iterator, Mapping

import ibis
import ibis.expr.types as ir

from sandkasse.transforms.omop.definitions import Field, Table
from sandkasse.transforms.omop.share import MAIN_CONCEPTS

Probes = Iterator[tuple[ir.Table, dict[str, tuple[str, str | None]]]]
Tables = Mapping[str, ir.Table]

PERSISTENCE_DAYS = 30
"""Records of one concept that lie at most so many days apart belong to one era."""

SPANS: dict[str, tuple[str, str | None]] = {
    "observation_period": ("observation_period_start_date", "observation_period_end_date"),
    "visit_occurrence": ("visit_start_date", "visit_end_date"),
    "visit_detail": ("visit_detail_start_date", "visit_detail_end_date"),
    "condition_occurrence": ("condition_start_date", "condition_end_date"),
    "drug_exposure": ("drug_exposure_start_date", "drug_exposure_end_date"),
    "procedure_occurrence": ("procedure_date", "procedure_end_date"),
    "device_exposure": ("device_exposure_start_date", "device_exposure_end_date"),
    "measurement": ("measurement_date", None),
    "observation": ("observation_date", None),
    "specimen": ("specimen_date", None),
    "note": ("note_date", None),
    "death": ("death_date", None),
    "condition_era": ("condition_era_start_date", "condition_era_end_date"),
    "drug_era": ("drug_era_start_date", "drug_era_end_date"),
    "dose_era": ("dose_era_start_date", "dose_era_end_date"),
    "episode": ("episode_start_date", "episode_end_date"),
}
"""First and last day of a record, of the tables whose records belong to persons."""

_SOURCE_VALUES = {name: concept.removesuffix("concept_id") + "source_value" for name, concept in MAIN_CONCEPTS.items()}
_AMOUNTS: dict[str, tuple[str, ...]] = {
    "drug_exposure": ("quantity", "days_supply", "refills"),
    "device_exposure": ("quantity",),
    "procedure_occurrence": ("quantity",),
    "specimen": ("quantity",),
}
"""Fields that count something, and so are never below zero."""

_ERAS = {
    "condition_era": (
        "condition_occurrence",
        ("condition_concept_id", "condition_start_date", "condition_end_date"),
        ("condition_concept_id", "condition_era_start_date", "condition_era_end_date", "condition_occurrence_count"),
    ),
    "drug_era": (
        "drug_exposure",
        ("drug_concept_id", "drug_exposure_start_date", "drug_exposure_end_date"),
        ("drug_concept_id", "drug_era_start_date", "drug_era_end_date", "drug_exposure_count"),
    ),
}


def field_rules(definition: Table, table: ir.Table, tables: Tables) -> Probes:
    """Ask of each field what the official definitions promise."""
    counts = {"rows": table.count()}
    meaning: dict[str, tuple[str, str | None]] = {}
    for number, field in enumerate(definition.fields):
        column = table[field.name]
        if field.required:
            counts[f"null_{number}"] = table.count(where=column.isnull())
            meaning[f"null_{number}"] = ("required", field.name)
        if field.max_length:
            counts[f"long_{number}"] = table.count(where=column.length() > field.max_length)
            meaning[f"long_{number}"] = ("too_long", field.name)
    start, end = SPANS.get(definition.name, (None, None))
    if start and end:
        counts["order"] = table.count(where=table[end] < table[start])
        meaning["order"] = ("order", end)
    for name in _AMOUNTS.get(definition.name, ()):
        counts[f"negative_{name}"] = table.count(where=table[name] < 0)
        meaning[f"negative_{name}"] = ("negative", name)
    if definition.name in MAIN_CONCEPTS:
        silent = (table[MAIN_CONCEPTS[definition.name]] == 0) & table[_SOURCE_VALUES[definition.name]].isnull()
        counts["silent"] = table.count(where=silent)
        meaning["silent"] = ("no_source_value", _SOURCE_VALUES[definition.name])
    yield table.aggregate(**counts), meaning
    for field in definition.fields:
        if field.is_primary_key:
            groups = table.group_by(field.name).aggregate(n=table.count())
            repeated = groups.filter(groups.n > 1)
            yield repeated.aggregate(n=(repeated.n - 1).sum().coalesce(0)), {"n": ("primary_key", field.name)}
    yield from _reference_rules(definition, table, tables)


def _reference_rules(definition: Table, table: ir.Table, tables: Tables) -> Probes:
    for field in definition.fields:
        if field.refers_to is None or field.refers_to[0] not in tables:
            continue
        other = tables[field.refers_to[0]]
        if field.is_concept:
            yield _concept_rule(field, table, other)
            continue
        used = table.filter(table[field.name].notnull()).select(key=field.name).distinct()
        known = other.select(known=field.refers_to[1])
        lost = used.anti_join(known, used["key"] == known.known)
        yield lost.aggregate(n=lost.count()), {"n": ("foreign_key", field.name)}


def _concept_rule(
    field: Field, table: ir.Table, concept: ir.Table
) -> tuple[ir.Table, dict[str, tuple[str, str | None]]]:
    """Count the rows whose concept is not there, or of the wrong domain, or no standard concept."""
    used = table.filter(table[field.name].notnull())
    used = used.group_by(key=used[field.name].cast("int64")).aggregate(n=used.count())
    known = concept.select(
        known=concept.concept_id.cast("int64"),
        domain_id=concept.domain_id,
        concept_class_id=concept.concept_class_id,
        standard=concept.standard_concept,
    )
    joined = used.left_join(known, used["key"] == known.known)
    counts = {"missing": joined["n"].sum(where=joined.known.isnull()).coalesce(0)}
    meaning: dict[str, tuple[str, str | None]] = {"missing": ("foreign_key", field.name)}
    is_named = joined.known.notnull() & (joined["key"] != 0)
    if field.domains:
        counts["domain"] = joined["n"].sum(where=is_named & ~joined.domain_id.isin(field.domains)).coalesce(0)
        meaning["domain"] = ("domain", field.name)
    if field.concept_class:
        wrong = is_named & (joined.concept_class_id != field.concept_class)
        counts["concept_class"] = joined["n"].sum(where=wrong).coalesce(0)
        meaning["concept_class"] = ("concept_class", field.name)
    if field.domains or MAIN_CONCEPTS.get(field.table) == field.name:
        counts["standard"] = joined["n"].sum(where=is_named & (joined.standard.coalesce("") != "S")).coalesce(0)
        meaning["standard"] = ("not_standard", field.name)
    return joined.aggregate(**counts), meaning


def person_rules(name: str, table: ir.Table, tables: Tables) -> Probes:
    """Ask whether records lie within lives and periods of observation."""
    if name not in SPANS:
        return
    start, end = SPANS[name]
    last = end or start
    person = tables["person"]
    births = person.select(
        person_id=person.person_id,
        born=ibis.date(person.year_of_birth, person.month_of_birth.coalesce(1), person.day_of_birth.coalesce(1)),
    )
    rows = table.select(person_id=table.person_id, first=table[start], last=table[last].coalesce(table[start]))
    with_birth = rows.inner_join(births, "person_id")
    yield (
        with_birth.aggregate(n=with_birth.count(where=with_birth["first"] < with_birth.born)),
        {"n": ("before_birth", start)},
    )
    if "death" in tables:
        with_death = rows.inner_join(tables["death"].select("person_id", "death_date"), "person_id")
        yield (
            with_death.aggregate(n=with_death.count(where=with_death["last"] > with_death.death_date)),
            {"n": ("after_death", last)},
        )
    if name != "observation_period":
        period = tables["observation_period"].select(
            "person_id", begins="observation_period_start_date", ends="observation_period_end_date"
        )
        joined = rows.inner_join(period, "person_id")
        inside = joined.filter(joined["first"].between(joined.begins, joined.ends))
        # Periods do not overlap (a rule of its own), so that a record is inside one of them at most.
        total = rows.aggregate(total=rows.count()).cross_join(inside.aggregate(inside=inside.count()))
        yield (
            total.select(n=ibis.greatest(total.total - total.inside, 0)),
            {"n": ("unobserved", start)},
        )


def set_rules(name: str, table: ir.Table, tables: Tables) -> Probes:
    """Ask what rows promise together."""
    if name == "cdm_source":
        yield table.aggregate(n=(table.count() != 1).cast("int32")), {"n": ("one_source", None)}
    if name in SPANS and "cdm_source" in tables:
        yield _in_the_future(name, table, tables["cdm_source"])
    if name == "death":
        groups = table.group_by("person_id").aggregate(n=table.count())
        yield groups.aggregate(n=groups.count(where=groups.n > 1)), {"n": ("several_deaths", "person_id")}
    if name == "person" and "observation_period" in tables:
        lost = table.anti_join(tables["observation_period"].select("person_id"), "person_id")
        yield lost.aggregate(n=lost.count()), {"n": ("no_period", "person_id")}
    if name == "observation_period":
        yield _periods_touch(table)
    if name in _ERAS and _ERAS[name][0] in tables:
        yield from _era_rules(name, table, tables[_ERAS[name][0]])
    is_visited = name in SPANS and name != "visit_occurrence" and "visit_occurrence_id" in table.columns
    if is_visited and "visit_occurrence" in tables:
        yield _outside_visit(name, table, tables["visit_occurrence"])


def _in_the_future(name: str, table: ir.Table, source: ir.Table) -> tuple[ir.Table, dict[str, tuple[str, str | None]]]:
    """Count the rows that begin after the source was released; an end may be foreseen."""
    begins = SPANS[name][0]
    released = source.aggregate(released=source.source_release_date.max())
    joined = table.select(begins=begins).cross_join(released)
    return joined.aggregate(n=joined.count(where=joined.begins > joined.released)), {"n": ("future", begins)}


def _periods_touch(table: ir.Table) -> tuple[ir.Table, dict[str, tuple[str, str | None]]]:
    before = table.observation_period_end_date.max().over(
        ibis.window(
            group_by=table.person_id,
            order_by=[table.observation_period_start_date, table.observation_period_end_date],
            preceding=(None, 1),
        )
    )
    marked = table.mutate(before=before)
    touches = marked.before.notnull() & (marked.observation_period_start_date <= marked.before + ibis.interval(days=1))
    return marked.aggregate(n=marked.count(where=touches)), {"n": ("periods_touch", "observation_period_start_date")}


def _outside_visit(name: str, table: ir.Table, visit: ir.Table) -> tuple[ir.Table, dict[str, tuple[str, str | None]]]:
    visits = visit.select("visit_occurrence_id", "visit_start_date", "visit_end_date", visitor="person_id")
    rows = table.select(
        visit_occurrence_id=table.visit_occurrence_id, person_id=table.person_id, day=table[SPANS[name][0]]
    )
    joined = rows.inner_join(visits, "visit_occurrence_id")
    outside = (joined.person_id != joined.visitor) | ~joined.day.between(joined.visit_start_date, joined.visit_end_date)
    return joined.aggregate(n=joined.count(where=outside)), {"n": ("outside_visit", SPANS[name][0])}


def _era_rules(name: str, eras: ir.Table, records: ir.Table) -> Probes:
    _, (concept, start, end), (era_concept, era_start, era_end, era_count) = _ERAS[name]
    mapped = records.filter(records[concept] != 0).select(
        person_id="person_id", concept=concept, start=start, end=records[end].coalesce(records[start])
    )
    known = eras.select(
        person_id="person_id", concept=era_concept, begins=era_start, ends=era_end, stated=era_count, era=f"{name}_id"
    )
    joined = mapped.inner_join(known, ["person_id", "concept"])
    inside = joined.filter(joined["start"].between(joined.begins, joined.ends), joined["end"] <= joined.ends)
    total = mapped.aggregate(total=mapped.count()).cross_join(inside.aggregate(inside=inside.count()))
    yield total.select(n=ibis.greatest(total.total - total.inside, 0)), {"n": ("era_missing", era_concept)}
    found = inside.group_by("era").aggregate(first=inside["start"].min(), last=inside["end"].max(), n=inside.count())
    compared = known.left_join(found, "era")
    same = (
        (compared["first"] == compared.begins)
        & (compared["last"] == compared.ends)
        & (compared["n"] == compared.stated.coalesce(compared["n"]))
    )
    yield compared.aggregate(n=compared.count(where=~same.coalesce(False))), {"n": ("era_wrong", era_start)}
    before = known.ends.max().over(
        ibis.window(group_by=[known.person_id, known.concept], order_by=[known.begins, known.ends], preceding=(None, 1))
    )
    marked = known.mutate(before=before)
    touches = marked.before.notnull() & (marked.begins <= marked.before + ibis.interval(days=PERSISTENCE_DAYS))
    yield marked.aggregate(n=marked.count(where=touches)), {"n": ("eras_touch", era_start)}
