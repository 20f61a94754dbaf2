"""The prompts of a `run_batch`, each with its id and its options."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

from ..data.json import as_plain
from ..engine.batches import check_prompts
from ..errors import ConfigurationError

__all__ = ["BatchEntry", "digest_of", "make_entries", "written"]


class BatchEntry(NamedTuple):
    """One prompt: its id in the results, its messages, and the options of its call."""

    custom_id: str
    messages: Any
    options: Mapping[str, Any]


def digest_of(entries: Sequence[BatchEntry]) -> str:
    """What stands for the prompts: the same for the same ids, messages and options."""
    found = blake2b(digest_size=16)
    for entry in entries:
        found.update(written(entry).encode("utf-8", "surrogatepass"))
    return found.hexdigest()


def written(value: object) -> str:
    """A value as text, the same for equal values; what JSON has no form for is written by its class."""
    return json.dumps(value, default=_as_json, sort_keys=True)


def _as_json(value: object) -> Any:
    try:
        return as_plain(value)
    except (TypeError, NotImplementedError):
        return f"{type(value).__module__}.{type(value).__qualname__}"


def make_entries(prompts: object, custom_ids: Sequence[str] | None, options: Mapping[str, Any]) -> list[BatchEntry]:
    """The entries of prompts that share their options.

    Raises `ConfigurationError` for what is not an iterable of prompts, and for ids that are missing or occur twice.
    """
    found = list(check_prompts(prompts, "run_batch", asynchronous=False))
    if not found:
        raise ConfigurationError("there is no prompt in the batch: give at least one")
    ids = [f"prompt-{number}" for number in range(len(found))] if custom_ids is None else list(custom_ids)
    if len(ids) != len(found) or len(set(ids)) != len(ids) or not all(isinstance(name, str) and name for name in ids):
        raise ConfigurationError(f"custom_ids must be {len(found)} different strings, one for each prompt")
    return [BatchEntry(name, messages, options) for name, messages in zip(ids, found, strict=True)]
