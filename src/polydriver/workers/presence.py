"""Which workers are there: each holds a lock that ends with its process, however it ends.

With PostgreSQL it is an advisory lock of a session of its own, with SQLite that of a file beside the database. Whoever
gets the lock of a worker knows that it is gone, and nobody else finds the same until the lock is free again.
https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote

from ..engine.batches.appending import AppendedFile
from ..errors import ConfigurationError

__all__ = ["Presence", "find_presence"]

_LOCK = "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))"
_UNLOCK = "SELECT pg_advisory_unlock(hashtextextended(%s, 0))"
_SETTINGS = (
    "SET tcp_keepalives_idle = 10",  # a machine that is gone closes nothing
    "SET tcp_keepalives_interval = 5",
    "SET tcp_keepalives_count = 3",
)


class Presence(Protocol):
    """The lock of this worker, and a look at those of others."""

    def keep(self) -> None:
        """Take the lock, or take it again where it was lost. Raises what the database or the file system does."""

    def gone(self, worker: str) -> Any:
        """A context that says whether another worker is gone; within it, nobody else is told so of that one."""

    def close(self) -> None:
        """Give the lock up."""


def find_presence(url: str, worker: str) -> Presence:
    """Where the workers of a database have their locks. Raises `ConfigurationError` for a database in memory."""
    if not url.startswith("sqlite"):
        return _Sessions(url, worker)
    path = unquote(url.partition("?")[0].partition("://")[2].removeprefix("/"))
    if path in ("", ":memory:"):
        raise ConfigurationError("workers share a database: name a file, as in sqlite:///bulk.sqlite, or PostgreSQL")
    return _Files(Path(f"{path}.workers"), worker)


class _Files:
    def __init__(self, folder: Path, worker: str) -> None:
        self._folder = folder
        self._worker = worker
        self._own: AppendedFile | None = None

    def keep(self) -> None:
        if self._own is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._own = AppendedFile(self._folder / self._worker)

    @contextmanager
    def gone(self, worker: str) -> Iterator[bool]:
        path = self._folder / worker
        try:
            file = AppendedFile(path)
        except ConfigurationError:  # it has its lock
            yield False
            return
        try:
            yield True
            path.unlink(missing_ok=True)
        finally:
            file.close()

    def close(self) -> None:
        if self._own is not None:
            self._own.path.unlink(missing_ok=True)
            self._own.close()
            self._own = None


class _Sessions:
    def __init__(self, url: str, worker: str) -> None:
        self._address = "postgresql" + url[url.index("://") :]
        self._worker = worker
        self._own: Any = None

    def keep(self) -> None:
        try:
            if self._own is not None:
                self._own.execute("SELECT 1")
                return
        except BaseException:
            self.close()
            raise
        self._own = self._connect()
        for setting in _SETTINGS:
            self._own.execute(setting)
        if not self._own.execute(_LOCK, (self._name(self._worker),)).fetchone()[0]:
            self.close()
            raise ConfigurationError(f"another worker has the name {self._worker}")

    @contextmanager
    def gone(self, worker: str) -> Iterator[bool]:
        with self._connect() as connection:
            (found,) = connection.execute(_LOCK, (self._name(worker),)).fetchone()
            yield found
            if found:  # at once; the server would do it a moment after the connection is closed
                connection.execute(_UNLOCK, (self._name(worker),))

    def close(self) -> None:
        own, self._own = self._own, None
        if own is not None:
            with suppress(Exception):
                own.execute(_UNLOCK, (self._name(self._worker),))
            own.close()

    def _connect(self) -> Any:
        import psycopg

        return psycopg.connect(self._address, autocommit=True, connect_timeout=10)

    @staticmethod
    def _name(worker: str) -> str:
        return f"polydriver-worker:{worker}"
