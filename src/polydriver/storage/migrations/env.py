"""What Alembic runs for every command: the connection comes from `polydriver.storage.upgrading`."""

from __future__ import annotations

from alembic import context

from polydriver.storage.tables import METADATA
from polydriver.storage.upgrading import VERSION_TABLE

__all__: list[str] = []


def _run() -> None:
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=METADATA,
        version_table=VERSION_TABLE,
        include_name=lambda name, kind, _parents: kind != "table" or (name or "").startswith("ai_"),
        compare_server_default=False,
    )
    context.run_migrations()


if hasattr(context, "config"):  # Alembic runs it; otherwise it is only imported
    _run()
