"""What the drivers send is what the providers take, over drivers, models, conversations, options and schemas.

`python -m tests.testing.requests_matrix` prints all findings with their cases.
"""

from __future__ import annotations

from functools import cache

import pytest
from tests.testing.requests_matrix import MODELS, findings


@cache
def _found(driver: str, model: str) -> dict[str, list[str]]:
    by_rule: dict[str, list[str]] = {}
    for case, violation in findings(driver, model):
        by_rule.setdefault(violation.rule, []).append(f"{case}: {violation}")
    return by_rule


@pytest.mark.parametrize(
    ("driver", "model"), [(driver, model) for driver, models in MODELS.items() for model in models]
)
def test_requests_break_no_rule(driver: str, model: str) -> None:
    found = _found(driver, model)
    assert not found, "\n".join(line for cases in found.values() for line in cases[:5])
