"""The tables of one run: which competitors take part in which measurement, and what polydriver is held to."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from .batches import BatchBench
from .caching import CacheBench
from .competitors import ASYNC, BARE_ASYNC, BARE_BLOCKING, BLOCKING, LISTENER, OPENAI, POLYDRIVER
from .competitors.startup import PROGRAMS
from .embeddings import EmbeddingBench
from .faults import fault_table
from .limits import LimitBench
from .loopback import Server
from .meter import BURST_CHUNKS, OPEN_STREAMS, PACED_MILLISECONDS, PACED_STREAMS, Task
from .records import Figures, Goal, ManyFigures, Samples, Table, Text
from .runner import Workers
from .section import Section
from .startup import FIRST_REPLY, IMPORT, measure_first_reply, measure_imports
from .storage import StorageBench
from .wires import WireBench

__all__ = ["FULL", "QUICK", "SECTIONS", "Bench", "Plan"]

_OWN_SECTIONS: dict[str, type[Section]] = {
    "wires": WireBench,
    "limits": LimitBench,
    "storage": StorageBench,
    "cache": CacheBench,
    "embeddings": EmbeddingBench,
    "batches": BatchBench,
}
"""The sections that have workers of their own."""

SECTIONS = ("ceiling", "call", "chunk", "memory", "import", "start", *_OWN_SECTIONS, "faults")


@dataclass(frozen=True)
class Plan:
    """How long to measure: `seconds` for a sample; the rest for each competitor of a table."""

    seconds: float
    samples: int
    paced_samples: int
    starts: int
    patience: float
    left_out: frozenset[str] = frozenset()
    most_in_flight: int = 500


FULL = Plan(seconds=0.4, samples=7, paced_samples=3, starts=15, patience=8)
QUICK = Plan(
    seconds=0.08,
    samples=3,
    paced_samples=1,
    starts=2,
    patience=3,
    left_out=frozenset({"LiteLLM"}),
    most_in_flight=50,
)


@dataclass(frozen=True)
class _Measurement:
    """A table of one figure for each competitor; goals are (base, the ratio to stay under)."""

    title: str
    unit: str
    kind: str
    in_flight: int = 1
    goals: tuple[tuple[str, float], ...] = ()


_BURST = f"Chunk in a burst of {BURST_CHUNKS}"
_CALL = "CPU µs a call"
_CHUNK = "CPU µs a chunk"

_BLOCKING_CALLS = [_Measurement("Blocking call", _CALL, "call", goals=((BARE_BLOCKING, 1.5), (OPENAI, 1 / 3)))]
_ASYNC_CALLS = [
    _Measurement("Async call, 1 in flight", _CALL, "call", 1, goals=((BARE_ASYNC, 1.5),)),
    _Measurement("Async call, 50 in flight", _CALL, "call", 50, goals=((BARE_ASYNC, 1.5), (OPENAI, 1 / 8))),
    _Measurement("Async call, 500 in flight", _CALL, "call", 500, goals=((BARE_ASYNC, 1.5),)),
]
_BLOCKING_CHUNKS = [_Measurement(f"{_BURST}, blocking", _CHUNK, "chunk", goals=((BARE_BLOCKING, 2), (OPENAI, 1 / 20)))]
_ASYNC_CHUNKS = [
    _Measurement(f"{_BURST}, async", _CHUNK, "chunk", goals=((BARE_ASYNC, 2), (OPENAI, 1 / 20))),
    _Measurement(
        f"Chunk on {PACED_STREAMS} streams, one each {PACED_MILLISECONDS} ms",
        _CHUNK,
        "paced",
        goals=((BARE_ASYNC, 2),),
    ),
]
_MEMORY = [_Measurement(f"Memory with {OPEN_STREAMS} open streams, async", "KB a stream", "memory")]


class Bench:
    """One run over the server; a context manager, since its workers serve several sections. `goals` grows with it."""

    def __init__(self, python: Path, server: Server, plan: Plan, log: Path) -> None:
        self._python, self._server, self._plan, self._log = python, server, plan, log
        self._workers: dict[str, Workers] = {}
        self.goals: list[Goal] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._stop_workers()

    def section(self, name: str) -> Iterator[Table]:
        """The tables of one of `SECTIONS`, as they are measured."""
        if name == "ceiling":
            yield self._ceiling()
        elif name == "call":
            yield from self._figures("blocking", _BLOCKING_CALLS)
            yield from self._figures("async", _ASYNC_CALLS)
        elif name == "chunk":
            yield from self._figures("blocking", _BLOCKING_CHUNKS)
            yield from self._figures("async", _ASYNC_CHUNKS)
        elif name == "memory":
            self._stop_workers()  # memory is measured in processes that have done nothing else
            yield from self._figures("async", _MEMORY)
        elif name == "import":
            yield self._imports()
        elif name == "start":
            yield self._first_reply()
        elif name == "faults":
            yield fault_table(self._python, self._log, self._plan.left_out)
        else:
            section = _OWN_SECTIONS[name](self._python, self._server.origin, self._plan, self._log)
            yield from section.tables()
            self.goals += section.goals

    def _workers_for(self, colour: str, targets: Mapping[str, str]) -> Workers:
        if colour not in self._workers:
            chosen = {name: target for name, target in targets.items() if name not in self._plan.left_out}
            self._workers[colour] = Workers(self._python, colour, chosen, self._server.origin, self._log)
        return self._workers[colour]

    def _stop_workers(self) -> None:
        for workers in self._workers.values():
            workers.stop()
        self._workers = {}

    def _figures(self, colour: str, tables: Sequence[_Measurement]) -> Iterator[Table]:
        targets, bare = (BLOCKING, BARE_BLOCKING) if colour == "blocking" else (ASYNC, BARE_ASYNC)
        workers = self._workers_for(colour, targets)
        for table in tables:
            if table.in_flight > self._plan.most_in_flight:
                continue
            samples = {"paced": self._plan.paced_samples, "memory": 1}.get(table.kind, self._plan.samples)
            task: Task = {"kind": table.kind, "in_flight": table.in_flight, "seconds": self._plan.seconds}
            results = workers.measure(task, samples, self._plan.patience)
            for base, limit in table.goals:
                self.goals.append(Goal(f"{table.title}, x {base}", results[LISTENER], results[base], limit))
            yield Figures(table.title, table.unit, {"x bare client": bare, "x openai SDK": OPENAI}, results)

    def _imports(self) -> Table:
        results = measure_imports(*self._startup_arguments())
        self._startup_goal("Import with a client made, CPU", results, 2, 1 / 8)
        return ManyFigures("Import, in a fresh interpreter", IMPORT, 2, results)

    def _first_reply(self) -> Table:
        results = measure_first_reply(*self._startup_arguments())
        self._startup_goal("Start to first reply, wall", results, 0, 1 / 3)
        return ManyFigures("From process start to the first reply", FIRST_REPLY, 0, results)

    def _startup_arguments(self) -> tuple[Path, list[str], str, int, float]:
        names = [name for name in PROGRAMS if name not in self._plan.left_out]
        return self._python, names, f"{self._server.origin}/v1", self._plan.starts, self._plan.patience

    def _startup_goal(self, text: str, results: dict[str, list[Samples]], figure: int, limit: float) -> None:
        self.goals.append(Goal(f"{text}, x {OPENAI}", results[POLYDRIVER][figure], results[OPENAI][figure], limit))

    def _ceiling(self) -> Table:
        calls, wall, cpu = self._load("/v1/chat/completions", stream=False, connections=50)
        streams, stream_wall, stream_cpu = self._load(
            f"/{BURST_CHUNKS}/0/v1/chat/completions", stream=True, connections=4
        )
        chunks = streams * BURST_CHUNKS
        return Text(
            "The server's own ceiling",
            f"{calls / wall:,.0f} replies/s ({cpu / calls * 1e6:.1f} µs of the server's CPU each), "
            f"{chunks / stream_wall:,.0f} chunks/s ({stream_cpu / chunks * 1e6:.2f} µs each), "
            "with a client in C on the same machine.",
        )

    def _load(self, path: str, *, stream: bool, connections: int) -> tuple[int, float, float]:
        """Replies, seconds, and the server's CPU seconds."""
        before = self._server.cpu_seconds()
        arguments = [str(self._server.port), path, str(int(stream)), str(connections), "1"]
        ran = subprocess.run([self._server.load_client, *arguments], capture_output=True, text=True, check=True)
        replies, _, seconds = ran.stdout.split()
        return int(replies), float(seconds), self._server.cpu_seconds() - before
