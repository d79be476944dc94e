"""The audit log: append-only, each line chained to the one before by its hash, written with the act it tells of.

The chain shows that a line was changed, removed or put in between. It cannot show that somebody who holds the whole
database rewrote all of it from some line on; for that, keep the head's hash elsewhere from time to time.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import orjson
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from sandkasse.core.clock import Clock
from sandkasse.people.tables import AuditHeadRow, AuditRow

GENESIS = "0" * 64


@dataclass(frozen=True)
class AuditEntry:
    """One act as it was logged.

    Attributes:
        sequence: 1 for the first line.
        at: When.
        actor: Whose act; `site` for what no person asked for.
        act: What was done, as `noun.verb`.
        subject: The id of what it was done to.
        details: Further plain facts; never a person-level value, never a secret.
        sha256: Hash of this line and of the one before it.
    """

    sequence: int
    at: datetime
    actor: str
    act: str
    subject: str
    details: Mapping[str, str]
    sha256: str


def write(db: Session, *, clock: Clock, actor: str, act: str, subject: str = "", **details: str) -> AuditEntry:
    """Log an act in the transaction that carries it out: both are kept, or neither.

    Args:
        db: The act's own open transaction.
        clock: The present moment.
        actor: The person's id, or `site`.
        act: What was done, as `noun.verb`.
        subject: The id of what it was done to.
        details: Further plain facts.
    """
    head = _take_head(db)
    at = clock()
    text = orjson.dumps(details, option=orjson.OPT_SORT_KEYS).decode()
    sequence = head.sequence + 1
    digest = _chain(head.sha256, (sequence, at, actor, act, subject, text))
    db.add(
        AuditRow(
            sequence=sequence,
            at=at,
            actor=actor,
            act=act,
            subject=subject,
            details=text,
            previous_sha256=head.sha256,
            sha256=digest,
        )
    )
    head.sequence, head.sha256 = sequence, digest
    db.flush()
    return AuditEntry(sequence, at, actor, act, subject, details, digest)


def read(db: Session, *, limit: int = 100) -> tuple[AuditEntry, ...]:
    """Read the latest lines, newest first."""
    rows = db.scalars(select(AuditRow).order_by(AuditRow.sequence.desc()).limit(limit))
    return tuple(
        AuditEntry(r.sequence, r.at, r.actor, r.act, r.subject, orjson.loads(r.details), r.sha256) for r in rows
    )


def find_break(db: Session) -> int | None:
    """Find the first line where the chain does not hold, or nothing when it holds to its end.

    Returns:
        The sequence number of the first line that is changed, missing or out of place; None for a sound log.
    """
    previous, expected = GENESIS, 1
    for row in db.scalars(select(AuditRow).order_by(AuditRow.sequence)):
        facts = (row.sequence, row.at, row.actor, row.act, row.subject, row.details)
        if row.sequence != expected or row.previous_sha256 != previous or row.sha256 != _chain(previous, facts):
            return expected
        previous, expected = row.sha256, expected + 1
    head = db.get(AuditHeadRow, 1)
    ends = (0, GENESIS) if head is None else (head.sequence, head.sha256)
    return None if ends == (expected - 1, previous) else expected


def _take_head(db: Session) -> AuditHeadRow:
    """Take the head for writing, before it is read: from here on this transaction is the only writer."""
    db.execute(update(AuditHeadRow).where(AuditHeadRow.id == 1).values(id=1))
    head = db.get(AuditHeadRow, 1, populate_existing=True)
    if head is None:
        head = AuditHeadRow(id=1, sequence=0, sha256=GENESIS)
        db.add(head)
        db.flush()
    return head


def _chain(previous: str, facts: tuple[int, datetime, str, str, str, str]) -> str:
    sequence, at, *rest = facts
    line = orjson.dumps([previous, sequence, at.isoformat(), *rest])
    return hashlib.sha256(line).hexdigest()
