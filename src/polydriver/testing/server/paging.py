"""Lists that come in pages."""

from __future__ import annotations

from typing import Any

from .asking import Ask

__all__ = ["numbered_page", "page"]


def page(ask: Ask, items: list[dict[str, Any]], after: str) -> dict[str, Any]:
    """One page in the form of OpenAI and Anthropic: `limit` items behind the one whose id the parameter `after`
    names."""
    ids = [item["id"] for item in items]
    previous, limit = ask.query(after), ask.query("limit")
    start = ids.index(previous) + 1 if previous in ids else 0
    size = int(limit) if limit is not None and limit.isdecimal() else 20
    shown = items[start : start + size]
    return {
        "data": shown,
        "has_more": start + size < len(items),
        "first_id": shown[0]["id"] if shown else None,
        "last_id": shown[-1]["id"] if shown else None,
    }


def numbered_page(ask: Ask, items: list[Any], size: str, token: str, usual: int) -> tuple[list[Any], str | None]:
    """One page of `items`, and the token of the next, which is its place; `size` and `token` are the names of the
    parameters."""
    limit, start = (int(value) if value and value.isdecimal() else None for value in map(ask.query, (size, token)))
    end = (start or 0) + (limit or usual)
    return items[start or 0 : end], str(end) if end < len(items) else None
