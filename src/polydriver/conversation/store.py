"""Stored conversations: found, loaded and gone on with, exported and imported."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ..data.plain_messages import read_plain_message
from ..errors import ConfigurationError
from .chat import AsyncConversation, Conversation
from .managers import AsyncManager, BlockingManager

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from ..storage import Storage
    from ..storage.conversation_list import ConversationRecord
    from ..storage.conversation_reading import HistoryMessage, StoredMessage
from .exporting import read_export, write_export

__all__ = ["AsyncConversations", "Conversations"]

C = TypeVar("C", Conversation[Any], AsyncConversation[Any])
T = TypeVar("T")


class _Store(Generic[C]):
    """What both colours share: what is asked of the database, and what is made of it."""

    def __init__(self, ai: Any) -> None:
        self._ai = ai
        storage: Storage | None = ai.storage
        if storage is None:
            raise ConfigurationError(
                "no conversation is stored: name a database in the settings, such as storage = {url = 'sqlite:///ai.db'}"
            )
        self._storage = storage

    def _read_list(self, words: str | None, limit: int, before: str | None, owner: dict[str, Any]) -> Any:
        from ..storage.conversation_list import list_conversations

        def act(connection: Connection) -> list[ConversationRecord]:
            return list_conversations(connection, words=words, limit=limit, before=before, **owner)

        return act

    def _read_one(self, id: str, *, tree: bool = False) -> Callable[[Connection], Any]:
        from ..storage.conversation_list import read_record
        from ..storage.conversation_reading import read_branch, read_tree

        id = _bare(id)

        def act(connection: Connection) -> Any:
            record = read_record(connection, id)
            if record is None:
                raise ConfigurationError(f"there is no conversation {id!r} in {self._storage.database.address}")
            return record, read_tree(connection, id) if tree else read_branch(connection, record.head_id)

        return act

    def _read(self, act: Callable[[Connection], T]) -> T:
        self._storage.flush()
        with self._storage.database.read() as connection:
            return act(connection)

    def _made(self, chat: C, found: tuple[ConversationRecord, list[HistoryMessage]]) -> C:
        record, branch = self._whole(found)
        from ..storage.keeper import Keeper

        chat.id = f"conv_{record.id}"
        chat._title, chat._provider, chat._model = record.title, record.provider, record.model
        _set_up(chat, record.settings or {})
        chat._metadata = {**(record.metadata or {})}
        for name in ("project", "key", "user", "tags"):
            if getattr(record, name) is not None:
                chat._metadata[name] = getattr(record, name)
        keeper = chat._keeper = Keeper(chat._header(), self._storage.privacy)
        chat.history, chat._pending = keeper.load([stored for stored in branch if stored.state != "partial"])
        keeper.kept = list(chat.history)
        return chat

    def _whole(
        self, found: tuple[ConversationRecord, list[HistoryMessage]]
    ) -> tuple[ConversationRecord, list[HistoryMessage]]:
        """What was read, if its content was stored. Raises `ConfigurationError` otherwise."""
        if not all(stored.is_whole for stored in found[1]):
            raise ConfigurationError("the content of this conversation was not stored (storage.content = false)")
        return found

    def _exported(self, found: tuple[ConversationRecord, list[HistoryMessage]], form: str) -> str:
        record, branch = self._whole(found)
        history = [stored.message for stored in branch if stored.state in ("done", "result")]
        return write_export(record, history, form)

    def _imported(self, chat: C, text: str) -> C:
        try:
            head, plain = read_export(text)
            _set_up(chat, head.get("settings") or {})
            history = [read_plain_message(message) for message in plain]
        except (ValueError, RecursionError, TypeError, KeyError, AttributeError) as error:
            raise ConfigurationError(f"this is not an exported conversation: {error}") from error
        chat._title, chat._provider, chat._model = head.get("title"), head.get("provider"), head.get("model")
        chat._metadata = dict(head.get("metadata") or {})
        chat._metadata.update({name: head[name] for name in ("user", "project", "key", "tags") if head.get(name)})
        chat.history = history
        return chat

    def _stored(self, chat: C) -> list[Any]:
        keeper = chat._keeper_of(self._storage)
        return keeper.catch_up(chat.history)

    def _deletion(self, id: str) -> Callable[[Connection], bool]:
        from ..storage.conversation_list import delete_conversation

        return lambda connection: delete_conversation(connection, _bare(id))

    def _switch(self, id: str, message_id: str) -> Callable[[Connection], None]:
        from ..storage.conversation_list import switch

        return lambda connection: switch(connection, _bare(id), message_id)


class Conversations(_Store[Conversation[Any]]):
    """The stored conversations of an `AI`, for blocking callers. All methods raise `StorageError`s and
    `ConfigurationError`s only."""

    def __init__(self, ai: BlockingManager) -> None:
        super().__init__(ai)

    def list(
        self, *, user: str | None = None, project: str | None = None, tag: str | None = None, limit: int = 50,
        before: str | None = None,
    ) -> Sequence[ConversationRecord]:  # fmt: skip
        """The conversations, the one that was last changed first. `before` is the id of the last one of a page."""
        return self._read(self._read_list(None, limit, before, {"user": user, "project": project, "tag": tag}))

    def search(
        self, words: str, *, user: str | None = None, project: str | None = None, tag: str | None = None,
        limit: int = 50, before: str | None = None,
    ) -> Sequence[ConversationRecord]:  # fmt: skip
        """The conversations in whose title or messages each of the words stands, whatever its case."""
        return self._read(self._read_list(words, limit, before, {"user": user, "project": project, "tag": tag}))

    def load(self, id: str) -> Conversation[Any]:
        """A conversation to go on with. Its tools are to be offered anew: functions are not stored.

        What was sent and never answered is pending: `send()` sends it again. Where a process ended between two tools,
        `run_tools()` runs those that have no result.
        """
        return self._made(Conversation(self._ai), self._read(self._read_one(id)))

    def messages(self, id: str) -> Sequence[StoredMessage]:
        """All messages of a conversation, with their branches, cut answers and failed calls."""
        found: tuple[Any, Sequence[StoredMessage]] = self._read(self._read_one(id, tree=True))
        return found[1]

    def switch(self, id: str, message_id: str) -> Conversation[Any]:
        """Go on from another message of the tree: the history is what leads to it."""
        from ..storage.writer import Work

        self._storage.writer.do_blocking(Work(self._switch(id, message_id)), self._storage.config.patience)
        return self.load(id)

    def export(self, id: str, form: str = "json") -> str:
        """The history as text: `json`, `jsonl` (one line for the settings, one for each message) or `markdown`."""
        return self._exported(self._read(self._read_one(id)), form)

    def import_(self, text: str) -> Conversation[Any]:
        """Store a conversation from `export` (JSON or JSON Lines) under a new id, and return it."""
        chat = self._imported(Conversation(self._ai), text)
        for work in self._stored(chat):
            self._storage.writer.do_blocking(work, self._storage.config.patience)
        return chat

    def delete(self, id: str) -> bool:
        """Delete a conversation with all its messages. Returns whether there was one."""
        from ..storage.writer import Work

        return self._storage.writer.do_blocking(Work(self._deletion(id)), self._storage.config.patience)


class AsyncConversations(_Store[AsyncConversation[Any]]):
    """The stored conversations of an `AsyncAI`: the methods of `Conversations`, awaited."""

    def __init__(self, ai: AsyncManager) -> None:
        super().__init__(ai)

    async def _read_later(self, act: Callable[[Connection], T]) -> T:
        import asyncio

        return await asyncio.to_thread(self._read, act)

    async def list(
        self, *, user: str | None = None, project: str | None = None, tag: str | None = None, limit: int = 50,
        before: str | None = None,
    ) -> Sequence[ConversationRecord]:  # fmt: skip
        """See `Conversations.list`."""
        owner = {"user": user, "project": project, "tag": tag}
        found: Sequence[ConversationRecord] = await self._read_later(self._read_list(None, limit, before, owner))
        return found

    async def search(
        self, words: str, *, user: str | None = None, project: str | None = None, tag: str | None = None,
        limit: int = 50, before: str | None = None,
    ) -> Sequence[ConversationRecord]:  # fmt: skip
        """See `Conversations.search`."""
        owner = {"user": user, "project": project, "tag": tag}
        found: Sequence[ConversationRecord] = await self._read_later(self._read_list(words, limit, before, owner))
        return found

    async def load(self, id: str) -> AsyncConversation[Any]:
        """See `Conversations.load`."""
        return self._made(AsyncConversation(self._ai), await self._read_later(self._read_one(id)))

    async def messages(self, id: str) -> Sequence[StoredMessage]:
        """See `Conversations.messages`."""
        found: tuple[Any, Sequence[StoredMessage]] = await self._read_later(self._read_one(id, tree=True))
        return found[1]

    async def switch(self, id: str, message_id: str) -> AsyncConversation[Any]:
        """See `Conversations.switch`."""
        from ..storage.writer import Work

        await self._storage.writer.do_async(Work(self._switch(id, message_id)), self._storage.config.patience)
        return await self.load(id)

    async def export(self, id: str, form: str = "json") -> str:
        """See `Conversations.export`."""
        return self._exported(await self._read_later(self._read_one(id)), form)

    async def import_(self, text: str) -> AsyncConversation[Any]:
        """See `Conversations.import_`."""
        chat = self._imported(AsyncConversation(self._ai), text)
        for work in self._stored(chat):
            await self._storage.writer.do_async(work, self._storage.config.patience)
        return chat

    async def delete(self, id: str) -> bool:
        """See `Conversations.delete`."""
        from ..storage.writer import Work

        return await self._storage.writer.do_async(Work(self._deletion(id)), self._storage.config.patience)


def _set_up(chat: Conversation[Any] | AsyncConversation[Any], settings: Mapping[str, Any]) -> None:
    """Take over what a conversation was set to."""
    window = settings.get("window")
    chat._system, chat._options = settings.get("system"), dict(settings.get("options") or {})
    chat._window = (window[0], window[1]) if window else None


def _bare(id: str) -> str:
    return id.removeprefix("conv_")
