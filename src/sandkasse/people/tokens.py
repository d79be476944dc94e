"""Tokens: sign-in (once), session (a browser), workspace (a notebook server). Only their SHA-256 is stored."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, cast, get_args

from sqlalchemy import ColumnElement, and_, select, update
from sqlalchemy.orm import Session

from sandkasse.core.clock import Clock
from sandkasse.core.errors import InvalidInputError
from sandkasse.people.tables import TokenRow

TokenKind = Literal["sign-in", "session", "workspace"]

SECRET_BYTES = 32  # 256 random bits: nothing slower than SHA-256 is needed to keep them from being guessed
_LONGEST_SECRET = 200


@dataclass(frozen=True)
class TokenRecord:
    """What a valid token opens.

    Attributes:
        id: Names the token in the log and when it is revoked; not secret.
        kind: What it is for.
        user_id: The person it acts for.
        expires_at: When it stops to work.
        module_id: The only module it may read and answer, for a workspace.
        workspace_id: The workspace it dies with.
    """

    id: str
    kind: TokenKind
    user_id: str
    expires_at: datetime
    module_id: str | None
    workspace_id: str | None


def issue(
    db: Session,
    *,
    kind: TokenKind,
    user_id: str,
    clock: Clock,
    lifetime: timedelta,
    module_id: str | None = None,
    workspace_id: str | None = None,
) -> str:
    """Make a token and give its secret, this once.

    Args:
        db: An open transaction.
        kind: What the token is for; one kind never passes for another.
        user_id: An existing person.
        clock: The present moment.
        lifetime: How long it works, more than zero.
        module_id: The module a workspace was started for.
        workspace_id: The workspace the token belongs to.

    Returns:
        The secret, 43 URL-safe characters.

    Raises:
        InvalidInputError: If the lifetime is not positive, the kind unknown, or a workspace not named.
    """
    if kind not in get_args(TokenKind):
        raise InvalidInputError(f"There is no token kind {kind!r}.", next_step=f"use one of {get_args(TokenKind)}")
    if lifetime <= timedelta(0):
        raise InvalidInputError("A token's lifetime must be positive.", next_step="give a longer lifetime")
    if kind == "workspace" and workspace_id is None:
        raise InvalidInputError("A workspace token must name its workspace.", next_step="give workspace_id")
    secret = secrets.token_urlsafe(SECRET_BYTES)
    now = clock()
    db.add(
        TokenRow(
            id=secrets.token_hex(8),
            kind=kind,
            user_id=user_id,
            secret_sha256=_digest(secret),
            issued_at=now,
            expires_at=now + lifetime,
            module_id=module_id,
            workspace_id=workspace_id,
        )
    )
    db.flush()
    return secret


def find(db: Session, secret: str, *, kind: TokenKind, clock: Clock) -> TokenRecord | None:
    """Find the valid token with this secret, or nothing: unknown, expired, revoked, of another kind, or already used.

    A sign-in token is used up by being found. That is one conditional update, so of two simultaneous calls one wins.

    Args:
        db: An open transaction.
        secret: What the caller presented.
        kind: The kind that is asked for.
        clock: The present moment.
    """
    if not 0 < len(secret) <= _LONGEST_SECRET:
        return None
    now = clock()
    is_this = TokenRow.secret_sha256 == _digest(secret)
    is_valid = and_(
        is_this,
        TokenRow.kind == kind,
        TokenRow.is_revoked.is_(False),
        TokenRow.expires_at > now,
        TokenRow.used_at.is_(None),
    )
    if kind == "sign-in":
        use = update(TokenRow).where(is_valid).values(used_at=now).returning(TokenRow.id)
        if db.scalar(use.execution_options(synchronize_session=False)) is None:
            return None
        is_valid = and_(is_this)
    row = db.scalar(select(TokenRow).where(is_valid))
    return None if row is None else _to_record(row)


def revoke(db: Session, token_id: str) -> None:
    """End one token now; one that does not exist or has ended already is left as it is."""
    _revoke(db, TokenRow.id == token_id)


def revoke_workspace(db: Session, workspace_id: str) -> None:
    """End every token of a workspace now."""
    _revoke(db, TokenRow.workspace_id == workspace_id)


def revoke_kind(db: Session, *, kind: TokenKind, user_id: str) -> None:
    """End every token of one kind that a person holds."""
    _revoke(db, (TokenRow.user_id == user_id) & (TokenRow.kind == kind))


def _revoke(db: Session, which: ColumnElement[bool]) -> None:
    db.execute(update(TokenRow).where(which).values(is_revoked=True))


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def _to_record(row: TokenRow) -> TokenRecord:
    return TokenRecord(
        id=row.id,
        kind=cast(TokenKind, row.kind),  # the table's check constraint holds it
        user_id=row.user_id,
        expires_at=row.expires_at,
        module_id=row.module_id,
        workspace_id=row.workspace_id,
    )
