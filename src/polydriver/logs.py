"""Calls in the log: a line for each response, retry and failure, on the channel that is configured."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from .config import LoggingConfig, Redactor
from .errors import AIError
from .events import (
    Event,
    EventBus,
    MessageSent,
    ProviderFellBack,
    RequestFailed,
    RequestHedged,
    RequestRetried,
    ResponseGenerated,
    StreamAbandoned,
    ToolFailed,
)
from .logger import logger

__all__ = ["EventLogger", "log_calls"]


def log_calls(bus: EventBus, config: LoggingConfig, redactor: Redactor | None = None) -> Callable[[], None]:
    """Log the calls whose events come by `bus`, as `config` says. Returns a function that ends it.

    `redactor` removes the secrets of the connection; without it, what looks like a key is removed.
    """
    if not config.enabled:
        return lambda: None
    log = EventLogger(config, redactor)
    endings = [bus.on(kind, log) for kind in EventLogger.kinds(config)]

    def end() -> None:
        for ending in endings:
            ending()

    return end


class EventLogger:
    """A listener that writes events to `logging.getLogger(channel)`, one line each.

    Responses have the configured level, retries at least WARNING, failures at least
    ERROR. Each record has the facts as a dict in its attribute `ai`, for structured logs. Prompts and answers
    are written only with `include_content`, as quoted text, so that no content can pass for a line of the log. Nothing
    is written where the application has set up no logging.
    """

    def __init__(self, config: LoggingConfig, redactor: Redactor | None = None) -> None:
        self._logger = logger(config.channel)
        self._level = logging.getLevelNamesMapping()[config.level.upper()]
        self._content = config.include_content
        self._redactor = redactor or Redactor()
        self._levels: dict[type[Event], int] = {}
        for kind in self.kinds(config):
            self._levels[kind] = self._level_of(kind)
        enabled = self._logger.isEnabledFor
        self.asks = {kind: partial(enabled, level) for kind, level in self._levels.items()}
        """By the class of an event: whether the logger's level lets it pass now."""

    @staticmethod
    def kinds(config: LoggingConfig) -> tuple[type[Event], ...]:
        """The events that lead to a line: what is sent is one only if content is logged."""
        return (*_WRITERS, MessageSent) if config.include_content else tuple(_WRITERS)

    def _level_of(self, kind: type[Event]) -> int:
        return max(self._level, _LEAST_LEVEL.get(kind, logging.NOTSET))

    def __call__(self, event: Event) -> None:
        """Write the line of `event`, if the logger's level lets it pass."""
        level = self._levels[type(event)]
        if isinstance(event, RequestFailed) and not isinstance(event.error, AIError):
            level = self._level  # its caller stopped waiting, which is not a failure
        if not self._logger.isEnabledFor(level) or not self._logger.hasHandlers():
            return
        text, facts = _sent(event) if isinstance(event, MessageSent) else _WRITERS[type(event)](event)
        if self._content and isinstance(event, ResponseGenerated):
            text += f": {event.response.content!r}"
        common = {"provider": event.provider, "model": event.model, "request_id": event.request_id}
        known = {key: value for key, value in {**common, **facts}.items() if value is not None}
        subject = "/".join(part for part in (event.provider, event.model) if part) or "unknown provider"
        line = self._redactor.redact(f"{subject} {text}")
        self._logger.log(level, "%s", line, extra={"ai": self._redactor.redact_value({"event": event.name, **known})})


Line = tuple[str, dict[str, Any]]


def _sent(event: MessageSent) -> Line:
    said = ", ".join(f"{message.role}: {message.text!r}" for message in event.messages)
    return f"is sent {said}", {"messages": len(event.messages), "stream": event.stream}


def _answered(event: ResponseGenerated) -> Line:
    response = event.response
    usage = response.usage
    tokens = (usage.input_tokens, usage.output_tokens) if usage else (None, None)
    facts = {
        "finish_reason": response.finish_reason,
        "input_tokens": tokens[0],
        "output_tokens": tokens[1],
        "cost": None if response.cost is None else str(response.cost),
        "seconds": response.response_time,
        "stream": event.stream,
        "cached": response.cached or None,
    }
    parts = [
        f"{tokens[0]} + {tokens[1]} tokens" if tokens != (None, None) else None,
        f"cost {response.cost}" if response.cost is not None else None,
        f"finish {response.finish_reason}" if response.finish_reason else None,
        f"{response.response_time:.3f} s" if response.response_time is not None else None,
    ]
    return ("answered from the cache: " if response.cached else "answered: ") + (
        ", ".join(part for part in parts if part) or "no details"
    ), facts


def _retried(event: RequestRetried) -> Line:
    text = f"attempt {event.attempt} failed, next in {event.delay:.3g} s: {_named(event.error)}"
    return text, {"attempt": event.attempt, "delay": event.delay, "error": type(event.error).__name__}


def _hedged(event: RequestHedged) -> Line:
    text = f"attempt {event.attempt} has no content after {event.delay:.3g} s: it is sent a second time"
    return text, {"attempt": event.attempt, "delay": event.delay}


def _fell_back(event: ProviderFellBack) -> Line:
    place = f"{event.to_provider}/{event.to_model}" if event.to_model else event.to_provider
    text = f"goes on with {place}: {_named(event.error)}"
    return text, {"to": place, "error": type(event.error).__name__, "passed_over": event.passed_over}


def _failed(event: RequestFailed) -> Line:
    what = "failed" if isinstance(event.error, AIError) else "was cancelled"
    text = f"{what} after {event.attempts} attempts: {_named(event.error)}"
    return text, {"attempts": event.attempts, "error": type(event.error).__name__}


def _left(event: StreamAbandoned) -> Line:
    length = 0 if event.response is None else len(event.response.content)
    return f"its stream was left ({event.reason}) after {length} characters", {"reason": event.reason}


def _tool_failed(event: ToolFailed) -> Line:
    text = f"tool {event.call.name} failed after {event.seconds:.3f} s: {_named(event.error)}"
    return text, {"tool": event.call.name, "seconds": event.seconds}


def _named(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


_WRITERS: dict[type[Event], Callable[[Any], Line]] = {
    ResponseGenerated: _answered,
    RequestHedged: _hedged,
    RequestRetried: _retried,
    ProviderFellBack: _fell_back,
    RequestFailed: _failed,
    StreamAbandoned: _left,
    ToolFailed: _tool_failed,
}

_LEAST_LEVEL: dict[type[Event], int] = {
    RequestRetried: logging.WARNING,
    ProviderFellBack: logging.WARNING,
    ToolFailed: logging.WARNING,
    RequestFailed: logging.ERROR,
}
