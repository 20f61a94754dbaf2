"""Prints the comparison as Markdown: `python -m benchmarks [--quick] [--only call,chunk,...] [--into DIR]`.

The figures as data, their page and its plots are written into a folder, `.venv-bench/benchmarks` by default.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import sys
import time
from pathlib import Path

from . import environment
from .canned import write_replies
from .loopback import running_server
from .meter import BURST_CHUNKS
from .page import read_run, write
from .records import Run, joined
from .report import as_markdown, goal_table
from .tables import FULL, QUICK, SECTIONS, Bench

__all__ = ["main"]


def _sections(text: str) -> list[str]:
    chosen = text.split(",")
    if unknown := set(chosen) - set(SECTIONS):
        raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))}: choose from {', '.join(SECTIONS)}")
    return [name for name in SECTIONS if name in chosen]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--quick", action="store_true", help="under a minute: fewer samples, no LiteLLM, no 500 in flight"
    )
    parser.add_argument(
        "--only",
        type=_sections,
        default=list(SECTIONS),
        metavar=",".join(SECTIONS),
        help="some of the sections",
    )
    parser.add_argument("--into", type=Path, metavar="DIR", help="write figures, page and plots there: docs")
    parser.add_argument("--join", action="store_true", help="keep the other tables of that folder's figures")
    parser.add_argument("--python", type=Path, help="measure in this interpreter's environment instead of .venv-bench")
    return parser.parse_args()


def main() -> None:
    """Prepares the environment and the server, then prints each table as it is ready."""
    arguments = _arguments()
    python = arguments.python or environment.prepare()
    build = environment.FOLDER / "benchmarks"
    build.mkdir(parents=True, exist_ok=True)
    log = build / "workers.log"
    log.write_text("")
    started = time.monotonic()
    run = Run(
        date=str(datetime.datetime.now(datetime.UTC).date()),
        machine=f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, load {os.getloadavg()[0]:.1f}",
        versions=environment.installed_versions(python),
    )
    print(f"{run.date}, {run.machine}.\n{run.versions}.\n", flush=True)
    needs_replies = {"wires", "embeddings"}.intersection(arguments.only)
    replies = write_replies(build / "replies", BURST_CHUNKS) if needs_replies else {}
    with running_server(build, replies) as server:
        bench = Bench(python, server, QUICK if arguments.quick else FULL, log)
        with bench:
            for section in arguments.only:
                for table in bench.section(section):
                    print(f"## {table.title}\n\n{as_markdown(table)}\n", flush=True)
                    run.tables.append(table)
        run.goals = bench.goals
    if run.goals:
        print(f"## Goals (with events, cost and typed values)\n\n{goal_table(run.goals)}\n", flush=True)
    folder = arguments.into or build
    write(joined(read_run(folder), run) if arguments.join else run, folder)
    print(
        f"Took {time.monotonic() - started:.0f} s; what the workers said is in {log}, figures and plots in {folder}.",
        file=sys.stderr,
    )


if __name__ == "__main__":
    main()
