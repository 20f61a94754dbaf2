"""Matching the patterns of schemas, which may come from strangers: one that could take for ever is not tried."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

__all__ = ["matches"]

_TOKENS = re.compile(
    r"\\.|\[\^?\]?(?:\\.|[^\]\\])*+\]?|(?P<open>\()|(?P<close>\))|(?P<choice>\|)"
    r"|(?P<loop>[*+]|\{\d*,\})|(?P<count>\{\d+(?:,\d+)?\})",
    re.DOTALL,
)
_SHORT = 20
_STEPS = 10**7


def matches(pattern: Any, text: str) -> bool:
    """Whether a pattern is found in a text.

    Patterns are ECMA 262; one that Python can't compile can't be checked here, and is taken as matched. So is one that
    would take too long: a loop of loops (`(a+)+`) on more than 20 characters, several loops on a long text.
    """
    try:
        loops, nested = _loops(pattern)
        # A search begins at each place, and each loop may end at each: the steps are a power of the length.
        power = loops if pattern.startswith("^") and "|" not in pattern else loops + 1
        takes_long = loops > 0 and len(text) ** min(power, 50) > _STEPS
        if takes_long or (nested and len(text) > _SHORT):
            return True
        return re.search(pattern, text) is not None
    except (re.error, TypeError, RecursionError, OverflowError):
        return True


@lru_cache(maxsize=256)
def _loops(pattern: str) -> tuple[int, bool]:
    """How many loops without a limit a pattern has, and whether one repeats a group with loops or choices in it."""
    total, nested = 0, False
    inner = [False]
    closed: tuple[int, bool] | None = None
    for token in _TOKENS.finditer(pattern):
        kind = token.lastgroup
        if kind == "open":
            inner.append(False)
        elif kind == "close":
            held = inner.pop() if len(inner) > 1 else False
            inner[-1] = inner[-1] or held
            closed = (token.end(), held)
        elif kind == "choice":
            inner[-1] = True
        elif kind in ("loop", "count"):
            nested = nested or (closed is not None and closed[0] == token.start() and closed[1])
            total += kind == "loop"
            inner[-1] = inner[-1] or kind == "loop"
    return total, nested
