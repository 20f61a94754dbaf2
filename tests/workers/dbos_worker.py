"""A worker of `test_dbos`, and the work that is submitted to it: `python dbos_worker.py`."""

from __future__ import annotations

import os

from polydriver.workers.dbos import DBOSWork

__all__ = ["make_work"]


def make_work(environment: dict[str, str]) -> DBOSWork:
    """The same in the worker and in the test."""
    connection = {"base_url": environment["BULK_PROVIDER"], "api_key": "k", "retry_attempts": 1}
    settings = {"providers": {"openai": connection}}
    return DBOSWork(environment["BULK_DATABASE"], settings, provider="openai", model="gpt-4o-mini")


if __name__ == "__main__":
    make_work(dict(os.environ)).run(concurrency=2, grace=float(os.environ.get("BULK_GRACE", "60")), look_every=0.2)
