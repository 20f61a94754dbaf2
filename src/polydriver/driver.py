"""`Driver`: the pure hooks that an author writes to teach polydriver a provider.

A driver turns our values into a provider's bytes and back. It does no I/O, reads no clock and keeps no connection: the
engine does all that waits. A driver is also the `Provider` that users call, so `OpenAIDriver({...}).send_message("Hi")`
works by itself.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from .config import Config, Setting, read_config
from .data.models import Capabilities
from .errors import ProviderError, UnsupportedFeatureError
from .provider import Provider

if TYPE_CHECKING:
    from .data.cost import Cost
    from .data.http import Reply, Request
    from .data.models import AIModel
    from .data.prompt import Prompt
    from .data.responses import AIResponse
    from .data.usage import TokenUsage
    from .drivers.traits.streaming import StreamDecoder
    from .engine.connection import Connection
    from .events import EventBus
    from .prices.pricing import ModelPricing

__all__ = ["Driver"]


class Driver(Provider):
    """The base of every driver. Put traits and a wire in front of it, and set what is particular.

    Class attributes:

    - `name`: in configuration and errors; `title`: as people write it; `base_url`; `default_model`.
    - `key_variables`: environment variables that hold the key; `requires_key`; `key_prefix`: what keys begin with, if
      they do; `env_prefix`: of the other variables, the name in capitals by default; `settings`: the driver's own.
    - `capabilities`: what the driver does; `option_names`: options beyond those of `Prompt`, put into the body as
      they are.
    - `operation_options`: the same for operations beyond chat, by the method's name.
    - `origin`: under which name provider data (signatures, ...) is kept; the same for drivers that can read each
      other's.
    - `catalog_name`: under which name the catalog has this provider's models and prices; `name` by default.
    """

    name: ClassVar[str] = ""
    title: ClassVar[str] = ""
    base_url: ClassVar[str] = ""
    default_model: ClassVar[str | None] = None
    key_variables: ClassVar[tuple[str, ...]] = ()
    requires_key: ClassVar[bool] = True
    key_prefix: ClassVar[str | None] = None
    env_prefix: ClassVar[str] = ""
    settings: ClassVar[tuple[Setting, ...]] = ()
    capabilities: ClassVar[Capabilities] = Capabilities()
    option_names: ClassVar[frozenset[str]] = frozenset()
    operation_options: ClassVar[Mapping[str, frozenset[str]]] = {}
    origin: ClassVar[str] = ""
    catalog_name: ClassVar[str | None] = None

    config: Config

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
        self._transport = transport
        self._events = events

    @property
    def driver(self) -> Driver:
        """The driver itself."""
        return self

    @cached_property
    def connection(self) -> Connection:
        """What the calls of this provider share."""
        from .engine.connection import Connection

        return Connection(self, self._events, self._transport)

    def report_to(self, bus: EventBus) -> None:
        """Bring this provider's events to `bus` as well; the manager does this."""
        self._events = bus
        if "connection" in self.__dict__:
            self.connection.bus.parent = bus

    @property
    def error_prefix(self) -> str:
        """The prefix of the driver's error classes: "OpenAI" for `OpenAIRateLimitError`."""
        table = getattr(self, "errors", None)
        return table.branch if table is not None else "".join(part.title() for part in self.title.split())

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
        import msgspec

        from .data.operation_kinds import offered
        from .prices.catalog import find

        limits, operations = self.config.rate_limiting, offered(self)
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

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.config.name!r} at {self.config.base_url}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            f"{type(self).__name__} objects cannot be pickled or copied: they hold a key and open connections. Use "
            "one in all threads, and make another in each process, or for other settings."
        )

    # The hooks. Wires and traits implement most of them.

    def headers(self) -> dict[str, str]:
        """Headers for each request, by lower-case names."""
        return {}

    def authenticate(self, request: Request, now: float) -> Generator[Request, Reply, Request] | None:
        """Authentication that needs requests of its own, or that signs: yield what to send first, return the request
        to make.

        `now` is the time in epoch seconds. `None` means that the headers are enough.
        """
        return None

    def build_request(self, prompt: Prompt) -> Request:
        """The request for a prompt; `prompt.stream` says whether the answer is to be streamed."""
        raise self.unsupported("chat")

    def parse_response(self, reply: Reply, prompt: Prompt) -> AIResponse:
        """The answer in a whole reply with a 2xx status. Raise a mapped error when it holds one."""
        raise self.unsupported("chat")

    def decoder(self, prompt: Prompt) -> StreamDecoder[Any]:
        """A new decoder for one stream."""
        raise self.unsupported("streaming")

    def models_request(self) -> Request:
        """The request for the first page of the model list."""
        raise self.unsupported("listing models")

    def probe_request(self) -> Request | None:
        """For providers without a model list: a request that costs nothing, since it is incomplete.

        A provider that complains of the request, and not of the key, has taken the key. `None` when there is none.
        """
        return None

    def parse_models(self, reply: Reply) -> list[AIModel]:
        """The models on one page."""
        raise self.unsupported("listing models")

    def next_page(self, reply: Reply) -> Request | None:
        """The request for the page after this one; `None` at the last."""
        return None

    def model_request(self, model_id: str) -> Request | None:
        """The request for one model, where the provider tells more of it than its list does; else `None`."""
        return None

    def parse_model_reply(self, reply: Reply, model_id: str) -> AIModel:
        """The model in the reply to `model_request`."""
        raise self.unsupported("details of models")

    def pricing(self, model: str) -> ModelPricing | None:
        """The price of a model; `None` when it is unknown."""
        return None

    def calculate_cost(self, usage: TokenUsage | None, model: str) -> Cost | None:
        """What this usage of this model costs; `None` when the price is unknown."""
        return None

    def calculate_tier_cost(self, response: AIResponse, model: str) -> Cost | None:
        """What an answer costs for which a service tier with prices of its own was asked; `None` when that is
        unknown."""
        return None

    def error_code(self, reply: Reply) -> str | None:
        """The provider's own code for a failed reply."""
        return None

    def map_error(self, reply: Reply) -> ProviderError:
        """The error for a reply that is not 2xx."""
        return ProviderError(f"{self.name} failed with HTTP {reply.status}", provider=self.name, status=reply.status)

    simulate: ClassVar[Any] = None
    """For drivers that answer their own requests, without a network: `simulate(request) -> Simulated`."""

    def unsupported(self, what: str) -> UnsupportedFeatureError:
        """The error for something that this driver does not do."""
        return UnsupportedFeatureError(
            f"{self.title or self.name} (through this driver) does not do {what}", provider=self.name
        )
