"""The two colours have the same methods, and the table in the documentation is the table in the code."""

from __future__ import annotations

import inspect

import polydriver.operations
from polydriver.data.operation_kinds import OPERATIONS
from polydriver.operations import AsyncOperations, Operations
from polydriver.operations.preparing import REQUESTS


def test_the_twins_agree() -> None:
    for method in OPERATIONS:
        blocking, twin = getattr(Operations, method), getattr(AsyncOperations, method)
        assert inspect.signature(blocking) == inspect.signature(twin), method
        assert inspect.iscoroutinefunction(twin)
        assert not inspect.iscoroutinefunction(blocking)


def test_there_are_no_methods_beyond_the_table() -> None:
    assert {name for name in vars(Operations) if not name.startswith("_")} == OPERATIONS.keys()
    assert {name for name in vars(AsyncOperations) if not name.startswith("_")} == OPERATIONS.keys()
    assert REQUESTS.keys() == OPERATIONS.keys() - {"count_tokens", "create_batch"}


def test_the_documented_table_is_true() -> None:
    rows = [line.split() for line in (polydriver.operations.__doc__ or "").splitlines()]
    documented = {row[0]: (row[1], row[-1]) for row in rows if len(row) == 5 and row[0] in OPERATIONS}
    assert documented == {kind.method: (kind.hook, kind.capability) for kind in OPERATIONS.values()}
    for row in rows:
        if len(row) == 5 and row[0] in REQUESTS:
            assert row[2] == REQUESTS[row[0]].__name__
