"""What a conversation keeps as it goes: each message when it is sent, each result and answer when it arrives."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import msgspec
from sqlalchemy import Connection

from ..data.messages import AIMessage, ToolResult
from ..data.responses import AIResponse
from .columns import pack_json
from .conversation_reading import HistoryMessage
from .conversation_rows import Header, NewMessage, append, mark, move_head
from .privacy import Privacy
from .writer import Work

__all__ = ["Keeper"]


class Keeper:
    """The rows of one conversation, as far as one object knows them.

    - `rows`: the ids of the messages of its history, in order; `kept`: those messages.
    - `pending`: what was sent and has no answer yet: a digest of each message, and its row.
    - `results`: the rows of results of the present round of tools, by the id of the call.
    """

    def __init__(self, header: Header, privacy: Privacy | None = None) -> None:
        self.header = header
        self._privacy = privacy or Privacy()
        self.rows: list[str] = []
        self.kept: list[AIMessage] = []
        self.pending: list[tuple[str, str]] = []
        self.results: dict[str, str] = {}
        self.is_stored = False
        self._told: Header | None = None

    @property
    def head(self) -> str | None:
        """The last message of the history and of what is pending."""
        if self.results:
            return list(self.results.values())[-1]
        return self.pending[-1][1] if self.pending else self.rows[-1] if self.rows else None

    def catch_up(self, history: Sequence[AIMessage]) -> list[Work[Any]]:
        """Store what is in the history and not stored yet, and forget what is no longer in it."""
        same = len(self.kept)
        if history[:same] != self.kept:
            pairs = enumerate(zip(self.kept, history, strict=False))
            same = next((place for place, (kept, now) in pairs if kept != now), min(same, len(history)))
        works: list[Work[Any]] = []
        if same < len(self.kept):
            works.append(self.cut_back(same))
        if same < len(history):
            new = [self._new(message, "done") for message in history[same:]]
            head = self.head
            self.rows += [message.id for message in new]
            works.append(self._work(self._append(new, head)))
        self.kept = list(history)
        return works

    def send(self, new: Sequence[AIMessage]) -> Work[Any]:
        """Store what a call is about to send; what is stored of it since an earlier call stays as it is."""
        packed = [self._new(message, "pending") for message in new]
        digests = [_digest(message) for message in packed]
        same = 0
        while same < min(len(digests), len(self.pending)) and self.pending[same][0] == digests[same]:
            same += 1
        dropped = [row for _, row in self.pending[same:]]
        self.pending = self.pending[:same]
        head = self.head
        self.pending += [(digest, message.id) for digest, message in zip(digests[same:], packed[same:], strict=True)]
        add = self._append(packed[same:], head)

        def act(connection: Connection) -> None:
            mark(connection, dropped, "failed")
            add(connection)

        return self._work(act)

    def answer(self, response: AIResponse) -> Work[Any]:
        """Store an answer: it and what was sent are part of the history now."""
        message = self._new(response.to_message(), "done", response)
        sent = [row for _, row in self.pending]
        head = self.head
        self.rows += [*sent, message.id]
        self.pending = []
        return self._work(self._append([message], head, sent))

    def cut(self, response: AIResponse | None) -> Work[Any] | None:
        """Store what came of an answer whose stream was cut or left; what was sent stays pending."""
        if response is None or not (response.parts or response.usage):
            return None
        message = self._new(response.to_message(), "partial", response)
        return self._work(self._append([message], self.head))

    def fail(self, kept: int) -> Work[Any] | None:
        """Note that a call failed: of what it sent, only the first `kept` messages stay pending."""
        dropped = [row for _, row in self.pending[kept:]]
        if not dropped:
            return None
        self.pending = self.pending[:kept]
        head = self.head

        def act(connection: Connection) -> None:
            mark(connection, dropped, "failed")
            move_head(connection, self.header.id, head, only_from=dropped[-1])

        return self._work(act)

    def result(self, result: ToolResult) -> Work[Any] | None:
        """Store one result of a tool, unless it is stored."""
        if result.tool_call_id in self.results:
            return None
        message = self._new(AIMessage([result], "tool"), "result")
        head = self.head
        self.results[result.tool_call_id] = message.id
        return self._work(self._append([message], head))

    def end_round(self) -> None:
        """The results of a round are one message of the history now."""
        if self.results:
            self.rows.append(list(self.results.values())[-1])
            self.results = {}

    def cut_back(self, length: int) -> Work[Any]:
        """Go back to a history of the first `length` messages: what comes next is another branch."""
        self.rows, self.kept = self.rows[:length], self.kept[:length]
        self.pending, self.results = [], {}
        return self._work(partial(move_head, conversation_id=self.header.id, head=self.head))

    def load(self, branch: Sequence[HistoryMessage]) -> tuple[list[AIMessage], list[AIMessage]]:
        """Take over a stored branch. Returns the history, and what was sent and never answered.

        Results of one round become one message, in the order of the calls.
        """
        history: list[AIMessage] = []
        waiting: list[AIMessage] = []
        self.rows, self.pending, self.results = [], [], {}
        self.is_stored = True
        self._told = _copied(self.header)
        for stored in branch:
            if stored.state == "pending":
                waiting.append(stored.message)
                self.pending.append((_digest(NewMessage.of(stored.message, "pending")), stored.id))
                continue
            if waiting:  # another writer's answer came after it: it is history for all
                history += waiting
                self.rows += [row for _, row in self.pending]
                waiting, self.pending = [], []
            if stored.state == "result" and history and self.results:
                results = [*history[-1].parts, *stored.message.parts]
                history[-1] = AIMessage(_in_order(results, history), "tool")
                self.rows[-1] = stored.id
            else:
                history.append(stored.message)
                self.rows.append(stored.id)
            self.results = {"": stored.id} if stored.state == "result" else {}
        self.results = {}
        self.kept = list(history)
        return history, waiting

    def _new(self, message: AIMessage, state: str, response: AIResponse | None = None) -> NewMessage:
        """The row of a message, as it may be stored."""
        return NewMessage.of(self._privacy.message(message), state, response)

    def _append(
        self, new: Sequence[NewMessage], head: str | None, done: Sequence[str] = ()
    ) -> Callable[[Connection], None]:
        """What adds messages, and tells what the header says where that is new."""
        header, tells = self._told, False
        if header is None or header != self.header:
            header, tells = _copied(self.header), True
            self._told = header
        return partial(append, header=header, new=new, head=head, done=done, tells=tells)

    def _work(self, act: Any) -> Work[Any]:
        self.is_stored = True
        return Work(act, self.header.id)


def _copied(header: Header) -> Header:
    """A header that stays as it is when what it was made of changes."""
    return msgspec.structs.replace(header, settings=_plain(header.settings), owner=_plain(header.owner))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _digest(message: NewMessage) -> str:
    return hashlib.sha256(pack_json(message.packed.content).encode()).hexdigest()


def _in_order(results: list[Any], history: list[AIMessage]) -> list[Any]:
    """Results in the order of the calls of the answer before them."""
    calls = next((message.tool_calls for message in reversed(history) if message.role == "assistant"), [])
    places = {call.id: place for place, call in enumerate(calls)}
    return sorted(results, key=lambda result: places.get(getattr(result, "tool_call_id", ""), len(places)))
