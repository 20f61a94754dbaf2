"""The script of a mock: what it answers to which call, in which order."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from itertools import count
from typing import Any, TypeAlias

from ...data.responses import AIResponse
from ...errors import AIError
from .calls import MockCall
from .failures import Failure
from .replies import Answer, Reply, make_replies, make_reply

__all__ = ["Pattern", "Script", "UnscriptedCallError"]

Pattern: TypeAlias = str | re.Pattern[str] | Callable[[str], bool]
"""What the last message must be like: a regular expression (searched, letter case aside) or a function of its
text."""


class UnscriptedCallError(AssertionError):
    """A call came for which a strict script has no reply."""


class Script:
    """Replies in order, replies by pattern, and a reply to everything else; and the calls that came.

    A pattern that fits goes first, then the next scripted reply, then `default`, else the last message is
    echoed. A `strict` script raises `UnscriptedCallError` instead of echoing. Safe in many threads: it relies
    on the atomic operations of `deque`, `list` and `count`.
    """

    def __init__(
        self,
        replies: Any = (),
        patterns: Mapping[Any, Any] | Iterable[tuple[Pattern, Any]] = (),
        *,
        default: Any = None,
        strict: bool = False,
    ) -> None:
        self.calls: list[MockCall] = []
        self.unanswered: list[MockCall] = []
        self.strict = strict
        self.default = None if default is None else make_reply(default, "default")
        self._queue: deque[Reply] = deque(make_replies(replies))
        self._patterns: list[tuple[Callable[[str], bool], Reply]] = []
        self._numbers = count(1)
        for pattern, reply in patterns.items() if isinstance(patterns, Mapping) else patterns:
            self.when(pattern, reply)

    @property
    def left(self) -> int:
        """How many scripted replies have not been used."""
        return len(self._queue)

    def add(self, *replies: Any) -> None:
        """Put replies at the end of the script."""
        self._queue.extend(make_reply(reply) for reply in replies)

    def when(self, pattern: Pattern, reply: Any) -> None:
        """Give `reply` to every call whose last message is like `pattern`. Earlier patterns go first."""
        if isinstance(pattern, str):
            pattern = re.compile(pattern, re.IGNORECASE)
        fits = pattern.search if isinstance(pattern, re.Pattern) else pattern
        self._patterns.append((fits, make_reply(reply, f"the reply to {pattern!r}")))  # type: ignore[arg-type]

    def record(self, **facts: Any) -> MockCall:
        """Note a call that came."""
        call = MockCall(number=next(self._numbers), **facts)
        self.calls.append(call)
        return call

    def reply_to(self, call: MockCall) -> Answer | Failure | AIError | None:
        """What to answer; `None` for an echo. Raises `UnscriptedCallError` when a strict script has
        nothing."""
        text = call.text
        for fits, reply in self._patterns:
            if fits(text):
                return _resolve(reply, call)
        try:
            return _resolve(self._queue.popleft(), call)
        except IndexError:
            pass
        if self.default is not None:
            return _resolve(self.default, call)
        if self.strict:
            self.unanswered.append(call)
            raise UnscriptedCallError(
                f"the script has no reply left for call {call}. Add one with reply(...) or when(...)"
            )
        return None

    def failure_for(self, call: MockCall) -> Failure | AIError | None:
        """For what is not chat: the next scripted reply if it is a failure."""
        try:
            reply = self._queue.popleft()
        except IndexError:
            return None
        if isinstance(reply, Failure | AIError):
            return reply
        self._queue.appendleft(reply)
        return None

    def reset(self) -> None:
        """Forget all replies, patterns and calls."""
        self._queue.clear()
        self._patterns.clear()
        self.calls.clear()
        self.unanswered.clear()


def _resolve(reply: Reply, call: MockCall) -> Answer | Failure | AIError:
    for _ in range(10):
        if isinstance(reply, Answer | Failure | AIError):
            return reply
        reply = make_reply(reply(call), f"what the function gave for call {call}")
    return Answer(response=AIResponse.from_text(""))
