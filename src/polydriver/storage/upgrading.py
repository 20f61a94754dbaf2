"""Making the tables, and bringing them to the newest version, by one process at a time.

Only tables whose names begin with `ai_` are touched. Alembic's own commands work too: `script_location` is
`polydriver:storage/migrations`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ..errors import ConfigurationError, StorageError
from .database import Database

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = ["VERSION_TABLE", "check", "current_version", "newest_version", "require_current", "upgrade"]

VERSION_TABLE = "ai_schema_version"
_LOCK = 0x706F6C79  # of PostgreSQL's advisory locks: "poly"


def newest_version() -> str:
    """The version that this release of polydriver makes."""
    return str(_scripts().get_current_head())


def current_version(database: Database) -> str | None:
    """The version of a database's tables; `None` when there are none."""
    with database.read() as connection:
        return _revision(connection)


def upgrade(database: Database, *, timeout: float = 60.0, to: str = "head") -> tuple[str | None, str]:
    """Bring the tables to the newest version, or to another one; returns the version before, and the one after.

    Processes that do so at once wait for each other, up to `timeout` seconds; then `StorageError` is raised. A process
    that is killed in the middle leaves the tables as they were. A database that is newer is left as it is.
    """
    from alembic import command

    with _alone(database, timeout) as connection:
        before = _revision(connection)
        if _knows(before):
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, to)
        return before, _revision(connection) or newest_version()


def check(database: Database) -> list[str]:
    """How the tables differ from those that this release works with; empty when all is well."""
    from alembic.autogenerate import compare_metadata

    from .tables import METADATA

    with database.read() as connection:
        version = _revision(connection)
        if version is None:
            return ["there are no tables yet: run `polydriver db upgrade`"]
        if not _knows(version):
            return []  # a newer version only adds
        if version != newest_version():
            return [f"the tables have version {version}, the newest is {newest_version()}: run `polydriver db upgrade`"]
        return [_told(difference) for difference in compare_metadata(_context(connection), METADATA)]


def require_current(database: Database, *, upgrades: bool) -> None:
    """Make sure that the tables are there, and make them when `upgrades` is true.

    Raises `ConfigurationError` when they are absent or too old.
    """
    version = current_version(database)
    if version == newest_version() or (version is not None and not _knows(version)):
        return
    if not upgrades:
        state = "has no tables yet" if version is None else f"has tables of version {version}, which is too old"
        raise ConfigurationError(f"the database {database.address} {state}: run `polydriver db upgrade`")
    upgrade(database)


@contextmanager
def _alone(database: Database, timeout: float) -> Iterator[Connection]:
    """A transaction that no other process has at the same time.

    SQLite allows one writer; its lock is asked for until the time is up. PostgreSQL has locks of an application's own,
    which end with the transaction.
    """
    from sqlalchemy import text

    deadline = time.monotonic() + timeout
    while True:
        try:
            with database.write() as connection:
                if database.kind == "postgresql":
                    connection.execute(text(f"SET LOCAL lock_timeout = {int(timeout * 1000)}"))
                    connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
                yield connection
            return
        except StorageError as error:
            if database.kind != "sqlite" or "locked" not in error.message or time.monotonic() >= deadline:
                raise


def _scripts() -> Any:
    from alembic.script import ScriptDirectory

    return ScriptDirectory.from_config(_config())


def _config() -> Any:
    try:
        from alembic.config import Config
    except ImportError as error:
        raise ConfigurationError("storage needs the extra db: pip install 'polydriver[db]'") from error
    config = Config()
    config.set_main_option("script_location", "polydriver:storage/migrations")
    return config


def _context(connection: Connection) -> Any:
    from alembic.runtime.migration import MigrationContext

    return MigrationContext.configure(
        connection, opts={"version_table": VERSION_TABLE, "include_name": _is_ours, "include_object": _is_our_object}
    )


def _revision(connection: Connection) -> str | None:
    version: str | None = _context(connection).get_current_revision()
    return version


def _is_ours(name: str | None, kind: str, _parents: Any) -> bool:
    return kind != "table" or (name or "").startswith("ai_")


def _is_our_object(_object: Any, name: str | None, kind: str, _reflected: bool, _compared: Any) -> bool:
    return kind != "table" or ((name or "").startswith("ai_") and name != VERSION_TABLE)


def _knows(version: str | None) -> bool:
    """Whether a version is one of this release: a newer one is not."""
    if version is None:
        return True
    return any(script.revision == version for script in _scripts().walk_revisions())


def _told(difference: Any) -> str:
    kind, *what = difference if isinstance(difference, tuple) else difference[0]
    return f"{kind}: {', '.join(str(getattr(item, 'name', item)) for item in what if item is not None)}"
