"""The two colours have the same methods, and the table in the documentation is the table in the code."""

from __future__ import annotations

import inspect
from typing import Any

import msgspec
import pytest

import polydriver.operations
from polydriver import AsyncProvider, Provider
from polydriver.contract import OperationPart
from polydriver.operations.kinds import OPERATIONS
from polydriver.provider.operations import AsyncOperations, Operations

SEVERAL = {"run_batch"}
"""Methods that perform several operations, and have no record of their own."""


def test_the_colours_agree() -> None:
    for method in [*OPERATIONS, *SEVERAL]:
        blocking, twin = getattr(Operations, method), getattr(AsyncOperations, method)
        assert inspect.signature(blocking) == inspect.signature(twin), method
        assert inspect.iscoroutinefunction(twin)
        assert not inspect.iscoroutinefunction(blocking)
        assert getattr(Provider, method) is blocking
        assert getattr(AsyncProvider, method) is twin


def test_there_are_no_methods_beyond_the_records() -> None:
    for kind in (Operations, AsyncOperations):
        assert {name for name in vars(kind) if name[0] != "_"} == OPERATIONS.keys() | SEVERAL | {"stream_batch_results"}


def test_the_documented_table_is_true() -> None:
    rows = [line.split() for line in (polydriver.operations.__doc__ or "").splitlines()]
    documented = {row[0]: (row[1], row[2], row[-1]) for row in rows if len(row) == 5 and row[0] in OPERATIONS}
    assert documented == {
        kind.method: (kind.hook, kind.request.__name__, kind.capability) for kind in OPERATIONS.values()
    }


def test_the_readers_are_for_fields_of_the_request() -> None:
    for kind in OPERATIONS.values():
        assert kind.readers.keys() <= set(kind.request.__struct_fields__), kind.method
        assert issubclass(kind.result, msgspec.Struct)


def test_a_part_has_the_hooks_of_its_records_and_options_of_its_methods() -> None:
    class Half(OperationPart):
        kinds = (OPERATIONS["embed"],)

        def build_embeddings(self, request: Any) -> Any: ...

    class Whole(Half):
        def parse_embeddings(self, reply: Any, request: Any) -> Any: ...

    with pytest.raises(TypeError, match="Half has no build_embeddings and parse_embeddings, and no embeddings_flow"):
        Half()
    with pytest.raises(TypeError, match="Whole has no operation 'embeddings'; it has embed"):
        Whole(options={"embeddings": frozenset({"normalize"})})
    assert Whole(options={"embed": frozenset({"normalize"})}).option_names(OPERATIONS["embed"]) == {"normalize"}
