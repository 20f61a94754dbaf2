"""Encrypting anew what is stored in the clear, or with an older key, in pieces."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, select, update

from ..errors import ConfigurationError
from .database import Database
from .privacy import Privacy
from .tables import answers, blobs, conversations, messages
from .vault import Vault

__all__ = ["Resealed", "reseal"]

_PIECE = 200
_FILES = 10


class Resealed(msgspec.Struct, kw_only=True):
    """How many rows of each kind were encrypted with the first key; `answers` of the cache are deleted instead."""

    conversations: int = 0
    messages: int = 0
    files: int = 0
    answers: int = 0


def reseal(database: Database) -> Resealed:
    """Encrypt with the first key all that is not yet. Others may go on working; an older key can go once it is done.

    Raises `ConfigurationError` where the settings have no key, and `StorageError` for what no key opens.
    """
    privacy = database.privacy
    if privacy.vault is None:
        raise ConfigurationError("there is no key to encrypt with: give storage.encryption_keys")
    done = Resealed()
    for connection, row in _each(database, messages, messages.c.id, _PIECE):
        if _needs(privacy.vault, row) and (content := privacy.unpack(row["id"], row["content"], row["sealed"])):
            _reseal_message(connection, privacy, row["id"], content)
            done.messages += 1
    for connection, row in _each(database, conversations, conversations.c.id, _PIECE):
        if not privacy.vault.is_current(row["sealed"]):
            title, settings = row["title"], row["settings"]
            if row["sealed"] is not None:
                title, settings = privacy.open_header(row["id"], row["sealed"])
            sealed = privacy.seal_header(row["id"], title, settings)
            connection.execute(update(conversations).where(conversations.c.id == row["id"]).values(**sealed))
            done.conversations += 1
    for connection, row in _each(database, blobs, blobs.c.digest, _FILES):
        if not (row["sealed"] and privacy.vault.is_current(row["data"])):
            opened = privacy.unpack_file(row["digest"], bytes(row["data"]), sealed=row["sealed"])
            data, is_sealed = privacy.pack_file(row["digest"], opened)
            changed = update(blobs).where(blobs.c.digest == row["digest"])
            connection.execute(changed.values(data=data, sealed=is_sealed))
            done.files += 1
    for connection, row in _each(database, answers, answers.c.key, _FILES):
        if not (row["sealed"] and privacy.vault.is_current(row["data"])):
            connection.execute(delete(answers).where(answers.c.key == row["key"]))  # it is asked for anew
            done.answers += 1
    return done


def _needs(vault: Vault, row: Any) -> bool:
    return "message" in (row["content"] or {}) or (row["sealed"] is not None and not vault.is_current(row["sealed"]))


def _reseal_message(connection: Connection, privacy: Privacy, id: str, content: dict[str, Any]) -> None:
    plain, sealed = privacy.seal_message(id, content)
    changed = update(messages).where(messages.c.id == id)
    connection.execute(changed.values(content=plain, sealed=sealed, search=None))


def _each(database: Database, table: Any, key: Any, piece: int) -> Iterator[tuple[Connection, Any]]:
    """The rows of a table, in pieces, each with the connection of its piece's transaction."""
    after = ""
    while True:
        with database.write() as connection:
            wanted = select(table).where(key > after).order_by(key).limit(piece).with_for_update()
            rows = connection.execute(wanted).mappings().all()
            for row in rows:
                yield connection, row
        if len(rows) < piece:
            return
        after = rows[-1][key.name]
