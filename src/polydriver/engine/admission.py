"""Admission: an attempt passes every policy and gate before anything is sent, and the engine does the waiting."""

from __future__ import annotations

from math import inf

from ..colours import drive
from ..errors import LimitReachedError
from .attempts import Attempt
from .policies import Lease, Outcome, Wait
from .waiting import LOOK_AGAIN

__all__ = ["admit"]


async def admit(attempt: Attempt, *, waits: bool = True) -> None:
    """Take a lease of every policy and gate of the target, in order, and wait where one says so.

    Without `waits` that refuses the attempt: it never stands in a line. Raises what one of them raises to refuse
    the attempt, and `DeadlineExceededError` where the wait would outlast the call. Whatever is raised, the attempt
    is settled as refused: nothing stays reserved.
    """
    connection, port, now = attempt.target.connection, attempt.target.port, attempt.started
    try:
        for policy in connection.policies if attempt.call.hedging else connection.unhedged:
            lease = policy.admit(attempt, now)
            while isinstance(lease, Wait):
                lease = await _ask_again(attempt, lease, waits=waits) or policy.admit(attempt, port.now())
                now = port.now()
            attempt.leases.append((policy, lease))
        if connection.circuits is not None and connection.circuits.changes:
            await attempt.tell_changes(port.emit)
        for gate in connection.gates:
            lease = await gate.admit(attempt, port)
            while isinstance(lease, Wait):
                lease = await _ask_again(attempt, lease, waits=waits) or await gate.admit(attempt, port)
            attempt.gates.append((gate, lease))
    except BaseException as error:
        # A name for the outcome would keep the error, through its traceback, until garbage is collected.
        drive(attempt.settle(port.emit_now, Outcome(kind="refused", error=error, may_be_billed=False), waits=False))
        raise


async def _ask_again(attempt: Attempt, wait: Wait, *, waits: bool) -> Lease | Wait | None:
    """Wait; returns what asking again gives, `None` where the policy is to be asked from the beginning."""
    call, target = attempt.call, attempt.target
    port = target.port
    began = port.now()
    left = inf if call.deadline is None else call.deadline - began
    try:
        if not waits:
            raise LimitReachedError("there is no room at once", provider=attempt.provider)
        if wait.event is not None and call.wants(type(wait.event)):
            await port.emit(call.bus, wait.event)
        if left <= 0.0 or left <= wait.seconds < inf:
            raise target.failures.deadline(call)
        if wait.signal is None:
            await port.sleep(wait.seconds, call.stop)
        else:
            seconds = min(wait.seconds if wait.seconds < inf else LOOK_AGAIN, left)
            await port.wait_for(wait.signal, seconds, call.stop, timed=wait.seconds < inf)
        attempt.waited += port.now() - began
        if call.deadline is not None and port.now() >= call.deadline:
            raise target.failures.deadline(call)
    except BaseException:
        if wait.cancel is not None:
            wait.cancel(port.now())
        raise
    if wait.again is not None:
        return await wait.again(port)
    return wait.resume(port.now()) if wait.resume is not None else None
