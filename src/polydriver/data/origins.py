"""What keeps the data of one provider from another: signatures, encrypted reasoning and ids stay with their origin.

Drivers need no code for it: they are shown their own data alone, and data that they mark as another's is left out.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, TypeVar

import msgspec

from .messages import AIMessage, Part, ProviderData, ProviderPart, ToolResult
from .responses import AIResponse

__all__ = ["own_messages", "own_parts", "own_response"]

P = TypeVar("P", bound=Part)


def own_messages(messages: list[AIMessage], origins: Collection[str]) -> list[AIMessage]:
    """The messages with the provider data of these origins alone; the same list where there is no other.

    A part that only another provider knows keeps its place and its kind, so that a wire can tell that it is left out.
    """
    kept = [_own_message(message, origins) for message in messages]
    return messages if all(new is old for new, old in zip(kept, messages, strict=True)) else kept


def own_parts(parts: list[P], origins: Collection[str], foreign: set[str] | None = None) -> list[P]:
    """The parts with the provider data of these origins alone; the same list where there is no other.

    The names of others are added to `foreign`.
    """
    kept = [_own_part(part, origins, foreign) for part in parts]
    return parts if all(new is old for new, old in zip(kept, parts, strict=True)) else kept


def own_response(response: AIResponse, origins: Collection[str]) -> set[str]:
    """Leave out of an answer what its driver marked as another's. Returns the names of those others."""
    foreign: set[str] = set()
    for choice in (response, *response.alternatives):
        choice.parts = own_parts(choice.parts, origins, foreign)
    response.provider_data = _own_data(response.provider_data, origins, foreign)
    return foreign


def _own_message(message: AIMessage, origins: Collection[str]) -> AIMessage:
    content = message.content if isinstance(message.content, str) else own_parts(message.content, origins)
    data = _own_data(message.provider_data, origins, None)
    if content is message.content and data is message.provider_data:
        return message
    return msgspec.structs.replace(message, content=content, provider_data=data)


def _own_part(part: Any, origins: Collection[str], foreign: set[str] | None) -> Any:
    if isinstance(part, ProviderPart):
        if not part.data or _belongs(part.provider, origins):
            return part
        if foreign is not None:
            foreign.add(part.provider)
        return msgspec.structs.replace(part, data={})
    if isinstance(part, ToolResult) and isinstance(part.content, list):
        content = own_parts(part.content, origins, foreign)
        if content is not part.content:
            part = msgspec.structs.replace(part, content=content)
    if not part.provider_data:
        return part
    data = _own_data(part.provider_data, origins, foreign)
    return part if data is part.provider_data else msgspec.structs.replace(part, provider_data=data)


def _own_data(data: ProviderData, origins: Collection[str], foreign: set[str] | None) -> ProviderData:
    others = [name for name in data if not _belongs(name, origins)]
    if not others:
        return data
    if foreign is not None:
        foreign.update(others)
    return {name: value for name, value in data.items() if name not in others}


def _belongs(name: str, origins: Collection[str]) -> bool:
    """Whether data is of one of these origins: under its name, or under a name of its own behind a dot."""
    return name in origins or any(name.startswith(f"{origin}.") for origin in origins)
