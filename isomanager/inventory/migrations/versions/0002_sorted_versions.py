"""Copies can be sorted and compared by version in the database.

Revision 0002, after 0001.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from isomanager.version import Version

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SORTED = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add the sort text of each copy's version."""
    op.add_column("copies", sa.Column("version_key", SORTED, nullable=False, server_default=""))
    connection = op.get_bind()
    copies = sa.table("copies", sa.column("version_text", sa.Text()), sa.column("version_key", sa.Text()))
    for text in connection.execute(sa.select(copies.c.version_text).distinct()).scalars().all():
        sort_text = Version(text).sort_text
        connection.execute(copies.update().where(copies.c.version_text == text).values(version_key=sort_text))
    with op.batch_alter_table("copies") as table:
        table.alter_column("version_key", server_default=None)
        table.create_index("ix_copies_state_created_at", ["state", "created_at"])


def downgrade() -> None:
    """Forget it."""
    with op.batch_alter_table("copies") as table:
        table.drop_index("ix_copies_state_created_at")
        table.drop_column("version_key")
