"""What the site's database holds about people: accounts, roles, tokens, the audit log."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DDL, CheckConstraint, DateTime, ForeignKey, Index, event
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

from sandkasse.core.database import Base


class UtcDateTime(TypeDecorator[datetime]):
    """A moment, stored as UTC without its zone (SQLite keeps none) and always given back with it."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a moment without a zone, and store the rest as UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a time zone cannot be stored")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Give the stored moment its zone back."""
        return None if value is None else value.replace(tzinfo=UTC)


class UserRow(Base):
    """One person who may use the site."""

    __tablename__ = "users"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    is_active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class RoleGrantRow(Base):
    """One role that one person holds; what a role allows is in `permissions.py`."""

    __tablename__ = "role_grants"

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), primary_key=True)
    role: Mapped[str] = mapped_column(primary_key=True)
    granted_at: Mapped[datetime] = mapped_column(UtcDateTime)


class TokenRow(Base):
    """One token: what it opens and until when. The secret itself is never stored, only its SHA-256."""

    __tablename__ = "tokens"
    __table_args__ = (
        CheckConstraint("kind IN ('sign-in', 'session', 'workspace')", name="known_token_kind"),
        Index("tokens_by_workspace", "workspace_id"),
        Index("tokens_by_user", "user_id", "kind"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    secret_sha256: Mapped[str] = mapped_column(unique=True)
    issued_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    is_revoked: Mapped[bool] = mapped_column(default=False)
    module_id: Mapped[str | None]
    workspace_id: Mapped[str | None]


class AuditRow(Base):
    """One act, chained to the one before it by its hash."""

    __tablename__ = "audit_log"

    sequence: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor: Mapped[str]
    act: Mapped[str]
    subject: Mapped[str]
    details: Mapped[str]
    previous_sha256: Mapped[str] = mapped_column(unique=True)
    sha256: Mapped[str] = mapped_column(unique=True)


class AuditHeadRow(Base):
    """Where the audit log ends: one row, taken before an act is written so that two writers cannot fork the chain."""

    __tablename__ = "audit_head"
    __table_args__ = (CheckConstraint("id = 1", name="one_head"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sequence: Mapped[int]
    sha256: Mapped[str]


# The log only grows: the database itself refuses to change or delete a line of it.
APPEND_ONLY = tuple(
    f"CREATE TRIGGER audit_log_no_{verb.lower()} BEFORE {verb} ON audit_log "
    "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
    for verb in ("UPDATE", "DELETE")
)
for _statement in APPEND_ONLY:
    event.listen(AuditRow.__table__, "after_create", DDL(_statement).execute_if(dialect="sqlite"))  # type: ignore[no-untyped-call]
