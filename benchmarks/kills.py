"""Processes that are killed while they stream, five hundred times: `python -m benchmarks.kills [--kills 500]`.

Each process streams ten answers at once, with and without a conversation, over a durable ledger; two or more share one
database, and one of them is killed with SIGKILL at a random moment, over and over. Then the ledger is held against the
provider's own log of requests, and the conversations against the answers that callers saw. Needs the development
environment; PostgreSQL's part runs where its programs are found. Exits with 1 where anything is lost or doubled.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers import PostgresServer, find_postgres
from tests.storage.killing import kill_under_load, running_provider

__all__ = ["main"]

_KINDS = ("sqlite", "postgresql")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kills", description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=500, help="how many, for each database (500)")
    parser.add_argument("--at-once", type=int, default=2, help="how many processes share the database (2)")
    parser.add_argument("--seed", type=int, default=1, help="of the random moments (1)")
    parser.add_argument("--only", choices=_KINDS, help="one kind of database")
    return parser.parse_args()


@contextmanager
def _database(kind: str, folder: Path) -> Iterator[str | None]:
    """The URL of an empty database; `None` where there is no server for it."""
    if kind == "sqlite":
        yield f"sqlite:///{folder}/ai.db"
        return
    programs = find_postgres()
    if programs is None:
        yield None
        return
    server = PostgresServer(programs)
    try:
        server.start()
        yield server.new_database()
    finally:
        server.stop()


def _run(kind: str, arguments: argparse.Namespace) -> list[str]:
    """Print what was found, and return what is wrong."""

    def tell(number: int) -> None:
        if number % 50 == 0:
            print(f"{kind}: {number} kills, {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)

    started = time.monotonic()
    with tempfile.TemporaryDirectory() as name, _database(kind, Path(name)) as url, running_provider() as provider:
        if url is None:
            print(f"{kind}: not measured, there is no server on this machine")
            return []
        found = kill_under_load(
            url,
            provider,
            Path(name),
            kills=arguments.kills,
            at_once=arguments.at_once,
            seed=arguments.seed,
            told=tell,
        )
    print(
        f"{kind}: {found.kills} kills in {time.monotonic() - started:.0f} s, {found.requests} requests seen by the "
        f"provider, {found.rows} rows in the ledger ({found.without_row} requests without a row, {found.doubled} "
        f"doubled, {found.unsent} rows whose request was not sent any more), {found.answers} answers seen by callers "
        f"({found.lost} lost)",
        flush=True,
    )
    return found.problems()


def main() -> int:
    """Run over each kind of database."""
    arguments = _arguments()
    wrong = [
        f"{kind}: {problem}" for kind in _KINDS if arguments.only in (None, kind) for problem in _run(kind, arguments)
    ]
    print("\n".join(wrong or ["nothing is lost, nothing is doubled"]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
