"""ARCHITECTURE.md is true: the layers are those that the build checks, and every file that it names is there."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from polydriver.wires import WIRES

ROOT = Path(__file__).resolve().parent.parent.parent
TEXT = (ROOT / "ARCHITECTURE.md").read_text("utf-8")


def test_layers_are_those_that_the_build_checks() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    checked = [set(layer.split(" | ")) for layer in settings["tool"]["importlinter"]["contracts"][0]["layers"]]
    table = re.search(r"^\| Layer .*\n.*\n((?:\|.*\n)+)", TEXT, re.MULTILINE)
    assert table
    shown = [name for row in table[1].splitlines() for name in re.findall(r"`(\w+)`", row.split("|")[1])]
    assert sorted(shown) == sorted(name for layer in checked for name in layer)
    heights = [next(height for height, layer in enumerate(checked) if name in layer) for name in shown]
    assert heights == sorted(heights), "the table's order is not that of the layers"


def test_every_file_that_is_named_is_there() -> None:
    for name in re.findall(r"`([\w*/.-]+(?:/|\.(?:py|json|jsonl|md|svg|lock))|[\w*-]+(?:/[\w*-]+)+)`", TEXT):
        assert list(ROOT.glob(name)) or list((ROOT / "src" / "polydriver").glob(name)), name


def test_the_table_of_wires_is_complete() -> None:
    table = re.search(r"^\| Package of `wires/`.*\n.*\n((?:\|.*\n)+)", TEXT, re.MULTILINE)
    assert table
    assert re.findall(r"^\| `(\w+)`", table[1], re.MULTILINE) == list(WIRES)
