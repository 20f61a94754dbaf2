"""Seeded mutations of JSON values: wrong types, missing and repeated things, odd numbers and texts, anywhere."""

from __future__ import annotations

import copy
import json
from random import Random
from typing import Any

__all__ = ["mutate", "mutate_bytes"]

_ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 7, 1.5, -0.0, 1e308, 2**70, "", "x", "null", "{}", "[]", "\x00", "\u2028", "é" * 50,
    [], {}, [None], [[]], [{}], [1, "x"], {"type": 5}, {"": ""}, {"text": {"text": []}}, {"error": True},
    "error", "content", "text", "tool_use", "function_call", "stop", "length", "completed", "failed", "STOP",
)  # fmt: skip


def mutate(value: Any, random: Random, times: int = 1) -> Any:
    """A copy of `value` in which a few places have changed."""
    value = {"value": copy.deepcopy(value)}
    for _ in range(times):
        _change(value, random)
    return value["value"]


def mutate_bytes(data: bytes, random: Random) -> bytes:
    """Bytes with a piece removed, repeated, or overwritten."""
    start = random.randrange(len(data) + 1)
    end = min(len(data), start + random.choice((1, 1, 3, 20)))
    piece = random.choice((b"", b"\xff", b"\x00", b'"', b"}", b"]", b"\n\n", b"\\", b"\\ud800", data[start:end] * 2))
    return data[:start] + piece + data[end:]


def _places(value: Any, found: list[tuple[Any, Any]]) -> None:
    keys = list(value) if isinstance(value, dict) else range(len(value))
    for key in keys:
        found.append((value, key))
        if isinstance(value[key], dict | list):
            _places(value[key], found)


def _change(value: dict[str, Any], random: Random) -> None:
    places: list[tuple[Any, Any]] = []
    _places(value, places)
    holder, key = random.choice(places)
    act = random.randrange(6)
    if act == 0 and len(places) > 1 and holder is not value:
        del holder[key]
    elif act == 1:
        holder[key] = [holder[key], holder[key]]
    elif act == 2:
        other, name = random.choice(places)
        holder[key] = copy.deepcopy(other[name])
    elif act == 3 and isinstance(holder, dict) and holder is not value:
        holder[random.choice(("type", "error", "id", "text", "index", "usage", "name"))] = copy.deepcopy(
            random.choice(_ODD)
        )
    else:
        holder[key] = copy.deepcopy(random.choice(_ODD))
    if len(json.dumps(value)) > 20_000:
        value["value"] = None
