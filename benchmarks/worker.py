"""One competitor in a process of its own: `python -m benchmarks.worker COLOUR MODULE:CLASS ORIGIN`.

Reads one task a line (JSON) and answers each with one line: {"value": number} or {"failed": reason}. The
first line out says whether the competitor is there: {"value": 0}, or {"missing": reason}.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import traceback
from typing import Any

from . import competitors
from .async_meter import AsyncMeter
from .batch_meter import BatchMeter
from .blocking_meter import BlockingMeter
from .step_meter import StepMeter

__all__: list[str] = []

_METERS: dict[str, type[Any]] = {"blocking": BlockingMeter, "async": AsyncMeter, "step": StepMeter, "batch": BatchMeter}


def main(colour: str, target: str, origin: str) -> None:
    """Serves tasks until the input ends."""
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what a library prints must not end up between the answers
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    try:
        meter = _METERS[colour](competitors.load(target), origin)
    except ModuleNotFoundError as error:
        print(json.dumps({"missing": str(error)}), file=out)
        return
    print(json.dumps({"value": 0}), file=out)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            value = meter.prepare(request["task"]) if request["prepare"] else meter.run(request["task"])
            print(json.dumps({"value": value or 0}), file=out)
        except Exception as error:  # noqa: BLE001 - whatever a competitor raises goes into the table
            traceback.print_exc()
            print(json.dumps({"failed": f"{type(error).__name__}: {error}"[:200]}), file=out)
    out.flush()
    os._exit(0)  # half-open clients may wait for their threads


if __name__ == "__main__":
    main(*sys.argv[1:])
