"""The page of the benchmarks and its plots are what the stored figures say."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from benchmarks.competitors import BARE_BLOCKING, LISTENER, OPENAI, POLYDRIVER
from benchmarks.page import DOCS, pictures, read_run, render, write
from benchmarks.plots import plot
from benchmarks.records import Figures, Goal, ManyFigures, Run, Samples, Table, Text, WireFigures, joined
from benchmarks.report import as_markdown

AGAIN = "run: python -m benchmarks.page"
SVG = "{http://www.w3.org/2000/svg}"

OURS, THEIRS, NONE = Samples([2.0, 1.0, 4.0]), Samples([10.0, 8.0, 30.0]), Samples(problem="not installed")
ROWS = {BARE_BLOCKING: THEIRS, OPENAI: THEIRS, "<none>": NONE, POLYDRIVER: OURS}
TABLES: list[Table] = [
    Figures("A call & more", "CPU µs a call", {"x bare client": BARE_BLOCKING, "x openai SDK": OPENAI}, ROWS),
    ManyFigures("Start", ("CPU ms", "wall ms"), 1, {name: [samples, samples] for name, samples in ROWS.items()}),
    WireFigures("Each wire", "CPU µs", BARE_BLOCKING, POLYDRIVER, {"messages": ROWS, "cohere": ROWS}),
    Text("The ceiling", "Far away."),
]


def test_the_page_and_the_pictures_are_up_to_date() -> None:
    run = read_run(DOCS)
    assert render(run) == (DOCS / "benchmarks.md").read_text("utf-8"), AGAIN
    kept = {path.relative_to(DOCS).as_posix() for path in DOCS.glob("pictures/benchmarks-*.svg")}
    assert kept == set(pictures(run)), AGAIN
    for name, picture in pictures(run).items():
        assert picture == (DOCS / name).read_text("utf-8"), AGAIN


def test_the_home_page_claims_what_was_measured() -> None:
    [table] = [
        table for table in read_run(DOCS).tables if isinstance(table, Figures) and table.title == "Blocking call"
    ]
    ours, theirs = table.rows[LISTENER].median, table.rows[OPENAI].median
    assert ours
    assert theirs
    words = {"a quarter": 4, "a fifth": 5, "a sixth": 6, "a seventh": 7, "an eighth": 8, "a ninth": 9}
    claimed = re.search(r"Fast:\*\* (an? \w+) of the `openai` SDK's CPU time", (DOCS / "index.md").read_text("utf-8"))
    assert claimed
    assert words[claimed[1]] <= theirs / ours + 0.5


@pytest.mark.parametrize("table", TABLES[:3], ids=lambda table: table.title)
def test_a_plot_has_a_bar_for_each_figure_and_says_why_one_is_missing(table: Table) -> None:
    picture = plot(table)
    assert picture
    tree = ElementTree.fromstring(picture)
    bars = [(bar.get("class"), float(bar.get("width", ""))) for bar in tree.iter(f"{SVG}rect")]
    times = len(table.rows) if isinstance(table, WireFigures) else 1
    assert [kind for kind, _ in bars] == ["other", "other", "own"] * times
    assert all(width == pytest.approx(bars[0][1] * (1 if kind == "other" else 0.2), rel=0.01) for kind, width in bars)
    texts = [text.text for text in tree.iter(f"{SVG}text")]
    assert texts.count("not installed") == times
    assert texts.count("10.0") == 2 * times
    assert table.title in texts


def test_words_have_no_plot() -> None:
    assert plot(TABLES[3]) is None
    assert as_markdown(TABLES[3]) == "Far away."


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    goal = Goal("A call, x openai SDK", OURS, THEIRS, 0.5)
    run = Run("2026-11-01", "2 cores", "Python 3.11", TABLES, [goal, Goal("A call, x none", OURS, NONE, 0.5)])
    write(run, tmp_path)
    assert read_run(tmp_path) == run
    page = (tmp_path / "benchmarks.md").read_text("utf-8")
    assert "1 of 2 are reached." in page
    assert "| A call, x openai SDK | 0.5 | 0.2 | yes |" in page
    assert "| A call, x none | 0.5 | not measured |  |" in page
    assert "| polydriver | 2.0 | 1.0 - 4.0 | 0.20 | 0.20 |" in page
    assert len(list(tmp_path.glob("pictures/*.svg"))) == 3
    run.tables = [TABLES[0]]
    write(run, tmp_path)
    assert [path.name for path in tmp_path.glob("pictures/*.svg")] == ["benchmarks-a-call-more.svg"]


def test_a_later_run_of_some_tables_stands_among_the_first() -> None:
    first = Run("2026-11-01", "2 cores", "Python 3.11", TABLES, [Goal("A call", OURS, THEIRS, 0.5)])
    new = Text("The ceiling", "Near.")
    other = Text("Another", "New.")
    later = Run("2026-11-02", "4 cores", "Python 3.12", [new, other], [Goal("A call", THEIRS, THEIRS, 0.5)])
    both = joined(joined(first, later), Run("2026-11-03", "8 cores", "Python 3.13", [other]))
    assert both.tables == [*TABLES[:3], new, other]
    assert [goal.ratio for goal in both.goals] == [1.0]
    assert [(run.date, run.titles) for run in both.later] == [
        ("2026-11-02", ["The ceiling"]),
        ("2026-11-03", ["Another"]),
    ]
    assert "(2026-11-02, 4 cores. Python 3.12): *The ceiling*." in render(both)
