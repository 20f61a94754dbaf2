"""The health of a connection: what its recent attempts, its circuits and one cheap request say."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias

import msgspec

from ..data.circuits import CircuitReport
from ..data.models import HealthReport, RecentAttempts
from ..errors import AIError, RateLimitError
from .pipeline import Pipeline

__all__ = ["check_health", "recent_health", "sum_up_health"]

Status: TypeAlias = Literal["healthy", "degraded", "unhealthy", "unknown"]

_SLOW_SECONDS = 5.0
_FEW = 5


async def check_health(pipeline: Pipeline[Any], reach: Callable[[], Awaitable[object]]) -> HealthReport:
    """One request, and what is known of recent attempts.

    Healthy when it succeeds, degraded when it is slow or limited or when recent attempts or a circuit say otherwise,
    unhealthy when it fails. `reach` makes the request.
    """
    started = pipeline.port.now()
    latency: float | None = None
    error: AIError | None = None
    try:
        await reach()
    except AIError as failure:
        error = failure
    if error is None or isinstance(error, RateLimitError):
        latency = pipeline.port.now() - started
    known = recent_health(pipeline)
    status: Status = "healthy"
    message = None if error is None else str(error)
    if error is not None:
        status = "degraded" if isinstance(error, RateLimitError) else "unhealthy"
    elif latency is not None and latency > _SLOW_SECONDS:
        status, message = "degraded", "it answers slowly"
    elif known.status in ("degraded", "unhealthy"):
        status, message = "degraded", known.message
    return msgspec.structs.replace(known, status=status, latency=latency, message=message)


def recent_health(pipeline: Pipeline[Any]) -> HealthReport:
    """What is known without a request: of the attempts of the last minutes, the circuits, the limits.

    Unhealthy when at least half of five attempts or more failed, degraded when at least a tenth did or a circuit is not
    closed, and unknown when there were no attempts.
    """
    connection, now = pipeline.connection, pipeline.port.now()
    recent = connection.recent.describe(now)
    circuits = [] if connection.circuits is None else connection.circuits.describe(now)
    status, message = _judge(recent, circuits)
    return HealthReport(
        status=status,
        message=message,
        checked_at=datetime.fromtimestamp(pipeline.port.wall_time(), UTC),
        recent=recent,
        circuits=circuits,
        limits=[] if connection.limits is None else connection.limits.describe(now),
        retry_tokens=connection.budget.left,
    )


def sum_up_health(reports: Mapping[str, HealthReport]) -> HealthReport:
    """The health of a pool, whose members have these reports by name: healthy where all are, unhealthy where all are.

    Of latencies and their percentiles it has the longest.
    """
    found = list(reports.values())
    statuses = {report.status for report in found}
    known = statuses - {"unknown"}
    status: Status = "degraded" if len(known) > 1 else known.pop() if known else "unknown"
    told = [f"{name}: {report.message}" for name, report in reports.items() if report.message]
    tokens = [report.retry_tokens for report in found if report.retry_tokens is not None]
    return HealthReport(
        status=status,
        latency=_longest(report.latency for report in found),
        message="; ".join(told) or None,
        checked_at=max((report.checked_at for report in found if report.checked_at is not None), default=None),
        recent=_sum_up_recent([report.recent for report in found if report.recent is not None]),
        circuits=[circuit for report in found for circuit in report.circuits],
        limits=[limit for report in found for limit in report.limits],
        retry_tokens=sum(tokens) if tokens else None,
    )


def _sum_up_recent(found: Sequence[RecentAttempts]) -> RecentAttempts:
    attempts, failures = sum(recent.attempts for recent in found), sum(recent.failures for recent in found)
    last = max(found, key=lambda recent: recent.last_error_at or 0.0, default=RecentAttempts())
    times = ("latency_p50", "latency_p95", "first_content_p50", "first_content_p95")
    return RecentAttempts(
        attempts=attempts,
        failures=failures,
        failure_ratio=failures / attempts if attempts else 0.0,
        last_error=last.last_error,
        last_error_at=last.last_error_at,
        **{name: _longest(getattr(recent, name) for recent in found) for name in times},
    )


def _longest(times: Iterable[float | None]) -> float | None:
    return max((time for time in times if time is not None), default=None)


def _judge(recent: RecentAttempts, circuits: list[CircuitReport]) -> tuple[Status, str | None]:
    failed = f"{recent.failures} of the last {recent.attempts} attempts failed"
    enough = recent.attempts >= _FEW
    if enough and recent.failure_ratio >= 0.5:
        return "unhealthy", failed
    if broken := [report for report in circuits if report.state != "closed"]:
        names = ", ".join(report.model or "calls without a model" for report in broken)
        return "degraded", f"the circuit is {broken[0].state.replace('_', ' ')} for {names}"
    if enough and recent.failure_ratio >= 0.1:
        return "degraded", failed
    return ("healthy" if recent.attempts > recent.failures else "unknown"), (failed if recent.failures else None)
