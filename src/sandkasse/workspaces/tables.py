"""What the site's database holds about workspaces: which run or ran, for whom. No address with a token, no secret."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from sandkasse.core.database import Base
from sandkasse.people.tables import UtcDateTime


class WorkspaceRow(Base):
    """One start of one notebook server; the learner's files outlive it."""

    __tablename__ = "workspaces"
    __table_args__ = (
        CheckConstraint("state IN ('starting', 'running', 'failed', 'ended')", name="known_workspace_state"),
        CheckConstraint("(state IN ('failed', 'ended')) = (ended_at IS NOT NULL)", name="ended_has_a_time"),
        Index("workspaces_by_user", "user_id", "module_id", "started_at"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    module_id: Mapped[str]
    state: Mapped[str]
    is_isolated: Mapped[bool]
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_because: Mapped[str | None]
    port: Mapped[int | None]
