"""Reading the rows of conversations: the branch that a history is, and the whole tree."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, Integer, Text, bindparam, literal_column, select, type_coerce

from ..data.messages import AIMessage
from .columns import unpack_json
from .contents import read_contents, read_plain_content, with_files
from .prepared import Prepared
from .privacy import privacy_of
from .tables import blobs, messages

__all__ = ["HistoryMessage", "StoredMessage", "read_branch", "read_tree"]

_CONTENT = type_coerce(messages.c.content, Text).label("content")
_BARE = (messages.c.id, messages.c.parent_id, messages.c.state, messages.c.role, _CONTENT, messages.c.sealed)
_UPWARDS = select(*_BARE).where(messages.c.id == bindparam("head")).cte("upwards", recursive=True)
_UPWARDS = _UPWARDS.union_all(select(*_BARE).where(messages.c.id == _UPWARDS.c.parent_id))
_BRANCH = Prepared(select(*(_UPWARDS.c[name] for name in ("id", "state", "role", "content", "sealed"))))
_PLACE = Prepared(select(messages.c.conversation_id, messages.c.position).where(messages.c.id == bindparam("which")))
_DOWN_TO = Prepared(
    select(messages.c.id, messages.c.state, messages.c.role, _CONTENT, messages.c.sealed, messages.c.parent_id)
    .where(messages.c.conversation_id == bindparam("which"), messages.c.position <= bindparam("last"))
    .order_by(messages.c.position.desc())
    .limit(bindparam("most", type_=Integer))
    .offset(literal_column("0", Integer))
)
_FEW = 50
_TREE = Prepared(
    select(
        messages.c.id, messages.c.state, messages.c.role, _CONTENT, messages.c.sealed, messages.c.parent_id,
        messages.c.position, messages.c.provider, messages.c.model, messages.c.usage, messages.c.cost,
        messages.c.created_at,
    )
    .where(messages.c.conversation_id == bindparam("which"))
    .order_by(messages.c.position, messages.c.id)
)  # fmt: skip
_BLOB_DATA = Prepared(select(blobs.c.data, blobs.c.sealed).where(blobs.c.digest == bindparam("which")))


class HistoryMessage(NamedTuple):
    """A message of a branch. `message` has its role alone where its content was not stored."""

    id: str
    state: str
    message: AIMessage
    is_whole: bool


class StoredMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message of a conversation, with its place in the tree. Times are in UTC.

    `is_whole` is false where its content was not stored: `message` has its role alone then.
    """

    id: str
    parent_id: str | None
    position: int
    state: str
    message: AIMessage
    provider: str | None = None
    model: str | None = None
    usage: dict[str, Any] | None = None
    cost: Decimal | None = None
    created_at: datetime
    is_whole: bool = True


def read_branch(connection: Connection, head: str | None) -> list[HistoryMessage]:
    """The messages from the first one to `head`."""
    if head is None:
        return []
    rows = _along(connection, head) or _BRANCH.all(connection, {"head": head})
    rows.reverse()
    return _read(connection, rows)


def _along(connection: Connection, head: str) -> list[tuple[Any, ...]]:
    """The rows of a branch from its end to its beginning, read from the index of the conversation: that takes a third
    of the time that it takes to look for each of them. Empty where other branches have more messages than this one."""
    place = _PLACE.first(connection, {"which": head})
    if place is None:
        return []
    conversation, last = place
    most = 2 * (last + 1) + _FEW
    wanted: str | None = head
    rows: list[tuple[Any, ...]] = []
    for row in _DOWN_TO.all(connection, {"which": conversation, "last": last, "most": most}):
        if row[0] == wanted:
            rows.append(row[:5])
            wanted = row[5]
    return rows if wanted is None else []


def read_tree(connection: Connection, conversation_id: str) -> list[StoredMessage]:
    """All messages of a conversation, those of other branches, cut answers and failed calls too."""
    rows = _TREE.all(connection, {"which": conversation_id})
    return [
        StoredMessage(
            id=read.id, state=read.state, message=read.message, is_whole=read.is_whole, parent_id=parent_id,
            position=position, provider=provider, model=model, usage=usage, cost=cost, created_at=created_at,
        )
        for read, (parent_id, position, provider, model, usage, cost, created_at) in zip(
            _read(connection, [row[:5] for row in rows]), [row[5:] for row in rows], strict=True
        )
    ]  # fmt: skip


def _read(connection: Connection, rows: Sequence[Sequence[Any]]) -> list[HistoryMessage]:
    found: list[HistoryMessage] = []
    privacy = privacy_of(connection)
    data: dict[str, bytes] = {}
    contents = read_contents([row[3] for row in rows])
    for (id, state, role, text, sealed), (message, files) in zip(rows, contents, strict=True):
        if sealed is not None:
            message, files = read_plain_content(privacy.unpack(id, unpack_json(text) if text else {}, sealed))
        if message is not None and files:
            _read_blobs(connection, {place[-1] for place in files} - data.keys(), data)
            message = with_files(message, files, data)
        found.append(HistoryMessage(id, state, message or AIMessage("", role), message is not None))
    return found


def _read_blobs(connection: Connection, digests: Iterable[str], data: dict[str, bytes]) -> None:
    privacy = privacy_of(connection)
    for digest in digests:
        row = _BLOB_DATA.first(connection, {"which": digest})
        assert row is not None
        data[digest] = privacy.unpack_file(digest, bytes(row[0]), sealed=row[1])
