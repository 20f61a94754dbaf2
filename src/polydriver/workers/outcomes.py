"""The outcomes of work in bulk, as plain data: an answer with its usage and cost, or an error with its type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from ..data.responses import AIResponse
from ..errors import (
    AIError,
    BudgetExceededError,
    CircuitOpenError,
    InvalidCredentialsError,
    LimitReachedError,
    QuotaExceededError,
    RateLimitError,
    StorageError,
)

__all__ = ["FATAL", "TRANSIENT", "as_object", "describe_error", "pause_before"]

TRANSIENT = (CircuitOpenError, LimitReachedError, RateLimitError)
"""Errors that pass by themselves: the item waits and is sent again."""

FATAL = (BudgetExceededError, InvalidCredentialsError, QuotaExceededError, StorageError)
"""Errors that every further item would meet."""

_LONGEST_PAUSE = 60.0


def pause_before(tries: int, error: AIError) -> float:
    """Seconds to wait before an item is sent again that failed so many times with a passing error.

    At least `retry_after` of the error; without it 1, 2, 4, ... up to 60.
    """
    return max(error.retry_after or 0.0, min(2.0 ** min(tries - 1, 30), _LONGEST_PAUSE))


def as_object(response: AIResponse, *, parsed: bool = False) -> dict[str, Any]:
    """A response as plain JSON values. `parsed` adds the value of a structured answer."""
    usage = None if response.usage is None else msgspec.to_builtins(response.usage)
    if usage is not None:
        usage.pop("raw", None)
    values: dict[str, Any] = {
        "content": response.content,
        "model": response.model or response.requested_model,
        "provider": response.provider,
        "finish_reason": response.finish_reason,
        "usage": usage,
        "cost": response.cost,
        "tool_calls": [{"id": call.id, "name": call.name, "arguments": call.arguments} for call in response.tool_calls],
        "warnings": response.warnings,
        "id": response.id,
        "response_time": response.response_time,
    }
    if response.reasoning:
        values["reasoning"] = response.reasoning
    if response.refusal:
        values["refusal"] = response.refusal
    if parsed:
        values["parsed"] = response.parsed
    return values


def explain_plainly(error: AIError) -> tuple[str, str]:
    """What happened, and what to do about it; the latter may be empty."""
    hint, text = error.hint or "", str(error)
    return (text.removesuffix(hint).rstrip() if hint else text), hint


def describe_error(
    error: AIError | ValueError, explain: Callable[[AIError], tuple[str, str]] = explain_plainly
) -> dict[str, Any]:
    """An error as plain JSON values, without what is absent. `explain` gives the words, and what to do."""
    if not isinstance(error, AIError):
        return {"type": "InvalidLine", "message": str(error)}
    text, hint = explain(error)
    facts = {
        "type": type(error).__name__,
        "message": text,
        "status": error.status,
        "code": error.code,
        "request_id": error.request_id,
        "retry_after": error.retry_after,
        "hint": hint or None,
    }
    return {name: value for name, value in facts.items() if value is not None}
