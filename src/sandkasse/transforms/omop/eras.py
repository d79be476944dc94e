"""Eras: occurrences of one concept that follow one another closely, joined into stretches of time."""

import ibis
import ibis.expr.types as ir


def stretch(rows: ir.Table, *, gap_days: int) -> ir.Table:
    """Join occurrences of one person and concept that lie at most `gap_days` days apart.

    Args:
        rows: person_id, concept_id, start, end.
        gap_days: The longest gap between the end of all that came before and the next start, in days.

    Returns:
        person_id, concept_id, start, end, n (occurrences), uncovered_days (days of the stretch that none covers).
    """
    # Equal occurrences are one row first: two windows need not put rows of the same days into the same order.
    rows = rows.group_by("person_id", "concept_id", "start", "end").aggregate(times=rows.count())
    earlier = ibis.window(group_by=["person_id", "concept_id"], order_by=["start", "end"], preceding=(None, 1))
    so_far = ibis.window(group_by=["person_id", "concept_id"], order_by=["start", "end"], preceding=None, following=0)
    reached = rows.mutate(before=rows.end.max().over(earlier))
    gap = reached.start.delta(reached.before, unit="day")
    begins = reached.before.isnull() | (gap > gap_days)
    marked = reached.mutate(
        begins=begins.cast("int32"), uncovered=ibis.ifelse(begins | (gap <= 1), 0, gap - 1).cast("int32")
    )
    spells = marked.mutate(spell=marked.begins.sum().over(so_far))
    return (
        spells.group_by("person_id", "concept_id", "spell")
        .aggregate(
            start=spells.start.min(), end=spells.end.max(), n=spells.times.sum(), uncovered_days=spells.uncovered.sum()
        )
        .drop("spell")
    )
