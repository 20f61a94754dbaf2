"""Admission: an attempt passes every policy and gate before anything is sent, and the engine does the waiting."""

from __future__ import annotations

from ..colours import drive
from .attempts import Attempt
from .policies import Outcome, Wait

__all__ = ["admit"]


async def admit(attempt: Attempt) -> None:
    """Take a lease of every policy and gate of the target, in order, and wait where one says so.

    Raises what one of them raises to refuse the attempt, and `DeadlineExceededError` where the wait would outlast the
    call. Whatever is raised, the attempt is settled as refused: nothing stays reserved.
    """
    connection, port = attempt.target.connection, attempt.target.port
    try:
        for policy in connection.policies:
            lease = policy.admit(attempt, port.now())
            while isinstance(lease, Wait):
                await _wait(attempt, lease.seconds)
                lease = policy.admit(attempt, port.now())
            attempt.leases.append((policy, lease))
        for gate in connection.gates:
            lease = await gate.admit(attempt, port)
            while isinstance(lease, Wait):
                await _wait(attempt, lease.seconds)
                lease = await gate.admit(attempt, port)
            attempt.gates.append((gate, lease))
    except BaseException as error:
        refused = Outcome(kind="refused", error=error, may_be_billed=False)
        drive(attempt.settle(port.emit_now, refused, waits=False))
        raise


async def _wait(attempt: Attempt, seconds: float) -> None:
    call, target = attempt.call, attempt.target
    if call.deadline is not None and target.port.now() + seconds >= call.deadline:
        raise target.failures.deadline(call)
    await target.port.sleep(seconds, call.stop)
