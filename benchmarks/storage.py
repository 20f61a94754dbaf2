"""The section `storage`: what a ledger adds to a call, how fast rows are inserted, what grows with the database, and
storing messages beside the session stores of agents."""

from __future__ import annotations

from collections.abc import Iterator

from .records import Figures, Samples
from .section import Section

__all__ = ["StorageBench"]

_WITHOUT, _WRITE_BEHIND, _DURABLE = "without storage", "write-behind", "durable"
_CALLS = {
    _WITHOUT: "polydriver_client:AsyncPolydriver",
    _WRITE_BEHIND: "polydriver_client:AsyncPolydriverWriteBehind",
    _DURABLE: "polydriver_client:AsyncPolydriverDurable",
}
LIMITS = {_WRITE_BEHIND: 1.3, _DURABLE: 2.5}
"""The goals, in multiples of a call without storage."""

_BARE, _WAITED_FOR = "sqlite3.executemany", "durable, 500 in flight"
_INSERTS = {_BARE: "storing:Bare", _WRITE_BEHIND: "storing:WriteBehind", _WAITED_FOR: "storing:Durable"}
INSERT_LIMITS = {_WRITE_BEHIND: 2.0, _WAITED_FOR: 4.0}
"""In multiples of a bare insert."""

_OWN = "polydriver"
_BLOCKING = "polydriver, blocking"
_SESSIONS = {
    _OWN: "storing:Polydriver",
    _BLOCKING: "storing:PolydriverBlocking",
    "openai-agents": "storing:OpenAIAgents",
    "google-adk": "storing:GoogleADK",
}
SESSION_LIMIT = 1.0

_GROWTH = {
    "Storing a turn of a chat": ("growing:Turn", {"after 10 messages": 10, "after 1,000": 1000}, 1.2),
    "Opening a conversation of 100 messages": (
        "growing:Opening",
        {"of 10,000": 10_000, "of a million": 1_000_000},
        2.0,
    ),
    "A month's report": ("growing:Reporting", {"of 10,000 rows": 10_000, "of a million": 1_000_000}, 1.5),
}
"""What is done, by what, in which sizes, and what the larger one may cost as a multiple of the smaller."""


class StorageBench(Section):
    """Measures table after table."""

    def tables(self) -> Iterator[Figures]:
        """A call with a ledger and without; inserts; growth; sessions."""
        [calls] = self.measure("async", _CALLS, self.task("call", 50), times=2)
        for name, limit in LIMITS.items():
            text = f"Async call, 50 in flight, with a {name} ledger, x without"
            self.hold(text, calls[name], calls[_WITHOUT], limit)
        yield self._table("A ledger in SQLite in a call, async, 50 in flight", "a call", calls, _WITHOUT)

        step = self.task("step")
        [inserts] = self.measure("step", _INSERTS, step)
        for name, limit in INSERT_LIMITS.items():
            self.hold(f"Inserting a row, {name}, x {_BARE}", inserts[name], inserts[_BARE], limit)
        yield self._table("Inserting a row of the ledger in SQLite", "a row", inserts, _BARE)

        for title, (target, sizes, limit) in _GROWTH.items():
            [found] = self.measure("step", {name: f"{target}@{size}" for name, size in sizes.items()}, step)
            small, large = sizes
            self.hold(f"{title} {large}, x {small}", found[large], found[small], limit)
            yield self._table(title, "each", found, small)

        for wire, title in {"add": "Storing a message in SQLite", "read": "Reading 100 messages"}.items():
            [found] = self.measure("step", {name: f"{target}@{wire}" for name, target in _SESSIONS.items()}, step)
            others = {name: row.median for name, row in found.items() if name != _OWN and row.median is not None}
            if others:
                best = min(others, key=lambda name: others[name] or 0.0)
                self.hold(f"{title}, x {best}", found[_OWN], found[best], SESSION_LIMIT)
            yield self._table(title, "each", found, _OWN)

    @staticmethod
    def _table(title: str, unit: str, results: dict[str, Samples], base: str) -> Figures:
        return Figures(title, f"CPU µs {unit}", {f"x {base}": base}, results)
