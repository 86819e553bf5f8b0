"""What alembic runs: the migrations, inside the one transaction that `isomanager.inventory.migration` opened.

The version stands in a table of our own, so that a PostgreSQL database may be shared with other users of alembic.
"""

from __future__ import annotations

from alembic import context
from alembic.operations.ops import MigrationScript
from alembic.runtime.migration import MigrationContext
from alembic.util import CommandError

from isomanager.inventory.migration import VERSION_TABLE
from isomanager.inventory.tables import METADATA


def _in_our_words(_context: MigrationContext, _revision: object, scripts: list[MigrationScript]) -> None:
    """Leaves out a migration in which nothing changes."""
    if scripts and scripts[0].upgrade_ops is not None and scripts[0].upgrade_ops.is_empty():
        scripts.clear()


def run() -> None:
    """Run on the connection that was handed over; there is no other way to get one, and no offline mode."""
    connection = context.config.attributes.get("connection")
    if connection is None:
        raise CommandError(
            "Migrations run through isomanager.inventory.migration.migrate, which backs up and locks first."
        )
    context.configure(
        connection=connection,
        target_metadata=METADATA,
        version_table=VERSION_TABLE,
        transactional_ddl=True,
        render_as_batch=connection.dialect.name == "sqlite",
        process_revision_directives=_in_our_words,
    )
    with context.begin_transaction():
        context.run_migrations()


run()
