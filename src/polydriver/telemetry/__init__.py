"""OpenTelemetry: a span for each call and each attempt, and metrics. Needs the extra `otel`.

::

    from polydriver.telemetry import instrument

    ai = AI()
    instrument(ai)  # the global tracer and meter providers; or set telemetry.enabled

Spans and metrics have the names of the GenAI semantic conventions (`polydriver.telemetry.names`). Prompts, answers, and
what tools are given and return are recorded with `content=True` alone.
"""

from __future__ import annotations

from .instrumenting import instrument, instrument_connection

__all__ = ["instrument", "instrument_connection"]
