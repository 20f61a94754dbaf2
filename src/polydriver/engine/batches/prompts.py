"""What is taken as the prompts of a batch."""

from __future__ import annotations

import io
from collections.abc import AsyncIterable, Iterable, Iterator, Mapping, Sized
from typing import Any

from ...data.messages import AIMessage
from ...errors import ConfigurationError

__all__ = ["check_prompts", "count_prompts"]


def check_prompts(prompts: object, method: str, *, asynchronous: bool) -> Any:
    """The iterable of prompts; an open text file gives a prompt for each line that is not empty.

    Raises `ConfigurationError` for anything else: one text, for example, would be sent letter by letter.
    """
    if isinstance(prompts, io.TextIOBase):
        return _lines(prompts)
    if isinstance(prompts, io.IOBase):
        raise ConfigurationError(f"{method}() takes a file of text: open it in text mode, not as bytes")
    if isinstance(prompts, AsyncIterable) and asynchronous:
        return prompts
    if isinstance(prompts, AsyncIterable) and not isinstance(prompts, Iterable):
        raise ConfigurationError(f"{method}() cannot read an async iterable here: use an `AsyncProvider`")
    if isinstance(prompts, str | bytes | AIMessage | Mapping) or not isinstance(prompts, Iterable):
        raise ConfigurationError(f"{method}() takes an iterable of messages, not {type(prompts).__name__}")
    return prompts


def count_prompts(prompts: object) -> int | None:
    """How many prompts there are, where they can be counted without reading them."""
    return len(prompts) if isinstance(prompts, Sized) else None


def _lines(file: Iterable[str]) -> Iterator[str]:
    return (text for line in file if (text := line.rstrip("\r\n")).strip())
