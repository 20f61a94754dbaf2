"""The rows of conversations: a tree of messages, whose present branch ends at the conversation's head.

A message is in one of these states:

- `pending`: it was sent, and its answer is not there yet: a call is under way, or was interrupted.
- `done`: it is part of the history. `result` is the same for one result of a tool.
- `partial`: what came of an answer whose stream was cut; `failed`: what was sent in a call that failed. Both stay in
  the tree, beside the history.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
from sqlalchemy import Connection, Table, bindparam, select, update
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite

from ..data.messages import AIMessage
from ..data.responses import AIResponse
from .contents import Packed, pack_message, searchable, unpack_message
from .ids import new_id
from .privacy import privacy_of
from .tables import blobs, conversations, messages

__all__ = ["Header", "NewMessage", "StoredMessage", "append", "mark", "move_head", "read_branch", "read_tree"]

# Statements are made once: to build one for each message costs more than to run it.
_FOUND = select(
    conversations.c.head_id,
    conversations.c.message_count,
    conversations.c.cost,
    conversations.c.input_tokens,
    conversations.c.output_tokens,
    select(messages.c.position).where(messages.c.id == conversations.c.head_id).scalar_subquery().label("position"),
)
_FIND = _FOUND.where(conversations.c.id == bindparam("which")).with_for_update()
_CHANGE = update(conversations).where(conversations.c.id == bindparam("which"))
_CHANGE_FROM = _CHANGE.where(conversations.c.head_id == bindparam("only_from"))
_MARK = update(messages).where(messages.c.id == bindparam("which"))
_PLACE = select(messages.c.parent_id, messages.c.position).where(messages.c.id == bindparam("which"))
_BLOB = select(blobs.c.digest).where(blobs.c.digest == bindparam("which"))
_BLOB_DATA = select(blobs.c.data, blobs.c.sealed).where(blobs.c.digest == bindparam("which"))
_MAKE: dict[str, dict[str, Any]] = {
    table.name: {
        kind: insert(table).on_conflict_do_nothing().execution_options(preserve_rowcount=True)
        for kind, insert in (("sqlite", insert_sqlite), ("postgresql", insert_postgresql))
    }
    for table in (conversations, messages, blobs)
}
_UPWARDS = select(messages.c.id, messages.c.parent_id).where(messages.c.id == bindparam("head"))
_CHAIN = _UPWARDS.cte("upwards", recursive=True)
_CHAIN = _CHAIN.union_all(select(messages.c.id, messages.c.parent_id).where(messages.c.id == _CHAIN.c.parent_id))
_STORED = select(
    *(
        messages.c[name]
        for name in (
            "id", "parent_id", "position", "role", "state", "content", "sealed", "provider", "model", "usage", "cost",
            "created_at",
        )
    )
)  # fmt: skip
_BRANCH = _STORED.join(_CHAIN, messages.c.id == _CHAIN.c.id).order_by(messages.c.position)
_TREE = _STORED.where(messages.c.conversation_id == bindparam("which")).order_by(messages.c.position, messages.c.id)


class Header(msgspec.Struct, kw_only=True):
    """What is stored of a conversation beside its messages."""

    id: str
    title: str | None = None
    provider: str | None = None
    model: str | None = None
    settings: dict[str, Any] = {}
    owner: dict[str, Any] = {}


class NewMessage(msgspec.Struct, kw_only=True):
    """A message to be stored, with what is known of the answer that it is."""

    packed: Packed
    role: str
    state: str
    search: str | None = None
    id: str = msgspec.field(default_factory=new_id)
    call_id: str | None = None
    provider: str | None = None
    model: str | None = None
    usage: dict[str, Any] | None = None
    tokens: tuple[int, int] = (0, 0)
    cost: Decimal | None = None
    metadata: dict[str, Any] | None = None

    @classmethod
    def of(cls, message: AIMessage, state: str, response: AIResponse | None = None) -> NewMessage:
        """The row of a message, or of the answer that `response` is. Raises `ValueError` for what JSON cannot carry."""
        new = cls(packed=pack_message(message), role=message.role, state=state, search=searchable(message) or None)
        if response is not None:
            usage, cost = response.usage, response.cost
            new.provider, new.model = response.provider, response.model or response.requested_model
            if usage is not None:
                fields = msgspec.structs.asdict(usage)
                new.usage = {name: value for name, value in fields.items() if value not in (None, False)}
                if not response.cached:  # they were counted when the answer was made
                    new.tokens = (usage.input_tokens or 0, usage.output_tokens or 0)
            new.cost = None if cost is None else cost.total
            new.metadata = {"finish_reason": response.finish_reason, "warnings": list(response.warnings)}
        return new


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


def append(
    connection: Connection, header: Header, new: Sequence[NewMessage], head: str | None, done: Sequence[str] = ()
) -> str | None:
    """Add messages one after the other below `head`, and mark those of the ids in `done` as part of the history.

    Where another writer has gone on from `head` meanwhile, they come after what that one has added. Adding them a
    second time changes nothing. Returns the id of the last one.
    """
    now = datetime.now(UTC)
    which = {"which": header.id}
    found = connection.execute(_FIND, which).first()
    told = _of_header(connection, header)
    if found is None:
        _make(connection, conversations, {**told, **_zero(), "created_at": now, "updated_at": now})
        found = connection.execute(_FIND, which).one()
    mark(connection, done, "done")
    parent = _parent(connection, found.head_id, head)
    position = found.position if parent is not None and parent == found.head_id else _position(connection, parent)
    privacy = privacy_of(connection)
    for message in new:
        _store_blobs(connection, message.packed.blobs, now)
        position += 1
        content, sealed = privacy.pack(message.id, message.packed.content)
        search = message.search if privacy.can_search else None
        row = {
            "id": message.id, "conversation_id": header.id, "parent_id": parent, "position": position,
            "role": message.role, "state": message.state, "content": content, "sealed": sealed, "search": search,
            "call_id": message.call_id, "provider": message.provider, "model": message.model, "usage": message.usage,
            "cost": message.cost, "metadata": message.metadata, "created_at": now,
        }  # fmt: skip
        if not _make(connection, messages, row):
            return new[-1].id  # they were added before, all of them
        if message.state != "partial":
            parent = message.id
    kept = [message for message in new if message.state != "partial"]
    del told["id"]
    sums = {
        "message_count": found.message_count + len(kept),
        "input_tokens": found.input_tokens + sum(message.tokens[0] for message in new),
        "output_tokens": found.output_tokens + sum(message.tokens[1] for message in new),
        "cost": (found.cost or Decimal(0)) + sum((message.cost or Decimal(0) for message in new), Decimal(0)),
    }
    connection.execute(_CHANGE, {**which, **told, **sums, "head_id": parent, "updated_at": now})
    return new[-1].id if new else parent


def mark(connection: Connection, ids: Iterable[str], state: str) -> None:
    """Put messages into another state."""
    for id in ids:
        connection.execute(_MARK, {"which": id, "state": state})


def move_head(connection: Connection, conversation_id: str, head: str | None, *, only_from: str | None = None) -> None:
    """Make another message the last one of the history; `only_from` says which one it must be so far."""
    values = {"which": conversation_id, "head_id": head, "updated_at": datetime.now(UTC)}
    if only_from is None:
        connection.execute(_CHANGE, values)
    else:
        connection.execute(_CHANGE_FROM, {**values, "only_from": only_from})


def read_branch(connection: Connection, head: str | None) -> list[StoredMessage]:
    """The messages from the first one to `head`."""
    if head is None:
        return []
    return _read(connection, connection.execute(_BRANCH, {"head": head}).all())


def read_tree(connection: Connection, conversation_id: str) -> list[StoredMessage]:
    """All messages of a conversation, those of other branches, cut answers and failed calls too."""
    return _read(connection, connection.execute(_TREE, {"which": conversation_id}).all())


def _read(connection: Connection, rows: Sequence[Any]) -> list[StoredMessage]:
    digests = {place[-1] for row in rows for place in (row.content or {}).get("files", ())}
    data = _read_blobs(connection, digests)
    privacy = privacy_of(connection)
    return [
        StoredMessage(
            id=id, parent_id=parent_id, position=position, state=state,
            message=_message(privacy.unpack(id, content, sealed), role, data),
            is_whole=sealed is not None or "message" in (content or {}),
            provider=provider, model=model, usage=usage, cost=cost, created_at=created_at,
        )
        for id, parent_id, position, role, state, content, sealed, provider, model, usage, cost, created_at in rows
    ]  # fmt: skip


def _message(content: dict[str, Any] | None, role: Any, data: Mapping[str, bytes]) -> AIMessage:
    return AIMessage("", role) if content is None else unpack_message(content, data)


def _read_blobs(connection: Connection, digests: Iterable[str]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    privacy = privacy_of(connection)
    for digest in digests:
        row = connection.execute(_BLOB_DATA, {"which": digest}).one()
        found[digest] = privacy.unpack_file(digest, bytes(row.data), sealed=row.sealed)
    return found


def _store_blobs(connection: Connection, new: Mapping[str, tuple[str | None, bytes]], now: datetime) -> None:
    privacy = privacy_of(connection)
    for digest, (media_type, data) in new.items() if privacy.stores else ():
        name = privacy.file_name(digest)
        if connection.execute(_BLOB, {"which": name}).first() is not None:
            continue
        stored, sealed = privacy.pack_file(name, data)
        row = {"digest": name, "media_type": media_type, "size": len(data), "data": stored, "created_at": now}
        _make(connection, blobs, {**row, "sealed": sealed or None})


def _make(connection: Connection, table: Table, row: dict[str, Any]) -> bool:
    """Insert a row, unless it is there already."""
    return bool(connection.execute(_MAKE[table.name][connection.dialect.name], row).rowcount)


def _of_header(connection: Connection, header: Header) -> dict[str, Any]:
    values = msgspec.structs.asdict(header)
    owner = values.pop("owner")
    return {**values, **owner, **privacy_of(connection).header(header.id, header.title, header.settings)}


def _zero() -> dict[str, Any]:
    return {"message_count": 0, "input_tokens": 0, "output_tokens": 0, "cost": Decimal(0)}


def _position(connection: Connection, parent: str | None) -> int:
    if parent is None:
        return -1
    return int(connection.execute(_PLACE, {"which": parent}).one().position)


def _parent(connection: Connection, head: str | None, own: str | None) -> str | None:
    """What a writer whose history ends at `own` goes on from: the head, where that lies on the same branch."""
    if head is None or head == own:
        return own
    if own is None:
        return head
    least = _position(connection, own)
    above: str | None = head
    while above is not None and above != own:
        row = connection.execute(_PLACE, {"which": above}).one()
        above = row.parent_id if row.position > least else None
    return head if above == own else own
