"""Statements that run for every message: compiled once for each kind of database, and run by its own driver.

SQLAlchemy builds and types them, from the same tables as all others, so that the schema is written once. What it does
anew for each execution costs more than the execution itself on SQLite; here it is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, Dialect, Executable, Select, Table, bindparam
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite

from .columns import PackedType

__all__ = ["Prepared", "inserting"]

_DIALECTS: dict[str, Callable[[], Dialect]] = {
    "sqlite": lambda: sqlite.dialect(paramstyle="qmark"),
    "postgresql": lambda: postgresql.psycopg.dialect(paramstyle="format"),  # type: ignore[no-untyped-call]
}


class Prepared:
    """A statement, for each kind of database; `for_kind` makes it where the kinds differ.

    Its values are given by the names of its parameters, and packed and unpacked by the types of the columns, as
    SQLAlchemy does. Raises what the database's driver raises: see `Database.errors`.
    """

    def __init__(self, statement: Executable | None = None, **for_kind: Executable) -> None:
        self._statements = dict.fromkeys(_DIALECTS, statement) | for_kind
        self._compiled: dict[str, _Compiled] = {}

    def run(self, connection: Connection, values: Mapping[str, Any]) -> int:
        """Run it; returns how many rows it changed."""
        return int(self._execute(connection, values)[1].rowcount)

    def first(self, connection: Connection, values: Mapping[str, Any]) -> tuple[Any, ...] | None:
        """The first row of what it selects."""
        compiled, cursor = self._execute(connection, values)
        row = cursor.fetchone()
        cursor.close()
        return None if row is None else compiled.unpacked(row)

    def all(self, connection: Connection, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """All rows that it selects."""
        compiled, cursor = self._execute(connection, values)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return [compiled.unpacked(row) for row in rows] if compiled.unpacks else rows

    def _execute(self, connection: Connection, values: Mapping[str, Any]) -> tuple[_Compiled, Any]:
        kind = connection.dialect.name
        compiled = self._compiled.get(kind)
        if compiled is None:
            statement = self._statements[kind]
            assert statement is not None
            compiled = self._compiled[kind] = _Compiled(statement, _DIALECTS[kind]())
        driver: Any = connection.connection.driver_connection
        return compiled, driver.execute(compiled.text, compiled.packed(values))


class _Compiled:
    """The text of a statement, with the names and packers of its values, and the unpackers of its columns."""

    def __init__(self, statement: Executable, dialect: Dialect) -> None:
        compiled: Any = statement.compile(dialect=dialect)  # type: ignore[attr-defined]
        self.text = str(compiled)
        names: Iterable[str] = compiled.positiontup or ()
        self._binds = [(name, _packer(compiled.binds[name].type, dialect)) for name in names]
        columns = statement.selected_columns if isinstance(statement, Select) else ()
        self._columns = [_unpacker(column.type, dialect) for column in columns]
        self.unpacks = any(self._columns)

    def packed(self, values: Mapping[str, Any]) -> list[Any]:
        return [value if (value := values[name]) is None or pack is None else pack(value) for name, pack in self._binds]

    def unpacked(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
        columns = zip(row, self._columns, strict=True)
        return tuple([value if value is None or unpack is None else unpack(value) for value, unpack in columns])


def _packer(kind: Any, dialect: Dialect) -> Any:
    return kind.pack if isinstance(kind, PackedType) else kind.dialect_impl(dialect).bind_processor(dialect)


def _unpacker(kind: Any, dialect: Dialect) -> Any:
    return kind.unpack if isinstance(kind, PackedType) else kind.dialect_impl(dialect).result_processor(dialect, None)


def inserting(table: Table, columns: Iterable[str], **computed: Any) -> Prepared:
    """Inserts a row of these columns, unless there is one with its key already; `computed` ones are expressions."""
    values = {name: bindparam(name) for name in columns} | computed
    return Prepared(
        sqlite=insert_sqlite(table).values(values).on_conflict_do_nothing(),
        postgresql=insert_postgresql(table).values(values).on_conflict_do_nothing(),
    )
