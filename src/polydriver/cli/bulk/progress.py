"""How far a batch has come: a live bar on a terminal, lines elsewhere, and the summary at its end."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

from ...data.batches import BatchProgress
from ...data.cost import Cost
from ..output import note, print_json, say
from .journal import Journal

__all__ = ["PlainLines", "describe", "duration", "print_summary", "summarise", "shown_progress"]

_EVERY = 10.0
_FRAME = 0.1

Show = Callable[[BatchProgress], object]


@contextmanager
def shown_progress(total: int, earlier: int) -> Iterator[Show]:
    """A function that shows the progress of a run over `total` lines, of which `earlier` were done before it."""
    if sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        with _bar(total, earlier) as show:
            yield show
        return
    lines = PlainLines(total, earlier)
    lines.begin()
    yield lines


class PlainLines:
    """A line on stderr at the beginning, and then at most one in `every` seconds."""

    def __init__(
        self, total: int, earlier: int, *, every: float = _EVERY, clock: Callable[[], float] = monotonic
    ) -> None:
        self._total = total
        self._earlier = earlier
        self._every = every
        self._clock = clock
        self._last = clock()

    def begin(self) -> None:
        """Show how much there is to do."""
        before = f", {self._earlier:,} of them done before" if self._earlier else ""
        note(f"{self._total:,} lines{before}")

    def __call__(self, progress: BatchProgress) -> None:
        """Show how far it is, unless that was told just now."""
        now = self._clock()
        if now - self._last >= self._every:
            self._last = now
            note(f"{self._earlier + progress.finished:,} of {self._total:,} lines: {describe(progress)}")


@contextmanager
def _bar(total: int, earlier: int) -> Iterator[Show]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (BarColumn(), TextColumn("{task.completed:,.0f}/{task.total:,.0f} {task.fields[facts]}", markup=False))
    with Progress(*columns, console=Console(stderr=True, highlight=False), auto_refresh=False) as bar:
        task = bar.add_task("", total=total, completed=earlier, facts="")
        bar.refresh()
        shown = monotonic()

        def show(progress: BatchProgress) -> None:
            nonlocal shown
            now = monotonic()
            is_last = progress.finished == progress.total
            if is_last or now - shown >= _FRAME:
                shown = now
                bar.update(task, completed=earlier + progress.finished, facts=describe(progress), refresh=True)

        yield show


def describe(progress: BatchProgress) -> str:
    """In words: failures, rate, tokens, costs, and the time left."""
    left = progress.seconds_left
    tokens = progress.input_tokens + progress.output_tokens
    facts = [
        f"{progress.failed:,} failed" if progress.failed else None,
        f"{progress.rate:,.1f}/s" if progress.seconds else None,
        f"{tokens:,} tokens" if tokens else None,
        _money(progress),
        f"{duration(left)} left" if left else None,
    ]
    return " · ".join(fact for fact in facts if fact)


def _money(progress: BatchProgress) -> str | None:
    known = " + ".join(str(Cost(round(amount, 6), currency)) for currency, amount in sorted(progress.costs.items()))
    unknown = f"{progress.unpriced:,} without a known price" if progress.unpriced else None
    return " · ".join(words for words in (known, unknown) if words) or None


def duration(seconds: float) -> str:
    """Hours, minutes and seconds: "0:07", "12:07", "3:12:07"."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def summarise(total: int, earlier: int, journal: Journal, progress: BatchProgress) -> dict[str, Any]:
    """What a run did, as plain JSON values: lines in all runs, and tokens, costs and seconds of this one."""
    return {
        "output": str(journal.path),
        "total": total,
        "answered": journal.answered,
        "failed": journal.failed,
        "left": total - len(journal.done),
        "earlier": earlier,
        "stopped": progress.stopped,
        "errors": dict(journal.errors.most_common()),
        "input_tokens": progress.input_tokens,
        "output_tokens": progress.output_tokens,
        "costs": {currency: str(amount) for currency, amount in progress.costs.items()},
        "unpriced": progress.unpriced,
        "seconds": round(progress.seconds, 3),
    }


def print_summary(total: int, earlier: int, journal: Journal, progress: BatchProgress, *, as_json: bool) -> None:
    """Print what a run did, on stdout."""
    values = summarise(total, earlier, journal, progress)
    if as_json:
        print_json(values)
        return
    before = f" ({earlier:,} before this run)" if earlier else ""
    say(f"{values['answered']:,} of {total:,} lines answered, {values['failed']:,} failed{before}: {journal.path}")
    if progress.finished:
        tokens = f"{progress.input_tokens:,} in + {progress.output_tokens:,} out tokens"
        pace = (f"{progress.rate:,.1f}/s", duration(progress.seconds)) if progress.seconds else ()
        facts = (tokens, _money(progress), *pace)
        say(" · ".join(fact for fact in facts if fact))
    if journal.errors:
        say("failed: " + ", ".join(f"{count:,} {kind}" for kind, count in journal.errors.most_common()))
        note("--retry-failed sends what failed again")
    if values["left"]:
        note(f"{values['left']:,} lines are left: the same command goes on with them")
