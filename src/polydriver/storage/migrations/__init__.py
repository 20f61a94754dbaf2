"""The steps that bring a database from one version of the tables to the next; see `polydriver.storage.upgrading`."""

from __future__ import annotations

__all__: list[str] = []
