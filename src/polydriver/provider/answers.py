"""The seven methods that never wait, and what is taken as a message."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, TypeAlias

import msgspec

from ..contract import DriverHooks
from ..data.cost import Cost
from ..data.messages import AIMessage
from ..data.models import Capabilities
from ..data.usage import TokenUsage
from ..engine.connection import Connection

__all__ = ["UNSET", "Answers", "Message"]

UNSET: Any = msgspec.UNSET
"""For an option that is not given. `None` is given: it takes a default of the connection back."""

Message: TypeAlias = str | AIMessage | Mapping[str, Any]
"""What is taken as a message: text (the user's), an `AIMessage`, or a dict as OpenAI writes messages."""


class Answers(ABC):
    """The seven methods that never wait, and what providers of both colours stand on."""

    @property
    @abstractmethod
    def driver(self) -> DriverHooks:
        """The driver that translates."""

    @property
    @abstractmethod
    def connection(self) -> Connection:
        """What the calls of this provider share, blocking and async ones."""

    @abstractmethod
    def calculate_cost(self, usage: TokenUsage | None, model: str) -> Cost | None:
        """What this usage of this model costs; `None` when the price is unknown: never guessed, never 0."""

    @abstractmethod
    def get_capabilities(self) -> Capabilities:
        """What this provider does, through this driver."""

    @abstractmethod
    def get_config(self) -> dict[str, Any]:
        """The settings in force, with every secret masked."""

    @abstractmethod
    def get_name(self) -> str:
        """The provider's name."""

    @property
    def name(self) -> str:
        """The provider's name."""
        return self.get_name()

    def supports_streaming(self) -> bool:
        """Whether answers can be streamed."""
        return self.get_capabilities().streaming

    def supports_function_calling(self) -> bool:
        """Whether tools can be offered."""
        return self.get_capabilities().function_calling

    def supports_vision(self) -> bool:
        """Whether images can be sent."""
        return self.get_capabilities().vision
