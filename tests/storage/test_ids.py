"""Ids: UUIDs of version 7 that sort by time, in threads and forked children."""

from __future__ import annotations

import os
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from polydriver.storage.ids import id_at, id_time, new_id


def test_each_is_a_version_7_uuid_and_greater_than_the_one_before() -> None:
    before = time.time()
    made = [new_id() for _ in range(10_000)]
    assert made == sorted(set(made)), "also more than 4,096 in a millisecond"
    for id in made[::100]:
        assert (uuid.UUID(id).version, uuid.UUID(id).variant) == (7, uuid.RFC_4122)
    assert id_at(before) <= made[0] < id_at(time.time() + 10.0)
    assert abs(id_time(made[0]) - before) < 60.0


def test_threads_make_no_id_twice() -> None:
    with ThreadPoolExecutor(8) as threads:
        made = [id for part in threads.map(lambda _: [new_id() for _ in range(500)], range(16)) for id in part]
    assert len(set(made)) == len(made)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_child_has_random_bits_of_its_own() -> None:
    ours, theirs = os.pipe()
    child = os.fork()
    if not child:
        os.write(theirs, "".join(new_id() for _ in range(50)).encode())
        os._exit(0)
    os.waitpid(child, 0)
    told = os.read(ours, 50 * 32).decode()
    os.close(ours)
    os.close(theirs)
    random = {told[at + 17 : at + 32] for at in range(0, len(told), 32)}
    assert len(random) == 50
    assert not random & {new_id()[17:] for _ in range(50)}
