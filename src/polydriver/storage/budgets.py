"""Budgets: money is reserved in the database before a request goes out, and settled by what it really cost.

An attempt falls under every budget that the settings name and that fits it; it is made when all of them have room for
its estimate. The window of a budget is fixed when the attempt is admitted. What is held is given back when the attempt
ends; when its process dies, once its lease of 60 seconds has run out: living processes renew theirs.

What an attempt counts with in the end is its cost; where that is not known and it may have been billed, its estimate.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from ..config.budgets import BudgetConfig
from ..config.storage import StorageConfig
from ..data.attempts import AttemptReport
from ..engine.attempts import Attempt
from ..engine.policies import Either, Outcome
from ..errors import BudgetExceededError, StorageError
from ..events import BudgetWarning
from ..forking import in_child
from ..logger import logger
from .budget_amounts import reserved_for, spent_of, subjects_of
from .budget_reports import BudgetReport, read_budget_reports
from .budget_rows import BUDGETS, Claim, Crossing, Hold, free_expired, renew, reserve
from .budget_settling import Ending, settle
from .database import Database
from .estimates import estimate_attempt
from .ids import new_id
from .ledger_rows import owner_of
from .metering import StreamMeter
from .windows import window_of
from .writer import Work, Writer

__all__ = ["Budgets"]

_log = logger()
_CHORE_SECONDS = 20.0
_DEFERRED_SECONDS = 86_400.0


class Budgets:
    """The budgets of an application. It is a `Gate` of every connection that it is attached to.

    Attempts wait for the database up to `patience` seconds; after that `on_failure` decides: "allow" sends the request,
    and what it costs is noted later; "refuse" raises `StorageError` before anything is sent. With a durable ledger the
    end is on the disk before the caller gets the answer. What is held for an answer in the background stays held, until
    this process fetches it, ends, or has waited for a day: then the estimate counts.
    """

    def __init__(
        self, database: Database, writer: Writer, budgets: Sequence[BudgetConfig], config: StorageConfig
    ) -> None:
        self.database = database
        self.writer = writer
        self.budgets = tuple(budgets)
        self._patience = config.patience
        self._waits = config.ledger == "durable"
        self._on_failure = config.on_failure
        self._zones = {budget.time_zone: ZoneInfo(budget.time_zone) for budget in budgets}
        self._held: set[str] = set()
        self._deferred: dict[str, tuple[Hold, float]] = {}
        writer.every(_CHORE_SECONDS, self.keep_up)
        in_child(self, Budgets._forget_parents)

    async def admit(self, attempt: Attempt, port: Either) -> Hold | None:
        """Reserve what the attempt may cost. See `Gate.admit`; raises `BudgetExceededError`."""
        now = port.wall_time()
        claims = self._claims(attempt, now)
        if not claims:
            return None
        hold = Hold(attempt, claims)
        if not hold.reserved:
            return hold
        self._held.update(claim.id for claim in hold.reserved)
        work = Work(partial(reserve, hold=hold, now=int(now * 1e6)), BUDGETS)
        try:
            told = await self._do(work, port)
            await self._emit(attempt, told, port)
        except BudgetExceededError as error:
            self._forget(hold)
            error.provider = attempt.provider
            raise
        except StorageError as error:
            if self._on_failure == "refuse":
                self._release(hold)
                raise StorageError(f"{error.message}; nothing was sent", retryable=False) from error
            hold.forced = True
            _log.warning("an attempt is made though its budget could not be asked: %s", error.message)
        except BaseException:
            self._release(hold)
            raise
        self._measure(hold)
        return hold

    async def settle(self, lease: Hold | None, outcome: Outcome, report: AttemptReport | None, port: Either) -> None:
        """Note what was spent, in place of what was reserved. See `Gate.settle`."""
        work = self._end(lease, outcome)
        if work is None:
            return
        if not self._waits or lease is None or outcome.kind == "refused":
            self._put(work)
            return
        try:
            told = await self._do(work, port)
            await self._emit(lease.attempt, told, port)
        except StorageError as error:
            _log.debug("what an attempt spent is noted later: %s", error.message)

    def settle_now(self, lease: Hold | None, outcome: Outcome, report: AttemptReport | None) -> None:
        """The same without waiting. See `Gate.settle_now`."""
        work = self._end(lease, outcome)
        if work is not None:
            self._put(work)

    def report(self) -> list[BudgetReport]:
        """How the budgets stand now; see `read_budget_reports`."""
        return read_budget_reports(self.database, self.budgets)

    async def _do(self, work: Work[list[Crossing]], port: Either) -> list[Crossing]:
        return await port.either(
            partial(self.writer.do_blocking, work, self._patience), partial(self.writer.do_async, work, self._patience)
        )

    def _claims(self, attempt: Attempt, now: float) -> list[Claim]:
        owner = owner_of(attempt)
        estimate = estimate_attempt(attempt)
        moment = datetime.fromtimestamp(now, UTC)
        claims = []
        for budget in self.budgets:
            subjects = subjects_of(budget, attempt.provider, owner)
            if subjects:
                amount = reserved_for(budget, estimate, attempt)
                window = window_of(budget.period, self._zones[budget.time_zone], moment)
                claims += [Claim(budget, subject, window, amount) for subject in subjects]
        return claims

    def _measure(self, hold: Hold) -> None:
        """Have the output of a stream measured, where a budget asks for that."""
        prompt = hold.attempt.prompt
        stops = any(claim.budget.stop_streams and claim.amount for claim in hold.claims)
        if stops and prompt is not None and prompt.stream and not hold.forced:
            hold.attempt.meter = StreamMeter(self.writer, hold, self._patience)

    async def _emit(self, attempt: Attempt, told: list[Crossing], port: Either) -> None:
        call = attempt.call
        if not told or not call.wants(BudgetWarning):
            return
        facts = {**call.facts(), "provider": attempt.provider, "model": attempt.model}
        for claim, threshold, spent in told:
            budget = claim.budget
            warning = BudgetWarning(
                budget=budget.name, subject=claim.subject, threshold=threshold, spent=spent, limit=budget.limit,
                currency=budget.currency, window_end=claim.window.end, **facts,
            )  # fmt: skip
            await port.emit(call.bus, warning)

    def _end(self, hold: Hold | None, outcome: Outcome) -> Work[list[Crossing]] | None:
        """What notes the end of an attempt; `None` where there is nothing to note, or it was noted."""
        fetched, _ = self._deferred.pop(outcome.paid_for or "", (None, 0.0)) if outcome.was_fetched else (None, 0.0)
        if fetched is not None:  # it counts where it was asked for
            hold = fetched
        told = outcome.paid_for if outcome.counts_once else None
        if hold is None and outcome.was_fetched and told is not None:  # its estimate may count under other budgets
            return Work(partial(settle, end=Ending(new_id(), cost=outcome.cost, paid_for=told)), BUDGETS)
        if hold is None or hold.is_settled:
            return None
        if outcome.is_deferred and hold.reserved:
            self._deferred[outcome.paid_for or ""] = (hold, time.time())
            return None
        hold.is_settled = True
        self._forget(hold)
        spent = [spent_of(claim, outcome) for claim in hold.claims]
        if not hold.reserved and not any(spent) and told is outcome.estimate_of is None:
            return None
        end = Ending(new_id(), hold.claims, spent, hold.forced, outcome.cost, told, outcome.estimate_of)
        return Work(partial(settle, end=end), BUDGETS)

    def _release(self, hold: Hold) -> None:
        """Nothing was sent: what is reserved, or will be, comes back."""
        work = self._end(hold, Outcome(kind="refused", may_be_billed=False))
        if work is not None:
            self._put(work)

    def _put(self, work: Work[Any]) -> None:
        try:
            self.writer.put(work)
        except StorageError as error:
            _log.error("what an attempt spent is not noted in its budget: %s", error.message)

    def _forget(self, hold: Hold) -> None:
        self._held.difference_update([claim.id for claim in hold.claims])

    def _forget_parents(self) -> None:
        self._held, self._deferred = set(), {}

    def keep_up(self) -> None:
        """Renew the holds of this process, and free those of dead ones; runs in the writer's thread."""
        now = int(time.time() * 1e6)
        for name, (hold, since) in list(self._deferred.items()):
            if time.time() - since > _DEFERRED_SECONDS and self._deferred.pop(name, None) is not None:
                self.settle_now(hold, Outcome(kind="success", estimate_of=name), None)
        if ids := list(self._held):
            self.writer.put(Work(partial(renew, ids=ids, now=now), BUDGETS))
        self.writer.put(Work(partial(free_expired, now=now), BUDGETS))
