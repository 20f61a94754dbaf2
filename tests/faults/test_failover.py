"""The faults of failover over sockets: both colours pass all of them."""

from __future__ import annotations

import pytest

from .failover import CASES, Case, run
from .failover_client import AsyncPolydriver, Polydriver


@pytest.mark.parametrize("client", [Polydriver, AsyncPolydriver])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_fault_is_taken_right(case: Case, client: type[Polydriver]) -> None:
    assert run(case, client) == []
