"""The page of the documentation and its pictures, from `docs/benchmarks.json`: `python -m benchmarks.page`."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from .environment import ROOT
from .plots import plot
from .records import Later, Run, Table, rounded
from .report import as_markdown, goal_table

__all__ = ["DOCS", "main", "picture_name", "pictures", "read_run", "render", "write"]

DOCS = ROOT / "docs"
DATA = "benchmarks.json"
PICTURES = "pictures/benchmarks"

# The tables that the page begins with, as pictures.
GLANCE = (
    "Blocking call",
    "Async call, 50 in flight",
    "Chunk in a burst of 2000, async",
    "From process start to the first reply",
)

HEAD = """# Benchmarks

What a call costs beside the bare HTTP clients, the `openai` SDK and LiteLLM: all in one run, on one machine,
against a server in C on loopback.

<div class="plots" markdown>

{glance}

</div>

```console
$ make bench                    # everything, some minutes; it needs Linux and a C compiler
$ make bench BENCH_ARGS=--quick
$ make bench BENCH_ARGS="--into docs"   # and this page and its pictures anew
```

The figures are **CPU time of the client's process**, all threads included, not wall time: that is what a client
costs on a busy machine. Only *start* is wall time. Each figure is the median of its samples, with the lowest and
the highest beside it. polydriver is measured with all that it does: typed values, usage, cost, and in the second
row an event listener. The bare clients send a request, decode the answer into typed values with msgspec, split a
stream at its blank lines, and do no more. `benchmarks/README.md` has the details,
[`benchmarks.json`](benchmarks.json) all samples.

This run: {date}, {machine}. {versions}. The machine is shared, so figures wander by some tens of per cent from run
to run. The competitors of one table take turns, so the ratios suffer less.{later}

## The goals, and what was measured

polydriver (calls: with a listener), as a multiple of the other. {reached} of {goals} are reached.

{table}
"""


def main() -> None:
    """Make the page and its pictures anew from the figures that are there."""
    write(read_run(DOCS), DOCS)


def read_run(folder: Path) -> Run:
    """The run that a folder has."""
    return msgspec.json.decode((folder / DATA).read_bytes(), type=Run)


def write(run: Run, folder: Path) -> None:
    """Write the figures, the page and its pictures into a folder."""
    run = rounded(run)
    (folder / "pictures").mkdir(parents=True, exist_ok=True)
    (folder / DATA).write_bytes(msgspec.json.format(msgspec.json.encode(run), indent=1) + b"\n")
    (folder / "benchmarks.md").write_text(render(run), encoding="utf-8")
    for old in folder.glob(f"{PICTURES}-*.svg"):
        old.unlink()
    for name, picture in pictures(run).items():
        (folder / name).write_text(picture, encoding="utf-8")


def pictures(run: Run) -> dict[str, str]:
    """The plots of a run by their names."""
    return {picture_name(table): picture for table in run.tables if (picture := plot(table))}


def picture_name(table: Table) -> str:
    """Where the plot of a table is kept."""
    return f"{PICTURES}-{re.sub(r'[^a-z0-9]+', '-', table.title.lower()).strip('-')}.svg"


def render(run: Run) -> str:
    """The page as Markdown."""
    tables = {table.title: table for table in run.tables}
    page = HEAD.format(
        glance="\n\n".join(_picture(tables[title]) for title in GLANCE if title in tables),
        date=run.date,
        machine=run.machine,
        versions=run.versions,
        later="".join(f"\n\n{_told(later)}" for later in run.later),
        reached=sum(goal.ratio is not None and goal.ratio <= goal.limit for goal in run.goals),
        goals=len(run.goals),
        table=goal_table(run.goals),
    )
    return page + "".join(_section(table) for table in run.tables)


def _told(later: Later) -> str:
    titles = ", ".join(f"*{title}*" for title in later.titles)
    return f"Measured in a run of their own ({later.date}, {later.machine}. {later.versions}): {titles}."


def _section(table: Table) -> str:
    shown = f"{_picture(table)}\n\n" if plot(table) and table.title not in GLANCE else ""
    return f"\n## {table.title}\n\n{shown}{as_markdown(table)}\n"


def _picture(table: Table) -> str:
    return f"![{table.title}, as bars: the figures are in the table]({picture_name(table)})"


if __name__ == "__main__":
    main()
