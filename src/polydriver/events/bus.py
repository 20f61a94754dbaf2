"""The bus: who listens to what, and bringing an event to them without ever failing a call."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from threading import RLock
from typing import Any, Literal, NamedTuple, TypeAlias, TypeVar, overload
from weakref import WeakSet

from ..colours import wait_in_own_loop
from ..forking import own_lock
from .nesting import enter, leave, name_of
from .records import Event
from .tasks import is_cancellation, is_cancelled, run_soon

__all__ = ["EventBus", "Listener", "Observable"]

E = TypeVar("E", bound=Event)
L = TypeVar("L", bound=Callable[..., Any])
Listener: TypeAlias = Callable[[E], object]
"""A function of one event, plain or async. What it returns is ignored; what it raises is logged."""

Everything: TypeAlias = Literal["*"] | None


class _Entry(NamedTuple):
    kind: type[Event]
    listener: Listener[Any]


class _Noting:
    """One at a time notes which events are heard: what it notes depends on several buses."""

    _lock: Any

    def __init__(self) -> None:
        own_lock(self, RLock)  # a finalizer of the thread that holds it may end to listen


_noting = _Noting()


class Observable(ABC):
    """What has events to listen to: the bus itself, a provider, a manager."""

    @property
    @abstractmethod
    def bus(self) -> EventBus:
        """The bus that brings the events."""

    @overload
    def on(self, kind: type[E], listener: Listener[E]) -> Callable[[], None]: ...
    @overload
    def on(self, kind: Everything, listener: Listener[Event]) -> Callable[[], None]: ...
    @overload
    def on(self, kind: type[Event] | Everything = None) -> Callable[[L], L]: ...

    def on(self, kind: type[Event] | Everything = None, listener: Listener[Any] | None = None) -> Any:
        """Listen to events of `kind` and its subclasses; `"*"`, `None` and `Event` mean all events.

        Returns a function that ends it (calling it again does nothing). Without a `listener` it is a
        decorator: `@ai.on(ResponseGenerated)`. Raises `TypeError` for what is not a class of events or can't be
        called.
        """
        wanted: Any = Event if kind is None or kind == "*" else kind
        if not (isinstance(wanted, type) and issubclass(wanted, Event)):
            raise TypeError(f"cannot listen to {kind!r}: give a class of events, or '*' for all of them")
        if listener is None:
            return lambda function: (self.on(wanted, function), function)[1]
        if not callable(listener):
            raise TypeError(f"{listener!r} cannot listen: give a function of one event")
        return self.bus._add(_Entry(wanted, listener))


class EventBus(Observable):
    """Brings events to the listeners of their class, in the order of registration, then to those of `parent`.

    Listeners may be plain or async, whichever way an event is emitted. One that raises is logged (logger
    `polydriver.events`) and the others still hear the event. They may subscribe and unsubscribe at any time,
    from any thread; an event that is on its way goes to those who listened when it was emitted.
    """

    heard: frozenset[type[Event]]
    """The classes of events that anybody may listen to, here or at a parent; see `wants`."""

    _lock: Any

    def __init__(self, parent: EventBus | None = None) -> None:
        own_lock(self)
        self._entries: tuple[_Entry, ...] = ()
        self._by_kind: dict[type[Event], tuple[Listener[Any], ...]] = {}
        self._children: WeakSet[EventBus] = WeakSet()
        self._parent: EventBus | None = None
        self.parent = parent

    @property
    def parent(self) -> EventBus | None:
        """The bus that hears of these events afterwards."""
        return self._parent

    @parent.setter
    def parent(self, parent: EventBus | None) -> None:
        with _noting._lock:
            if self._parent is not None:
                self._parent._children.discard(self)
            self._parent = parent
            if parent is not None:
                parent._children.add(self)
            self._note_heard()

    @property
    def bus(self) -> EventBus:
        """The bus itself."""
        return self

    def off(self, listener: Listener[Any], kind: type[Event] | None = None) -> None:
        """End every registration of `listener`, or only those for `kind`. Unknown ones are not errors."""
        self._remove(lambda entry: entry.listener == listener and kind in (None, entry.kind))

    def wants(self, kind: type[Event]) -> bool:
        """Whether anybody listens to events of exactly this class: if not, there is no need to make one.

        A listener may say so by itself: `asks` has a function for each class. The log's level can change at any time.
        """
        listeners = self._by_kind.get(kind)
        if listeners is None:
            listeners = self._listeners(kind)
        for listener in listeners:
            asks = getattr(listener, "asks", None)
            if asks is None or asks[kind]():
                return True
        parent = self._parent
        return parent is not None and parent.wants(kind)

    def emit_blocking(self, event: Event) -> None:
        """Bring `event` to its listeners, from blocking code. Async ones run to their end in a thread."""
        for listener in self._all(type(event)):
            token = enter(listener, event)
            if token is None:
                continue
            try:
                result = listener(event)
                if result is not None and isinstance(result, Coroutine):
                    wait_in_own_loop(result)
            except BaseException as error:  # noqa: BLE001 - isolation is what this is for
                _isolate(listener, event, error)
            finally:
                leave(token)

    def emit_soon(self, event: Event) -> None:
        """Bring `event` to its listeners without waiting: async ones become tasks of the running event loop.

        Where no loop runs they run to their end in a thread.
        """
        for listener in self._all(type(event)):
            token = enter(listener, event)
            if token is None:
                continue
            try:
                result = listener(event)
                if result is not None and isinstance(result, Coroutine):
                    run_soon(result, partial(_report, listener, event))
            except BaseException as error:  # noqa: BLE001 - isolation is what this is for
                _isolate(listener, event, error)
            finally:
                leave(token)

    async def emit(self, event: Event) -> None:
        """Bring `event` to its listeners, from async code. Async ones are awaited, one after the other.

        A listener that awaits a task that was cancelled has failed; the call goes on, unless it was cancelled itself.
        """
        for listener in self._all(type(event)):
            token = enter(listener, event)
            if token is None:
                continue
            awaited = False
            try:
                result = listener(event)
                if result is not None and isinstance(result, Coroutine):
                    awaited = True
                    await result
            except BaseException as error:
                if awaited and is_cancelled(error):
                    raise
                _isolate(listener, event, error)
            finally:
                leave(token)

    @overload
    def capture(self) -> AbstractContextManager[list[Event]]: ...
    @overload
    def capture(self, *kinds: type[E]) -> AbstractContextManager[list[E]]: ...

    @contextmanager
    def capture(self, *kinds: type[Event]) -> Iterator[list[Any]]:
        """Collect the events of `kinds` (all, if none is named) that are emitted inside the `with`."""
        events: list[Any] = []
        endings = [self.on(kind, events.append) for kind in kinds or (Event,)]
        try:
            yield events
        finally:
            for end in endings:
                end()

    def _add(self, entry: _Entry) -> Callable[[], None]:
        """Register; what is returned takes it back."""
        with self._lock:
            self._change((*self._entries, entry))
        return lambda: self._remove(lambda other: other is entry)

    def _listeners(self, kind: type[Event]) -> tuple[Listener[Any], ...]:
        found = self._by_kind.get(kind)
        if found is None:
            with self._lock:
                found = tuple(entry.listener for entry in self._entries if issubclass(kind, entry.kind))
                self._by_kind[kind] = found
        return found

    def _all(self, kind: type[Event]) -> tuple[Listener[Any], ...]:
        own = self._listeners(kind)
        return own if self._parent is None else own + self._parent._all(kind)

    def _remove(self, matches: Callable[[_Entry], bool]) -> None:
        with self._lock:
            self._change(tuple(entry for entry in self._entries if not matches(entry)))

    def _change(self, entries: tuple[_Entry, ...]) -> None:
        self._entries = entries
        self._by_kind = {}
        self._note_heard()

    def _note_heard(self) -> None:
        """Note which events are listened to, here and at the buses whose parent this one is."""
        with _noting._lock:
            wanted = tuple({entry.kind for entry in self._entries})
            own = frozenset(kind for kind in _kinds() if issubclass(kind, wanted))
            self.heard = own if self._parent is None else own | self._parent.heard
            for child in list(self._children):
                child._note_heard()


def _kinds(base: type[Event] = Event) -> Iterator[type[Event]]:
    """The classes of events that there are."""
    yield base
    for kind in base.__subclasses__():
        yield from _kinds(kind)


def _isolate(listener: Listener[Any], event: Event, error: BaseException) -> None:
    """Log what a listener raised; what ends the program goes on."""
    if not isinstance(error, Exception) and not is_cancellation(error):
        raise error
    _report(listener, event, error)


def _report(listener: Listener[Any], event: Event, error: BaseException) -> None:
    from ..logger import logger

    logger("polydriver.events").error(
        "the listener %s failed on %s: %s", name_of(listener), event.name, type(error).__name__, exc_info=error
    )
