"""The first tables.

Revision 0001, after none. What stands here is what was released: types are spelled out, not taken from `tables`, which goes on.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")
"""A time with its zone; ISO 8601 text in SQLite, which has no such type."""


def upgrade() -> None:
    """Make every table."""
    _what_is_held()
    _what_is_wanted_and_offered()
    _what_is_being_done()


def downgrade() -> None:
    """Drop every table, those that refer to others first."""
    for table in (
        "outcomes",
        "runs",
        "leases",
        "offers",
        "quarantine",
        "subscriptions",
        "copies",
        "receipts",
        "images",
    ):
        op.drop_table(table)
    op.drop_table("repositories")


def _title() -> list[sa.Column[Any]]:
    words = ("family", "product", "flavor", "version_text", "architecture", "language", "edition")
    columns: list[sa.Column[Any]] = [sa.Column(word, sa.String(), nullable=False) for word in words]
    columns.insert(4, sa.Column("version_epoch", sa.Integer(), nullable=False))
    return columns


def _what_is_held() -> None:
    op.create_table(
        "repositories",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("layout", sa.String(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_repositories"),
    )
    op.create_table(
        "images",
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("digests", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="pk_images"),
    )
    op.create_table(
        "receipts",
        *_title(),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("assurance", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("proved_at", TIME, nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["sha256"], ["images.sha256"], name="fk_receipts_sha256"),
        sa.PrimaryKeyConstraint("id", name="pk_receipts"),
        sa.UniqueConstraint("digest", name="uq_receipts_digest"),
    )
    op.create_index("ix_receipts_sha256", "receipts", ["sha256"])
    op.create_table(
        "copies",
        *_title(),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("repository", sa.String(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("claimed_path", sa.Text(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("assurance", sa.String(), nullable=False),
        sa.Column("digests", sa.JSON(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("partial", sa.Text(), nullable=False),
        sa.Column("trash_path", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("proved_at", TIME, nullable=True),
        sa.Column("changed_at", TIME, nullable=False),
        sa.Column("lease_token", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["repository"], ["repositories.name"], name="fk_copies_repository"),
        sa.PrimaryKeyConstraint("id", name="pk_copies"),
        sa.UniqueConstraint("repository", "claimed_path", name="uq_copies_repository_claimed_path"),
    )
    op.create_index("ix_copies_product_flavor", "copies", ["product", "flavor"])
    op.create_index("ix_copies_repository_state", "copies", ["repository", "state"])
    op.create_index("ix_copies_sha256", "copies", ["sha256"])
    op.create_index("ix_copies_state", "copies", ["state"])


def _what_is_wanted_and_offered() -> None:
    op.create_table(
        "subscriptions",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("selector_key", sa.Text(), nullable=False),
        sa.Column("product", sa.String(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_subscriptions"),
        sa.UniqueConstraint("selector_key", name="uq_subscriptions_selector_key"),
    )
    op.create_index("ix_subscriptions_product", "subscriptions", ["product"])
    op.create_table(
        "quarantine",
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("title_key", sa.String(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("fingerprint", "title_key", name="pk_quarantine"),
    )
    op.create_table(
        "offers",
        sa.Column("selector_key", sa.String(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("selector_key", name="pk_offers"),
    )


def _what_is_being_done() -> None:
    op.create_table(
        "leases",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("token", sa.String(), nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("heartbeat_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_leases"),
    )
    op.create_index("ix_leases_token", "leases", ["token"])
    op.create_table(
        "runs",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("finished_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
    )
    op.create_index("ix_runs_started_at", "runs", ["started_at"])
    op.create_table(
        "outcomes",
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("repository", sa.String(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_outcomes_run_id"),
        sa.PrimaryKeyConstraint("run_id", "position", name="pk_outcomes"),
    )
