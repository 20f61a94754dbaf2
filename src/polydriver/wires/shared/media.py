"""Media as several wires render them."""

from __future__ import annotations

from ...data.messages import Media

__all__ = ["is_in_storage"]

_STORAGE = ("s3://", "gs://")


def is_in_storage(part: Media) -> bool:
    """Whether a part is an object in the storage of a cloud, which only that cloud's own services can fetch."""
    return part.data is None and part.url is not None and part.url.startswith(_STORAGE)
