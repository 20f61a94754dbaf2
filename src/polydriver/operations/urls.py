"""Ids as parts of URLs."""

from __future__ import annotations

from urllib.parse import quote

from ..errors import ConfigurationError

__all__ = ["quoted"]


def quoted(item_id: str) -> str:
    """An id as one segment of a URL's path.

    Raises `ConfigurationError` for `.` and `..`, which would stand for another address.
    """
    if item_id in (".", ".."):
        raise ConfigurationError(f"{item_id!r} is not an id: give the one that the provider returned")
    return quote(item_id, safe="")
