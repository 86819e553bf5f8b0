"""What scans have looked at is remembered, and what people note of an image.

Revision 0003, after 0002.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")


def upgrade() -> None:
    """Make the table, and the column."""
    op.create_table(
        "seen_files",
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("etag", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("place", "path", name=op.f("pk_seen_files")),
    )
    op.add_column("copies", sa.Column("metadata", sa.JSON(), nullable=False, server_default="{}"))
    with op.batch_alter_table("copies") as table:
        table.alter_column("metadata", server_default=None)


def downgrade() -> None:
    """Drop both."""
    with op.batch_alter_table("copies") as table:
        table.drop_column("metadata")
    op.drop_table("seen_files")
