"""Locks that a forked child never inherits held: the thread that held one in the parent does not exist there."""

from __future__ import annotations

import os
from collections.abc import Callable
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

__all__ = ["own_lock"]

_owners: WeakKeyDictionary[Any, Callable[[], Any]] = WeakKeyDictionary()


def own_lock(owner: Any, make: Callable[[], Any] = Lock) -> None:
    """Give `owner` a lock as `_lock`, and a new one in each forked child. `owner` can be referred to weakly."""
    owner._lock = make()
    _owners[owner] = make


def _renew() -> None:
    for owner, make in _owners.copy().items():
        owner._lock = make()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)
