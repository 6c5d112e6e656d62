"""What a server says of itself is true, and comes in time."""

import fcntl
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.live_server import LiveServer
from tests.object_server import Bucket, ObjectServer
from tests.operations.watching import readiness, until
from tests.postgres_server import PostgresServer

ALL_WELL = {"database": True, "blobs": True, "disk": True, "draining": True}
# Where SQLite's readers take their locks in the file of shared memory that belongs to the log.
_SHARED_LOCKS = (8, 120)


def test_a_server_that_can_do_its_work_is_ready_with_a_line_for_each_check(server: LiveServer) -> None:
    first, *lines, last = server.http.get(f"{server.url}health/ready").text.splitlines()

    assert (first, last) == ('{"status": "ready", "checks": {', "}}")
    assert [line.split('"')[1] for line in lines] == list(ALL_WELL)
    assert readiness(server) == (200, ALL_WELL)
    for path in ("health", "health/live", "health/ready"):
        assert server.http.get(f"{server.url}{path}").headers["cache-control"] == "no-store"


def test_a_store_that_is_gone_makes_it_not_ready_until_it_is_back(server: LiveServer) -> None:
    assert readiness(server) == (200, ALL_WELL)
    away = server.data / "away"
    (server.data / "staging").rename(away)
    until(lambda: readiness(server) == (503, ALL_WELL | {"blobs": False}))

    away.rename(server.data / "staging")
    until(lambda: readiness(server) == (200, ALL_WELL))


def test_a_disk_with_less_room_than_is_demanded_makes_it_not_ready_unless_that_is_excluded(tmp_path: Path) -> None:
    with LiveServer(tmp_path / "data", least_free=1 << 60) as server:
        assert readiness(server) == (503, ALL_WELL | {"disk": False})
        assert readiness(server, "?exclude=disk") == (200, {name: True for name in ALL_WELL if name != "disk"})
        assert readiness(server, "?exclude=disk,database&exclude=blobs") == (200, {"draining": True})


def test_a_database_that_hangs_is_told_of_in_time_however_many_ask(server: LiveServer) -> None:
    """SQLite itself would wait for ten seconds; nobody who asks does."""
    assert readiness(server) == (200, ALL_WELL)
    with (server.data / "purveyor.sqlite-shm").open("r+b") as shared, ThreadPoolExecutor(8) as threads:
        fcntl.lockf(shared, fcntl.LOCK_EX, *_SHARED_LOCKS)
        expected = (503, ALL_WELL | {"database": False})
        until(lambda: readiness(server) == expected)
        server.http.timeout = 4
        assert list(threads.map(lambda _: readiness(server), range(16))) == [expected] * 16
        assert server.http.get(f"{server.url}health/live").status_code == 200
    until(lambda: readiness(server) == (200, ALL_WELL))


def test_an_object_store_that_says_nothing_is_told_of_in_time(tmp_path: Path, object_server: ObjectServer, object_store: Bucket) -> None:
    with LiveServer(tmp_path / "data", blobs=object_store.url) as server:
        assert readiness(server) == (200, ALL_WELL)
        object_server.pause()
        try:
            until(lambda: readiness(server) == (503, ALL_WELL | {"blobs": False}))
            assert readiness(server, "?exclude=blobs")[0] == 200
        finally:
            object_server.resume()
        until(lambda: readiness(server) == (200, ALL_WELL))


def test_a_postgresql_that_says_nothing_is_told_of_in_time(tmp_path: Path, postgres_server: PostgresServer, postgres_url: str) -> None:
    with LiveServer(tmp_path / "data", database=postgres_url) as server:
        assert readiness(server) == (200, ALL_WELL)
        postgres_server.freeze()
        try:
            until(lambda: readiness(server) == (503, ALL_WELL | {"database": False}))
            assert readiness(server, "?exclude=database")[0] == 200
            assert "purveyor_requests_total" in server.http.get(f"{server.url}metrics").text
        finally:
            postgres_server.thaw()
        until(lambda: readiness(server) == (200, ALL_WELL))


def test_with_workers_the_process_that_is_named_is_the_one_to_end(tmp_path: Path) -> None:
    with LiveServer(tmp_path / "data", workers=2) as server:
        assert server.http.get(f"{server.url}health/live").json()["pid"] == server.pid
