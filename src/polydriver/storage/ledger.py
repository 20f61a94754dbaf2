"""The ledger: one row for every attempt that reached the wire, whatever happened to it.

Two modes:

- *durable*: the row of an attempt is on the disk before its request goes out, and its end before the caller gets the
  answer. It outlives `kill -9` and, with the database's `durable` (SQLite: `synchronous=FULL`), a loss of power.
- *write-behind*: rows are handed to the writer's thread, which writes them within its `window`. A killed process loses
  at most that; exit and SIGTERM lose nothing.

An attempt whose process died before its end was written becomes `unknown`, with an estimate of what it cost, once its
lease has run out: leases are of 60 s, and a living process renews them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from copy import copy
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Any, Literal

import msgspec
from sqlalchemy import Connection

from ..data.attempts import AttemptReport
from ..data.cost import Cost
from ..data.prompt import Prompt
from ..engine.attempts import Attempt
from ..engine.calls import Call
from ..engine.policies import Either, Outcome
from ..errors import StorageError
from ..forking import in_child
from ..logger import logger
from .columns import to_micros
from .correcting import replace_estimate
from .counting import counted_by, counts
from .database import Database
from .ids import new_id
from .ledger_rows import (
    ATTEMPT,
    CALL,
    RENEW,
    SETTLE,
    UNROLL,
    UNROLL_SINCE,
    Entry,
    Hit,
    call_values,
    end_values,
    hit_values,
    intent_values,
    item_values,
)
from .rolling import RIPE, day_of
from .writer import Row, Work, Writer

__all__ = ["Ledger"]

_log = logger()
LEASE_SECONDS = 60.0
_SWEEP_SECONDS = 20.0
_COUNTED = "~counted"
_LEDGER, _ESTIMATE = "ledger", "ledger's estimate"


class Ledger:
    """Writes calls and attempts to a database. It is a `Gate` of every connection that it is attached to.

    - `mode`: see the module.
    - `patience`: how long, in seconds, an attempt waits for its row in durable mode. `on_failure` says what happens
      when the database fails until then: "allow" sends the request, and the row is kept for later; "refuse" raises
      `StorageError` before anything is sent.
    """

    def __init__(
        self,
        database: Database,
        writer: Writer,
        *,
        mode: Literal["durable", "write-behind"] = "durable",
        patience: float = 5.0,
        on_failure: Literal["allow", "refuse"] = "allow",
    ) -> None:
        self.database = database
        self.writer = writer
        self.mode = mode
        self.patience = patience
        self.on_failure = on_failure
        self._open: dict[str, Entry] = {}
        writer.every(_SWEEP_SECONDS, self._renew)
        writer.recovered.append(self._unroll_since)
        in_child(self, Ledger._forget_parents)

    async def admit(self, attempt: Attempt, port: Either) -> Entry:
        """Write that the attempt is about to be made. See `Gate.admit`."""
        if self.writer.is_ending:
            raise StorageError("the process is being terminated; nothing was sent", retryable=False)
        call = attempt.call
        now = port.wall_time()
        is_new = call.row_id is None
        call.row_id = call_id = call.row_id or new_id()
        entry = Entry(attempt, call_id, now, now + LEASE_SECONDS)
        try:
            if is_new:
                self.writer.put(Row(CALL, partial(call_values, attempt, call_id, now)))
            row = entry.row = Row(ATTEMPT, partial(intent_values, entry))
            if self.mode == "durable":
                await port.either(
                    partial(self.writer.wait_blocking, row, self.patience),
                    partial(self.writer.wait_async, row, self.patience),
                )
            else:
                self.writer.put(row)
        except StorageError as error:
            if self.on_failure == "refuse":
                self._refuse(entry)
                raise StorageError(f"{error.message}; nothing was sent", retryable=False) from error
            _log.debug("an attempt is made though its row is not written: %s", error.message)
        except BaseException:  # the caller left: the row may be written, of a request that was never sent
            self._refuse(entry)
            raise
        self._open[entry.id] = entry
        return entry

    async def settle(self, lease: Entry, outcome: Outcome, report: AttemptReport | None, port: Either) -> None:
        """Write how the attempt ended. See `Gate.settle`."""
        row = self._end(lease, outcome, report)
        if row is None:
            return
        if self.mode != "durable":
            self._put_end(row, lease)
            return
        try:
            await port.either(
                partial(self.writer.wait_blocking, row, self.patience),
                partial(self.writer.wait_async, row, self.patience),
            )
        except StorageError as error:
            _log.debug("the end of an attempt is written later: %s", error.message)
        self._unroll(lease)

    def note_hit(self, call: Call, prompt: Prompt, provider: str, currency: str) -> None:
        """Write that a call was answered from the cache, soon. See `engine.observing.HitLedger`."""
        hit, now = Hit(call, prompt, provider), time.time()
        id, number = new_id(), len(call.attempts) + 1
        if call.row_id is None:
            call.row_id = new_id()
            self._put(Row(CALL, _constant(call_values(hit, call.row_id, now))))
        self._put(Row(ATTEMPT, partial(hit_values, hit, id, now, number, currency)))

    def settle_now(self, lease: Entry, outcome: Outcome, report: AttemptReport | None) -> None:
        """Hand in how the attempt ended. See `Gate.settle_now`."""
        row = self._end(lease, outcome, report)
        if row is not None:
            self._put_end(row, lease)

    def _put_end(self, row: Row | Work[None], entry: Entry) -> None:
        self._put(row)
        self._unroll(entry)

    def _unroll(self, entry: Entry) -> None:
        """Have the day of an attempt that ends late summed up anew."""
        if entry.ended_at - entry.started_at > RIPE.total_seconds():
            day = day_of(datetime.fromtimestamp(entry.started_at, UTC))
            self._put(Row(UNROLL, _constant((to_micros(day),))))

    def _unroll_since(self, moment: float) -> None:
        """Have the days summed up anew whose rows waited for a database that failed; runs in the writer's thread."""
        day = day_of(datetime.fromtimestamp(moment - LEASE_SECONDS, UTC))
        self._put(Row(UNROLL_SINCE, _constant((to_micros(day),))))

    def _end(self, entry: Entry, outcome: Outcome, report: AttemptReport | None) -> Row | Work[None] | None:
        """The row of the end; `None` where it was put into the first one, or handed in before."""
        if entry.is_ended:
            return None
        entry.is_ended = True
        entry.ended_at = time.time()
        entry.outcome, entry.report = outcome, report
        self._open.pop(entry.id, None)
        if outcome.counts_once:
            return Work(partial(_settle_once, entry=entry), f"{_COUNTED} {outcome.paid_for}")
        if outcome.estimate_of is not None:
            return Work(partial(_settle_estimate, entry=entry), f"{_COUNTED} {outcome.estimate_of}")
        if self.mode != "durable" and entry.row is not None and entry.row.complete(partial(intent_values, entry)):
            return None
        return Row(SETTLE, partial(end_values, entry))

    def _refuse(self, entry: Entry) -> None:
        """Nothing was sent: the row, if it is written, says so."""
        row = self._end(entry, Outcome(kind="refused", may_be_billed=False), None)
        if row is not None:
            self._put(row)

    def _put(self, row: Row | Work[None]) -> None:
        try:
            self.writer.put(row)
        except StorageError as error:
            _log.error("a row of the ledger is lost: %s", error.message)

    def _forget_parents(self) -> None:
        self._open = {}

    def _renew(self) -> None:
        """Keep the leases of the attempts that are under way; runs in the writer's thread."""
        expires = int((time.time() + LEASE_SECONDS) * 1e6)
        for id in list(self._open):
            self.writer.put(Row(RENEW, _constant((expires, id))))


def _settle_once(connection: Connection, entry: Entry) -> None:
    """Write how an attempt ended whose cost counts once: one that asks again has cost nothing.

    Where it is made up of items, each of them has a row of its own.
    """
    ended, outcome, dialect = copy(entry), entry.outcome, connection.dialect.name
    assert outcome is not None
    assert outcome.paid_for is not None
    is_first = counts(connection, _LEDGER, outcome.paid_for, entry.id)
    if not is_first or outcome.items:
        source = "told in the rows of its items" if is_first else "counted when it was first told"
        nothing = None if outcome.cost is None else Cost(Decimal(0), outcome.cost.currency, source=source)
        ended.outcome = msgspec.structs.replace(outcome, usage=None, cost=nothing)
    written = connection.exec_driver_sql(SETTLE.text(dialect), end_values(ended)).rowcount
    if is_first and outcome.items and written:
        items = [item_values(entry, item, number) for number, item in enumerate(outcome.items, 1)]
        connection.exec_driver_sql(ATTEMPT.text(dialect), items)
    if is_first and (estimate := counted_by(connection, _ESTIMATE, outcome.paid_for)) is not None:
        replace_estimate(connection, estimate)


def _settle_estimate(connection: Connection, entry: Entry) -> None:
    """Write how an attempt ended whose cost is an estimate until what it made is fetched: what is told then counts."""
    outcome = entry.outcome
    assert outcome is not None
    assert outcome.estimate_of is not None
    connection.exec_driver_sql(SETTLE.text(connection.dialect.name), end_values(entry))
    if counts(connection, _ESTIMATE, outcome.estimate_of, entry.id) and (
        counted_by(connection, _LEDGER, outcome.estimate_of) is not None
    ):
        replace_estimate(connection, entry.id)


def _constant(values: tuple[Any, ...]) -> Callable[[], tuple[Any, ...]]:
    return lambda: values
