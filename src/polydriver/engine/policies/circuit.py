"""Circuits: a provider that fails is left alone for a while, and let in again step by step.

Each model of a connection has a circuit. It is *closed* while calls go through; it *opens* when too many of the last
ones failed, and calls are refused with `CircuitOpenError` without a request. After a while it is *half open*: a few
calls are let in as probes, twice as many with each that succeeds, until it is closed again; a failure opens it for
twice as long as before, with up to 10 % of jitter. A probe that takes longer than that (a long stream, a silent server)
no longer keeps others out.

What fails: errors of the server, timeouts, broken connections and streams, answers that cannot be read. What the
provider refuses (4xx) shows that it works; a 429 shows nothing. A stream counts when it ends, and one that its reader
left counts as nothing. Pure: times, in monotonic seconds, and chance are arguments.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from threading import RLock
from typing import Any, Literal, TypeAlias

import msgspec

from ...config.circuit import CircuitConfig
from ...data.circuits import CircuitReport, CircuitState
from ...errors import (
    APIConnectionError,
    APITimeoutError,
    CircuitOpenError,
    DeadlineExceededError,
    InvalidResponseError,
    ProviderError,
    RateLimitError,
    ServerError,
    StreamInterruptedError,
)
from ...forking import own_lock
from . import Outcome

__all__ = ["Circuit", "Circuits"]

_FAILURES = (ServerError, APITimeoutError, APIConnectionError, InvalidResponseError, StreamInterruptedError)

Result: TypeAlias = Literal["success", "failure", "nothing"]


class Circuit:
    """The circuit of one model. `admit` says whether a call may go out, `settle` how one went."""

    __slots__ = (
        "_allowed",
        "_config",
        "_failed",
        "_last",
        "_most",
        "_open_time",
        "_overdue",
        "_probed",
        "_succeeded",
        "_until",
        "in_flight",
        "opened",
        "state",
    )  # fmt: skip

    def __init__(self, config: CircuitConfig) -> None:
        self._config = config
        self._most = max(config.calls, config.minimum_calls)
        self._last: deque[tuple[float, bool]] = deque()  # when a call ended, and whether it failed
        self._failed = 0
        self._open_time = 0.0
        self._until = 0.0
        self._allowed = 0
        self._succeeded = 0
        self._probed = 0.0  # when the last probe was let in
        self._overdue = 0
        self.in_flight = 0
        self.opened = 0  # how often it has opened so far: what began before does not count afterwards
        self.state: CircuitState = "closed"

    def admit(self, now: float) -> int | None:
        """A mark for `settle`, or `None` when no call may go out."""
        if self.state == "closed":
            return self.opened
        if self.state == "open":
            if now < self._until:
                return None
            self.state, self._allowed, self._succeeded, self.in_flight = "half_open", self._config.probes, 0, 0
            self._overdue = 0
        if self.in_flight >= self._allowed:
            if now < self._due():
                return None
            self._overdue += 1  # a silent server, or a long stream: it no longer holds its place
        else:
            self.in_flight += 1
        self._probed = now
        return self.opened

    def retry_after(self, now: float) -> float:
        """Seconds until a call may be let in: while it is half open that depends on the probes."""
        return max(0.0, (self._until if self.state == "open" else self._due()) - now)

    def _due(self) -> float:
        """When a further probe is let in although the last ones have not ended: twice as late each time."""
        most = self._config.max_open_time or 30.0
        return self._probed + min(most, self._open_time * 2.0 ** min(self._overdue, 60))

    def settle(self, mark: int, result: Result, now: float, chance: float) -> None:
        """Note how a call went that was let in with `mark`. `chance` is in [0, 1)."""
        if self.state == "closed":
            if mark == self.opened and result != "nothing":
                self._count(result == "failure", now, chance)
            return
        if self.state == "open" or mark != self.opened:
            return
        self.in_flight = max(0, self.in_flight - 1)
        if result == "failure":
            self._open(now, chance)
        elif result == "success":
            self._succeeded += 1
            self._allowed *= 2
            if self._succeeded >= self._config.recovery:
                self.state = "closed"
                self._forget()
                self._open_time = 0.0

    def report(self, now: float) -> tuple[CircuitState, int, int, float | None]:
        """State, calls and failures in the window, and after how many seconds to come back."""
        self._drop(now)
        return (
            self.state,
            len(self._last),
            self._failed,
            None if self.state == "closed" else self.retry_after(now),
        )

    def _count(self, failed: bool, now: float, chance: float) -> None:
        self._last.append((now, failed))
        if len(self._last) > self._most:
            self._failed -= self._last.popleft()[1]
        if not failed:
            return
        self._failed += 1
        self._drop(now)
        config, total = self._config, len(self._last)
        if total >= config.minimum_calls and self._failed >= config.failure_ratio * total:
            self._open(now, chance)

    def _drop(self, now: float) -> None:
        """Forget what is too long ago."""
        last, oldest = self._last, now - self._config.window
        while last and last[0][0] <= oldest:
            self._failed -= last.popleft()[1]

    def _open(self, now: float, chance: float) -> None:
        config = self._config
        first, most = config.open_time or 1.0, config.max_open_time or 30.0
        self._open_time = min(most, self._open_time * 2.0 or first)
        self._until = now + self._open_time * (1.0 + 0.1 * chance)
        self.state = "open"
        self.opened += 1  # after the state: see `Circuits.admit`
        self._forget()

    def _forget(self) -> None:
        self._last.clear()
        self._failed = 0


class _Lease(msgspec.Struct, gc=False):
    """Of a call under way; nothing that it refers to leads back to it, so the garbage collector can leave it out."""

    circuit: Circuit
    model: str | None
    mark: int
    began: float


class Circuits:
    """The circuits of one connection, by model; safe in threads and forks.

    `changes` holds what has changed and was not told yet: the model, the state before and after, and the seconds until
    a call may be let in.
    """

    _lock: Any

    def __init__(self, name: str, config: CircuitConfig, chance: Callable[[], float]) -> None:
        self._name = name
        self._config = config
        self._chance = chance
        self._by_model: dict[str | None, Circuit] = {}
        self.changes: deque[tuple[str | None, CircuitState, CircuitState, float | None]] = deque()
        own_lock(self, RLock)  # an end may be noted by a finalizer of the thread that holds it

    def admit(self, attempt: Any, now: float) -> _Lease:
        """See `Policy.admit`. Raises `CircuitOpenError`."""
        circuit = self._by_model.get(attempt.model)
        if circuit is None:
            circuit = self._by_model.setdefault(attempt.model, Circuit(self._config))
        mark: int | None = circuit.opened  # read first: a mark from before it opens counts for nothing afterwards
        if circuit.state != "closed":
            with self._lock:
                before = circuit.state
                mark = circuit.admit(now)
                if circuit.state != before:
                    self._note(attempt.model, circuit, before, now)
        if mark is None:
            raise CircuitOpenError(
                f"the circuit of {self._name}{f' for {attempt.model}' if attempt.model else ''} is open: too many of "
                "the last calls failed; nothing was sent",
                provider=self._name,
                retry_after=circuit.retry_after(now),
            )
        return _Lease(circuit, attempt.model, mark, now)

    def settle(self, lease: _Lease, outcome: Outcome, now: float) -> None:
        """See `Policy.settle`."""
        circuit, is_quick = lease.circuit, self._config.slow_call is None
        result = "success" if is_quick and outcome.kind == "success" else self._result(outcome, now - lease.began)
        with self._lock:
            before = circuit.state
            circuit.settle(lease.mark, result, now, self._chance() if result == "failure" else 0.0)
            if circuit.state != before:
                self._note(lease.model, circuit, before, now)

    def describe(self, now: float) -> list[CircuitReport]:
        """The state of every circuit that was used."""
        reports = []
        for model, circuit in list(self._by_model.items()):
            with self._lock:
                state, calls, failures, after = circuit.report(now)
            reports.append(
                CircuitReport(
                    connection=self._name, model=model, state=state, calls=calls, failures=failures, retry_after=after
                )
            )
        return reports

    def _result(self, outcome: Outcome, seconds: float) -> Result:
        error, slow = outcome.error, self._config.slow_call
        if outcome.kind == "success":
            return "failure" if slow is not None and seconds > slow else "success"
        if outcome.kind not in ("failure", "interrupted") or isinstance(error, RateLimitError):
            return "nothing"
        if isinstance(error, DeadlineExceededError):  # of a request that was under way: the provider was silent
            return "failure" if error.details.get("phase") else "nothing"
        if isinstance(error, _FAILURES):
            return "nothing" if 400 <= (error.status or 0) < 500 else "failure"
        return "success" if isinstance(error, ProviderError) and error.status is not None else "nothing"

    def _note(self, model: str | None, circuit: Circuit, before: CircuitState, now: float) -> None:
        after = None if circuit.state == "closed" else circuit.retry_after(now)
        self.changes.append((model, before, circuit.state, after))
