"""`Driver`: the pure hooks that an author writes to teach polydriver a provider.

A driver turns our values into a provider's bytes and back. It does no I/O, reads no clock and keeps no connection: the
engine does all that waits. A driver is also the `Provider` that users call, so `OpenAIDriver({...}).send_message("Hi")`
works by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, NoReturn

import msgspec

from .config import Config, read_config
from .contract import DriverHooks, Trait
from .data.models import Capabilities
from .engine.connection import Connection
from .events import EventBus
from .prices.catalog import find
from .provider import Provider

__all__ = ["Driver"]


class Driver(DriverHooks, Provider):
    """The base of every driver. Put traits in front of it, give it a wire, and set what is particular.

    A driver with an API of its own may be its own wire: it then has the hooks `build_request`, `parse_response` and
    `decoder` itself.

    Class attributes:

    - `name`: in configuration and errors; `title`: as people write it; `base_url`; `default_model`.
    - `key_variables`: environment variables that hold the key; `requires_key`; `key_prefix`: what keys begin with, if
      they do; `env_prefix`: of the other variables, the name in capitals by default; `settings`: the driver's own.
    - `wire`: how its API is spoken, an object of `polydriver.wires`.
    - `capabilities`: what the driver does; `option_names`: options beyond those of `Prompt`, put into the body as
      they are.
    - `operations`: what it does beyond chat, objects such as those of `polydriver.wires.operations`. A driver may have
      the hooks of an operation itself; `operation_options` are then its own options, by the method's name.
    - `origin`: under which name provider data (signatures, ...) is kept; the same for drivers that can read each
      other's.
    - `catalog_name`: under which name the catalog has this provider's models and prices; `name` by default.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.name:
            cls.title = cls.__dict__.get("title") or cls.title or cls.name.replace("_", " ").replace("-", " ").title()
            cls.origin = cls.__dict__.get("origin") or cls.name
            cls.env_prefix = cls.__dict__.get("env_prefix") or cls.name.upper().replace("-", "_")

    def __init__(
        self,
        config: Mapping[str, Any] | Config | None = None,
        *,
        transport: Any = None,
        events: EventBus | None = None,
        **settings: Any,
    ) -> None:
        """Read and check the settings, offline. Raises `ConfigurationError` with every problem and its fix.

        `transport` replaces the HTTP client (see `polydriver.engine.transports`), or is a function of the kind of
        caller ("blocking" or "async") and the `TransportConfig` that makes one, for both kinds; `events` is the bus to
        report to.
        """
        self.config = read_config(type(self), config, **settings)
        self.wire = type(self).wire.bind(self)
        self.operations = tuple(part.bind(self) for part in type(self).operations)
        self.option_names = type(self).option_names | self.wire.option_names
        self._transport = transport
        self._events = events

    @property
    def driver(self) -> Driver:
        """The driver itself."""
        return self

    @cached_property
    def connection(self) -> Connection:
        """What the calls of this provider share."""
        return self._watched(Connection(self, self._events, self._transport))

    def _watched(self, made: Connection) -> Connection:
        """The connection, watched by OpenTelemetry where the settings say so."""
        if self.config.telemetry.enabled:
            from .telemetry import instrument_connection

            instrument_connection(made, content=self.config.telemetry.content)
        return made

    def report_to(self, bus: EventBus) -> None:
        """Bring this provider's events to `bus` as well; the manager does this."""
        self._events = bus
        if "connection" in self.__dict__:
            self.connection.bus.parent = bus

    def get_name(self) -> str:
        """The provider's name."""
        return self.name

    def get_config(self) -> dict[str, Any]:
        """The settings in force, with every secret masked."""
        return self.config.masked()

    def get_capabilities(self) -> Capabilities:
        """What this driver does.

        With the connection's rate limits, and the context length of its default model where the catalog knows that.
        Operations beyond chat are those that it has hooks for.
        """

        limits, operations = self.config.rate_limiting, self.offered_operations()
        longest, model = self.capabilities.max_context_length, self.config.default_model
        if longest is None and model and (entry := find(self.catalog_name or self.name, model)):
            longest = entry.context_window
        return msgspec.structs.replace(
            self.capabilities,
            max_context_length=longest,
            embeddings="embeddings" in operations,
            image_generation="image_generation" in operations,
            operations=operations - {"embeddings", "image_generation"},
            rate_limits={
                "requests_per_minute": limits.requests_per_minute,
                "tokens_per_minute": limits.tokens_per_minute,
            },
        )

    def __dir__(self) -> list[str]:
        """The names that users of a provider call, without the hooks of `DriverHooks` and of the traits."""
        hooks: set[str] = set()
        for kind in type(self).__mro__:
            if issubclass(kind, Trait) and not issubclass(kind, Provider):
                hooks |= {*vars(kind), *vars(kind).get("__annotations__", ())}
        hooks -= {"config", "title", *dir(Provider)}
        return [name for name in super().__dir__() if name not in hooks | {"bus", "connection", "driver"}]

    def __repr__(self) -> str:
        config = getattr(self, "config", None)  # a traceback with locals shows it while it is made, too
        if config is None:
            return f"<{type(self).__name__}, not configured>"
        return f"<{type(self).__name__} {config.name!r} at {config.base_url}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            f"{type(self).__name__} objects cannot be pickled or copied: they hold a key and open connections. Use "
            "one in all threads, and make another in each process, or for other settings."
        )
