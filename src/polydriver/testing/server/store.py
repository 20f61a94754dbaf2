"""What a mock server keeps between requests."""

from __future__ import annotations

from itertools import count
from typing import Any

__all__ = ["Store"]

_MOST = 1000


class Store:
    """Answers that run in the background, uploaded files and batches, by their ids; of each kind the newest thousand.

    Ids are numbered, so that the same requests get the same ones.
    """

    def __init__(self) -> None:
        self._kept: dict[str, dict[str, Any]] = {}
        self._numbers = count(1)

    def new_id(self, prefix: str) -> str:
        """An id that nothing has yet."""
        return f"{prefix}mock{next(self._numbers)}"

    def keep(self, kind: str, key: str, value: Any) -> None:
        """Keep something under its kind and id."""
        kept = self._kept.setdefault(kind, {})
        kept[key] = value
        if len(kept) > _MOST:
            del kept[next(iter(kept))]

    def get(self, kind: str, key: str) -> Any:
        """What is kept; `None` when there is no such thing."""
        return self._kept.get(kind, {}).get(key)

    def drop(self, kind: str, key: str) -> bool:
        """Forget something. Returns whether it was there."""
        return self._kept.get(kind, {}).pop(key, None) is not None

    def names(self, kind: str) -> list[str]:
        """The ids of all of a kind, the oldest first."""
        return list(self._kept.get(kind, {}))

    def newest(self, kind: str) -> list[Any]:
        """All of a kind, the newest first."""
        return list(reversed(self._kept.get(kind, {}).values()))
