"""Locks that a forked child never inherits held, and what else is its parent's: other threads do not exist there."""

from __future__ import annotations

import os
from collections.abc import Callable
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

__all__ = ["in_child", "own_lock"]

_owners: WeakKeyDictionary[Any, Callable[[], Any]] = WeakKeyDictionary()

_acts: WeakKeyDictionary[Any, Callable[[Any], None]] = WeakKeyDictionary()


def own_lock(owner: Any, make: Callable[[], Any] = Lock) -> None:
    """Give `owner` a lock as `_lock`, and a new one in each forked child. `owner` can be referred to weakly."""
    owner._lock = make()
    _owners[owner] = make


def in_child(owner: Any, act: Callable[[Any], None]) -> None:
    """Have `act(owner)` called in each forked child, after the locks are new. `act` must not hold `owner`, which can be
    referred to weakly."""
    _acts[owner] = act


def _renew() -> None:
    for owner, make in _owners.copy().items():
        owner._lock = make()
    for owner, act in _acts.copy().items():
        act(owner)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)
