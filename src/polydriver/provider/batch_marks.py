"""How a batch is recognised where the provider keeps no label with it: by the ids of its prompts, which are in its
results."""

from __future__ import annotations

from ..operations.results import Batch
from .batch_records import BatchPart

__all__ = ["has_mark", "mark_ids", "may_be_of", "plain_id"]

_SKEW = 300.0
"""Seconds that the clocks of a provider and of a process may differ."""


def mark_ids(part: BatchPart) -> list[str]:
    """The ids to send in place of the prompts' own: the label of the part, and the place of the prompt: at most 46
    characters, of those that every provider takes."""
    return [f"{part.label}-{number}" for number in range(len(part.custom_ids))]


def has_mark(part: BatchPart, sent_id: str) -> bool:
    """Whether an id in the results of a batch is one of this part."""
    return sent_id.startswith(f"{part.label}-")


def plain_id(part: BatchPart, sent_id: str) -> str:
    """The prompt's own id for one in the results."""
    place = sent_id.removeprefix(f"{part.label}-") if has_mark(part, sent_id) else ""
    return part.custom_ids[int(place)] if place.isdecimal() and int(place) < len(part.custom_ids) else sent_id


def may_be_of(part: BatchPart, batch: Batch) -> bool:
    """Whether a batch is of the right size and age to be that of a part, as far as the provider tells."""
    if batch.created is not None and batch.created.timestamp() < part.begun - _SKEW:
        return False
    return batch.counts.total in (None, 0, len(part.custom_ids))
