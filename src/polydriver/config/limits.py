"""The settings of limits: how much a connection, a model, or several of them together may use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import msgspec

from .secrets import Secret

__all__ = ["LimitNumbers", "RateLimitConfig", "find_model", "read_model_limits"]


class LimitNumbers(msgspec.Struct, frozen=True, kw_only=True):
    """How much may be used; `None` means no limit of ours.

    `share` is a name under which several connections or models have these limits together, in one process (and in all
    that use the same Redis).
    """

    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    input_tokens_per_minute: int | None = None
    output_tokens_per_minute: int | None = None
    requests_per_day: int | None = None
    tokens_per_day: int | None = None
    max_concurrent: int | None = None
    share: str | None = None

    @property
    def has_any(self) -> bool:
        """Whether anything is limited."""
        return any(getattr(self, name) is not None for name in _NUMBERS)

    @property
    def counts_tokens(self) -> bool:
        """Whether tokens are limited."""
        return any("tokens" in name and getattr(self, name) is not None for name in _NUMBERS)


_NUMBERS = tuple(name for name in LimitNumbers.__struct_fields__ if name != "share")


class RateLimitConfig(LimitNumbers, frozen=True, kw_only=True):
    """The limits of a connection, and what happens to calls that have to wait.

    - `models`: limits of single models beside those of the connection, by id or by how the id begins.
    - `mode`: "wait" for a turn, or "raise" `LimitReachedError`; `max_wait`: the longest wait in seconds (`None`: as
      long as the call's deadline); `max_waiting`: how many calls may be in line.
    - `redis_url`: where the limits are kept for all processes and machines that use the same Redis or Valkey, such as
      `redis://:password@host:6379/0`, `rediss://...`, `unix:///path` or `redis+cluster://host`.
      `redis_prefix`: what their keys begin with; `redis_timeout`: for how many seconds a call waits for Redis at most;
      `redis_failure`: what holds while it does not answer: "local" (the limits in each process alone), "open" (none) or
      "closed" (calls are refused with `LimitReachedError`).
    - `learn`: whether to keep to what answers say is left (`x-ratelimit-*`, `anthropic-ratelimit-*`, `Retry-After`).
    """

    enabled: bool = True
    models: dict[str, LimitNumbers] = {}
    mode: Literal["wait", "raise"] = "wait"
    max_wait: float | None = None
    max_waiting: int = 10_000
    learn: bool = False
    redis_url: Secret | None = None
    redis_prefix: str = "polydriver"
    redis_timeout: float = 0.1
    redis_failure: Literal["local", "open", "closed"] = "local"

    @property
    def has_numbers(self) -> bool:
        """Whether anything is limited, for the connection or for a model."""
        return self.has_any or any(numbers.has_any for numbers in self.models.values())

    @property
    def limits_anything(self) -> bool:
        """Whether there is anything to keep to: numbers, or what answers tell."""
        return self.enabled and (self.learn or self.has_numbers)

    def without_numbers(self) -> RateLimitConfig:
        """The same settings, limiting nothing by numbers of ours."""
        return msgspec.structs.replace(self, models={}, share=None, **dict.fromkeys(_NUMBERS))


def find_model(names: Iterable[str], model: str | None) -> str | None:
    """Which of the names stands for a model: the same, else the longest one that it begins with."""
    fitting = [name for name in names if model is not None and (model == name or model.startswith(name))]
    return max(fitting, key=len, default=None)


def read_model_limits(value: object) -> dict[str, LimitNumbers]:
    """Limits by model, from a table of tables. Raises `ValueError` for what cannot be."""
    if not isinstance(value, Mapping):
        raise ValueError(f"is not a table of limits by model but {type(value).__name__}")
    limits: dict[str, LimitNumbers] = {}
    for model, numbers in value.items():
        if isinstance(numbers, LimitNumbers):
            limits[str(model)] = numbers
            continue
        if not isinstance(numbers, Mapping):
            raise ValueError(f"has no table of limits for {model!r}: write {{requests_per_minute = 10}}")
        for name, number in numbers.items():
            if name not in LimitNumbers.__struct_fields__:
                raise ValueError(
                    f"has an unknown limit {name!r} for {model!r}: "
                    f"the limits are {', '.join(LimitNumbers.__struct_fields__)}"
                )
            if name == "share":
                if not isinstance(number, str) or not number:
                    raise ValueError(f"has a share for {model!r} that is not a name")
            elif isinstance(number, bool) or not isinstance(number, int) or number < 1:
                raise ValueError(f"has {name} for {model!r} that is not a whole number of at least 1")
        fields: dict[str, Any] = dict(numbers)
        limits[str(model)] = LimitNumbers(**fields)
    return limits
