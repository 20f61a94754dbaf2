"""Keeping a conversation: its messages are stored as they come, where the settings name a database."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Self

from ..data.messages import AIMessage, ToolResult
from ..data.responses import AIResponse, ParsedT
from ..errors import ConfigurationError, StorageError
from ..logger import logger
from ..prompting import make_messages
from ..provider import Message
from .builder import Builder, Turn

if TYPE_CHECKING:
    from ..storage import Storage
    from ..storage.conversation_rows import Header
    from ..storage.keeper import Keeper
    from ..storage.writer import Work

__all__ = ["Kept"]

_log = logger()
_PLAIN = (str, int, float, bool, list, dict)
_OWNER = ("project", "key", "tags")


class Kept(Builder[ParsedT]):
    """A conversation that is stored as it goes. A colour says how it waits."""

    @abstractmethod
    async def _wait_for(self, storage: Storage, work: Work[Any]) -> Any:
        """Have the writer do some work, and wait for it."""

    def go_back(self, count: int = 1) -> Self:
        """Take back the last `count` turns of the history: what follows is a branch beside them.

        A turn is a message of the user's with all that came after it. Raises `ConfigurationError` when there are fewer.
        """
        starts = [place for place, message in enumerate(self.history) if message.role == "user"]
        if count < 1 or count > len(starts):
            raise ConfigurationError(f"there are {len(starts)} turns to go back, not {count}")
        self._shorten(starts[-count])
        return self

    def edit(self, message: Message, *, turn: int = -1) -> Self:
        """Say something else in place of a turn of the user's, the last one by default: it is pending then, on a branch
        of its own, and the turns from there on stay in the other one."""
        starts = [place for place, item in enumerate(self.history) if item.role == "user"]
        try:
            place = starts[turn]
        except IndexError:
            raise ConfigurationError(f"there is no turn {turn}: the history has {len(starts)} of the user's") from None
        new = make_messages(message)
        self._shorten(place)
        self._pending.extend(new)
        return self

    def _shorten(self, length: int) -> None:
        del self.history[length:]
        self._pending.clear()

    def _ask_again(self) -> None:
        """Take back the last answer, and have what it answered sent again. Raises `ConfigurationError` without one."""
        starts = [place for place, message in enumerate(self.history) if message.role == "user"]
        if not starts or starts[-1] == len(self.history) - 1:
            raise ConfigurationError("there is no answer to make again")
        asked = self.history[starts[-1]]
        self._shorten(starts[-1])
        self._pending.append(asked)

    def _keeper_of(self, storage: Storage) -> Keeper:
        if self._keeper is None:
            from ..storage.keeper import Keeper

            self._keeper = Keeper(self._header(), storage.privacy)
        self._keeper.header = self._header()
        return self._keeper

    def _header(self) -> Header:
        from ..storage.conversation_rows import Header
        from ..storage.owners import short_name, tag_names

        given = self._metadata
        owner: dict[str, Any] = {name: short_name(given[name]) for name in ("project", "key") if name in given}
        if "tags" in given:
            owner["tags"] = tag_names(given["tags"])
        user = short_name(given.get("user", self._options.get("user")))
        rest = {name: value for name, value in self._metadata.items() if name not in (*_OWNER, "user")}
        options = {name: value for name, value in self._options.items() if type(value) in _PLAIN}
        return Header(
            id=self.id.removeprefix("conv_"),
            title=self._title,
            provider=self._provider,
            model=self._model,
            settings={"system": self._system, "options": options, "window": self._window},
            owner={**owner, "user": user, "metadata": {name: v for name, v in rest.items() if type(v) in _PLAIN}},
        )

    @property
    def _storage(self) -> Storage | None:
        storage: Storage | None = getattr(self._ai, "storage", None)
        return storage if storage is not None and storage.config.conversations else None

    async def _keep_turn(self, turn: Turn) -> None:
        """Store what is about to be sent, before it is."""
        storage = self._storage
        if storage is not None:
            keeper = self._keeper_of(storage)
            works = keeper.catch_up(self.history)
            await self._keep(storage, [*works, keeper.send(turn.new)], before=True)

    async def _keep_answer(self, response: AIResponse[Any]) -> None:
        storage = self._storage
        if storage is not None and self._keeper is not None:
            work = self._keeper.answer(response)
            self._keeper.kept = list(self.history)
            await self._keep(storage, [work])

    async def _keep_result(self, result: ToolResult) -> None:
        storage = self._storage
        if storage is not None and self._keeper is not None:
            work = self._keeper.result(result)
            await self._keep(storage, [work] if work is not None else [])

    async def _keep_round(self, results: Iterable[ToolResult]) -> None:
        for result in results:
            await self._keep_result(result)
        if self._keeper is not None:
            self._keeper.end_round()
            self._keeper.kept = list(self.history)

    def _keep_failure(self, turn: Turn, partial: AIResponse[Any] | None) -> None:
        """Note that a call failed or was left, with what came of it. Never waits."""
        storage = self._storage
        if storage is None or self._keeper is None:
            return
        for work in (self._keeper.cut(partial), self._keeper.fail(len(turn.new) - turn.said)):
            if work is not None:
                self._hand_in(storage, work)

    async def _keep(self, storage: Storage, works: list[Work[Any]], *, before: bool = False) -> None:
        """Have works done in order, and wait for the last one. A failure of the database costs no answer."""
        for work in works[:-1]:
            self._hand_in(storage, work)
        try:
            if works:
                await self._wait_for(storage, works[-1])
        except StorageError as error:
            if before and storage.config.on_failure == "refuse":
                raise StorageError(f"{error.message}; nothing was sent", retryable=False) from error
            _log.debug("a message is stored later: %s", error.message)

    def _hand_in(self, storage: Storage, work: Work[Any]) -> None:
        try:
            storage.writer.put(work)
        except StorageError as error:
            _log.error("a message is not stored: %s", error.message)

    def _unanswered(self) -> list[Any]:
        """The calls of the last answer that have no result yet: a process ended before they had."""
        last = next((place for place in reversed(range(len(self.history))) if self.history[place].role != "tool"), None)
        if last is None or self._pending or not self.history[last].tool_calls:
            return []
        done = {getattr(part, "tool_call_id", None) for message in self.history[last + 1 :] for part in message.parts}
        return [call for call in self.history[last].tool_calls if call.id not in done]

    def _join_results(self, results: list[ToolResult]) -> None:
        """Put late results beside the earlier ones of the same round."""
        last = self.history[-1]
        if last.role != "tool":
            self.history.append(AIMessage(list(results), "tool"))
            return
        calls = [call.id for call in self.history[-2].tool_calls]
        parts = [*last.parts, *results]
        parts.sort(key=lambda part: calls.index(getattr(part, "tool_call_id", calls[-1])))
        self.history[-1] = AIMessage(parts, "tool")
        if self._keeper is not None and self._keeper.rows:
            self._keeper.rows.pop()  # the round has a later end now
