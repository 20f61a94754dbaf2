"""What a configuration is, once it is read and checked."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Literal, Self, TypeAlias

import msgspec

from ..data.http import TransportConfig
from ..data.sealed import Headers, SealedText
from .cache import CacheConfig
from .circuit import CircuitConfig
from .hedging import HedgingConfig
from .limits import RateLimitConfig
from .redacting import Redactor
from .secrets import MASK, Secret, looks_secret, mask, secret_strings

__all__ = ["Config", "LoggingConfig", "Setting", "SettingKind", "TelemetryConfig"]

SettingKind: TypeAlias = Literal["str", "int", "float", "bool", "seconds", "path", "json", "url"]


class Setting(msgspec.Struct, frozen=True):
    """A setting that a driver has beyond the common ones: `settings = (Setting("organization"), ...)`.

    - `env`: the environment variable or variables that give it, the first one set counting; by default the
      driver's prefix and the name in capitals (`OPENAI_ORGANIZATION`).
    - `kind`: how the value is checked and converted. `seconds` is a float of at least 0, `path` a
      `pathlib.Path`, `json` anything, or text that holds JSON, `url` an `http` or `https` URL without credentials,
      query and fragment.
    - `secret`: the value is a `Secret`. `required`: its absence is an error.

    A setting with the name of a common one (`base_url`) only adds variables to that one and may make it
    required.
    """

    name: str
    env: str | tuple[str, ...] | None = None
    kind: SettingKind = "str"
    default: Any = None
    secret: bool = False
    required: bool = False
    help: str = ""

    @property
    def variables(self) -> tuple[str, ...]:
        """The environment variables that are named explicitly."""
        return (self.env,) if isinstance(self.env, str) else self.env or ()


class LoggingConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What is logged: `channel` is the name of the logger, `level` the level of ordinary lines.

    Prompts and answers are logged only with `include_content`.
    """

    enabled: bool = True
    channel: str = "polydriver"
    level: str = "info"
    include_content: bool = False


class TelemetryConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Whether OpenTelemetry is told of all calls (extra `otel`), and whether of prompts and answers, too."""

    enabled: bool = False
    content: bool = False


class Config(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """The settings of one connection, complete and checked; made by `read_config`.

    - `name` of the connection, `driver` that it uses; `api_key`; `base_url` without a slash at the end;
      `default_model`.
    - `timeout`: how long an attempt may go without a sign of life (up to the first content of a stream);
      `connect_timeout`; `idle_timeout`: the same as `timeout` once a stream has content; `deadline` for the whole
      call with its retries and its stream (`None`: none); all in seconds.
    - `first_content_timeout`: how long an attempt may go until the first content of its answer, in seconds; `None` is
      as long as `timeout` allows.
    - `fallback`: connections that are asked where this one fails, as "connection" or "connection/model";
      `fallback_on`: names of further errors that lead to them (see `polydriver.engine.routes`); `continue_with`:
      connections that go on where a stream of this one breaks in its middle; `operation_fallback`: by the methods of
      operations beyond chat ("embed", ...), who does those instead.
    - `retry_attempts` in total, the first included; `retry_delay` before the second, doubled each time up to
      `max_retry_delay`, in seconds.
    - `max_response_bytes` of a decoded reply, `max_event_bytes` of one event of a stream.
    - `models_ttl`: how long the list of models is kept, in seconds; `sync_ttl`: for how long `sync_models` does nothing
      after a sync, unless it is forced.
    - `idempotency_header`: the header in which this address takes a key that all attempts of a request share, where
      its driver does not name one.
    - `headers` sent with every request, by lower-case names; `options`: call options when a call doesn't say
      otherwise; `prices`: prices by model that replace or complete the table.
    - `logging`, `telemetry`, `rate_limiting`, `circuit`, `cache`, `hedging`, and `http` (proxy, certificates, pool).
    - `settings`: the driver's own, by name; see `setting`.
    - `other_secrets`: secrets that were given in other places, such as a header.

    `repr` and `masked()` show no secret, and pickles hold none. Copies keep them.
    """

    name: str
    driver: str
    base_url: str
    api_key: Secret | None = None
    default_model: str | None = None
    timeout: float = 600.0
    connect_timeout: float = 10.0
    idle_timeout: float = 120.0
    first_content_timeout: float | None = None
    deadline: float | None = 1800.0
    fallback: tuple[str, ...] = ()
    fallback_on: tuple[str, ...] = ()
    continue_with: tuple[str, ...] = ()
    operation_fallback: dict[str, tuple[str, ...]] = {}
    retry_attempts: int = 3
    retry_delay: float = 1.0
    max_retry_delay: float = 30.0
    max_response_bytes: int = 64 * 1024 * 1024
    max_event_bytes: int = 16 * 1024 * 1024
    models_ttl: float = 3600.0
    sync_ttl: float = 43200.0
    idempotency_header: str | None = None
    headers: dict[str, str] = {}
    options: dict[str, Any] = {}
    prices: dict[str, Any] = {}
    logging: LoggingConfig = LoggingConfig()
    telemetry: TelemetryConfig = TelemetryConfig()
    rate_limiting: RateLimitConfig = RateLimitConfig()
    circuit: CircuitConfig = CircuitConfig()
    cache: CacheConfig = CacheConfig()
    hedging: HedgingConfig = HedgingConfig()
    http: TransportConfig = msgspec.field(default_factory=TransportConfig)
    settings: dict[str, Any] = {}
    other_secrets: tuple[Secret, ...] = ()

    def setting(self, name: str) -> Any:
        """One of the driver's own settings, a `Secret` if it is secret. `KeyError` if there is none."""
        return self.settings[name]

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "headers", Headers(self.headers))
        if not self.other_secrets:  # an empty one makes msgspec refuse to encode the settings
            msgspec.structs.force_setattr(self, "other_secrets", (Secret(""),))

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every secret in here as text that does not show itself: for redaction only."""
        places = (
            self.api_key,
            self.other_secrets,
            self.settings,
            self.headers,
            self.options,
            _plain(self.http),
        )
        return tuple(SealedText(text) for text in dict.fromkeys(secret_strings(places)))

    @cached_property
    def redactor(self) -> Redactor:
        """Removes the secrets of this connection, and what looks like a key, from texts and nested values."""
        return Redactor(self.secrets)

    def masked(self) -> dict[str, Any]:
        """Everything as a plain dict, in the form that `read_config` takes, with every secret masked."""
        values = {name: getattr(self, name) for name in self.__struct_fields__ if name not in _HIDDEN}
        exact = Redactor(self.secrets, patterns=False)
        return {key: _masked(value, exact, looks_secret(key)) for key, value in {**values, **self.settings}.items()}

    def __repr__(self) -> str:
        shown = ", ".join(f"{key}={value!r}" for key, value in self.masked().items() if value not in (None, {}))
        return f"Config({shown})"

    def __rich_repr__(self) -> Any:
        yield from self.masked().items()

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        from copy import deepcopy

        fields = {name: deepcopy(getattr(self, name), memo) for name in self.__struct_fields__ if name != "http"}
        return type(self)(**fields, http=self.http)

    def __reduce__(self) -> tuple[Any, ...]:
        exact = Redactor(self.secrets, patterns=False)
        return _restore, ({name: _without_secrets(getattr(self, name), exact) for name in self.__struct_fields__},)


_HIDDEN = ("settings", "other_secrets")
_SCALARS = (bool, int, float, type(None))


def _plain(value: msgspec.Struct) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__struct_fields__}


def _masked(value: Any, exact: Redactor, secret: bool) -> Any:
    """A value of plain types. With `secret` every text is masked, else what is known to be one."""
    if isinstance(value, _SCALARS):
        return value
    if isinstance(value, Secret):
        return value.masked()
    if isinstance(value, str):
        return (mask(value) if value else value) if secret else exact.redact(value)
    if isinstance(value, msgspec.Struct):
        value = _plain(value)
    if isinstance(value, dict):
        return {key: _masked(item, exact, secret or looks_secret(key)) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(item, exact, secret) for item in value]
    return exact.redact(str(value)) if hasattr(value, "__fspath__") else f"<{type(value).__name__}>"


def _without_secrets(value: Any, exact: Redactor) -> Any:
    """What a pickle may hold: the value with its secrets emptied or left out."""
    if isinstance(value, str):
        return exact.redact(value)
    if isinstance(value, msgspec.Struct):
        return type(value)(**{name: _without_secrets(item, exact) for name, item in _plain(value).items()})
    if isinstance(value, dict):
        return {
            key: _without_secrets(item, exact)
            for key, item in value.items()
            if not (isinstance(item, str) and (looks_secret(key) or exact.redact(item) == MASK))
        }
    if isinstance(value, list | tuple):
        return type(value)(_without_secrets(item, exact) for item in value)
    return value


def _restore(fields: dict[str, Any]) -> Config:
    return Config(**fields)
