"""Conversations as text: written for people and other programs, and read again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..data.messages import AIMessage
from ..data.plain_messages import dump_messages
from ..errors import ConfigurationError

if TYPE_CHECKING:
    from ..storage.conversation_list import ConversationRecord

__all__ = ["read_export", "write_export"]

_FORMAT = "polydriver.conversation.v1"


def write_export(record: ConversationRecord, history: Sequence[AIMessage], form: str) -> str:
    """A conversation as `json`, `jsonl` or `markdown`. Raises `ConfigurationError` for another form."""
    if form == "markdown":
        return _markdown(record, history)
    head = {
        "format": _FORMAT, "title": record.title, "provider": record.provider, "model": record.model,
        "settings": record.settings, "metadata": record.metadata, "user": record.user, "project": record.project,
        "key": record.key, "tags": record.tags,
    }  # fmt: skip
    plain: Sequence[Any] = dump_messages(history)
    from ..storage.columns import pack_json, part_halves

    if form == "jsonl":
        return "".join(pack_json(line) + "\n" for line in (head, *plain))
    if form != "json":
        raise ConfigurationError(f"there is no form {form!r}: export as json, jsonl or markdown")
    return json.dumps(part_halves({**head, "messages": plain}), indent=2)


def read_export(text: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The head and the messages of an export as JSON or JSON Lines. Raises `ValueError` for anything else."""
    from ..storage.columns import unpack_json

    lines = text.strip().split("\n")  # other ends of lines may stand in a text
    try:
        is_lines = len(lines) > 1 and lines[0].rstrip().endswith("}")
        values = [unpack_json(line) for line in lines] if is_lines else [unpack_json(text)]
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    head = values[0]
    if not isinstance(head, dict) or head.get("format") != _FORMAT:
        raise ValueError(f"its format is not {_FORMAT}")
    messages = head.pop("messages", None)
    return head, messages if messages is not None else values[1:]


def _markdown(record: ConversationRecord, history: Sequence[AIMessage]) -> str:
    pieces = [f"# {record.title or 'Conversation'}\n"]
    for message in history:
        text = message.text
        calls = "".join(f"\n*calls {call.name}*" for call in message.tool_calls)
        results = "\n".join(getattr(part, "text", "") for part in message.parts) if message.role == "tool" else ""
        pieces.append(f"## {message.role}\n\n{text or results}{calls}\n")
    return "\n".join(pieces)
