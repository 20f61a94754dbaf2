"""A gate that keeps what it was told, for tests."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

from polydriver.data.attempts import AttemptReport
from polydriver.engine.policies import AttemptFacts, Either, Outcome

__all__ = ["LeaseLog"]


class LeaseLog:
    """Admits every attempt, suspends async callers while it does, and knows which leases are open."""

    def __init__(self) -> None:
        self.numbers = itertools.count()
        self.open: set[int] = set()
        self.settled: list[tuple[int, str, AttemptReport | None]] = []

    async def admit(self, attempt: AttemptFacts, port: Either) -> int:
        await port.either(lambda: None, _give_way)
        lease = next(self.numbers)
        self.open.add(lease)
        return lease

    async def settle(self, lease: int, outcome: Outcome, report: AttemptReport | None, port: Either) -> None:
        await port.either(lambda: None, _give_way)
        self.settle_now(lease, outcome, report)

    def settle_now(self, lease: int, outcome: Outcome, report: AttemptReport | None) -> None:
        self.open.remove(lease)
        self.settled.append((lease, outcome.kind, report))

    def check(self, reports: list[AttemptReport]) -> None:
        """Every lease was settled once, with the report of its attempt."""
        assert self.open == set()
        told: list[Any] = [report for _, _, report in self.settled if report is not None]
        assert sorted(map(id, told)) == sorted(map(id, reports))


async def _give_way() -> None:
    await asyncio.sleep(0)
