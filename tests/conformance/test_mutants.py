"""The judge is judged: bugs are put into a driver that is right, one at a time, and the suite must find each."""

from __future__ import annotations

import linecache
import sys
import types
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from polydriver.cli.scaffold.own_wire import own_fixtures
from polydriver.testing import DriverConformance
from polydriver.testing.conformance import check_driver

from .mutants import MUTANTS, Mutant

RIGHT = (Path(__file__).parents[2] / "examples" / "harbor_driver.py").read_text(encoding="utf-8")
FIXTURES = own_fixtures("harbor")


def driver_of(text: str) -> type[Any]:
    """The driver in a module with this text."""
    name = "harbor_driver_under_test"
    module = types.ModuleType(name)
    module.__file__ = f"/{name}.py"
    linecache.cache[module.__file__] = (len(text), None, text.splitlines(keepends=True), module.__file__)
    sys.modules[name] = module
    vars(module).update(HELD=bytearray(), SHARED={})  # what some mutants keep from one call to the next
    exec(compile(text, module.__file__, "exec"), vars(module))
    return module.HarborDriver  # type: ignore[no-any-return]


def test_the_driver_that_is_right_passes_every_check() -> None:
    report = check_driver(driver_of(RIGHT), fixtures=FIXTURES)
    report.raise_if_any()
    assert set(report.skipped) == {"test_broken_arguments_are_not_run", "test_own_options_are_sent"}


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.title.replace(" ", "-"))
def test_every_bug_is_found(mutant: Mutant) -> None:
    assert RIGHT.count(mutant.right) == 1, "the text that the bug takes the place of is not there, or more than once"
    faulty = driver_of(RIGHT.replace(mutant.right, mutant.wrong))
    suite = type("Suite", (DriverConformance,), {"driver": faulty, "fixtures": FIXTURES})()
    with pytest.raises(AssertionError):
        getattr(suite, mutant.check)()


def test_there_are_bugs_of_many_kinds() -> None:
    assert len(MUTANTS) >= 60
    assert max(Counter(mutant.title for mutant in MUTANTS).values()) == 1
    assert len({mutant.check for mutant in MUTANTS}) >= 30
