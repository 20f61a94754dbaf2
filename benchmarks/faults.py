"""The section `faults`: the sixteen faults of failover, put to polydriver and to other clients with fallbacks.

`python -m benchmarks.faults MODULE:CLASS` runs all of them with one client and prints a JSON object: what is wrong, by
the name of the case; or `null` where the client is not installed.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

from tests.faults.failover import CASES, run

from .environment import ROOT, worker_environment
from .records import Text

__all__ = ["fault_table"]

_CLIENTS = {
    "polydriver": "tests.faults.failover_client:Polydriver",
    "polydriver, async": "tests.faults.failover_client:AsyncPolydriver",
    "LiteLLM": "benchmarks.competitors.failover:LiteLLM",
    "LiteLLM, async": "benchmarks.competitors.failover:AsyncLiteLLM",
}


def fault_table(python: Path, log: Path, left_out: Collection[str]) -> Text:
    """A row for each fault, a column for each client, and how many each has passed."""
    chosen = {name: target for name, target in _CLIENTS.items() if name.partition(",")[0] not in left_out}
    results = {name: _results(python, target, log) for name, target in chosen.items()}
    rows = [[case.name, *(_verdict(found, case.name) for found in results.values())] for case in CASES]
    counts = ["-" if found is None else str(sum(not wrong for wrong in found.values())) for found in results.values()]
    table = [["fault", *results], ["---"] * (len(results) + 1), *rows, [f"passed of {len(CASES)}", *counts]]
    text = "\n".join(f"| {' | '.join(row)} |" for row in table)
    return Text("Faults of providers, with another one to go to", text)


def _verdict(found: dict[str, list[str]] | None, name: str) -> str:
    if found is None:
        return "not installed"
    return "; ".join(found[name])[:90].replace("|", "/") or "passed"


def _results(python: Path, target: str, log: Path) -> dict[str, list[str]] | None:
    with log.open("a") as errors:
        ran = subprocess.run(
            [python, "-m", "benchmarks.faults", target],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            check=True,
            cwd=ROOT,
            env=worker_environment(),
        )
    found: dict[str, list[str]] | None = json.loads(ran.stdout)
    return found


def _main(target: str) -> None:
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints must not end up in the answer
    module, _, name = target.partition(":")
    try:
        make = getattr(importlib.import_module(module), name)
    except ModuleNotFoundError:
        found = None
    else:
        found = {}
        for case in CASES:
            try:
                found[case.name] = run(case, make)
            except Exception as error:  # noqa: BLE001 - whatever a client raises goes into the table
                found[case.name] = [f"{type(error).__name__}: {error}"]
    print(json.dumps(found), file=out, flush=True)
    os._exit(0)  # clients may wait for threads of theirs


if __name__ == "__main__":
    _main(sys.argv[1])
