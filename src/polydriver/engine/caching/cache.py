"""What the pipeline asks before it makes a request: an answer that was kept, or an equal request that is under way."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from copy import copy
from functools import partial
from typing import Any, TypeAlias

from ...colours import drive
from ...config import CacheConfig
from ...contract import DriverHooks
from ...data.cost import Cost
from ...data.prompt import Prompt
from ...data.responses import AIResponse
from ...errors import AIError
from ...events import CacheHit
from ...forking import own_lock
from ..calls import Call
from ..connection import Connection
from ..reading import OpenReader
from ..targets import Target
from ..waiting import running_loop
from .entries import Entry, is_worth_keeping, pack, reused, unpack
from .flights import Flight, Flights, Member, start
from .keys import Keys
from .reading import SharedReader
from .sharing import fill, is_shared, share_error, share_response
from .stores import CacheStore, make_store

__all__ = ["ResponseCache", "cache_of"]

Answer: TypeAlias = AIResponse | OpenReader
Ask: TypeAlias = Callable[[Call], Awaitable[Answer]]


class _Making:
    _lock: threading.Lock

    def __init__(self) -> None:
        own_lock(self)


_making = _Making()


def cache_of(connection: Connection, store: CacheStore | None = None) -> ResponseCache:
    """The cache of a connection: the one it has, or a new one as its settings say, over `store` if that is given.

    Raises `ConfigurationError` where the settings name a store that is not there.
    """
    made: ResponseCache | None = connection.cache
    if made is not None and store is not None:
        made.store = store
    if made is None:
        with _making._lock:
            made = connection.cache
            if made is None:
                config = connection.config.cache
                made = ResponseCache(connection.driver, config, store or make_store(config))
                connection.cache = made
    return made


class ResponseCache:
    """The cache of a connection, whose `store` may be changed before it is used."""

    def __init__(self, driver: DriverHooks, config: CacheConfig, store: CacheStore) -> None:
        self.config = config
        self.store = store
        self.flights = Flights()
        self._keys = Keys(driver, config)

    async def answer(self, call: Call, target: Target, prompt: Prompt, ask: Ask) -> Answer:
        """The answer to a prompt: kept, shared with an equal call that is under way, or asked for by `ask`.

        `ask` makes the attempts for the call that it is given. Raises what it raises.
        """
        key = None if prompt.uses_server_state else self._keys.of(prompt, call)
        if key is None:
            return await ask(call)
        is_fresh = call.response_cache == "refresh"
        if not is_fresh:
            data = await self.store.get(key, target.port)
            if data is not None:
                entry = unpack(data)
                hit = None if entry is None else self._hit(entry, data, call, target, prompt)
                if hit is not None and entry is not None:
                    if call.wants(CacheHit) or target.connection.hit_ledger is not None:
                        await self._tell(call, target, prompt, "stored", entry.kept_at, entry.saved)
                    return hit
                is_fresh = True  # it does not fit what this call wants, or cannot be read
        call.visit(target.connection.running)
        return await self._share(key, call, target, prompt, ask, is_fresh=is_fresh)

    def _hit(self, entry: Entry, data: bytes, call: Call, target: Target, prompt: Prompt) -> Answer | None:
        """The answer that was kept; `None` where it is not what the call wants."""
        if (entry.chunks is None) is prompt.stream:
            return None
        response = entry.response
        reused(response, entry.currency)
        fill(response, call, target, prompt)
        if prompt.response_format is not None:
            try:
                target.parse_output(prompt.response_format, response)
            except AIError:
                return None
        if entry.chunks is None:
            return response
        place = (None, "stored")
        flight = Flight(call, None)
        member = Member(call, target.port.signal())
        flight.data, flight.is_stored, flight.is_over = data, True, True
        self._split(flight, entry)
        return SharedReader(self.flights, place, flight, member, target, prompt)

    async def _share(self, key: str, call: Call, target: Target, prompt: Prompt, ask: Ask, *, is_fresh: bool) -> Answer:
        """Take part in the flight for a prompt, and begin it where there is none."""
        port = target.port
        place = (await port.either(_no_loop, _this_loop), key, is_fresh)
        while True:
            flight, member, is_new = self.flights.join(place, call, port.signal())
            try:
                if is_new:
                    fly = partial(self._fly, key, place, flight, target, prompt, ask, is_fresh=is_fresh)
                    try:
                        await start(port, fly)
                    except RuntimeError as refusal:  # there can be no more threads
                        flight.error = refusal
                        self.flights.end(place, flight)
                        flight.wake()
                while not (flight.is_over or flight.chunks):
                    if not await flight.wait(member, port):
                        raise target.failures.deadline(call)
            except BaseException:
                if self.flights.leave(place, flight, member):
                    await flight.wait_for_end(member, port)
                raise
            is_payer = member is flight.payer and not flight.is_stored
            if is_payer:
                call.row_id = flight.own_call.row_id
            error = flight.error
            if error is not None and not flight.chunks:
                if is_payer:
                    raise error
                if is_shared(error) and isinstance(error, AIError):
                    raise share_error(error)
                continue
            if not is_payer:
                await self._tell_shared(flight, call, target, prompt)
            if prompt.stream:
                return SharedReader(self.flights, place, flight, member, target, prompt)
            response = share_response(flight, member)
            if not is_payer:
                fill(response, call, target, prompt)
            return response

    async def _fly(
        self,
        key: str,
        place: tuple[Any, ...],
        flight: Flight,
        target: Target,
        prompt: Prompt,
        ask: Ask,
        *,
        is_fresh: bool,
    ) -> None:
        """Make a request for all who wait for it; in a thread or task of its own."""
        from threading import get_ident

        flight.thread = get_ident()
        port = target.port
        try:
            data = None if is_fresh else await self.store.get(key, port)  # kept by a flight that has just ended
            entry = None if data is None else unpack(data)
            if entry is not None and (entry.chunks is None) is not prompt.stream:
                flight.data, flight.is_stored = data, True
                self._split(flight, entry)
            else:
                answer = await ask(flight.own_call)
                if isinstance(answer, AIResponse):
                    await self._keep(key, flight, answer, target, prompt)
                else:
                    await self._pump(key, flight, answer, target, prompt)
        except BaseException as error:
            flight.error = error
            if isinstance(error, KeyboardInterrupt | SystemExit):
                raise
        finally:
            self.flights.end(place, flight)
            if flight.leaver is not None:
                left, reason = flight.leaver
                drive(left.abandoned(port.emit_now, flight.own_call.partial, reason))
            flight.is_told = True
            flight.wake()

    async def _pump(self, key: str, flight: Flight, reader: Any, target: Target, prompt: Prompt) -> None:
        """Read a stream to its end, as fast as it comes."""
        flight.reader = reader
        try:
            while True:
                came = list(reader.pending)
                reader.pending.clear()
                if reader.ended:
                    response = reader.response
                    last = len(came) - 1 - len(response.alternatives)
                    flight.add(came[:last])
                    flight.tail = came[last:]
                    await self._keep(key, flight, response, target, prompt)
                    return
                if came:
                    flight.add(came)
                await reader.advance()
        except BaseException:
            if not reader.over:
                drive(reader.abandon(target.port.emit_now, "closed" if flight.leaver is None else flight.leaver[1]))
            raise

    async def _keep(self, key: str, flight: Flight, response: AIResponse, target: Target, prompt: Prompt) -> None:
        """Keep an answer where it is worth it, and hand it to the flight."""
        own_call, config, port = flight.own_call, self.config, target.port
        is_kept = is_worth_keeping(response, prompt, tool_calls=config.tool_calls)
        if prompt.response_format is not None and response.parsed is None:
            try:
                target.parse_output(prompt.response_format, response)
            except AIError:
                is_kept = False
        kept = copy(response)
        if own_call.route is not None and own_call.route.warnings:  # they tell of the way of one call
            kept.warnings = kept.warnings[len(own_call.route.warnings) :]
        chunks = [*flight.chunks, *flight.tail] if prompt.stream else None
        flight.data = data = pack(Entry(port.wall_time(), kept, chunks))
        if is_kept and data is not None and len(data) <= config.max_entry_bytes:
            user = own_call.metadata.get("user")
            owner = prompt.user if user is None else str(user)
            await self.store.put(key, data, config.ttl, owner, port)
        flight.response = response

    @staticmethod
    def _split(flight: Flight, entry: Entry) -> None:
        """Hand an answer that was kept to a flight, with its chunks."""
        flight.response = entry.response
        if entry.chunks is not None:
            last = len(entry.chunks) - 1 - len(entry.response.alternatives)
            flight.chunks, flight.tail = entry.chunks[:last], entry.chunks[last:]

    async def _tell_shared(self, flight: Flight, call: Call, target: Target, prompt: Prompt) -> None:
        """The same for a call that took part in a flight."""
        if not flight.is_stored:
            saved = flight.response.cost if flight.response is not None else None
            await self._tell(call, target, prompt, "shared", None, saved)
            return
        entry = unpack(flight.data) if flight.data is not None else None
        if entry is not None:
            await self._tell(call, target, prompt, "stored", entry.kept_at, entry.saved)

    @staticmethod
    async def _tell(
        call: Call, target: Target, prompt: Prompt, kind: Any, kept_at: float | None, saved: Cost | None
    ) -> None:
        """Tell that a call needs no request of its own."""
        connection = target.connection
        if call.wants(CacheHit):
            age = None if kept_at is None else max(0.0, target.port.wall_time() - kept_at)
            await target.port.emit(call.bus, CacheHit(kind=kind, age=age, saved=saved, **call.facts()))
        if connection.hit_ledger is not None:
            connection.hit_ledger.note_hit(call, prompt, connection.name, "USD" if saved is None else saved.currency)


def _no_loop() -> Any:
    return None


async def _this_loop() -> Any:
    return running_loop()
