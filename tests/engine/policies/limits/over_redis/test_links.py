"""Links over which scripts are run: each caller gets its own answers, whatever became of the last one's."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
from tests.servers import RedisServer, redis_program

from polydriver import MockDriver
from polydriver.engine.policies.limits.over_redis import RedisLimits
from polydriver.engine.policies.limits.over_redis.links import Links
from polydriver.engine.policies.limits.over_redis.scripts import RENEW, SETTLE, renewal, settlement
from polydriver.engine.policies.limits.over_redis.store import Command

OWN = ["{t}:leases", "{t}:line", "{t}:places"]


@pytest.fixture
def own_server() -> Iterator[RedisServer]:
    """A server that the test may freeze and start anew."""
    server = RedisServer(redis_program())
    server.start()
    yield server
    server.stop()


def links_to(server: RedisServer) -> Links:
    return Links(redis.Redis.from_url(server.url, protocol=2, socket_timeout=60.0))


def settling(*ids: str) -> Command:
    """It answers how many leases it has ended."""
    return Command(SETTLE, OWN, settlement([(id, 0, []) for id in ids]), lambda answer, error: None)


def put(server: RedisServer, *ids: str) -> None:
    client = redis.Redis.from_url(server.url)
    client.zadd(OWN[0], dict.fromkeys(ids, 10**15))
    client.close()


def test_each_gets_its_own_answer_and_a_refused_one_harms_no_other(own_server: RedisServer) -> None:
    links = links_to(own_server)
    put(own_server, *(f"lease {number}" for number in range(6)))
    client = redis.Redis.from_url(own_server.url)
    client.set("{t}:words", "no set of leases")
    bad = Command(RENEW, ["{t}:words"], renewal(1000, ["a"]), lambda answer, error: None)
    for _ in range(2):  # by EVAL at first, then from the server's cache
        put(own_server, *(f"lease {number}" for number in range(6)))
        first, refused, second, third = links.run(
            [settling("lease 0", "lease 1", "lease 2"), bad, settling("lease 3"), settling("lease 4", "lease 5")]
        )
        assert (first, second, third) == (3, 1, 2)
        assert isinstance(refused, redis.ResponseError)
        assert len(client.client_list()) == 2, "one link has done all"
    client.script_flush()
    assert links.run([settling("none")]) == [0]
    links.close()
    client.close()


def test_after_ctrl_c_no_answer_is_taken_for_another(own_server: RedisServer) -> None:
    links = links_to(own_server)
    put(own_server, "a", "b", "c")
    assert links.run([settling("a")]) == [1]
    own_server.send(signal.SIGSTOP)
    main = threading.main_thread().ident
    assert main is not None

    def interrupt() -> None:
        while links._idle:
            threading.Event().wait(0.01)
        signal.pthread_kill(main, signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        links.run([settling("b", "c")])
    thread.join()
    own_server.send(signal.SIGCONT)
    assert links.run([settling("none")]) == [0]
    links.close()


def test_a_server_that_was_started_anew_is_asked_over_a_new_link(own_server: RedisServer) -> None:
    links = links_to(own_server)
    assert links.run([settling("a")]) == [0]
    own_server.send(signal.SIGTERM)
    assert own_server.process is not None
    own_server.process.wait()
    own_server.start()
    put(own_server, "a")
    threading.Event().wait(0.1)  # it is not used a moment after
    assert links.run([settling("a")]) == [1]
    links.close()


def held(client: Any, name: str) -> int:
    return int(client.zcard(f"{{polydriver}}:{name}:max_concurrent"))


def test_ends_need_no_further_call_and_wait_for_no_other_connection(
    server: RedisServer, limited: Callable[..., MockDriver]
) -> None:
    client = redis.Redis.from_url(server.url)
    busy, quiet = limited(max_concurrent=1, name="busy"), limited(max_concurrent=1, name="quiet")
    quiet.send_message("Hi", model="m")
    for _ in range(3000):
        busy.send_message("Hi", model="m")
        if not held(client, "quiet"):
            break
    assert held(client, "quiet") == 0
    for _ in range(3000):
        if not held(client, "busy"):
            break
        threading.Event().wait(0.01)
    assert held(client, "busy") == 0
    assert isinstance(busy.connection.limits, RedisLimits)
    assert not busy.connection.limits.store.held
    client.close()
