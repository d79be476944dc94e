"""Training and workspaces: the attempts at exercises, the starts of notebook servers."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "attempts",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("user_id", sa.String(), sa.ForeignKey("users.id"), nullable=False),
        sa.Column("module_id", sa.String(), nullable=False),
        sa.Column("module_version", sa.String(), nullable=False),
        sa.Column("exercise_id", sa.String(), nullable=False),
        sa.Column("dataset", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("passed", sa.Boolean(), nullable=False),
        sa.Column("score", sa.Double()),
        sa.Column("mark", sa.Double()),
        sa.Column("answer_sha256", sa.String(), nullable=False),
        sa.Column("answer_value", sa.String()),
        sa.Column("verdict_json", sa.String()),
        sa.CheckConstraint("state IN ('open', 'graded', 'misshapen')", name="known_attempt_state"),
        sa.CheckConstraint("score IS NULL OR (score >= 0 AND score <= 1)", name="score_is_a_share"),
        sa.CheckConstraint("mark IS NULL OR (mark >= 0 AND mark <= 1)", name="mark_is_a_share"),
        sa.CheckConstraint("(state = 'graded') = (verdict_json IS NOT NULL)", name="graded_has_a_verdict"),
    )
    op.create_index("attempts_by_exercise", "attempts", ["user_id", "module_id", "exercise_id", "at"])
    op.create_table(
        "workspaces",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("user_id", sa.String(), sa.ForeignKey("users.id"), nullable=False),
        sa.Column("module_id", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("is_isolated", sa.Boolean(), nullable=False),
        sa.Column("started_at", sa.DateTime(), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(), nullable=False),
        sa.Column("ended_at", sa.DateTime()),
        sa.Column("ended_because", sa.String()),
        sa.Column("port", sa.Integer()),
        sa.CheckConstraint("state IN ('starting', 'running', 'failed', 'ended')", name="known_workspace_state"),
        sa.CheckConstraint("(state IN ('failed', 'ended')) = (ended_at IS NOT NULL)", name="ended_has_a_time"),
    )
    op.create_index("workspaces_by_user", "workspaces", ["user_id", "module_id", "started_at"])
