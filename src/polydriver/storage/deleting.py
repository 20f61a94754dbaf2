"""Deleting, in pieces: each piece is a short transaction, so that writers never wait for long.

- `delete_user`: all that was said by and to a user, and the user's name wherever it stands; usage and costs stay.
- `prune`: what is older than the settings keep.
- `vacuum`: files that no message has, and the room that deleted rows leave.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, func, select, update

from ..config.storage import StorageConfig
from .answers import delete_answers, delete_expired
from .budget_rows import lock
from .database import Database
from .ids import id_at
from .owners import short_name
from .rolling import day_of, roll_up
from .tables import attempts, blobs, budgets, calls, conversations, corrections, messages, rolled_days, rollups

__all__ = ["Deletion", "delete_user", "prune", "vacuum"]

_PIECE = 500
_BLOBS = 50
_MARGIN = 120.0


class Deletion(msgspec.Struct, kw_only=True):
    """What was deleted: counts of rows. `anonymised`: rows of the ledger whose user is no longer told."""

    conversations: int = 0
    messages: int = 0
    files: int = 0
    answers: int = 0
    attempts: int = 0
    anonymised: int = 0


def delete_user(database: Database, user: str) -> Deletion:
    """Delete the conversations of a user, with their files, the answers that were kept for the user, and the name and
    `metadata` of the user's calls.

    Usage and costs stay, for nobody in particular. What is written meanwhile for the user may stay: do it once more
    when the user has gone. Raises `StorageError`; doing it again then goes on.
    """
    done = Deletion()
    user = short_name(user) or ""
    _delete_conversations(database, conversations.c.user == user, done)
    done.answers += delete_answers(database, user)
    for table in (attempts, calls, rollups):
        done.anonymised += _anonymise(database, table, user)
    with database.write() as connection:
        lock(connection)
        connection.execute(delete(budgets).where(budgets.c.scope == "user", budgets.c.subject == user))
    return done


def prune(
    database: Database, config: StorageConfig, now: datetime | None = None, *, pieces: int | None = None
) -> Deletion:
    """Delete what is older than `keep_conversations` and `keep_attempts` (days), at most so many pieces of it.

    The sums of attempts stay, so that reports stay the same, but those by conversation.
    """
    now = now or datetime.now(UTC)
    done = Deletion()
    if config.keep_conversations is not None:
        old = conversations.c.updated_at < now - timedelta(days=config.keep_conversations)
        _delete_conversations(database, old, done, pieces)
    if config.keep_attempts is not None:
        roll_up(database, now)
        _delete_attempts(database, day_of(now - timedelta(days=config.keep_attempts)), done, pieces)
    return done


def vacuum(database: Database, config: StorageConfig | None = None) -> Deletion:
    """Prune, delete the files that no message has, and give the room of deleted rows back to the disk.

    SQLite rewrites its file, for which nobody else may write meanwhile; PostgreSQL only notes what is free.
    """
    done = Deletion() if config is None else prune(database, config)
    with database.read() as connection:
        every = list(connection.execute(select(blobs.c.digest)).scalars())
    done.files += _delete_unused(database, every)
    done.answers += delete_expired(database)
    database.vacuum()
    return done


def _delete_conversations(database: Database, which: Any, done: Deletion, pieces: int | None = None) -> None:
    files: set[str] = set()
    count = 0
    while pieces is None or count < pieces:
        count += 1
        with database.write() as connection:
            id = connection.execute(select(conversations.c.id).where(which).limit(1)).scalar()
            if id is None:
                break
            of_it = select(messages.c.id, messages.c.content).where(messages.c.conversation_id == id).limit(_PIECE)
            rows = connection.execute(of_it).all()
            for row in rows:
                files.update(place[-1] for place in (row.content or {}).get("files", ()))
            connection.execute(delete(messages).where(messages.c.id.in_([row.id for row in rows])))
            done.messages += len(rows)
            if len(rows) < _PIECE:
                connection.execute(delete(conversations).where(conversations.c.id == id))
                done.conversations += 1
    if files:
        done.files += _delete_unused(database, files)


def _delete_unused(database: Database, names: Iterable[str]) -> int:
    """Delete the files of these names that no message has."""
    since = id_at(time.time() - _MARGIN)  # what others write meanwhile is looked at once more
    with database.read() as connection:
        unused = sorted(set(names) - _used(connection, ""))
    count = 0
    for place in range(0, len(unused), _BLOBS):
        with database.write() as connection:
            piece = sorted(set(unused[place : place + _BLOBS]) - _used(connection, since))
            gone = connection.execute(delete(blobs).where(blobs.c.digest.in_(piece))) if piece else None
            count += gone.rowcount if gone is not None else 0
    return count


def _used(connection: Connection, since: str) -> set[str]:
    """The files of the messages from an id on."""
    contents = select(messages.c.content).where(messages.c.id >= since, _is_filed())
    found = connection.execute(contents.execution_options(yield_per=_PIECE)).scalars()
    return {place[-1] for content in found for place in (content or {}).get("files", ())}


def _is_filed() -> Any:
    from sqlalchemy import Text, cast, literal

    return cast(messages.c.content, Text).like(literal('%"files"%', Text))


def _anonymise(database: Database, table: Any, user: str) -> int:
    """Take the user, and what else is told of a call, out of the rows of a table."""
    nothing = {"user": None} if table is rollups else {"user": None, "metadata": None}
    after, count = "", 0
    while True:
        with database.write() as connection:
            wanted = select(table.c.id).where(table.c.user == user, table.c.id > after).order_by(table.c.id)
            ids: Sequence[str] = connection.execute(wanted.limit(_PIECE)).scalars().all()
            if ids:
                connection.execute(update(table).where(table.c.id.in_(ids)).values(**nothing))
        count += len(ids)
        if len(ids) < _PIECE:
            return count
        after = ids[-1]


def _delete_attempts(database: Database, before: datetime, done: Deletion, pieces: int | None) -> None:
    """Delete the attempts of the days before one, as far as they are summed up."""
    with database.write() as connection:
        connection.execute(update(rolled_days).where(rolled_days.c.day < before).values(final=True))
    day = timedelta(days=1)
    with database.read() as connection:
        days = list(connection.execute(select(rolled_days.c.day).where(rolled_days.c.day < before)).scalars())
        first = connection.execute(select(func.min(attempts.c.started_at))).scalar()
    count = 0
    for begin in sorted(days):
        if first is None or begin + day <= first:
            continue
        for table in (attempts, calls):
            wanted = select(table.c.id).where(table.c.started_at >= begin, table.c.started_at < begin + day)
            ids: Sequence[str] = [""] * _PIECE
            while len(ids) == _PIECE and (pieces is None or count < pieces):
                count += 1
                with database.write() as connection:
                    ids = connection.execute(wanted.limit(_PIECE)).scalars().all()
                    if ids and table is attempts:
                        connection.execute(delete(corrections).where(corrections.c.attempt_id.in_(ids)))
                        done.attempts += len(ids)
                    if ids:
                        connection.execute(delete(table).where(table.c.id.in_(ids)))
