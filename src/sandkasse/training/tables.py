"""What the site's database holds about training: the attempts at exercises."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from sandkasse.core.database import Base
from sandkasse.people.tables import UtcDateTime


class AttemptRow(Base):
    """One answer to one exercise.

    The answer itself is not kept, only its hash, and the value where it is a short one.
    `state` is `open` while it is graded, `graded` with a verdict, `misshapen` when the answer could not be graded: that
    one counts against the rate, not among the tries.
    """

    __tablename__ = "attempts"
    __table_args__ = (
        CheckConstraint("state IN ('open', 'graded', 'misshapen')", name="known_attempt_state"),
        CheckConstraint("score IS NULL OR (score >= 0 AND score <= 1)", name="score_is_a_share"),
        CheckConstraint("mark IS NULL OR (mark >= 0 AND mark <= 1)", name="mark_is_a_share"),
        CheckConstraint("(state = 'graded') = (verdict_json IS NOT NULL)", name="graded_has_a_verdict"),
        Index("attempts_by_exercise", "user_id", "module_id", "exercise_id", "at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    module_id: Mapped[str]
    module_version: Mapped[str]
    exercise_id: Mapped[str]
    dataset: Mapped[str]
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    state: Mapped[str]
    passed: Mapped[bool] = mapped_column(default=False)
    score: Mapped[float | None]
    mark: Mapped[float | None]
    answer_sha256: Mapped[str]
    answer_value: Mapped[str | None]
    verdict_json: Mapped[str | None]
