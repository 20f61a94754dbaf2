"""The common settings: how each is read, and from which variable."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from ..data.http import TransportConfig
from .cache import CacheConfig
from .circuit import CircuitConfig
from .hedging import HedgingConfig
from .limits import RateLimitConfig
from .values import LoggingConfig, TelemetryConfig

__all__ = ["FIELDS", "SECTIONS", "Field"]


class Field(NamedTuple):
    """How a common setting is read. Its variable is the driver's prefix and `suffix`, or just `variable`."""

    kind: str
    suffix: str = ""
    variable: str = ""
    nullable: bool = False


SECTIONS: dict[str, type[msgspec.Struct]] = {
    "logging": LoggingConfig,
    "telemetry": TelemetryConfig,
    "rate_limiting": RateLimitConfig,
    "circuit": CircuitConfig,
    "cache": CacheConfig,
    "hedging": HedgingConfig,
    "http": TransportConfig,
}


def _http_kind(name: str) -> str:
    default = getattr(TransportConfig(), name)
    by_type = {bool: "bool", int: "count", float: "seconds"}
    return "proxy" if name == "proxy" else by_type.get(type(default), "any")


FIELDS: dict[str, Field] = {
    "api_key": Field("key"),
    "base_url": Field("base_url", "BASE_URL"),
    "default_model": Field("str", "DEFAULT_MODEL"),
    "timeout": Field("timeout", "TIMEOUT"),
    "connect_timeout": Field("timeout", "CONNECT_TIMEOUT"),
    "idle_timeout": Field("timeout", "IDLE_TIMEOUT"),
    "deadline": Field("optional_timeout", "DEADLINE", nullable=True),
    "first_content_timeout": Field("optional_timeout", "FIRST_CONTENT_TIMEOUT", nullable=True),
    "fallback": Field("names", "FALLBACK"),
    "fallback_on": Field("names", "FALLBACK_ON"),
    "continue_with": Field("names", "CONTINUE_WITH"),
    "operation_fallback": Field("operation_names"),
    "retry_attempts": Field("count", "RETRY_ATTEMPTS"),
    "retry_delay": Field("seconds", "RETRY_DELAY"),
    "max_retry_delay": Field("seconds", "MAX_RETRY_DELAY"),
    "max_response_bytes": Field("count", "MAX_RESPONSE_BYTES"),
    "max_event_bytes": Field("count", "MAX_EVENT_BYTES"),
    "models_ttl": Field("seconds", "MODELS_TTL"),
    "sync_ttl": Field("seconds", "SYNC_TTL"),
    "idempotency_header": Field("header_name"),
    "headers": Field("headers"),
    "options": Field("mapping"),
    "prices": Field("prices"),
    "logging.enabled": Field("bool", variable="AI_LOGGING_ENABLED"),
    "logging.channel": Field("str", variable="AI_LOG_CHANNEL"),
    "logging.level": Field("level", variable="AI_LOG_LEVEL"),
    "logging.include_content": Field("bool", variable="AI_LOG_INCLUDE_CONTENT"),
    "telemetry.enabled": Field("bool", variable="AI_TELEMETRY_ENABLED"),
    "telemetry.content": Field("bool", variable="AI_TELEMETRY_CONTENT"),
    "rate_limiting.enabled": Field("bool", variable="AI_RATE_LIMITING_ENABLED"),
    "rate_limiting.requests_per_minute": Field("count", "RPM_LIMIT"),
    "rate_limiting.tokens_per_minute": Field("count", "TPM_LIMIT"),
    "rate_limiting.input_tokens_per_minute": Field("count"),
    "rate_limiting.output_tokens_per_minute": Field("count"),
    "rate_limiting.requests_per_day": Field("count"),
    "rate_limiting.tokens_per_day": Field("count"),
    "rate_limiting.max_concurrent": Field("count"),
    "rate_limiting.share": Field("str"),
    "rate_limiting.models": Field("model_limits"),
    "rate_limiting.mode": Field("limit_mode"),
    "rate_limiting.max_wait": Field("seconds"),
    "rate_limiting.max_waiting": Field("count"),
    "rate_limiting.learn": Field("bool"),
    "rate_limiting.redis_url": Field("redis_url", variable="AI_RATE_LIMITING_REDIS_URL"),
    "rate_limiting.redis_prefix": Field("str"),
    "rate_limiting.redis_timeout": Field("timeout"),
    "rate_limiting.redis_failure": Field("redis_failure"),
    "circuit.enabled": Field("bool"),
    "circuit.failure_ratio": Field("ratio"),
    "circuit.minimum_calls": Field("count"),
    "circuit.calls": Field("count"),
    "circuit.window": Field("timeout"),
    "circuit.slow_call": Field("timeout"),
    "circuit.open_time": Field("timeout"),
    "circuit.max_open_time": Field("timeout"),
    "circuit.probes": Field("count"),
    "circuit.recovery": Field("count"),
    "cache.enabled": Field("bool", variable="AI_CACHE_ENABLED"),
    "cache.ttl": Field("timeout", variable="AI_CACHE_TTL"),
    "cache.store": Field("cache_store", variable="AI_CACHE_STORE"),
    "cache.max_bytes": Field("count"),
    "cache.max_entry_bytes": Field("count"),
    "cache.tool_calls": Field("bool"),
    "cache.tenant": Field("names"),
    "cache.share": Field("str"),
    "cache.credentials_ttl": Field("seconds"),
    "cache.timeout": Field("timeout"),
    "cache.redis_url": Field("redis_url", variable="AI_CACHE_REDIS_URL"),
    "cache.redis_prefix": Field("str"),
    "hedging.enabled": Field("bool"),
    "hedging.percentile": Field("ratio"),
    "hedging.max_ratio": Field("ratio"),
    "hedging.minimum_calls": Field("count"),
    "hedging.calls": Field("count"),
    "hedging.window": Field("timeout"),
    **{f"http.{name}": Field(_http_kind(name), nullable=True) for name in TransportConfig.__struct_fields__},
}
