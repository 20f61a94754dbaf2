"""Names of who a call is for, as every table has them: short enough for an index, and the same everywhere."""

from __future__ import annotations

__all__ = ["LONGEST", "short_name", "tag_names"]

LONGEST = 255


def short_name(name: object) -> str | None:
    """A name as it is stored: as text, of which the beginning counts."""
    return None if name is None else str(name)[:LONGEST]


def tag_names(tags: object) -> list[str] | None:
    """Tags as they are stored: a list of names, also of one that is given alone."""
    if isinstance(tags, str):
        tags = [tags]
    return [str(tag)[:LONGEST] for tag in tags] if isinstance(tags, list | tuple | set | frozenset) else None
