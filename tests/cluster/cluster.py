"""Three servers that have nothing in common but a database and a bucket, and requests that go to any of them."""

import random
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import httpx2
import psycopg

from tests.live_server import LiveServer

SERVERS = 3


class Cluster:
    """Use it in a `with` statement; then nothing of it is left running."""

    def __init__(self, place: Path, database: str, blobs: str) -> None:
        self.database = database
        self._stack = ExitStack()
        with ExitStack() as starting:
            self.servers: Sequence[LiveServer] = [
                starting.enter_context(LiveServer(place / f"server{number}" / "data", database=database, blobs=blobs))
                for number in range(SERVERS)
            ]
            self._stack = starting.pop_all()
        self.token = self.servers[0].token

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def journal(self) -> list[tuple[int, str, str, str, str]]:
        """Serial, actor, action, index and filename of every entry, in order."""
        with psycopg.connect(self.database) as connection:
            rows = connection.execute("SELECT serial, actor, action, index_name, coalesce(filename, '') FROM journal ORDER BY serial")
            return rows.fetchall()

    def fsck(self, ledger: Path) -> str:
        """What is wrong with the whole index, in words; empty if all is in order."""
        server = self.servers[0]
        command = [sys.executable, "-m", "purveyor", "fsck", "--data", str(server.data), "--ledger", str(ledger)]
        ran = subprocess.run(command, env=server.environment, capture_output=True, text=True, check=False)
        return "" if ran.returncode == 0 else f"{ran.returncode}: {ran.stdout}{ran.stderr}"


class Reaper(threading.Thread):
    """Kills servers at random, one after the other, and starts each again a moment later."""

    def __init__(self, cluster: Cluster, seed: int) -> None:
        super().__init__()
        self.kills = 0
        self._cluster = cluster
        self._chance = random.Random(seed)
        self._done = threading.Event()

    def run(self) -> None:
        while not self._done.wait(self._chance.uniform(0.5, 1.5)):
            server = self._chance.choice(self._cluster.servers)
            server.kill()
            self.kills += 1
            self._done.wait(self._chance.uniform(0, 0.5))
            server.start()

    def stop(self) -> None:
        self._done.set()
        self.join()


class Caller:
    """One client, who sends each request to a server at random; never answered by one that is gone, but asking the next."""

    def __init__(self, cluster: Cluster, seed: int) -> None:
        self.chance = random.Random(seed)
        self._cluster = cluster
        self._http = httpx2.Client(trust_env=False, timeout=60, follow_redirects=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def any(self) -> LiveServer:
        return self.chance.choice(self._cluster.servers)

    def get(self, server: LiveServer, path: str, accept: str = "*/*", **headers: str) -> httpx2.Response:
        return self._http.get(f"{server.url}{path}", headers={"Accept": accept, **headers})

    def upload(self, server: LiveServer, filename: str, content: bytes, token: str) -> httpx2.Response:
        return server.upload(filename, content, token=token, client=self._http)

    def call(self, server: LiveServer, path: str, token: str, document: dict[str, object]) -> httpx2.Response:
        return self._http.post(f"{server.url}{path}", json=document, headers={"Authorization": f"Bearer {token}"})
