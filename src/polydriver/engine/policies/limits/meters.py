"""Meters: each counts the use of one limit. All times are arguments, in monotonic seconds.

A `Window` counts what was taken in the last minute or day, in 60 steps. A step's amount is free again when all of the
step is older than the window, so that no stretch of that length ever holds more than the limit, and at least 60/61 of
it can be used. `Slots` counts what is held at the moment: by a living `Hold` and by nothing else, so that what Ctrl-C
took from its holder, at whatever moment, is free again.
"""

from __future__ import annotations

from collections import deque
from math import inf
from typing import Protocol, TypeAlias
from weakref import ref

from ....forking import in_child

__all__ = ["Hold", "Mark", "Meter", "Pause", "Slots", "Told", "Window"]

_STEPS = 60


class Hold:
    """What is under way, as long as this lives."""

    __slots__ = ("__weakref__",)


Mark: TypeAlias = list[float] | Hold | None
"""Where an amount was counted, so that it can be changed later: a step of a window and its amount, or what holds it."""


class Meter(Protocol):
    """What counts one limit.

    Where it `counts`, whatever is at most `limit - used` can be taken; else only `wait` tells. Where it `holds`, what
    is taken is under way, and it has to know of the end; else only of a difference.
    """

    name: str
    dimension: str
    limit: float
    counts: bool
    holds: bool

    @property
    def used(self) -> float:
        """How much of it is taken."""

    def wait(self, amount: float, now: float) -> float:
        """Seconds until `amount` can be taken: 0 when it can be now, infinite when that depends on others."""

    def take(self, amount: float, now: float, hold: Hold) -> Mark:
        """Count an amount, whether it fits or not; what is under way is so as long as `hold` lives. Returns the mark
        for `change`, but where it `holds`: there that is `hold`."""

    def change(self, mark: Mark, difference: float, now: float) -> None:
        """Count an amount that was taken at `mark` as more or less."""


class Window:
    """At most `limit` in any stretch of `seconds`. An amount that is larger than the limit counts as the limit."""

    counts, holds = True, False

    __slots__ = ("_newest", "_step", "_steps", "dimension", "limit", "name", "seconds", "used")

    def __init__(self, name: str, dimension: str, limit: float, seconds: float) -> None:
        self.name = name
        self.dimension = dimension
        self.limit = limit
        self.seconds = seconds
        self.used = 0.0
        self._step = seconds / _STEPS
        self._steps: deque[list[float]] = deque()  # [its end, its amount], in order of time
        self._newest = [-inf, 0.0]

    def wait(self, amount: float, now: float) -> float:
        """See `Meter.wait`."""
        steps = self._steps
        if steps and steps[0][0] + self.seconds <= now:
            self._forget(now)
        limit = self.limit
        missing = self.used + (amount if amount < limit else limit) - limit
        if missing <= 1e-9:
            return 0.0
        for end, taken in steps:
            missing -= taken
            if missing <= 1e-9:
                return max(0.0, end + self.seconds - now)
        return self.seconds

    def take(self, amount: float, now: float, hold: Hold) -> Mark:
        """See `Meter.take`."""
        step = self._newest
        if step[0] <= now:
            self._forget(now)
            self._newest = step = [(now // self._step + 1.0) * self._step, 0.0]
            self._steps.append(step)
        if amount > self.limit:
            amount = self.limit
        step[1] += amount
        self.used += amount
        return step

    def change(self, mark: Mark, difference: float, now: float) -> None:
        """See `Meter.change`. What is no longer in the window changes nothing."""
        if isinstance(mark, list) and mark[0] + self.seconds > now:
            if difference < -mark[1]:
                difference = -mark[1]
            mark[1] += difference
            self.used += difference

    def _forget(self, now: float) -> None:
        steps = self._steps
        while steps and steps[0][0] + self.seconds <= now:
            gone = steps.popleft()
            self.used -= gone[1]
            gone[0] = -inf
        if not steps:
            self.used = 0.0  # nothing is left of rounding errors


class Slots:
    """At most `limit` at once, each of them one; what is taken is held until it is given back, or its `Hold` is gone. A
    forked child holds nothing."""

    counts, holds = True, True

    __slots__ = ("__weakref__", "_free", "_held", "dimension", "limit", "name")

    def __init__(self, name: str, limit: float, dimension: str = "concurrent") -> None:
        self.name = name
        self.dimension = dimension
        self.limit = limit
        self._held: set[ref[Hold]] = set()
        self._free = self._held.discard
        in_child(self, Slots._free_all)

    @property
    def used(self) -> float:
        """See `Meter.used`."""
        return float(len(self._held))

    def _free_all(self) -> None:
        self._held.clear()

    def wait(self, amount: float, now: float) -> float:
        """See `Meter.wait`."""
        return 0.0 if len(self._held) + amount <= self.limit else inf

    def take(self, amount: float, now: float, hold: Hold) -> Mark:
        """See `Meter.take`."""
        self._held.add(ref(hold, self._free))
        return None

    def change(self, mark: Mark, difference: float, now: float) -> None:
        """See `Meter.change`. What is held is held no longer."""
        if isinstance(mark, Hold):
            self._free(ref(mark))


class Told:
    """What the provider itself says is left, until it is full again: it may only narrow the limits of ours."""

    counts, holds = False, True

    __slots__ = ("_held", "dimension", "left", "limit", "name", "until")

    def __init__(self, name: str, dimension: str) -> None:
        self.name = name
        self.dimension = dimension
        self.limit = inf
        self.left = inf
        self.until = -inf
        self._held: dict[ref[Hold], float] = {}

    @property
    def used(self) -> float:
        """What is under way, which the provider may not have counted yet."""
        return sum(list(self._held.values()))

    def tell(self, left: float, seconds: float, now: float) -> None:
        """Take over what an answer said: `left`, and the seconds until all of it is there again."""
        self.left = max(0.0, left - self.used)
        self.until = now + seconds

    def wait(self, amount: float, now: float) -> float:
        """See `Meter.wait`."""
        return 0.0 if now >= self.until or amount <= self.left else self.until - now

    def take(self, amount: float, now: float, hold: Hold) -> Mark:
        """See `Meter.take`."""
        self._held[ref(hold, self._held.pop)] = amount
        self.left = max(0.0, self.left - amount)
        return None

    def note_answer(self, mark: Mark) -> bool:
        """Note that the provider answers, so it has counted what was taken at `mark`; false where that is known."""
        return isinstance(mark, Hold) and self._held.pop(ref(mark), None) is not None

    def change(self, mark: Mark, difference: float, now: float) -> None:
        """See `Meter.change`. It is no longer under way, and given back where no answer told of it."""
        if self.note_answer(mark) and difference < 0.0:
            self.left -= difference


class Pause:
    """Nothing until a moment: the provider said when to come back."""

    counts, holds = False, False

    __slots__ = ("dimension", "limit", "name", "until", "used")

    def __init__(self, name: str) -> None:
        self.name = name
        self.dimension = "requests"
        self.limit = inf
        self.until = -inf
        self.used = 0.0

    def wait(self, amount: float, now: float) -> float:
        """See `Meter.wait`."""
        return max(0.0, self.until - now)

    def take(self, amount: float, now: float, hold: Hold) -> Mark:
        """See `Meter.take`."""
        return None

    def change(self, mark: Mark, difference: float, now: float) -> None:
        """See `Meter.change`."""
