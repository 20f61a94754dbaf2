"""Everything of a call that waits: the pipeline, its policies, the ports and the transports behind them.

Import what is needed from the modules themselves; the package re-exports nothing, so that importing one
policy loads neither an HTTP client nor the rest of the engine.
"""

from __future__ import annotations

__all__: list[str] = []
