"""Prints the comparison as Markdown: `python -m benchmarks [--quick] [--only call,chunk,...]`."""

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
from .tables import FULL, QUICK, SECTIONS, Bench

__all__ = ["main"]


def _sections(text: str) -> list[str]:
    chosen = text.split(",")
    if unknown := set(chosen) - set(SECTIONS):
        raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))}: choose from {', '.join(SECTIONS)}")
    return [name for name in SECTIONS if name in chosen]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
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
    today = datetime.datetime.now(datetime.UTC).date()
    print(f"{today}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}.")
    print(f"{environment.installed_versions(python)}.\n", flush=True)
    replies = write_replies(build / "replies", BURST_CHUNKS) if "wires" in arguments.only else {}
    with running_server(build, replies) as server:
        bench = Bench(python, server, QUICK if arguments.quick else FULL, log)
        with bench:
            for section in arguments.only:
                for part in bench.section(section):
                    print(part, flush=True)
        print(bench.goals(), flush=True)
    print(f"Took {time.monotonic() - started:.0f} s; what the workers said is in {log}.", file=sys.stderr)


if __name__ == "__main__":
    main()
