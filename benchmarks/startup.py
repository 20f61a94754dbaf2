"""Fresh interpreters: what an import costs, with a client made, and the time to a first reply."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Collection
from pathlib import Path

from .competitors.startup import PROGRAMS, Program, preamble
from .environment import ROOT, worker_environment
from .records import Samples

__all__ = ["FIRST_REPLY", "IMPORT", "measure_first_reply", "measure_imports"]

IMPORT = ("import, CPU ms", "import, MB", "client made, CPU ms", "client made, MB")
FIRST_REPLY = ("start to reply, wall ms", "CPU ms in all")

Figures = dict[str, list[Samples]]

_IMPORT_CODE = """
import resource, time
def used():
    with open("/proc/self/statm") as file:
        return time.process_time() * 1000, int(file.read().split()[1]) * resource.getpagesize() / 1e6
before = used()
{imports}
imported = used()
{client}
made = used()
print([imported[0] - before[0], imported[1] - before[1], made[0] - before[0], made[1] - before[1]])
"""
_REPLY_CODE = """
{imports}
{client}
{call}
print("reply:", text, flush=True)
"""


class NotInstalled(Exception):
    """The program's imports are not there."""


def measure_imports(python: Path, names: Collection[str], url: str, turns: int, patience: float) -> Figures:
    """Four figures for each program, in the order of `IMPORT`, beyond those of the interpreter itself."""
    return _interleaved(lambda program: _import_once(python, program, url), len(IMPORT), names, turns, patience)


def measure_first_reply(python: Path, names: Collection[str], url: str, turns: int, patience: float) -> Figures:
    """Wall time from starting the process to the printed reply, and CPU time of the whole process."""
    return _interleaved(lambda program: _reply_once(python, program, url), len(FIRST_REPLY), names, turns, patience)


def _interleaved(
    measure: Callable[[Program], list[float]],
    figures: int,
    names: Collection[str],
    turns: int,
    patience: float,
) -> Figures:
    """Takes turns over the programs, up to `turns` and `patience` seconds each, after one uncounted."""
    results = {name: [Samples() for _ in range(figures)] for name in names}
    spent = dict.fromkeys(results, 0.0)
    for turn in range(turns + 1):
        for name, samples in results.items():
            if samples[0].problem or (turn > 1 and spent[name] > patience):
                continue
            started = time.monotonic()
            try:
                values = measure(PROGRAMS[name])
            except (NotInstalled, subprocess.CalledProcessError) as error:
                for sample in samples:
                    sample.problem = "not installed" if isinstance(error, NotInstalled) else "failed"
                continue
            if turn:
                spent[name] += time.monotonic() - started
                for sample, value in zip(samples, values, strict=True):
                    sample.values.append(value)
    return results


def _start(python: Path, code: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [python, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=worker_environment(),
    )


def _finish(process: subprocess.Popen[str]) -> resource.struct_rusage:
    """Waits for the process; raises when it failed."""
    assert process.stderr is not None
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        if "ModuleNotFoundError" in errors:
            raise NotInstalled(errors)
        print(errors, file=sys.stderr)
        raise subprocess.CalledProcessError(process.returncode, process.args)
    return usage


def _import_once(python: Path, program: Program, url: str) -> list[float]:
    process = _start(python, preamble(url) + _IMPORT_CODE.format_map(program._asdict()))
    assert process.stdout is not None
    output = process.stdout.read()
    _finish(process)
    figures: list[float] = json.loads(output)
    return figures


def _reply_once(python: Path, program: Program, url: str) -> list[float]:
    started = time.perf_counter()
    process = _start(python, preamble(url) + _REPLY_CODE.format_map(program._asdict()))
    assert process.stdout is not None
    process.stdout.readline()
    taken = time.perf_counter() - started
    usage = _finish(process)
    return [taken * 1000, (usage.ru_utime + usage.ru_stime) * 1000]
