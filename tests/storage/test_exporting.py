"""The ledger as a file says what its rows say."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet
from sqlalchemy import insert

from polydriver import ConfigurationError
from polydriver.storage import Database, new_id
from polydriver.storage.exporting import COLUMNS, export_attempts
from polydriver.storage.tables import attempts, corrections

BEGIN = datetime(2026, 11, 1, tzinfo=UTC)
COUNT = 12_000


def fill(database: Database) -> list[dict[str, Any]]:
    """Attempts of more than two pieces, one every minute, one of them corrected."""
    rows = [
        {
            "id": new_id(), "call_id": new_id(), "number": 1, "kind": "attempt", "operation": "chat",
            "provider": "openai", "model": "odd,\"\n\0\ud800" if number % 2 else None, "outcome": "success",
            "started_at": BEGIN + timedelta(minutes=number), "cost": Decimal(number + 1).scaleb(-12), "currency": "USD",
            "tags": ["a", "b\ud800"] if number % 3 else None, "metadata": {"n": number}, "may_be_billed": True,
        }
        for number in range(COUNT)
    ]  # fmt: skip
    correction = {
        "id": new_id(), "attempt_id": rows[0]["id"], "reason": "reprice", "cost": Decimal("7.5"), "currency": "EUR",
        "created_at": BEGIN,
    }  # fmt: skip
    with database.write() as connection:
        connection.execute(insert(attempts), rows)
        connection.execute(insert(corrections).values(**correction))
    return rows


def test_csv(database: Database, tmp_path: Path) -> None:
    rows = fill(database)
    path = tmp_path / "attempts.csv"
    assert export_attempts(database, path) == COUNT
    with path.open(encoding="utf-8", newline="") as file:
        found = list(csv.DictReader(file))
    assert [row["id"] for row in found] == [row["id"] for row in rows]
    assert (found[0]["cost"], found[0]["currency"]) == ("7.500000000000", "EUR")
    assert found[1]["cost"] == "0.000000000002"
    assert found[1]["model"] == 'odd,"\n\0\\ud800'
    assert json.loads(found[1]["tags"]) == ["a", "b\ud800"]
    assert datetime.fromisoformat(found[1]["started_at"]) == BEGIN + timedelta(minutes=1)
    assert [entry.name for entry in tmp_path.iterdir() if "attempts" in entry.name] == ["attempts.csv"]


def test_parquet(database: Database, tmp_path: Path) -> None:
    rows = fill(database)
    path = tmp_path / "attempts.parquet"
    assert export_attempts(database, path, since=BEGIN + timedelta(minutes=10), until=BEGIN + timedelta(days=1)) == 1430
    table = parquet.read_table(path)
    assert table.column_names == list(COLUMNS)
    found = table.to_pylist()
    assert [row["id"] for row in found] == [row["id"] for row in rows[10:1440]]
    assert found[0]["cost"] == Decimal("0.000000000011")
    assert found[0]["started_at"] == BEGIN + timedelta(minutes=10)
    assert found[0]["tags"] == ["a", "b\\ud800"]
    assert found[1]["model"] == 'odd,"\n\0\\ud800'
    assert found[0]["may_be_billed"] is True
    assert export_attempts(database, path) == COUNT
    assert parquet.read_table(path).to_pylist()[0]["cost"] == Decimal("7.5")


def test_a_failed_export_leaves_nothing(database: Database, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"\.parquet"):
        export_attempts(database, tmp_path / "attempts.xlsx")
    with pytest.raises(OSError, match="absent"):
        export_attempts(database, tmp_path / "absent" / "attempts.csv")
    assert not [entry for entry in tmp_path.iterdir() if "attempts" in entry.name]
