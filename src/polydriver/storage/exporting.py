"""The rows of the ledger as a file, for those who look at them with other tools: CSV, or Parquet (extra `parquet`)."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, TypeAlias

from sqlalchemy import func, select

from ..errors import ConfigurationError
from .database import Database
from .tables import attempts, corrections

__all__ = ["COLUMNS", "export_attempts"]

Kind: TypeAlias = Literal["text", "count", "flag", "time", "money", "texts"]

COLUMNS: Mapping[str, Kind] = {
    "id": "text", "call_id": "text", "number": "count", "kind": "text", "operation": "text", "provider": "text",
    "model": "text", "answered_model": "text", "conversation_id": "text", "project": "text", "key": "text",
    "user": "text", "tags": "texts", "metadata": "text", "started_at": "time", "ended_at": "time", "outcome": "text",
    "status": "count", "error": "text", "provider_request_id": "text", "latency_us": "count",
    "first_content_us": "count", "may_be_billed": "flag", "estimated": "flag", "price_known": "flag",
    "input_tokens": "count", "cached_input_tokens": "count", "cache_write_tokens": "count", "output_tokens": "count",
    "reasoning_tokens": "count", "cost": "money", "currency": "text", "reported_cost": "money",
}  # fmt: skip
"""The columns of an export, and what they hold. `cost` and `currency` are those of the last correction, if any."""

_PIECE = 5000


def export_attempts(
    database: Database,
    path: Path,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    form: Literal["parquet", "csv"] | None = None,
) -> int:
    """Write the attempts that began in a span of time into a file, and return how many there were.

    The end of its name says the form, `.csv` or `.parquet`, where `form` does not. The file is there once it is
    whole. Raises `ConfigurationError` for another name and where the extra is absent, `OSError` and `StorageError`.
    """
    writers: dict[str, Callable[[Path, Iterator[list[dict[str, Any]]]], int]] = {
        ".csv": _write_csv,
        ".parquet": _write_parquet,
    }
    write = writers.get(path.suffix.lower() if form is None else f".{form}")
    if write is None:
        raise ConfigurationError(f"{path.name} ends neither in .csv nor in .parquet: the name says the form")
    partial = path.with_name(f".{path.name}.partial")
    with ExitStack() as stack:
        stack.callback(partial.unlink, missing_ok=True)
        count = write(partial, _pieces(database, since, until))
        partial.replace(path)
    return count


def _pieces(database: Database, since: datetime | None, until: datetime | None) -> Iterator[list[dict[str, Any]]]:
    """The rows, in pieces, each read in a transaction of its own."""
    table, correction = attempts, corrections.alias("correction")
    last = select(func.max(corrections.c.id)).where(corrections.c.attempt_id == table.c.id).scalar_subquery()
    changed = {
        "cost": func.coalesce(correction.c.cost, table.c.cost).label("cost"),
        "currency": func.coalesce(correction.c.currency, table.c.currency).label("currency"),
    }
    wanted = (
        select(*(changed.get(name, table.c[name]) for name in COLUMNS))
        .select_from(table.outerjoin(correction, correction.c.id == last))
        .order_by(table.c.id)
        .limit(_PIECE)
    )
    if since is not None:
        wanted = wanted.where(table.c.started_at >= since)
    if until is not None:
        wanted = wanted.where(table.c.started_at < until)
    after = ""
    while True:
        with database.read() as connection:
            rows = [dict(row) for row in connection.execute(wanted.where(table.c.id > after)).mappings()]
        for row in rows:
            row["metadata"] = None if row["metadata"] is None else json.dumps(row["metadata"])
        if rows:
            yield rows
        if len(rows) < _PIECE:
            return
        after = rows[-1]["id"]


def _write_csv(path: Path, pieces: Iterator[list[dict[str, Any]]]) -> int:
    count = 0
    with path.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for rows in pieces:
            writer.writerows([_cell(row[name]) for name in COLUMNS] for row in rows)
            count += len(rows)
    return count


def _cell(value: Any) -> Any:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        return value.isoformat()
    return json.dumps(value) if isinstance(value, list) else value


def _write_parquet(path: Path, pieces: Iterator[list[dict[str, Any]]]) -> int:
    try:
        import pyarrow as arrow
        from pyarrow import parquet
    except ImportError as error:
        raise ConfigurationError("Parquet needs the extra parquet: pip install 'polydriver[parquet]'") from error
    kinds = {
        "text": arrow.string(), "count": arrow.int64(), "flag": arrow.bool_(),
        "time": arrow.timestamp("us", tz="UTC"), "money": arrow.decimal128(38, 12),
        "texts": arrow.list_(arrow.string()),
    }  # fmt: skip
    schema = arrow.schema([(name, kinds[kind]) for name, kind in COLUMNS.items()])
    count = 0
    with parquet.ParquetWriter(path, schema) as writer:
        for rows in pieces:
            columns = {name: [_sound(row[name]) for row in rows] for name in COLUMNS}
            writer.write_table(arrow.table(columns, schema=schema))
            count += len(rows)
    return count


def _sound(value: Any) -> Any:
    """A value without lone surrogates, which UTF-8 does not have."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    texts: Sequence[Any] | None = value if isinstance(value, list) else None
    return value if texts is None else [_sound(item) for item in texts]
