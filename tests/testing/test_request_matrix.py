"""What the drivers send is what the providers take, over drivers, models, conversations, options and schemas.

`open_findings.txt` holds what is not yet so, a driver and a rule a line: such a line fails as soon as it is mended, and
is deleted then. `python -m tests.testing.requests_matrix` prints all findings with their cases.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from tests.testing.requests_matrix import MODELS, findings

OPEN = {tuple(line.split()) for line in Path(__file__).with_name("open_findings.txt").read_text().splitlines()}


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
    new = {rule: cases for rule, cases in _found(driver, model).items() if (driver, rule) not in OPEN}
    assert not new, "\n".join(line for cases in new.values() for line in cases[:5])


@pytest.mark.parametrize(
    ("driver", "rule"),
    [
        pytest.param(driver, rule, marks=pytest.mark.xfail(strict=True, reason=f"{driver} breaks {rule}"))
        for driver, rule in sorted(OPEN)
    ],
)
def test_what_is_open(driver: str, rule: str) -> None:
    assert not any(rule in _found(driver, model) for model in MODELS[driver])
