"""Runs the workers of one table side by side and collects their figures."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import Any

from .environment import ROOT, worker_environment
from .meter import Task
from .records import Samples

__all__ = ["Workers"]


class _Worker:
    """A worker process and the conversation with it."""

    def __init__(self, python: Path, colour: str, target: str, origin: str, log: Path) -> None:
        with log.open("a") as errors:
            self._process = subprocess.Popen(
                [python, "-m", "benchmarks.worker", colour, target, origin],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                cwd=ROOT,
                env=worker_environment(),
            )

    def receive(self) -> tuple[float, str]:
        """The value and the problem of the next answer."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            return 0.0, f"failed: the worker ended with status {self._process.wait()}"
        answer: dict[str, Any] = json.loads(line)
        if "missing" in answer:
            return 0.0, "not installed"
        return answer.get("value", 0.0), f"failed: {answer['failed']}" if "failed" in answer else ""

    def ask(self, task: Task, *, prepare: bool) -> tuple[float, str]:
        assert self._process.stdin is not None
        try:
            print(json.dumps({"task": task, "prepare": prepare}), file=self._process.stdin, flush=True)
        except BrokenPipeError:
            return 0.0, "failed: the worker has ended"
        return self.receive()

    def stop(self) -> None:
        self._process.kill()
        self._process.communicate()


class Workers:
    """One worker for each competitor, started together, until `stop()`."""

    def __init__(self, python: Path, colour: str, targets: dict[str, str], origin: str, log: Path) -> None:
        self._workers = {name: _Worker(python, colour, target, origin, log) for name, target in targets.items()}
        self._problems = {name: worker.receive()[1] for name, worker in self._workers.items()}

    def stop(self) -> None:
        """Ends all workers."""
        for worker in self._workers.values():
            worker.stop()

    def measure(self, task: Task, samples: int, patience: float) -> dict[str, Samples]:
        """Prepares every worker, then takes turns: up to `samples` and `patience` seconds of each."""
        results = {name: Samples(problem=problem) for name, problem in self._problems.items()}
        spent = dict.fromkeys(results, 0.0)
        for turn in range(samples + 1):
            for name, worker in self._workers.items():
                result = results[name]
                if result.problem or (turn > 1 and spent[name] > patience):
                    continue
                started = time.monotonic()
                value, result.problem = worker.ask(task, prepare=turn == 0)
                spent[name] += time.monotonic() - started
                if turn:
                    result.values.append(value)
        return results
