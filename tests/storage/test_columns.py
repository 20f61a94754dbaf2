"""What goes into a column comes back, whatever it is."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, select

from polydriver.storage import Database, new_id
from polydriver.storage.columns import (
    from_micros,
    from_pico,
    pack_json,
    pack_text,
    to_micros,
    to_pico,
    unpack_json,
    unpack_text,
)
from polydriver.storage.ids import id_time
from polydriver.storage.tables import conversations

ANY_TEXT = st.text(st.characters()) | st.text(st.sampled_from("\ud83d\ude00\x1a\\u\U0001f600a\0"))
PLAIN: Any = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4),
    max_leaves=12,
)


@given(ANY_TEXT)
def test_packed_text_is_what_a_database_takes(text: str) -> None:
    packed = pack_text(text)
    assert unpack_text(packed) == text
    assert "\0" not in packed
    packed.encode()


@given(PLAIN)
def test_packed_json_is_what_a_database_takes(value: Any) -> None:
    packed = pack_json(value)
    assert unpack_json(packed) == value
    assert packed.isascii()
    assert "\0" not in packed


@given(st.decimals(-1_000_000, 1_000_000, places=12))
def test_money_is_exact(amount: Decimal) -> None:
    assert from_pico(to_pico(amount)) == amount


@given(st.datetimes(timezones=st.just(UTC)))
def test_times_are_exact(moment: datetime) -> None:
    assert from_micros(to_micros(moment)) == moment


@given(st.lists(st.tuples(ANY_TEXT, PLAIN), max_size=20))
def test_odd_texts_come_back_from_memory(rows: list[tuple[str, Any]]) -> None:
    database = Database("sqlite://")
    with database.write() as connection:
        conversations.create(connection)
    _come_back(database, rows)
    database.close()


def test_odd_texts_come_back(database: Database) -> None:
    texts = [
        "",
        "\0",
        "a\0b",
        "\ud800",
        "\udfff\ud800",
        "\ud83d\ude00",
        "\ud83d\x1a\ude00",
        "\x1a",
        '\x1a"x"',
        "é",
        "\U0001f600",
        "x" * 100_000,
        "'; --",
    ]
    _come_back(database, [(text, {text: [text, 1.5, None]}) for text in texts])


def _come_back(database: Database, rows: list[tuple[str, Any]]) -> None:
    now = datetime.now(UTC)
    values = [
        {"id": new_id(), "title": title, "metadata": data, "cost": Decimal("0.000000000001"), "created_at": now,
         "updated_at": now}
        for title, data in rows
    ]  # fmt: skip
    with database.write() as connection:
        connection.execute(conversations.delete())
        if values:
            connection.execute(insert(conversations), values)
    with database.read() as connection:
        columns = (conversations.c.title, conversations.c.metadata, conversations.c.cost, conversations.c.created_at)
        found = connection.execute(select(*columns).order_by(conversations.c.id)).all()
    assert [tuple(row) for row in found] == [(title, data, Decimal("0.000000000001"), now) for title, data in rows]


def test_ids_sort_by_time() -> None:
    ids = [new_id() for _ in range(20_000)]
    assert ids == sorted(set(ids))
    assert all(id[12] == "7" and id[16] in "89ab" for id in ids)
    assert abs(id_time(ids[-1]) - datetime.now(UTC).timestamp()) < 60


def test_times_without_a_zone_are_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        to_micros(datetime(2026, 1, 1))  # noqa: DTZ001 - that is the point
