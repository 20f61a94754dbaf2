"""Running checks without pytest."""

from __future__ import annotations

import unittest
from typing import Any

import msgspec

__all__ = ["Report", "check"]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome: names of checks that passed, and reasons by name of those that failed or were skipped."""

    passed: list[str] = []
    skipped: dict[str, str] = {}
    failed: dict[str, str] = {}

    def raise_if_any(self) -> None:
        """Raise `AssertionError` with every failure."""
        if self.failed:
            raise AssertionError("\n".join(f"{name}: {reason}" for name, reason in self.failed.items()))


def check(suite: type[Any]) -> Report:
    """Run the methods `test_*` of a class, each on an instance of its own."""
    passed: list[str] = []
    skipped: dict[str, str] = {}
    failed: dict[str, str] = {}
    for name in sorted(dir(suite)):
        if not name.startswith("test_"):
            continue
        try:
            getattr(suite(), name)()
        except unittest.SkipTest as reason:
            skipped[name] = str(reason)
        except Exception as error:  # noqa: BLE001 - a report tells of all of them
            failed[name] = f"{type(error).__name__}: {error}"
        else:
            passed.append(name)
    return Report(passed=passed, skipped=skipped, failed=failed)
