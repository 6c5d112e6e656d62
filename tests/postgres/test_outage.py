"""The database goes away and comes back, under servers that run."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.distributions import wheel
from tests.live_server import LiveServer
from tests.postgres_server import PostgresServer


@pytest.fixture
def database() -> Iterator[PostgresServer]:
    """One that may be stopped."""
    with PostgresServer() as running:
        yield running


def eventually(what: Callable[[], bool], seconds: float = 30.0) -> bool:
    deadline = time.monotonic() + seconds
    while not (held := what()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return held


def is_excused(server: LiveServer) -> bool:
    """Asked as nobody has asked before, so that no answer that was made earlier is repeated."""
    return "x-purveyor-stale" in server.http.get(f"{server.simple_url}acme/?{time.monotonic_ns()}").headers


@pytest.mark.parametrize(
    ("how", "consistency"),
    [
        ("frozen", "exact"),
        pytest.param("frozen", "bounded", marks=pytest.mark.slow),
        pytest.param("stopped", "exact", marks=pytest.mark.slow),
        pytest.param("stopped", "bounded", marks=pytest.mark.slow),
    ],
)
def test_what_is_held_is_served_while_the_database_is_away_and_all_else_says_503(
    database: PostgresServer, tmp_path: Path, consistency: str, how: str
) -> None:
    with LiveServer(tmp_path / "data", database=database.new_database(), consistency=consistency) as server:
        server.host(wheel("acme", "1.0"), wheel("bolt", "1.0"))
        page = server.http.get(f"{server.simple_url}acme/").content
        assert server.http.get(f"{server.simple_url}acme/").content == page
        (database.stop if how == "stopped" else database.freeze)()

        assert eventually(lambda: is_excused(server))
        begun = time.monotonic()
        held = server.http.get(f"{server.simple_url}acme/")
        new = server.http.get(f"{server.simple_url}bolt/", timeout=30)
        upload = server.http.post(server.upload_url, timeout=30, auth=("__token__", server.token), files={"content": wheel("acme", "2.0")})
        assert (held.status_code, held.content) == (200, page)
        assert [(answer.status_code, answer.headers["retry-after"]) for answer in (new, upload)] == [(503, "5")] * 2
        assert time.monotonic() - begun < 30

        (database.start if how == "stopped" else database.thaw)()
        assert eventually(lambda: server.upload(*wheel("acme", "2.0")).status_code == 200)
        assert set(server.hashes("acme")) == {wheel("acme", version)[0] for version in ("1.0", "2.0")}
        assert eventually(lambda: not is_excused(server))
        assert server.http.get(f"{server.simple_url}bolt/").status_code == 200


def test_a_server_does_not_start_without_its_database_and_says_so(tmp_path: Path) -> None:
    nowhere = "postgresql://index:s3cret@127.0.0.1:1/index"
    environment = {"PURVEYOR_DATABASE": nowhere, "PURVEYOR_DATA": str(tmp_path / "data"), "PATH": "", "HOME": str(tmp_path)}
    command = [sys.executable, "-m", "purveyor", "serve", "--port", "0"]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 6
    assert "The database postgresql://" in ran.stderr
    assert "does not answer: connection failed" in ran.stderr
    assert "s3cret" not in ran.stderr


def test_nothing_acknowledged_is_lost_when_the_database_ends_in_the_middle_of_uploads(database: PostgresServer, tmp_path: Path) -> None:
    with LiveServer(tmp_path / "data", database=database.new_database()) as server:
        server.host(wheel("bolt", "1.0"))  # it has started: without a database it would not
        acknowledged, refused, done = set[str](), list[int](), threading.Event()

        def publish(number: int) -> None:
            for serial in range(10_000):
                if done.is_set():
                    return
                filename, content = wheel("acme", f"{number}.{serial}")
                while not done.is_set():
                    status = server.upload(filename, content).status_code
                    if status == 200:
                        acknowledged.add(filename)
                        break
                    refused.append(status)

        threads = [threading.Thread(target=publish, args=(number,)) for number in range(3)]
        for thread in threads:
            thread.start()
        for _ in range(3):
            time.sleep(0.7)
            database.stop()
            time.sleep(0.3)
            database.start()
        before = len(acknowledged)
        went_on = eventually(lambda: len(acknowledged) > before, 60)
        done.set()
        for thread in threads:
            thread.join()
        assert went_on, server.log[-3000:]
        assert acknowledged <= set(server.hashes("acme"))
        assert set(refused) <= {503}
