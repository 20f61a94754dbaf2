"""What is known of models and providers: models, capabilities, and the reports of sync, credentials and health."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

from .circuits import CircuitReport

__all__ = ["AIModel", "Capabilities", "CredentialReport", "HealthReport", "RecentAttempts", "SyncReport"]


class AIModel(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One model of a provider. What neither the provider nor the catalog tells is `None`.

    `type` is chat, embedding, image, audio, moderation, rerank or other. Lengths are in tokens. `raw` is the
    provider's own record.
    """

    id: str
    name: str | None = None
    provider: str | None = None
    type: str | None = None
    context_length: int | None = None
    max_output_tokens: int | None = None
    input_modalities: list[str] | None = None
    output_modalities: list[str] | None = None
    supports_function_calling: bool | None = None
    supports_structured_output: bool | None = None
    supports_reasoning: bool | None = None
    owned_by: str | None = None
    created: datetime | None = None
    deprecated: bool | None = None
    raw: dict[str, Any] = {}

    @property
    def supports_vision(self) -> bool | None:
        """Whether the model reads images, when that is known."""
        return None if self.input_modalities is None else "image" in self.input_modalities


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """What a driver does: twelve common capabilities, and the further `operations` that it implements.

    `max_context_length` is in tokens, of the default or the largest known model; `rate_limits` holds the configured
    limits. `operations` names what is implemented beyond the twelve: moderation, speech, transcription, rerank,
    token_counting, ...
    """

    chat: bool = True
    streaming: bool = False
    function_calling: bool = False
    parallel_function_calling: bool = False
    vision: bool = False
    audio: bool = False
    image_generation: bool = False
    embeddings: bool = False
    fine_tuning: bool = False
    max_context_length: int | None = None
    supported_formats: tuple[str, ...] = ("text",)
    rate_limits: dict[str, int | None] = {}
    operations: frozenset[str] = frozenset()

    def as_dict(self) -> dict[str, Any]:
        """The twelve common capabilities as a plain dict."""
        values = {name: getattr(self, name) for name in self.__struct_fields__ if name != "operations"}
        return {**values, "supported_formats": list(self.supported_formats), "rate_limits": dict(self.rate_limits)}

    def supports(self, name: str) -> bool:
        """Whether the driver does `name`: one of the twelve keys, an operation, or a format ("image", "json", ...)."""
        if name in self.operations or name in self.supported_formats:
            return True
        return name in self.__struct_fields__ and getattr(self, name) is True


class SyncReport(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of `sync_models`: the ids that were added, updated, deactivated and left as they were.

    - `status`: "skipped" where the last sync is fresh, or another one overtook this one; `error`: why it failed.
    - `updated`: other facts or prices, or active again. `kept`: not in the list, and active all the same, for a reason
      that is in `warnings`.
    - `synced_at`: when the list was asked for; of the last sync where this one was skipped.
    - `source`: "catalog" where the provider lists no models, and those of the price table were taken.
    - `dry_run`: whether this is what would have been done.
    """

    status: Literal["success", "skipped", "error"]
    added: list[str] = []
    updated: list[str] = []
    deactivated: list[str] = []
    unchanged: list[str] = []
    kept: list[str] = []
    warnings: list[str] = []
    synced_at: datetime | None = None
    error: str | None = None
    source: Literal["provider", "catalog"] = "provider"
    dry_run: bool = False


class CredentialReport(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of `validate_credentials`: truthy when the provider accepts them. `response_time` is in seconds.

    `cached`: whether the provider was not asked, since it was less than `cache.credentials_ttl` seconds ago.
    """

    valid: bool
    errors: list[str] = []
    error_type: str | None = None
    available_models: int | None = None
    organization: str | None = None
    project: str | None = None
    response_time: float | None = None
    cached: bool = False

    def __bool__(self) -> bool:
        return self.valid


class RecentAttempts(msgspec.Struct, frozen=True, kw_only=True):
    """How the attempts of a connection ended lately: those of the last five minutes, at most the last 512.

    What its reader left, and what was cancelled or refused before it was sent, is not among them. Times are in seconds:
    percentiles of those that succeeded, `latency_*` to the end of the answer, `first_content_*` to its first content.
    `last_error` is the class and the message of the last failure, at `last_error_at` (seconds since the epoch).
    """

    attempts: int = 0
    failures: int = 0
    failure_ratio: float = 0.0
    latency_p50: float | None = None
    latency_p95: float | None = None
    first_content_p50: float | None = None
    first_content_p95: float | None = None
    last_error: str | None = None
    last_error_at: float | None = None


class HealthReport(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of `get_health` and of a manager's `health`: truthy unless it is unhealthy.

    - `status`: "unknown" where nothing was asked and no attempt succeeded lately; `message`: why.
    - `latency` of the request that was made, in seconds, if one was.
    - `recent`: how attempts ended lately; `circuits` of each model; `limits`: what is used of each that is set (its
      name as `limit`, `used`, `of`); `retry_tokens`: what is left of the budget of retries.
    """

    status: Literal["healthy", "degraded", "unhealthy", "unknown"]
    latency: float | None = None
    message: str | None = None
    checked_at: datetime | None = None
    recent: RecentAttempts | None = None
    circuits: list[CircuitReport] = []
    limits: list[dict[str, Any]] = []
    retry_tokens: float | None = None

    def __bool__(self) -> bool:
        return self.status != "unhealthy"
