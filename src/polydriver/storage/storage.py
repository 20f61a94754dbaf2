"""`Storage`: what a manager keeps, and how; made from the settings' table `storage`."""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import threading
import weakref
from collections.abc import Sequence
from datetime import date
from types import FrameType
from typing import Literal

from ..config.budgets import BudgetConfig
from ..config.storage import StorageConfig
from ..engine.caching.cache import cache_of
from ..engine.connection import Connection
from ..engine.reading import abandon_all
from ..errors import StorageError
from ..logger import logger
from .answers import StoredAnswers, delete_expired, refuse_content
from .budgets import Budgets
from .costs import CostRow, read_costs
from .database import Database
from .deleting import Deletion, delete_user, prune, vacuum
from .ledger import Ledger
from .models import StoredModels
from .privacy import make_privacy
from .resealing import Resealed, reseal
from .sweeping import sweep
from .upgrading import require_current
from .writer import Writer

__all__ = ["Storage"]

_log = logger()
_SWEEP_SECONDS = 60.0
_FLUSH_SECONDS = 5.0
_PRUNE_SECONDS, _PRUNED_PIECES = 600.0, 20


class Storage:
    """A database with a writer, and the ledger, the budgets and the models that use it.

    ::

        storage = Storage("sqlite:///ai.db")
        storage.attach(provider)
    """

    def __init__(self, config: StorageConfig | str, budgets: Sequence[BudgetConfig] = ()) -> None:
        """Raises `ConfigurationError` for an address that cannot work, and where tables are absent and are not to be
        made; `StorageError` when the database fails, unless `on_failure` allows that for a while."""
        self.config = StorageConfig(url=config) if isinstance(config, str) else config
        config = self.config
        assert config.url is not None
        durable = config.ledger == "durable"
        self.database = Database(config.url, patience=config.patience, durable=durable)
        self.privacy = self.database.privacy = make_privacy(config)
        self.writer = Writer(self.database, window=config.window, capacity=config.capacity)
        try:
            self._prepare()
        except StorageError as error:
            if config.on_failure == "refuse" or not error.retryable:
                raise
            _log.warning("%s; rows are kept for later", error.message)
            self.writer.prepare = self._prepare
        self.ledger: Ledger | None = None
        if config.ledger != "off":
            mode: Literal["durable", "write-behind"] = config.ledger
            self.ledger = Ledger(
                self.database, self.writer, mode=mode, patience=config.patience, on_failure=config.on_failure
            )
            self.writer.every(_SWEEP_SECONDS, lambda: _sweep(self.database))
        self.models = StoredModels(self.database, self._prepare_late)
        self.budgets = Budgets(self.database, self.writer, budgets, config) if budgets else None
        if config.keep_attempts is not None or config.keep_conversations is not None:
            self.writer.every(_PRUNE_SECONDS, self._prune)
        self._keeps_answers = False
        _open.add(self)
        _watch_for_the_end()

    def _prepare(self) -> None:
        require_current(self.database, upgrades=self.config.upgrade)

    def _prune(self) -> None:
        prune(self.database, self.config, pieces=_PRUNED_PIECES)

    def _delete_expired(self) -> None:
        delete_expired(self.database)

    def _prepare_late(self) -> None:
        """Make the tables, where the database failed when it was opened."""
        if self.writer.prepare is not None:
            self._prepare()

    def attach(self, connection: Connection) -> None:
        """Have the calls of a connection keep to the budgets and stand in the ledger, and its models be kept here, and
        its answers where its cache is the database.

        Raises `ConfigurationError` where the settings of the storage forbid to keep answers.
        """
        connection.model_store = self.models
        connection.hit_ledger = self.ledger
        if connection.config.cache.store == "database":
            refuse_content(self.privacy)
            cache_of(connection, StoredAnswers(self.writer, connection.config.cache))
            if not self._keeps_answers:
                self._keeps_answers = True
                self.writer.every(_SWEEP_SECONDS, self._delete_expired)
        for gate in (self.budgets, self.ledger):  # what a budget refuses needs no row
            if gate is not None and gate not in connection.gates:
                connection.gates = (*connection.gates, gate)

    def costs(
        self,
        *by: str,
        since: date | None = None,
        until: date | None = None,
        time_zone: str = "UTC",
        **only: str,
    ) -> list[CostRow]:
        """What was spent, from `since` to `until`, both included: `costs("day", "model", user="ann")`.

        What was handed in is written before. See `read_costs`; it waits for the database, so that async callers run it
        by `asyncio.to_thread`.
        """
        self.flush()
        return read_costs(self.database, by, since=since, until=until, time_zone=time_zone, only=only)

    def delete_user(self, user: str) -> Deletion:
        """Delete all that was said by and to a user, and the user's name in the ledger; usage and costs stay.

        See `deleting.delete_user`; async callers run it by `asyncio.to_thread`.
        """
        self.flush()
        return delete_user(self.database, user)

    def vacuum(self) -> Deletion:
        """Delete what is older than the settings keep, and give its room back; see `deleting.vacuum`."""
        self.flush()
        return vacuum(self.database, self.config)

    def reseal(self) -> Resealed:
        """Encrypt with the first key what is not; see `resealing.reseal`."""
        self.flush()
        return reseal(self.database)

    def flush(self, seconds: float = _FLUSH_SECONDS) -> bool:
        """Wait until all that was handed in is written. Returns whether it is."""
        return self.writer.flush(seconds)

    def rest(self) -> None:
        """Write what is left, and leave no thread and no connection; one in memory stays, or it would be gone."""
        self.writer.close(_FLUSH_SECONDS)
        if not self.database.in_memory:
            self.database.close()

    def close(self) -> None:
        """Write what is left and close the database."""
        self.writer.close(_FLUSH_SECONDS)
        self.database.close()
        _open.discard(self)


def _sweep(database: Database) -> None:
    sweep(database)


_open: weakref.WeakSet[Storage] = weakref.WeakSet()
_is_watching = False


def _watch_for_the_end() -> None:
    """Write what is left at exit, and at SIGTERM where nobody else handles it."""
    global _is_watching
    if _is_watching:
        return
    _is_watching = True
    atexit.register(_at_exit)
    with contextlib.suppress(ValueError):  # only the main thread may
        if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            signal.signal(signal.SIGTERM, _on_termination)


def _at_exit() -> None:
    """Write what is left, the ends of the streams that are open still among it."""
    abandon_all()
    _flush_all()


def _flush_all() -> None:
    for storage in list(_open):
        storage.flush()


def _on_termination(number: int, _frame: FrameType | None) -> None:
    """End as the signal does by default, once all is written: in a thread, for this one may hold a lock."""

    signal.signal(number, signal.SIG_DFL)
    for storage in list(_open):
        storage.writer.is_ending = True

    def finish() -> None:
        _flush_all()
        os.kill(os.getpid(), number)

    threading.Thread(target=finish, name="polydriver-farewell").start()
