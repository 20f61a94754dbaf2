"""Listeners that make calls hear the events of those calls, too: without an end, if nobody stops them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar, Token
from typing import Any, TypeAlias

from .records import Event

__all__ = ["enter", "leave", "name_of"]

_DEEPEST = 10
_MOST = 16

_Told: TypeAlias = tuple[tuple[Any, list[int]], ...]
_told: ContextVar[_Told] = ContextVar("polydriver_told", default=())
"""The listeners that are being told of an event around this one, outermost first. Each has a count of
its own: of the times that it was told so deep, and whether the log has said so."""


def enter(listener: Callable[..., Any], event: Event) -> Token[_Told] | None:
    """Note that a listener is about to be told; `None`, and a line in the log, when it has to be stopped.

    That is the case when it is told of calls that it made itself when it was told of such calls, and so on: ten deep,
    or 16 times in all. Tasks and threads that a listener starts count as its own.
    """
    around = _told.get()
    depth, count = 0, None
    for other, seen in around:
        if other is listener:
            depth += 1
            count = seen
    if count is None:
        count = [0, 0]
    elif depth > 1:
        count[0] += 1
        if depth >= _DEEPEST or count[0] > _MOST:
            if count[1] == 0:
                count[1] = 1
                _tell(listener, event)
            return None
    return _told.set((*around, (listener, count)))


def leave(token: Token[_Told]) -> None:
    """Note that a listener has been told."""
    with suppress(ValueError):  # a coroutine that was dropped is closed in another context
        _told.reset(token)


def name_of(listener: Callable[..., Any]) -> str:
    """What a listener is called in the log."""
    return getattr(listener, "__qualname__", None) or type(listener).__qualname__


def _tell(listener: Callable[..., Any], event: Event) -> None:
    from ..logger import logger

    logger("polydriver.events").error(
        "the listener %s was not told of %s: it makes calls, hears of them, and makes more, without an end. "
        "Have it ignore the events of its own calls, by their metadata for instance",
        name_of(listener),
        event.name,
    )
