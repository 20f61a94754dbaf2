"""Conversations as a list: found by who they were with and by what was said."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
from sqlalchemy import Connection, and_, bindparam, delete, or_, select

from ..errors import ConfigurationError
from .columns import pack_json, pack_text
from .conversation_rows import move_head
from .owners import short_name
from .prepared import Prepared
from .privacy import Privacy, privacy_of
from .tables import blobs, conversations, messages

__all__ = ["ConversationRecord", "delete_conversation", "list_conversations", "read_record", "switch"]

_ESCAPE = "\\"


class ConversationRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a stored conversation. Times are in UTC; tokens and cost are sums over all its answers, cut ones
    and those of other branches included."""

    id: str
    title: str | None
    provider: str | None
    model: str | None
    settings: dict[str, Any] | None
    head_id: str | None
    message_count: int
    input_tokens: int
    output_tokens: int
    cost: Decimal
    created_at: datetime
    updated_at: datetime
    project: str | None
    key: str | None
    user: str | None
    tags: list[str] | None
    metadata: dict[str, Any] | None


_COLUMNS = (*ConversationRecord.__struct_fields__, "sealed")
_RECORD = Prepared(
    select(*(conversations.c[name] for name in _COLUMNS)).where(conversations.c.id == bindparam("which"))
)


def list_conversations(
    connection: Connection,
    *,
    words: str | None = None,
    user: str | None = None,
    project: str | None = None,
    tag: str | None = None,
    limit: int = 50,
    before: str | None = None,
) -> list[ConversationRecord]:
    """The conversations that fit, the one that was last changed first."""
    table = conversations
    wanted = select(table).order_by(table.c.updated_at.desc(), table.c.id.desc()).limit(limit)
    if user is not None:
        wanted = wanted.where(table.c.user == short_name(user))
    if project is not None:
        wanted = wanted.where(table.c.project == short_name(project))
    if tag is not None:
        wanted = wanted.where(_contains(table.c.tags, pack_json(short_name(tag))))
    privacy = privacy_of(connection)
    if words is not None:
        privacy.check_search()
    for word in (words or "").casefold().split():
        # each word in any message, not all of them in one
        said = select(messages.c.id).where(messages.c.conversation_id == table.c.id, _contains(messages.c.search, word))
        wanted = wanted.where(or_(said.exists(), _contains(table.c.search, word)))
    if before is not None:
        last = read_record(connection, before.removeprefix("conv_"))
        if last is not None:
            at = table.c.updated_at
            later = or_(at < last.updated_at, and_(at == last.updated_at, table.c.id < last.id))
            wanted = wanted.where(later)
    return [_record(row, privacy) for row in connection.execute(wanted).mappings()]


def read_record(connection: Connection, id: str) -> ConversationRecord | None:
    """One conversation, if there is one."""
    row = _RECORD.first(connection, {"which": id})
    return None if row is None else _record(dict(zip(_COLUMNS, row, strict=True)), privacy_of(connection))


def delete_conversation(connection: Connection, id: str) -> bool:
    """Delete a conversation with its messages, and the files that no other message has."""
    contents = connection.execute(select(messages.c.content).where(messages.c.conversation_id == id)).scalars()
    digests = {place[-1] for content in contents for place in (content or {}).get("files", ())}
    gone = connection.execute(delete(conversations).where(conversations.c.id == id))
    for digest in digests:
        used = select(messages.c.id).where(_contains(messages.c.content, digest)).limit(1)
        if connection.execute(used).first() is None:
            connection.execute(delete(blobs).where(blobs.c.digest == digest))
    return bool(gone.rowcount)


def switch(connection: Connection, id: str, message_id: str) -> None:
    """Make a message the last one of the history. Raises `ConfigurationError` for one that is not there."""
    found = select(messages.c.state).where(messages.c.id == message_id, messages.c.conversation_id == id)
    state = connection.execute(found).scalar()
    if state is None:
        raise ConfigurationError(f"the conversation has no message {message_id!r}")
    if state == "failed":
        raise ConfigurationError(f"the message {message_id!r} is of a call that failed: it has no answer to go on from")
    move_head(connection, id, message_id)


def _contains(column: Any, text: str) -> Any:
    escaped = pack_text(text)
    for sign in (_ESCAPE, "%", "_"):
        escaped = escaped.replace(sign, _ESCAPE + sign)
    from sqlalchemy import Text, cast, literal

    return cast(column, Text).like(literal(f"%{escaped}%", Text), escape=_ESCAPE)


def _record(row: Any, privacy: Privacy) -> ConversationRecord:
    values = {name: row[name] for name in ConversationRecord.__struct_fields__}
    values["cost"] = row["cost"] or Decimal(0)
    if row["sealed"] is not None:
        values["title"], values["settings"] = privacy.open_header(row["id"], row["sealed"])
    return ConversationRecord(**values)
