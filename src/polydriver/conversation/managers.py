"""What a conversation needs of the manager that it belongs to."""

from __future__ import annotations

from typing import Protocol

from ..events import EventBus
from ..provider import AsyncProvider, Provider

__all__ = ["AsyncManager", "BlockingManager", "Manager"]


class Manager(Protocol):
    """Of either colour."""

    @property
    def default_provider(self) -> str:
        """The name of the connection that is used when none is named."""

    @property
    def bus(self) -> EventBus:
        """The bus of the events of all providers and conversations."""


class BlockingManager(Manager, Protocol):
    """For blocking callers: an `AI`."""

    def provider(self, name: str | None = None) -> Provider:
        """The provider of a connection."""


class AsyncManager(Manager, Protocol):
    """For async callers: an `AsyncAI`."""

    def provider(self, name: str | None = None) -> AsyncProvider:
        """The provider of a connection."""
