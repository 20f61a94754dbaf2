"""What is known of models: which options, efforts, tools and media they take. The facts are data (`models.json`), each
with its source. They are kept apart from the catalog, which the senders read: a judge that believed what it judges
would find nothing. What is not known breaks no rule."""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec

__all__ = ["Fact", "fact"]


class Fact(msgspec.Struct, frozen=True):
    """One thing that is known of a model, and who says so."""

    value: Any
    source: str
    documented: bool


@cache
def _table() -> list[tuple[re.Pattern[str], frozenset[str], dict[str, Any]]]:
    rows = json.loads(files(__package__).joinpath("models.json").read_text(encoding="utf-8"))
    return [(re.compile(row["models"]), frozenset(row.get("hosts", ())), row) for row in rows]


@cache
def fact(host: str, model: str, name: str) -> Fact | None:
    """The fact of that name about a model at a host ("openai", "bedrock", ...), or `None` when nothing is known.

    The first row wins whose pattern matches the whole id and whose hosts, if it has any, hold this one.
    """
    for pattern, hosts, row in _table():
        if name in row and (not hosts or host in hosts) and pattern.fullmatch(model):
            return Fact(row[name], row["source"], row.get("documented", True))
    return None
