"""What is stored can be nothing, redacted or encrypted; what is deleted is gone, in pieces."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text, update

from polydriver import AI, AIMessage, ConfigurationError, Image, StorageError, tool
from polydriver.config.storage import StorageConfig
from polydriver.data.messages import ProviderPart, Reasoning, Text, ToolCall, ToolResult
from polydriver.engine.waiting import no_waiting
from polydriver.storage import Database
from polydriver.storage.deleting import prune
from polydriver.storage.privacy import Privacy
from polydriver.storage.tables import METADATA, attempts, blobs, calls, conversations, messages
from polydriver.storage.vault import Vault

PICTURE = Image.from_bytes(b"\x89PNG secret picture" * 50, "image/png")
KEYS = [base64.b64encode(bytes([number]) * 32).decode() for number in range(3)]
NOW = datetime.now(UTC)

Open = Callable[..., AI]


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level("CRITICAL", logger="polydriver")
    with no_waiting():
        yield


@pytest.fixture
def opened(shared_url: str) -> Iterator[Open]:
    """Makes managers over one database, each as a new process would, with settings of its own."""
    made: list[AI] = []

    def make(*replies: Any, **storage: Any) -> AI:
        values = {"url": shared_url, **storage}
        mock = {"replies": list(replies), "default": "a secret answer", "prices": {"m": {"input": 1, "output": 2}}}
        ai = AI({"default": "mock", "providers": {"mock": mock}, "storage": values}, env={})
        made.append(ai)
        return ai

    yield make
    for ai in made:
        ai.close()
        if ai.storage is not None:
            ai.storage.close()


def talk(ai: AI, user: str = "ann", title: str = "A secret title") -> Any:
    chat = ai.conversation(title).model("m").system("a secret prompt").user(user)
    chat.send(AIMessage.user([Text("a secret question"), PICTURE]))
    chat.send("another secret")
    return chat


def everything(ai: AI) -> str:
    """All that the tables hold, as text."""
    assert ai.storage is not None
    ai.storage.flush()
    rows: list[Any] = []
    with ai.storage.database.read() as connection:
        for table in METADATA.tables.values():
            rows += connection.execute(text(f"SELECT * FROM {table.name}")).all()
    return " ".join(repr(bytes(value) if isinstance(value, memoryview) else value) for row in rows for value in row)


def count(ai: AI, table: Any) -> int:
    assert ai.storage is not None
    ai.storage.flush()
    with ai.storage.database.read() as connection:
        return len(connection.execute(select(table)).all())


def test_without_content_usage_and_costs_are_kept(opened: Open) -> None:
    ai = opened(content=False)
    chat = talk(ai)
    assert "secret" not in everything(ai)
    (record,) = ai.conversations.list(user="ann")
    assert record.message_count == 4
    assert record.cost > 0
    stored = ai.conversations.messages(chat.id)
    assert [(message.message.role, message.is_whole) for message in stored] == [
        ("user", False), ("assistant", False), ("user", False), ("assistant", False),
    ]  # fmt: skip
    with pytest.raises(ConfigurationError, match="was not stored"):
        ai.conversations.load(chat.id)
    with pytest.raises(ConfigurationError, match="no search"):
        ai.conversations.search("secret")
    assert count(ai, blobs) == 0


def hide(text: str) -> str:
    return re.sub("(?i)secret", "[hidden]", text)


def test_redaction(opened: Open) -> None:
    @tool
    def look(word: str) -> str:
        """Look something up."""
        return f"a secret result for {word}"

    call = {"tool_calls": [{"id": "c1", "name": "look", "arguments": {"word": "secret"}}]}
    ai = opened(call, "A secret end.", redact=hide)
    chat = ai.conversation("A SECRET title").model("m").system("a secret prompt").tools(look)
    assert chat.run_tools("a secret question").content == "A secret end."
    assert "secret" not in everything(ai).lower().replace("secret picture", "")
    (found,) = ai.conversations.search("[hidden] end.")
    assert found.title == "A [hidden] title"
    again = opened("fine", redact="tests.storage.test_privacy:hide").conversations.load(chat.id)
    assert [message.text for message in again.history if message.text] == ["a [hidden] question", "A [hidden] end."]
    assert again.history[1].tool_calls[0].arguments == {"word": "[hidden]"}
    assert again.send("more").content == "fine"


def test_what_is_redacted_loses_its_signature() -> None:
    rules = Privacy(redact=hide)
    thought, calm = Reasoning("a secret", {"anthropic": {"signature": "x"}}), Reasoning("b", {"anthropic": {"s": 1}})
    nested = ToolResult("c1", [Text("secret")])
    broken = ToolCall("c2", "f", None, "{secret")
    exact = ToolCall("c3", "f", {"a": 0.1}, '{"a": 0.10000000000000000001}', {"gemini": {"s": 1}})
    hidden = ToolCall("c4", "f", {"a": ["secret"]}, '{"a": ["\\u0073ecret"]}', {"gemini": {"s": 1}})
    message = rules.message(AIMessage([thought, calm, nested, broken, exact, hidden, PICTURE], "assistant"))
    assert message.content == [
        Reasoning("a [hidden]"),
        calm,
        ToolResult("c1", [Text("[hidden]")]),
        ToolCall("c2", "f", None, "{[hidden]"),
        exact,
        ToolCall("c4", "f", {"a": ["[hidden]"]}),
        PICTURE,
    ]


def test_what_a_provider_sent_is_redacted_where_it_can_be_read() -> None:
    rules = Privacy(redact=hide)
    sealed = base64.b64encode(b"secret" * 100).decode().replace("c", "secret")
    results = [{"title": "A secret", "encrypted_content": sealed, "count": 1}]
    search = ProviderPart("anthropic", "web_search_tool_result", {"id": "s1", "content": results})
    cited = Text("calm", [{"cited_text": "a secret", "url": "u"}], {"openai": {"phase": "final"}})
    kept = Reasoning("calm", {"gemini": {"signature": sealed}})
    told = Reasoning("calm", {"openai": {"summary": [{"text": "secret"}]}})
    stored = rules.message(
        AIMessage([search, cited, kept, told], "assistant", provider_data={"openai": {"a": "secret"}})
    )
    hidden = [{"title": "A [hidden]", "encrypted_content": sealed, "count": 1}]
    assert stored == AIMessage(
        [
            ProviderPart("anthropic", "web_search_tool_result", {"id": "s1", "content": hidden}),
            Text("calm", [{"cited_text": "a [hidden]", "url": "u"}], {"openai": {"phase": "final"}}),
            kept,
            Reasoning("calm"),
        ],
        "assistant",
    )
    untouched = AIMessage([search, cited, kept, told], "assistant")
    assert Privacy(redact=str).message(untouched) == untouched


def test_encrypted_and_read_again(opened: Open) -> None:
    ai = opened(encryption_keys=[KEYS[0]])
    chat = talk(ai)
    assert "secret" not in everything(ai)
    again = opened(encryption_keys=[KEYS[1], KEYS[0]]).conversations
    loaded = again.load(chat.id)
    assert loaded.history == chat.history
    assert loaded._system == "a secret prompt"
    assert again.list()[0].title == "A secret title"
    with pytest.raises(ConfigurationError, match="cannot be searched"):
        again.search("secret")
    with pytest.raises(StorageError, match="another key"):
        opened(encryption_keys=[KEYS[2]]).conversations.load(chat.id)
    with pytest.raises(ConfigurationError, match="encryption_keys"):
        opened().conversations.load(chat.id)


def test_a_key_is_changed(opened: Open) -> None:
    plain = talk(opened())
    old = talk(opened(encryption_keys=[KEYS[0]]))
    ai = opened(encryption_keys=[KEYS[1], KEYS[0]])
    assert ai.storage is not None
    done = ai.storage.reseal()
    assert (done.conversations, done.messages, done.files) == (2, 8, 2)
    assert "secret" not in everything(ai)
    again = ai.storage.reseal()
    assert (again.conversations, again.messages, again.files) == (0, 0, 0)
    only = opened(encryption_keys=[KEYS[1]]).conversations
    assert only.load(plain.id).history == plain.history
    assert only.load(old.id).history == old.history


def test_a_row_in_the_place_of_another_is_refused(opened: Open) -> None:
    ai = opened(encryption_keys=[KEYS[0]])
    chat = talk(ai)
    assert ai.storage is not None
    with ai.storage.database.write() as connection:
        first, second = connection.execute(select(messages.c.id, messages.c.sealed).limit(2)).all()
        connection.execute(update(messages).where(messages.c.id == first.id).values(sealed=second.sealed))
    with pytest.raises(StorageError, match="was changed"):
        ai.conversations.load(chat.id)


@given(st.binary(max_size=300), st.integers(0, 400), st.integers(1, 255))
def test_what_is_changed_cannot_be_opened(data: bytes, place: int, change: int) -> None:
    vault = Vault([b"k" * 32])
    sealed = bytearray(vault.seal(data, "message:1"))
    assert vault.open(bytes(sealed), "message:1") == data
    sealed[place % len(sealed)] ^= change
    with pytest.raises(StorageError):
        vault.open(bytes(sealed), "message:1")


def test_a_user_is_deleted(opened: Open) -> None:
    ai = opened()
    ann, bob = talk(ai, "ann"), talk(ai, "bob")
    chat = ai.conversation("Own picture").user("ann").model("m")
    own = Image.from_bytes(b"ann's own", "image/png")
    chat.send(AIMessage.user([Text("mine"), own]))
    assert ai.storage is not None
    before = sum(line.cost for line in ai.storage.costs())
    done = ai.storage.delete_user("ann")
    assert (done.conversations, done.messages, done.files) == (2, 6, 1)
    assert done.anonymised == 6
    kept = everything(ai)
    assert "ann" not in kept.replace("channel", "")
    assert [record.id for record in ai.conversations.list()] == [bob.id.removeprefix("conv_")]
    assert ai.conversations.load(bob.id).history == bob.history
    assert sum(line.cost for line in ai.storage.costs()) == before
    assert ai.storage.delete_user("ann").conversations == 0
    with pytest.raises(ConfigurationError, match="no conversation"):
        ai.conversations.load(ann.id)


def test_what_is_old_goes_and_its_sums_stay(opened: Open) -> None:
    ai = opened()
    old, new = talk(ai), talk(ai)
    assert ai.storage is not None
    database: Database = ai.storage.database
    ago = timedelta(days=40)
    with database.write() as connection:
        id = old.id.removeprefix("conv_")
        connection.execute(update(conversations).where(conversations.c.id == id).values(updated_at=NOW - ago))
        for table in (attempts, calls):
            first = select(table.c.id).order_by(table.c.id).limit(2)
            connection.execute(update(table).where(table.c.id.in_(first)).values(started_at=NOW - ago))
    before = {line.group["model"]: line for line in ai.storage.costs("model", "user")}
    config = StorageConfig(url="x", keep_conversations=30, keep_attempts=30)
    done = prune(database, config)
    assert (done.conversations, done.messages, done.attempts) == (1, 4, 2)
    assert {line.group["model"]: line for line in ai.storage.costs("model", "user")} == before
    assert (count(ai, attempts), count(ai, calls)) == (2, 2)
    again = prune(database, config)
    assert (again.conversations, again.attempts) == (0, 0)
    assert {line.group["model"]: line for line in ai.storage.costs("model", "user")} == before
    assert ai.conversations.load(new.id).history == new.history
    assert ai.storage.vacuum().files == 0
    assert ai.conversations.load(new.id).history == new.history
    assert before["m"].cost > Decimal(0)


def test_pieces_and_files_that_nobody_has(opened: Open) -> None:
    ai = opened()
    chat = ai.conversation().model("m").user("ann")
    for _ in range(3):
        chat.send("a")
    talk(ai, "bob")
    assert ai.storage is not None
    database: Database = ai.storage.database
    with database.write() as connection:
        connection.execute(text("UPDATE ai_messages SET content = '{}' WHERE content LIKE '%files%'"))
    assert ai.storage.vacuum().files == 1
    config = StorageConfig(url="x", keep_conversations=1)
    late = datetime.now(UTC) + timedelta(days=3)
    assert prune(database, config, late, pieces=1).conversations == 1
    assert prune(database, config, late).conversations == 1


def test_settings(tmp_path: Any) -> None:
    url = f"sqlite:///{tmp_path}/ai.db"
    for wrong, complaint in (
        ({"encryption_keys": ["short"]}, "32 bytes"),
        ({"encryption_keys": "env:NOT_THERE"}, "32 bytes"),
        ({"redact": 5}, "neither a function"),
        ({"redact": "no_colon"}, "neither a function"),
        ({"keep_attempts": 0}, "at least 1"),
    ):
        with pytest.raises(ConfigurationError, match=complaint):
            AI({"storage": {"url": url, **wrong}}, env={})
    ai = AI({"storage": {"url": url, "encryption_keys": ["env:KEY", "ab" * 32]}}, env={"KEY": KEYS[1]})
    assert KEYS[1] not in repr(ai.settings.storage)
    assert "ab" * 32 not in str(ai.settings.storage.encryption_keys)
    with pytest.raises(ConfigurationError, match="there is no 'nowhere:hook'"):
        assert AI({"storage": {"url": url, "redact": "nowhere:hook"}}, env={}).storage
