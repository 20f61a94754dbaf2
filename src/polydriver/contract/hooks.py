"""The parts of a driver and the hooks that the engine calls."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from functools import cached_property, lru_cache
from typing import Any, ClassVar, Self
from urllib.parse import urlsplit

import msgspec

from ..config import Config, Setting
from ..data.billing import BillingFacts
from ..data.cost import Cost
from ..data.fitting import note_media
from ..data.http import Reply, Request
from ..data.messages import Media
from ..data.models import AIModel, Capabilities
from ..data.prompt import NOTHING_GIVEN, OPTIONS, Prompt, ProviderTool, option_values
from ..data.responses import AIResponse
from ..data.usage import TokenUsage
from ..errors import InvalidResponseError, ProviderError, UnsupportedFeatureError
from ..operations.kinds import OPERATIONS, OperationKind
from ..operations.requests import EmbeddingLimits
from ..prices.pricing import ModelPricing
from .decoder import StreamDecoder
from .options import LEFT_OUT, RENDERED, OptionRule, Refused, option_rules

__all__ = ["DriverHooks", "OperationPart", "Part", "Trait", "Wire"]


class _Unbound:
    """Stands in for the driver of a part that has none yet."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError("this part is not bound to a driver: see Part.bind")


class Part(msgspec.Struct, kw_only=True, eq=False):
    """A part of a driver: declared on the driver's class, configured by its fields, bound to each instance.

    Once bound, it has the settings, errors and requests of its driver: `DriverHooks` with the traits of drivers. `name`
    is then that of the driver, and `origin` the name under which provider data is kept: what another origin kept is
    never sent.
    """

    driver: Any = _Unbound()
    name: str = ""
    origin: str = ""

    def bind(self, driver: DriverHooks) -> Self:
        """The same part, belonging to this driver."""
        return msgspec.structs.replace(self, driver=driver, name=driver.name, origin=driver.origin)

    @property
    def config(self) -> Config:
        """The settings in force."""
        return self.driver.config  # type: ignore[no-any-return]

    @property
    def capabilities(self) -> Capabilities:
        """What the driver does."""
        return self.driver.capabilities  # type: ignore[no-any-return]

    def unsupported(self, what: str) -> UnsupportedFeatureError:
        """The error for something that the service does not do."""
        return self.driver.unsupported(what)  # type: ignore[no-any-return]

    def unread(self, part: Media, what: str) -> UnsupportedFeatureError:
        """The error for a part of a message that the service does not read. Where the part belongs to what was said
        before, the prompt is rendered again with a note in its place, instead of this error.
        """
        error = self.unsupported(what)
        error.part = part
        return error

    def invalid_response(self, problem: str, body: bytes = b"") -> InvalidResponseError:
        """The driver's own `InvalidResponseError`, with the start of what came in its details."""
        return self.driver.invalid_response(problem, body)  # type: ignore[no-any-return]

    def map_payload(self, payload: Any) -> ProviderError:
        """The error for an error object inside a reply or stream that began as a success."""
        return self.driver.map_payload(payload)  # type: ignore[no-any-return]

    def build_post(
        self, path: str, body: dict[str, Any], *, stream: bool = False, headers: dict[str, str] | None = None
    ) -> Request:
        """A POST request with a JSON body: see `drivers.traits.HandlesApiCommunication`."""
        return self.driver.build_post(path, body, stream=stream, headers=headers)  # type: ignore[no-any-return]

    def decode(self, reply: Reply) -> dict[str, Any]:
        """The reply's body as a JSON object. Raises `InvalidResponseError` when it is not one."""
        return self.driver.decode(reply)  # type: ignore[no-any-return]

    def decode_any(self, reply: Reply) -> Any:
        """The reply's body as JSON of any shape. Raises `InvalidResponseError` when it is not JSON."""
        return self.driver.decode_any(reply)


class Wire(Part, kw_only=True, eq=False):
    """How one format is spoken: a part of a driver, configured by its fields, with pure hooks.

    A wire is declared on a driver's class and bound to each instance, whose service it then speaks to: settings,
    address, errors and capabilities are those of `driver`.

    - `title`: what it is called in texts for people.
    - `rules`: what the wire does with each option of `Prompt`: see `option_rules`. `options` changes some of them for
      one service: another field name, or `LEFT_OUT`.
    - `option_names`: options beyond those of `Prompt`, put into the body as they are.
    - `decoder_class`: what reads its streams.
    - `origin_name`: under which name its provider data (signatures, ...) is kept, if not the driver's.
    - `ranges`: the least and the most that options may be, for those that the service is known to refuse beyond.
    - `image_types`: the MIME types of pictures that it reads; `None` when that is unknown.
    - `max_stops`, `max_tools`: how many `stop` strings and tools the service takes; `None` when that is unknown.
    - `service_tiers`: the words of `service_tier` that it takes; `None` when that is unknown.
    - `put_rules`: made of these, the rule of each option in the order of `OPTIONS`.
    """

    title: ClassVar[str] = ""
    rules: ClassVar[Mapping[str, OptionRule]] = option_rules({})
    decoder_class: ClassVar[type[StreamDecoder[Any]]] = StreamDecoder
    options: Mapping[str, OptionRule] = {}
    option_names: frozenset[str] = frozenset()
    origin_name: str | None = None
    ranges: Mapping[str, tuple[float, float]] = {}
    image_types: frozenset[str] | None = None
    max_stops: int | None = None
    max_tools: int | None = None
    service_tiers: frozenset[str] | None = None
    put_rules: tuple[OptionRule, ...] = ()

    def __post_init__(self) -> None:
        option_rules(self.options)
        self.put_rules = tuple(self.rule(option) for option in OPTIONS)

    def bind(self, driver: DriverHooks) -> Self:
        """See `Part.bind`."""
        bound = super().bind(driver)
        bound.origin = self.origin_name or driver.origin
        return bound

    def members(self) -> tuple[Wire, ...]:
        """The wires that this one chooses from; itself where it does not choose."""
        fields = [getattr(self, name) for name in self.__struct_fields__]
        return tuple(field for field in fields if isinstance(field, Wire)) or (self,)

    def is_streaming(self) -> bool:
        """Whether it reads streams."""
        return any(type(wire).decoder_class is not StreamDecoder for wire in self.members())

    # The hooks.

    def build_request(self, prompt: Prompt) -> Request:
        """The request for a prompt; `prompt.stream` says whether the answer is to be streamed."""
        raise self.unsupported("chat")

    def parse_response(self, reply: Reply, prompt: Prompt) -> AIResponse:
        """The answer in a whole reply with a 2xx status. Raise a mapped error when it holds one."""
        raise self.unsupported("chat")

    def read_billing(self, response: AIResponse, service_tier: str | None) -> BillingFacts | None:
        """What decides the price of an answer beyond model and tokens: see `DriverHooks`. `None` where nothing does.

        `service_tier` is the tier that served it, where the wire tells that outside of usage and parts. A wire calls
        this for each whole answer; the base of decoders does for streams.
        """
        return self.driver.read_billing(response, service_tier)  # type: ignore[no-any-return]

    def decoder(self, prompt: Prompt) -> StreamDecoder[Any]:
        """A new decoder for one stream."""
        if self.decoder_class is StreamDecoder:
            raise self.unsupported("streaming")
        return self.decoder_class(self, prompt)

    def takes_prefill(self, model: str) -> bool:
        """Whether the model goes on from the start of its answer where a prompt ends with that."""
        return False

    def leaves_state(self, prompt: Prompt) -> bool:
        """Whether a request for a prompt may leave something at the service besides its answer.

        That is a stored response, a turn of a conversation there, files or actions of tools that the service runs. Such
        a request is never sent twice.
        """
        if prompt.uses_server_state or any(isinstance(tool, ProviderTool) for tool in prompt.tools):
            return True
        return any(prompt.options.get(name) or prompt.extra.get(name) for name in _LEAVING)

    def rule(self, option: str) -> OptionRule:
        """What this wire does with an option of `Prompt`."""
        return self.options.get(option) or self.rules[option]

    def put_options(self, body: dict[str, Any], prompt: Prompt) -> None:
        """Put the options of the prompt into the body under the names of the wire.

        Those that the wire does not support are warned of; those that it has code for are left to that code. Raises
        `UnsupportedFeatureError` for an option that is `Refused`.
        """
        if self.max_stops is not None and prompt.stop is not None and len(prompt.stop) > self.max_stops:
            raise self.unsupported(f"more than {self.max_stops} stop sequences")
        if self.max_tools is not None and len(prompt.tools) > self.max_tools:
            raise self.unsupported(f"more than {self.max_tools} tools in one request")
        values = option_values(prompt)
        if values == NOTHING_GIVEN:
            return
        for position, value in enumerate(values):
            if value is None:
                continue
            rule, name = self.put_rules[position], OPTIONS[position]
            if rule is RENDERED or (name in ("tools", "stop") and not value):
                continue
            if self.ranges:
                value = self.within_range(prompt, name, value)
            if name == "service_tier" and self.service_tiers is not None and value not in self.service_tiers:
                prompt.warn(f"{self.name} does not support service_tier {value!r}; it was left out.")
            elif type(rule) is str:
                body[rule] = value
            elif rule is LEFT_OUT:
                prompt.warn(f"{self.name} does not support {name}; it was left out.")
            elif type(rule) is Refused:
                raise self.unsupported(f"{name} ({rule.reason})")

    def within_range(self, prompt: Prompt, name: str, value: Any) -> Any:
        """The value of an option, or the nearest one that the service takes, with a warning."""
        if name not in self.ranges:
            return value
        least, most = self.ranges[name]
        nearest = min(max(value, least), most)
        if nearest != value:
            prompt.warn(f"{self.name} takes {name} from {least} to {most}; {nearest} was sent instead of {value}.")
        return nearest


_LEAVING = ("container", "deferred", "mcp_servers", "request_id", "tools")
"""Options beyond those of `Prompt.uses_server_state` with which a request leaves something at the service, or is known
by an id of the caller's; tools that are given past us may be the service's."""


class OperationPart(Part, kw_only=True, eq=False):
    """One or more operations beyond chat, as a part of a driver.

    - `kinds`: the records of the operations. For each of them the class has the hooks that the record names.
    - `options`: the driver's own options by the operation's method, put into the body as they are. A key that is not a
      method of `kinds` is refused when the part is made.
    - `limits`: how much one request for embeddings takes, by a part of the model's id; the first that fits counts,
      and "" fits every model. The engine sends more inputs than that in several requests.
    """

    kinds: ClassVar[tuple[OperationKind[Any], ...]] = ()
    options: Mapping[str, frozenset[str]] = {}
    limits: Mapping[str, EmbeddingLimits] = {}

    def __post_init__(self) -> None:
        for kind in self.kinds:
            if not kind.is_offered(self):
                raise TypeError(f"{type(self).__name__} has no {kind.build} and {kind.parse}, and no {kind.flow}")
        methods = [kind.method for kind in self.kinds]
        for method in self.options:
            if method not in methods:
                raise TypeError(f"{type(self).__name__} has no operation {method!r}; it has {', '.join(methods)}")

    def option_names(self, kind: OperationKind[Any]) -> frozenset[str]:
        """The driver's own options of an operation."""
        return self.options.get(kind.method, frozenset())

    def embedding_limits(self, model: str) -> EmbeddingLimits:
        """How much one request for embeddings by a model takes."""
        return next((limits for name, limits in self.limits.items() if name in model), EmbeddingLimits())


class Trait:
    """A stateless part of drivers, mixed in: what it defines is a hook, or a helper of hooks, and not for users."""


@lru_cache(maxsize=256)
def _is_elsewhere(usual: str, given: str) -> bool:
    """Whether the host of one address is another than that of the usual one, and none of its subdomains."""
    host, other = urlsplit(usual).hostname, urlsplit(given).hostname
    if not host or "{" in host or other is None:
        return False
    return other != host and not other.endswith(f".{host}")


class DriverHooks(Trait):
    """What the engine knows of a driver: facts as class attributes, and pure hooks.

    See `polydriver.driver.Driver`, the base that authors of drivers inherit from.
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
    operations: tuple[OperationPart, ...] = ()
    operation_options: ClassVar[Mapping[str, frozenset[str]]] = {}
    origin: ClassVar[str] = ""
    catalog_name: ClassVar[str | None] = None
    wire: Wire = Wire()
    option_names: frozenset[str] = frozenset()
    config: Config

    def has_own_address(self) -> bool:
        """Whether the connection leads to another server than the provider's: a gateway, a proxy, one's own."""
        return _is_elsewhere(self.base_url, self.config.base_url)

    def operation(self, kind: OperationKind[Any]) -> Any:
        """What has the hooks of an operation: a part, or the driver itself; `None` where nothing has."""
        for part in self.operations:
            if kind in part.kinds:
                return part
        return self if kind.is_offered(self) else None

    def operation_option_names(self, kind: OperationKind[Any]) -> frozenset[str]:
        """The driver's own options of an operation."""
        part = self.operation(kind)
        if isinstance(part, OperationPart):
            return part.option_names(kind)
        return self.operation_options.get(kind.method, frozenset())

    def embedding_limits(self, model: str) -> EmbeddingLimits:
        """How much one request for embeddings takes, where the driver has the hooks of them itself."""
        return EmbeddingLimits()

    def offered_operations(self) -> frozenset[str]:
        """The capabilities beyond chat: one is there when all of its operations are."""
        missing = {kind.capability for kind in OPERATIONS.values() if self.operation(kind) is None}
        return frozenset(kind.capability for kind in OPERATIONS.values()) - missing

    @property
    def origins(self) -> frozenset[str]:
        """The names under which this driver and its wires keep provider data, or begin: `acme`, `acme.items`.

        The engine shows a driver no other data, and takes no other from it.
        """
        return frozenset((self.origin, *(wire.origin_name or self.origin for wire in self.wire.members())))

    simulate: ClassVar[Any] = None
    """For drivers that answer their own requests, without a network: `simulate(request) -> Simulated`."""

    @property
    def error_prefix(self) -> str:
        """The prefix of the driver's error classes: "OpenAI" for `OpenAIRateLimitError`."""
        table = getattr(self, "errors", None)
        return table.branch if table is not None else "".join(part.title() for part in self.title.split())

    def headers(self) -> dict[str, str]:
        """Headers for each request, by lower-case names."""
        return {}

    def authenticate(self, request: Request, now: float) -> Generator[Request, Reply, Request] | None:
        """Authentication that needs requests of its own, or that signs: yield what to send first, return the request
        to make.

        `now` is the time in epoch seconds. `None` means that the headers are enough.
        """
        return None

    def sign(self, request: Request, now: float) -> Request:
        """The request to send, for services that want it signed. Called last for each attempt, with all headers there.

        `now` is the time in epoch seconds. It needs nothing but the settings: what asks a server first is
        `authenticate`.
        """
        return request

    def build_request(self, prompt: Prompt) -> Request:
        """The request for a prompt; `prompt.stream` says whether the answer is to be streamed.

        Media that the wire cannot send (see `Part.unread`) become notes where they belong to what was said before.
        """
        told = len(prompt.warnings)
        while True:
            try:
                return self.wire.build_request(prompt)
            except UnsupportedFeatureError as error:
                if not isinstance(error.part, Media):
                    raise
                del prompt.warnings[told:]
                messages = note_media(prompt.messages, error.part, prompt.warn, error)
                prompt, told = msgspec.structs.replace(prompt, messages=messages), len(prompt.warnings)

    def parse_response(self, reply: Reply, prompt: Prompt) -> AIResponse:
        """The answer in a whole reply with a 2xx status. Raise a mapped error when it holds one."""
        return self.wire.parse_response(reply, prompt)

    def decoder(self, prompt: Prompt) -> StreamDecoder[Any]:
        """A new decoder for one stream."""
        return self.wire.decoder(prompt)

    def leaves_state(self, prompt: Prompt) -> bool:
        """Whether a request for a prompt may leave something at the service besides its answer: see `Wire`."""
        return self.wire.leaves_state(prompt)

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
        """The request for the page after this one; `None` at the last. `reply.request` is that of this page."""
        return None

    def model_request(self, model_id: str) -> Request | None:
        """The request for one model, where the provider tells more of it than its list does; else `None`."""
        return None

    def parse_model_reply(self, reply: Reply, model_id: str) -> AIModel:
        """The model in the reply to `model_request`."""
        raise self.unsupported("details of models")

    def pricing(self, model: str, variant: str | None = None) -> ModelPricing | None:
        """The price of a model; `None` when it is unknown. `variant` names a service tier, or "batch"."""
        return None

    idempotency_header: ClassVar[str | None] = None
    """The header in which the provider takes a key that is the same for all attempts of one request; `None`: none.

    It is sent with every POST. https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
    """

    uncounted_input: ClassVar[tuple[str, ...]] = ()
    """Parts of `TokenUsage` that the provider does not count as input when it limits tokens: `cached_input_tokens`."""

    @cached_property
    def billing_region(self) -> str | None:
        """The region that this connection's answers are computed in, where that can have a price of its own."""
        return None

    def read_billing(self, response: AIResponse, service_tier: str | None) -> BillingFacts | None:
        """What decides the price of an answer beyond model and tokens, from the answer; `None` where nothing does."""
        region = self.billing_region
        if service_tier is None and region is None:
            return None
        return BillingFacts(service_tier=service_tier, region=region)

    def calculate_cost(self, usage: TokenUsage | None, model: str) -> Cost | None:
        """What this usage of this model costs; `None` when the price is unknown."""
        return None

    def error_code(self, reply: Reply) -> str | None:
        """The provider's own code for a failed reply."""
        return None

    def map_error(self, reply: Reply) -> ProviderError:
        """The error for a reply that is not 2xx."""
        text = f"{self.name} failed with HTTP {reply.status}"
        return ProviderError(text, provider=self.name, status=reply.status, code=self.error_code(reply))

    def unsupported(self, what: str) -> UnsupportedFeatureError:
        """The error for something that this driver does not do."""
        return UnsupportedFeatureError(
            f"{self.title or self.name} (through this driver) does not do {what}", provider=self.name
        )
