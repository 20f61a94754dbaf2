"""Answers in the database: the store of the response cache that processes on one machine, or on many, have in common.

They go through the writer, so that a call waits no longer for them than its settings say. Where the database fails, or
is too slow, it is left alone for a moment, and the provider is asked.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TypeVar

from sqlalchemy import Connection, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite

from ..config import CacheConfig
from ..engine.policies import Either
from ..engine.waiting import now
from ..errors import AIError, ConfigurationError, StorageError
from ..logger import logger
from .database import Database
from .privacy import Privacy, privacy_of
from .tables import answers
from .writer import Work, Writer

__all__ = ["StoredAnswers", "delete_answers", "delete_expired", "refuse_content"]

T = TypeVar("T")

_log = logger()
_REST_SECONDS = 2.0
_USED_SECONDS = 60.0
_PIECE = 100
_NAME = 255


class StoredAnswers:
    """A `CacheStore` in a database. What was not used for longest goes when all together are larger than `max_bytes`
    of the settings, give or take a tenth."""

    def __init__(self, writer: Writer, config: CacheConfig) -> None:
        self._writer = writer
        self._timeout = config.timeout
        self._max_bytes = config.max_bytes
        self._added = config.max_bytes  # others may have filled it
        self._rests_until = 0.0

    async def get(self, key: str, port: Either) -> bytes | None:
        """See `CacheStore.get`."""
        return await self._do(Work(partial(_read, key=key), f"answer {key}"), port)

    async def put(self, key: str, data: bytes, ttl: float, owner: str | None, port: Either) -> None:
        """See `CacheStore.put`."""
        self._added += len(data)
        trims = self._added >= self._max_bytes // 10
        if trims:
            self._added = 0
        most = self._max_bytes if trims else None
        act = partial(_write, key=key, data=data, ttl=ttl, user=owner, most=most)
        await self._do(Work(act, f"answer {key}"), port)

    async def drop(self, keys: Sequence[str], port: Either) -> None:
        """See `CacheStore.drop`."""
        for key in keys:
            await self._do(Work(partial(_delete, key=key), f"answer {key}"), port)

    def close(self) -> None:
        """See `CacheStore.close`: the database is closed by its storage."""

    async def _do(self, work: Work[T], port: Either) -> T | None:
        """Do some work, unless the database fails or is too slow."""
        if self._writer.failure is not None or now() < self._rests_until:
            return None
        writer, seconds = self._writer, self._timeout
        try:
            return await port.either(lambda: writer.do_blocking(work, seconds), lambda: writer.do_async(work, seconds))
        except AIError as error:
            _log.warning("cache: %s; for %g s it is done without the database", error.message, _REST_SECONDS)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with what is kept, the provider is asked
            _log.warning("cache: the database could not be used: %s: %s", type(error).__name__, error)
        self._rests_until = now() + _REST_SECONDS
        return None


def refuse_content(privacy: Privacy) -> None:
    """Raise `ConfigurationError` where what is said may not be stored as it is."""
    if not privacy.stores or privacy.redact is not None:
        raise ConfigurationError(
            "cache.store is 'database', where storage.content or storage.redact forbid to store answers as they are: "
            "use the cache in memory or in Redis"
        )


def delete_expired(database: Database) -> int:
    """Delete the answers whose time is over; returns how many there were."""
    with database.write() as connection:
        return _drop_expired(connection)


def delete_answers(database: Database, user: str | None = None) -> int:
    """Delete all answers, or those that were given to a user; returns how many there were."""
    wanted = delete(answers) if user is None else delete(answers).where(answers.c.user == user[:_NAME])
    with database.write() as connection:
        return int(connection.execute(wanted).rowcount)


def _now() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC)


def _read(connection: Connection, *, key: str) -> bytes | None:
    moment = _now()
    row = connection.execute(select(answers).where(answers.c.key == key, answers.c.expires_at > moment)).first()
    if row is None:
        return None
    if row.used_at < moment - timedelta(seconds=_USED_SECONDS):
        connection.execute(update(answers).where(answers.c.key == key).values(used_at=moment))
    data = bytes(row.data)
    if not row.sealed:
        return data
    vault = privacy_of(connection).vault
    try:
        return None if vault is None else vault.open(data, _place(key))
    except StorageError:  # its key is gone: it is asked for anew
        return None


def _write(connection: Connection, *, key: str, data: bytes, ttl: float, user: str | None, most: int | None) -> None:
    moment, vault = _now(), privacy_of(connection).vault
    kept = data if vault is None else vault.seal(data, _place(key))
    values = {
        "user": None if user is None else user[:_NAME],
        "size": len(kept),
        "data": kept,
        "sealed": vault is not None,
        "expires_at": moment + timedelta(seconds=ttl),
        "used_at": moment,
    }
    insert = insert_sqlite if connection.dialect.name == "sqlite" else insert_postgresql
    added = insert(answers).values(key=key, **values)
    connection.execute(added.on_conflict_do_update(index_elements=[answers.c.key], set_=values))
    if most is not None:
        _drop_expired(connection)
        _trim(connection, most)


def _drop_expired(connection: Connection) -> int:
    expired = select(answers.c.key).where(answers.c.expires_at <= _now()).with_for_update(skip_locked=True)
    keys = connection.execute(expired).scalars().all()
    for place in range(0, len(keys), _PIECE):
        connection.execute(delete(answers).where(answers.c.key.in_(keys[place : place + _PIECE])))
    return len(keys)


def _delete(connection: Connection, *, key: str) -> None:
    connection.execute(delete(answers).where(answers.c.key == key))


def _trim(connection: Connection, most: int) -> None:
    """Delete what was not used for longest, until the rest is small enough."""
    size = int(connection.execute(select(func.coalesce(func.sum(answers.c.size), 0))).scalar_one())
    while size > most:
        oldest = select(answers.c.key, answers.c.size).order_by(answers.c.used_at, answers.c.key).limit(_PIECE)
        oldest = oldest.with_for_update(skip_locked=True)  # others may write, or trim as well
        gone: list[str] = []
        for row in connection.execute(oldest).all():
            if size > most:
                gone.append(row.key)
                size -= row.size
        if not gone:
            return
        connection.execute(delete(answers).where(answers.c.key.in_(gone)))


def _place(key: str) -> str:
    return f"answer:{key}"
