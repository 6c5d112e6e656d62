"""The server is killed at random moments while four clients upload: what it acknowledged is there, no half of the rest.

Durability against a killed process is what is shown here; a power cut needs a machine of its own.
"""

import hashlib
import random
import shutil
import sqlite3
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Event, Lock

import httpx2
import pytest

from tests.distributions import wheel
from tests.live_server import LiveServer, new_client

WRITERS = 4
PROJECTS = tuple(f"crash-{letter}" for letter in "abcde")
ACKNOWLEDGE_LIMIT = 60.0
"""Seconds without the next acknowledgement after which the server is taken to hang; a bound, not a measurement."""


def distributions(count: int) -> list[tuple[str, bytes]]:
    """Wheels of about 1 kB, every tenth of 2 to 8 MB; all different."""
    chance = random.Random(count)
    return [
        wheel(
            PROJECTS[i % len(PROJECTS)],
            f"1.{i}",
            {"data.bin": chance.randbytes(chance.randrange(2 << 20, 8 << 20) if i % 10 == 3 else 300)},
        )
        for i in range(count)
    ]


class Uploads:
    """What is still to be sent, and the client's own ledger of what was acknowledged: filename to SHA-256."""

    def __init__(self, files: list[tuple[str, bytes]]) -> None:
        self.sent = {name: hashlib.sha256(content).hexdigest() for name, content in files}
        self.acknowledged: dict[str, str] = {}
        self.interrupted = 0
        self.wrong: list[str] = []
        self._waiting = deque(files)
        self._lock = Lock()
        self._progress = Event()

    @property
    def finished(self) -> bool:
        return len(self.acknowledged) == len(self.sent)

    def write(self, server: LiveServer, token: str) -> None:
        """Upload one after another until nothing is left or the server is gone; what got no answer is sent later."""
        with new_client() as client:
            while (file := self._next()) is not None:
                try:
                    answer = server.upload(*file, token=token, client=client)
                except httpx2.TransportError:
                    self._put_back(file)
                    return
                self._note(file[0], answer)

    def wait_for(self, count: int) -> None:
        """Return when this many are acknowledged, or nothing further can be."""
        while len(self.acknowledged) < min(count, len(self.sent)) and not self.wrong:
            assert self._progress.wait(ACKNOWLEDGE_LIMIT), f"Stuck after {len(self.acknowledged)} uploads."
            self._progress.clear()

    def _next(self) -> tuple[str, bytes] | None:
        with self._lock:
            return self._waiting.popleft() if self._waiting and not self.wrong else None

    def _put_back(self, file: tuple[str, bytes]) -> None:
        with self._lock:
            self.interrupted += 1
            self._waiting.appendleft(file)

    def _note(self, name: str, answer: httpx2.Response) -> None:
        if answer.status_code == 200:
            self.acknowledged[name] = self.sent[name]
        else:
            self.wrong.append(f"{name}: {answer.status_code} {answer.text}")
        self._progress.set()


def kill_and_check(server: LiveServer, uploads: Uploads, kills: int, copies: Path) -> None:
    """Kill the server `kills` times, spread over all uploads; check everything after each, and once more at the end."""
    token = server.token
    chance = random.Random(kills)
    looked_at: set[str] = set()
    with ThreadPoolExecutor(WRITERS) as pool:
        for kill in range(1, kills + 1):
            writers = [pool.submit(uploads.write, server, token) for _ in range(WRITERS)]
            uploads.wait_for(len(uploads.sent) * kill // (kills + 1))
            time.sleep(chance.uniform(0, 0.03))
            server.kill()
            for writer in writers:
                writer.result()
            assert uploads.wrong == []
            check_databases(server.data, copies / str(kill))
            if kill % 4 == 0:
                kill_while_starting(server, chance.uniform(0, 0.5))
            server.start()
            looked_at |= check_files(server, uploads, looked_at)
        for writer in [pool.submit(uploads.write, server, token) for _ in range(WRITERS)]:
            writer.result()
    assert uploads.wrong == []
    assert uploads.finished
    assert check_files(server, uploads, set()) == set(uploads.sent)
    print(f"{kills} kills, {len(uploads.sent)} uploads, {uploads.interrupted} attempts without an answer")


def kill_while_starting(server: LiveServer, seconds: float) -> None:
    """The first thing a server does after a kill is to put right what the kill left: that may be interrupted as well."""
    server.launch()
    time.sleep(seconds)
    server.kill()


def check_databases(data: Path, copies: Path) -> None:
    """Each database of the dead server is sound, seen in a copy: the recovery itself is left to the next server."""
    shutil.copytree(data, copies, ignore=shutil.ignore_patterns("blobs", "staging"))
    databases = [path for path in copies.rglob("*") if path.suffix in (".sqlite", ".sqlite3", ".db")]
    assert databases
    for path in databases:
        with closing(sqlite3.connect(path)) as database:
            assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert database.execute("PRAGMA foreign_key_check").fetchall() == []
    shutil.rmtree(copies)


def check_files(server: LiveServer, uploads: Uploads, looked_at: set[str]) -> set[str]:
    """Each acknowledged file is listed, each listed file is one that was sent; those not `looked_at` are read whole."""
    entries = [entry for project in PROJECTS for entry in server.entries(project)]
    listed = {entry["filename"]: entry["hashes"]["sha256"] for entry in entries}
    assert uploads.acknowledged.items() <= listed.items()
    assert listed.items() <= uploads.sent.items()
    for entry in entries:
        if entry["filename"] not in looked_at:
            assert digest_at(server, entry["url"]) == entry["hashes"]["sha256"]
            assert digest_at(server, f"{entry['url']}.metadata") == entry["core-metadata"]["sha256"]
    return set(listed)


def digest_at(server: LiveServer, url: str) -> str:
    return hashlib.sha256(server.http.get(url).raise_for_status().content).hexdigest()


def test_kills_lose_no_acknowledged_upload_and_leave_no_half_one(server: LiveServer, tmp_path: Path) -> None:
    uploads = Uploads(distributions(40))

    kill_and_check(server, uploads, 6, tmp_path / "copies")

    assert uploads.interrupted > 0


@pytest.mark.slow
def test_a_hundred_kills_during_200_uploads_lose_nothing(server: LiveServer, tmp_path: Path) -> None:
    uploads = Uploads(distributions(200))

    kill_and_check(server, uploads, 100, tmp_path / "copies")

    assert uploads.interrupted > 0
