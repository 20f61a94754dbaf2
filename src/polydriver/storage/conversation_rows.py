"""The rows of conversations: a tree of messages, whose present branch ends at the conversation's head.

A message is in one of these states:

- `pending`: it was sent, and its answer is not there yet: a call is under way, or was interrupted.
- `done`: it is part of the history. `result` is the same for one result of a tool.
- `partial`: what came of an answer whose stream was cut; `failed`: what was sent in a call that failed. Both stay in
  the tree, beside the history.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, func, literal_column, select, update

from ..data.messages import AIMessage
from ..data.responses import AIResponse
from .contents import Packed, pack_message, searchable
from .ids import new_id
from .prepared import Prepared, inserting
from .privacy import privacy_of
from .tables import blobs, conversations, messages

__all__ = ["Header", "NewMessage", "append", "mark", "move_head"]

_ABOVE = messages.alias("above")
_DEPTH = select(_ABOVE.c.position).where(_ABOVE.c.id == bindparam("parent_id")).scalar_subquery()
_TOLD = (
    "title", "search", "provider", "model", "settings", "sealed", "project", "key", "user", "tags", "metadata",
)  # fmt: skip
_SUMS = ("message_count", "input_tokens", "output_tokens", "cost")
_MESSAGE = (
    "id", "conversation_id", "parent_id", "role", "state", "content", "sealed", "search", "call_id", "provider",
    "model", "usage", "cost", "metadata", "created_at",
)  # fmt: skip
_MAKE_HEADER = inserting(conversations, ("id", *_TOLD, *_SUMS, "created_at", "updated_at"))
_MAKE_MESSAGE = inserting(messages, _MESSAGE, position=func.coalesce(_DEPTH + literal_column("1"), literal_column("0")))
_MAKE_BLOB = inserting(blobs, ("digest", "media_type", "size", "data", "sealed", "created_at"))
_BLOB = Prepared(select(blobs.c.digest).where(blobs.c.digest == bindparam("which")))
_PLACE = Prepared(select(messages.c.parent_id, messages.c.position).where(messages.c.id == bindparam("which")))
_MARK = Prepared(update(messages).where(messages.c.id == bindparam("which")).values(state=bindparam("state")))
_HEAD = Prepared(select(conversations.c.head_id).where(conversations.c.id == bindparam("which")).with_for_update())
_OF = update(conversations).where(conversations.c.id == bindparam("which"))
_IS_HEAD = conversations.c.head_id.is_not_distinct_from(bindparam("own_head"))
_IS_NEW = ~select(messages.c.id).where(messages.c.id == bindparam("first_id")).exists()
_MOVED: dict[str, Any] = {"head_id": bindparam("new_head"), "updated_at": bindparam("now")}
_ADDED: dict[str, Any] = {name: conversations.c[name] + bindparam(f"more_{name}") for name in _SUMS}
_TELL = Prepared(_OF.values({name: bindparam(f"new_{name}") for name in _TOLD}))
_ADVANCE = Prepared(_OF.values({**_MOVED, **_ADDED}))
_ADVANCE_FROM = Prepared(_OF.where(_IS_HEAD, _IS_NEW).values({**_MOVED, **_ADDED}))
_MOVE = Prepared(_OF.values(_MOVED))
_MOVE_FROM = Prepared(_OF.where(_IS_HEAD).values(_MOVED))
_NOTHING = {"message_count": 0, "input_tokens": 0, "output_tokens": 0, "cost": Decimal(0)}


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


def append(
    connection: Connection,
    header: Header,
    new: Sequence[NewMessage],
    head: str | None,
    done: Sequence[str] = (),
    *,
    tells: bool = True,
) -> None:
    """Add messages one after the other below `head`, and mark those of the ids in `done` as part of the history.

    Where another writer has gone on from `head` meanwhile, they come after what that one has added. Adding them a
    second time changes nothing. `tells`: whether the header says something new.
    """
    now = datetime.now(UTC)
    last = next((message.id for message in reversed(new) if message.state != "partial"), None)
    change = {"which": header.id, "new_head": last or head, "now": now, **_more(new)}
    if new and _ADVANCE_FROM.run(connection, {**change, "own_head": head, "first_id": new[0].id}):
        mark(connection, done, "done")
        for parent, message in _with_parents(new, head):
            _add(connection, header.id, message, parent, now)
        if tells:
            _tell(connection, header)
        return
    found = _HEAD.first(connection, change)
    if found is None:
        _MAKE_HEADER.run(connection, {**_told(connection, header), **_NOTHING, "created_at": now, "updated_at": now})
        found = _HEAD.first(connection, change)
        assert found is not None
    mark(connection, done, "done")
    head = _parent(connection, found[0], head)
    for parent, message in _with_parents(new, head):
        if not _add(connection, header.id, message, parent, now):
            return  # they were added before, all of them
    _ADVANCE.run(connection, {**change, "new_head": last or head})
    _tell(connection, header)


def mark(connection: Connection, ids: Iterable[str], state: str) -> None:
    """Put messages into another state."""
    for id in ids:
        _MARK.run(connection, {"which": id, "state": state})


def move_head(connection: Connection, conversation_id: str, head: str | None, *, only_from: str | None = None) -> None:
    """Make another message the last one of the history; `only_from` says which one it must be so far."""
    values = {"which": conversation_id, "new_head": head, "now": datetime.now(UTC)}
    if only_from is None:
        _MOVE.run(connection, values)
    else:
        _MOVE_FROM.run(connection, {**values, "own_head": only_from})


def _with_parents(new: Sequence[NewMessage], head: str | None) -> Iterator[tuple[str | None, NewMessage]]:
    for message in new:
        yield head, message
        if message.state != "partial":
            head = message.id


def _add(connection: Connection, conversation_id: str, message: NewMessage, parent: str | None, now: datetime) -> int:
    """Insert a message; returns 0 where it is there already."""
    privacy = privacy_of(connection)
    _store_blobs(connection, message.packed.blobs, now)
    content, sealed = privacy.pack(message.id, message.packed.content)
    search = message.search if privacy.can_search else None
    row = {
        "id": message.id, "conversation_id": conversation_id, "parent_id": parent, "role": message.role,
        "state": message.state, "content": content, "sealed": sealed, "search": search, "call_id": message.call_id,
        "provider": message.provider, "model": message.model, "usage": message.usage, "cost": message.cost,
        "metadata": message.metadata, "created_at": now,
    }  # fmt: skip
    return _MAKE_MESSAGE.run(connection, row)


def _more(new: Sequence[NewMessage]) -> dict[str, Any]:
    """What messages add to the sums of their conversation."""
    return {
        "more_message_count": sum(message.state != "partial" for message in new),
        "more_input_tokens": sum(message.tokens[0] for message in new),
        "more_output_tokens": sum(message.tokens[1] for message in new),
        "more_cost": sum((message.cost for message in new if message.cost is not None), Decimal(0)),
    }


def _store_blobs(connection: Connection, new: Mapping[str, tuple[str | None, bytes]], now: datetime) -> None:
    privacy = privacy_of(connection)
    for digest, (media_type, data) in new.items() if privacy.stores else ():
        name = privacy.file_name(digest)
        if _BLOB.first(connection, {"which": name}) is not None:
            continue
        stored, sealed = privacy.pack_file(name, data)
        row = {"digest": name, "media_type": media_type, "size": len(data), "data": stored, "created_at": now}
        _MAKE_BLOB.run(connection, {**row, "sealed": sealed or None})


def _tell(connection: Connection, header: Header) -> None:
    told = _told(connection, header)
    _TELL.run(connection, {"which": header.id, **{f"new_{name}": told[name] for name in _TOLD}})


def _told(connection: Connection, header: Header) -> dict[str, Any]:
    values = dict.fromkeys(_TOLD) | header.owner
    values |= privacy_of(connection).header(header.id, header.title, header.settings)
    return {**values, "id": header.id, "provider": header.provider, "model": header.model}


def _position(connection: Connection, id: str | None) -> int:
    row = _PLACE.first(connection, {"which": id})
    return -1 if row is None else int(row[1])


def _parent(connection: Connection, head: str | None, own: str | None) -> str | None:
    """What a writer whose history ends at `own` goes on from: the head, where that lies on the same branch."""
    if head is None or head == own:
        return own
    if own is None:
        return head
    least = _position(connection, own)
    above: str | None = head
    while above is not None and above != own:
        row = _PLACE.first(connection, {"which": above})
        above = row[0] if row is not None and row[1] > least else None
    return head if above == own else own
