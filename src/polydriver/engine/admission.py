"""Admission: an attempt passes every policy before anything is sent, and the engine does the waiting."""

from __future__ import annotations

from collections.abc import Iterable

from ..colours import drive
from .attempts import Attempt
from .policies import Outcome, Policy, Wait

__all__ = ["admit"]


async def admit(attempt: Attempt, policies: Iterable[Policy]) -> None:
    """Take a lease of every policy, in order, and wait where one says so.

    Raises what a policy raises to refuse the attempt, and `DeadlineExceededError` where the wait would outlast the
    call. Whatever is raised, the attempt is settled as refused: nothing stays reserved.
    """
    try:
        for policy in policies:
            lease = policy.admit(attempt, attempt.target.port.now())
            while isinstance(lease, Wait):
                await _wait(attempt, lease.seconds)
                lease = policy.admit(attempt, attempt.target.port.now())
            attempt.leases.append((policy, lease))
    except BaseException as error:
        _refuse(attempt, error)
        raise


async def _wait(attempt: Attempt, seconds: float) -> None:
    call, target = attempt.call, attempt.target
    if call.deadline is not None and target.port.now() + seconds >= call.deadline:
        raise target.failures.deadline(call)
    await target.port.sleep(seconds, call.stop)


def _refuse(attempt: Attempt, error: BaseException) -> None:
    refused = Outcome(kind="refused", error=error, may_be_billed=False)
    drive(attempt.settle(attempt.target.port.emit_now, refused))
