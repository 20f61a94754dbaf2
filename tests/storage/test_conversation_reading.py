"""Branches are read whole, whatever else the tree of a conversation has."""

from __future__ import annotations

import random

import pytest

from polydriver import AIMessage
from polydriver.storage import Database
from polydriver.storage.conversation_reading import read_branch, read_tree
from polydriver.storage.conversation_rows import Header, NewMessage, append, move_head


@pytest.mark.parametrize(("length", "branches"), [(1, 0), (5, 200), (40, 3), (120, 0)])
def test_each_branch_is_what_leads_to_its_end(database: Database, length: int, branches: int) -> None:
    chance = random.Random(length)
    ids: list[str] = []

    def add(header: Header, head: str | None) -> str:
        message = NewMessage.of(AIMessage(f"{header.id} {len(ids)}"), "done")
        append(connection, header, [message], head)
        ids.append(message.id)
        return message.id

    with database.write() as connection:
        other = add(Header(id="other"), None)
        add(Header(id="other"), other)
        ids.clear()
        header, head = Header(id="one"), None
        for _ in range(length):
            head = add(header, head)
        for _ in range(branches):
            start = chance.choice(ids)
            move_head(connection, "one", start)
            add(header, start)
    with database.read() as connection:
        tree = {stored.id: stored for stored in read_tree(connection, "one")}
        assert len(tree) == length + branches
        for end in (head, *chance.sample(ids, min(len(ids), 20))):
            expected: list[str] = []
            above = end
            while above is not None:
                expected.insert(0, above)
                above = tree[above].parent_id
            found = read_branch(connection, end)
            assert [stored.id for stored in found] == expected
            assert [stored.message for stored in found] == [tree[id].message for id in expected]
        assert read_branch(connection, None) == []
        assert read_branch(connection, "absent") == []
