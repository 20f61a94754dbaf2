"""`Database`: where things are kept. One address, connections that wait for each other, errors of one kind."""

from __future__ import annotations

import contextlib
import os
import threading
import weakref
from collections import deque
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ..errors import ConfigurationError, StorageError
from ..forking import in_child, own_lock
from .privacy import OPTION, Privacy

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

__all__ = ["Database"]

_INSTALL = "storage needs the extra db: pip install 'polydriver[db]'"
_PASSING = frozenset({"OperationalError", "InterfaceError", "TimeoutError"})
_PASSING_STATES = ("08", "25006", "40", "53", "55", "57", "58")
_LASTING_STATES = ("54",)  # too large for an index or a page: it will always be
_KINDS = {"sqlite": "sqlite", "postgresql": "postgresql", "postgres": "postgresql"}


class Database:
    """A database by its URL: `sqlite:///ai.db`, `sqlite://` (in memory), `postgresql://user:password@host/name`.

    Connections are made when they are needed and shared by all threads; a forked child makes its own. `patience` is how
    long, in seconds, to wait for a connection and for locks. `durable`: whether a commit is on the disk before it
    returns; see `sqlite.prepare` (PostgreSQL's `synchronous_commit` is left on then, and turned off otherwise).

    Raises `ConfigurationError` for an address that cannot work. All methods raise `StorageError` when the database
    fails.
    """

    _lock: threading.RLock

    def __init__(self, url: str, *, patience: float = 5.0, durable: bool = True, pool_size: int = 5) -> None:
        self.patience = patience
        self.durable = durable
        self.engine = _make_engine(url, patience, durable=durable, pool_size=pool_size)
        self.errors = _errors_of(self.engine)
        self.kind: Literal["sqlite", "postgresql"] = "sqlite" if self.engine.dialect.name == "sqlite" else "postgresql"
        self.in_memory = self.kind == "sqlite" and self.engine.url.database in (None, "", ":memory:")
        own_lock(self, threading.RLock)  # a database in memory has one connection
        self._resting: deque[Connection] = deque()  # SQLite's, which are never lost while nobody uses them
        self._asking: deque[None] = deque()  # one for each thread that asks SQLAlchemy's pool for one
        self._parents: list[object] = []
        in_child(self, Database._leave_parents)
        weakref.finalize(self, _dispose, self.engine, self._resting, os.getpid()).atexit = False

    @property
    def privacy(self) -> Privacy:
        """The rules for the content that is stored, which connections have as an option; see `privacy_of`."""
        found: Privacy = self.engine.get_execution_options().get(OPTION, Privacy())
        return found

    @privacy.setter
    def privacy(self, rules: Privacy) -> None:
        self.engine.update_execution_options(**{OPTION: rules})
        _close_all(self._resting)  # they have the rules of before

    @property
    def address(self) -> str:
        """The URL, with its password masked."""
        return self.engine.url.render_as_string(hide_password=True)

    def read(self) -> AbstractContextManager[Connection]:
        """A connection with a transaction that only reads."""
        return self._transaction(writes=False)

    def write(self) -> AbstractContextManager[Connection]:
        """A connection with a transaction that is committed at the end, or rolled back when something is raised."""
        return self._transaction(writes=True)

    @contextmanager
    def _transaction(self, *, writes: bool) -> Iterator[Connection]:
        """Begin and commit by the database's own driver, which costs a third of what SQLAlchemy's transactions do."""
        from sqlalchemy.exc import SQLAlchemyError

        with self._lock if self.in_memory else contextlib.nullcontext():
            try:
                with self._connection() as connection:
                    driver: Any = connection.connection.driver_connection
                    try:
                        if self.kind == "sqlite":
                            driver.execute("BEGIN IMMEDIATE" if writes else "BEGIN")
                        yield connection
                        driver.commit()
                    except BaseException as error:
                        self._undo(connection, driver, error)
                        raise
            except self.errors as error:
                raise self.failure(error) from error
            except SQLAlchemyError as error:
                raise StorageError(f"the database {self.address} could not be used: {_first_line(error)}") from error

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        """A connection, which rests for the next one who asks when nothing was raised: to give it back to SQLAlchemy's
        pool, and to take it from there, costs as much as a small transaction."""
        connection = self._rested() or self._made()
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        if self.kind != "sqlite":
            connection.close()
            return
        if (begun := connection.get_transaction()) is not None:
            begun.close()
        self._resting.append(connection)
        if self._asking and (spare := self._rested()) is not None:
            spare.close()  # gives it to one who asks

    def _rested(self) -> Connection | None:
        try:
            return self._resting.pop()
        except IndexError:
            return None

    def _made(self) -> Connection:
        """A connection from SQLAlchemy's pool, which has so many: another thread's, as soon as that is done with it."""
        self._asking.append(None)
        try:
            return self._rested() or self.engine.connect()  # who is done meanwhile sees that somebody asks, or is seen
        finally:
            self._asking.pop()

    def _undo(self, connection: Connection, driver: Any, error: BaseException) -> None:
        """Roll back, and give up a connection that is lost."""
        try:
            driver.rollback()
        except self.errors:
            is_lost = True
        else:
            is_lost = isinstance(error, self.errors) and self._is_lost(error, driver)
        if is_lost and not connection.invalidated:
            connection.invalidate(error)

    def _is_lost(self, error: Any, driver: Any = None) -> bool:
        orig = getattr(error, "orig", None)
        return bool(self.engine.dialect.is_disconnect(error if orig is None else orig, driver, None))

    def vacuum(self) -> None:
        """Give the room of deleted rows back: SQLite's file is written anew, PostgreSQL's tables are cleaned."""
        from .tables import METADATA

        names = ", ".join(sorted(METADATA.tables))
        statements = ("VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)") if self.kind == "sqlite" else (f"VACUUM {names}",)
        with self._lock if self.in_memory else contextlib.nullcontext(), self._connection() as connection:
            driver: Any = connection.connection.driver_connection
            try:
                if self.kind == "postgresql":
                    driver.autocommit = True
                for statement in statements:
                    driver.execute(statement)
            except Exception as error:
                raise self.failure(error) from error
            finally:
                if self.kind == "postgresql":
                    driver.autocommit = False

    def failure(self, error: Any) -> StorageError:
        """The error for what a database's driver raised; its `retryable` tells whether it may pass by itself."""
        told = error.orig if getattr(error, "orig", None) is not None else error
        kinds = {kind.__name__ for kind in type(error).__mro__}
        passing = getattr(error, "connection_invalidated", False) or not kinds.isdisjoint(_PASSING)
        state = getattr(told, "sqlstate", None) or ""  # https://www.postgresql.org/docs/current/errcodes-appendix.html
        passing = (passing or state.startswith(_PASSING_STATES)) and not state.startswith(_LASTING_STATES)
        return StorageError(f"the database {self.address} failed: {_first_line(told)}", retryable=bool(passing))

    def close(self) -> None:
        """Close all connections; they are made anew when they are needed."""
        _close_all(self._resting)
        self.engine.dispose()

    def _leave_parents(self) -> None:
        """Leave connections to the process that this one was forked from, which must not be closed here either. What is
        in memory is a copy of its own."""
        if not self.in_memory:
            self._parents += [*self._resting, self.engine.pool]
            self._resting.clear()
            self._asking.clear()
            self.engine.dispose(close=False)


def _errors_of(engine: Engine) -> tuple[type[Exception], ...]:
    """What a database that fails raises: through SQLAlchemy, and as its own driver does."""
    from sqlalchemy.exc import DBAPIError

    return (DBAPIError, engine.dialect.loaded_dbapi.Error)


def _dispose(engine: Engine, resting: deque[Connection], process: int) -> None:
    """Close what a database that nobody refers to any more has left open; never what is a forked child's parent's."""
    if os.getpid() == process:
        _close_all(resting)
        engine.dispose()


def _close_all(resting: deque[Connection]) -> None:
    while resting:
        with contextlib.suppress(IndexError):
            resting.pop().close()


def _first_line(error: object) -> str:
    return str(error).strip().partition("\n")[0]


def _make_engine(text: str, patience: float, *, durable: bool, pool_size: int) -> Engine:
    try:
        from sqlalchemy import create_engine, event
        from sqlalchemy.engine import make_url
        from sqlalchemy.exc import ArgumentError
        from sqlalchemy.pool import StaticPool
    except ImportError as error:
        raise ConfigurationError(_INSTALL) from error
    try:
        url = make_url(text)
    except ArgumentError as error:
        raise ConfigurationError(f"{_without_password(text)!r} is not the URL of a database: {_HELP}") from error
    kind = _KINDS.get(url.get_backend_name())
    if kind is None:
        raise ConfigurationError(f"databases of the kind {url.get_backend_name()!r} are not supported: {_HELP}")
    if kind == "postgresql":
        options = f"-c timezone=utc -c lock_timeout={int(patience * 1000)}" + (
            "" if durable else " -c synchronous_commit=off"
        )
        engine = create_engine(
            url.set(drivername="postgresql+psycopg"),
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=patience,
            pool_pre_ping=True,
            connect_args={"connect_timeout": max(2, int(patience)), "options": options},
        )
        if durable:
            event.listen(engine, "connect", _wait_for_the_disk)
        return engine
    from .sqlite import prepare, refuse_network_folder

    name = url.database
    if name in (None, "", ":memory:"):
        engine = create_engine(url, poolclass=StaticPool, connect_args={"check_same_thread": False})
    else:
        path = Path(str(name).removeprefix("file:"))
        folder = path.resolve().parent
        if not folder.is_dir():
            raise ConfigurationError(f"there is no folder {folder} for the database {path.name}: make it first")
        refuse_network_folder(path)
        engine = create_engine(
            url, pool_size=pool_size, max_overflow=0, pool_timeout=patience, connect_args={"timeout": patience}
        )
    prepare(engine, patience=patience, durable=durable)
    return engine


def _wait_for_the_disk(connection: Any, _record: Any) -> None:
    """Have commits wait for the disk where the server would not; what waits for more, such as copies, does so still."""
    connection.execute(
        "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
    )
    connection.commit()


_HELP = "use sqlite:///path/to/file.db or postgresql://user:password@host/name"


def _without_password(text: str) -> str:
    scheme, found, rest = text.partition("://")
    return f"{scheme}://***@{rest.rpartition('@')[2]}" if found and "@" in rest else text
