"""Publishers and readers, who know only what servers have told them, and hold every server to what any of them has said."""

import hashlib
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

import httpx2

from tests.cluster.cluster import Caller, Cluster
from tests.distributions import wheel
from tests.live_server import SIMPLE_JSON

PROJECTS = tuple(f"acme-{letter}" for letter in "abcdef")
PATIENCE = 60.0
"""Seconds until an upload that was sent again and again must have been taken; a bound, not a measurement."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A project as some server has shown it, or said that it is."""

    serial: int = 0
    files: dict[str, str] = field(default_factory=dict)

    def goes_back_from(self, before: "Seen") -> bool:
        return self.serial < before.serial or not self.files.items() >= before.files.items()

    def joined(self, other: "Seen") -> "Seen":
        return Seen(max(self.serial, other.serial), {**self.files, **other.files})


class Ledger:
    """What was acknowledged, kept outside the servers, and the newest that anybody has seen of each project."""

    def __init__(self) -> None:
        self.acknowledged: dict[str, str] = {}
        self.wrong: list[str] = []
        self.refusals: list[tuple[str, int, str]] = []
        self.reads = 0
        self._newest: dict[str, Seen] = {}
        self._lock = threading.Lock()

    def newest(self, project: str) -> Seen:
        """Whoever asks any server from now on must be told at least this."""
        return self._newest.get(project, Seen())

    def saw(self, project: str, seen: Seen) -> None:
        with self._lock:
            self._newest[project] = self.newest(project).joined(seen)
            self.reads += 1

    def acknowledge(self, project: str, filename: str, content: bytes) -> None:
        sha256 = hashlib.sha256(content).hexdigest()
        with self._lock:
            self.acknowledged[filename] = sha256
            self._newest[project] = self.newest(project).joined(Seen(0, {filename: sha256}))

    def refused(self, what: str, answer: httpx2.Response) -> None:
        """What a server did not do, saying so."""
        with self._lock:
            self.refusals.append((what, answer.status_code, answer.headers.get("retry-after", "")))
            if answer.status_code != HTTPStatus.SERVICE_UNAVAILABLE or "retry-after" not in answer.headers:
                self.wrong.append(f"{what}: {answer.status_code} {answer.text[:300]}")

    def complain(self, sentence: str) -> None:
        with self._lock:
            self.wrong.append(sentence)

    def write(self, path: Path) -> Path:
        path.write_text("".join(f"{sha256}  {filename}\n" for filename, sha256 in self.acknowledged.items()))
        return path


class Traffic:
    """Publishers and readers at once, until `stop`; then nothing of them runs, and what any of them ran into is raised."""

    def __init__(self, cluster: Cluster, publishers: int = 8, readers: int = 8) -> None:
        self.ledger = Ledger()
        self._cluster = cluster
        self._done = threading.Event()
        self._pool = ThreadPoolExecutor(publishers + readers)
        work: list[Callable[[int], None]] = [*[self._publish] * publishers, *[self._read] * readers]
        self._threads = [self._pool.submit(one, number) for number, one in enumerate(work)]

    def run_for(self, seconds: float) -> None:
        time.sleep(seconds)

    def stop(self) -> None:
        self._done.set()
        try:
            for thread in self._threads:
                thread.result()
        finally:
            self._pool.shutdown()

    def _publish(self, number: int) -> None:
        with Caller(self._cluster, number) as caller:
            for count in range(1_000_000):
                if self._done.is_set():
                    return
                project = caller.chance.choice(PROJECTS)
                filename, content = _distribution(project, f"{number}.{count}", caller.chance)
                if self._was_taken(caller, filename, content):
                    self.ledger.acknowledge(project, filename, content)
                    self._check_at_once(caller, project, filename, content)

    def _was_taken(self, caller: Caller, filename: str, content: bytes) -> bool:
        """As a client does it that tries again, also where nobody knows what became of the last time."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                answer = caller.upload(caller.any(), filename, content, self._cluster.token)
            except httpx2.TransportError:
                time.sleep(0.05)
                continue
            if answer.status_code == HTTPStatus.OK:
                return True
            self.ledger.refused(f"upload of {filename}", answer)
            if self._done.is_set():
                return False
            time.sleep(0.2)
        self.ledger.complain(f"{filename} was not taken within {PATIENCE:.0f} s")
        return False

    def _check_at_once(self, caller: Caller, project: str, filename: str, content: bytes) -> None:
        """Whichever server is asked next, it has the file."""
        self._look(caller, project)
        sha256 = hashlib.sha256(content).hexdigest()
        path = f"packages/{sha256[:2]}/{sha256[2:4]}/{sha256[4:]}/{filename}"
        try:
            answer = caller.get(caller.any(), path)
        except httpx2.TransportError:
            return
        if answer.status_code != HTTPStatus.OK:
            self.ledger.refused(f"download of {filename}", answer)
        elif answer.content != content:
            self.ledger.complain(f"{filename} came with other bytes")

    def _read(self, number: int) -> None:
        with Caller(self._cluster, number) as caller:
            while not self._done.is_set():
                self._look(caller, caller.chance.choice(PROJECTS))

    def _look(self, caller: Caller, project: str) -> None:
        before = self.ledger.newest(project)
        try:
            answer = caller.get(caller.any(), f"simple/{project}/", SIMPLE_JSON)
        except httpx2.TransportError:
            return
        if answer.status_code == HTTPStatus.NOT_FOUND:
            seen = Seen()
        elif answer.status_code != HTTPStatus.OK:
            self.ledger.refused(f"page of {project}", answer)
            return
        elif "x-purveyor-stale" in answer.headers:  # it says so itself: the database is away
            return
        else:
            seen = _seen(answer)
        if seen.goes_back_from(before):
            missing = sorted(before.files.keys() - seen.files.keys())
            self.ledger.complain(f"{project} went back from {before.serial} to {seen.serial}, without {missing} ({answer.url})")
        self.ledger.saw(project, seen)


def _seen(answer: httpx2.Response) -> Seen:
    files = {file["filename"]: file["hashes"]["sha256"] for file in answer.json()["files"]}
    return Seen(int(answer.headers["x-pypi-last-serial"]), files)


def _distribution(project: str, version: str, chance: random.Random) -> tuple[str, bytes]:
    """Most small, some above what travels with the row."""
    size = 700_000 if chance.random() < 0.1 else 300
    return wheel(project, version, {f"{project.replace('-', '_')}/data.bin": chance.randbytes(size)})


def check_everything(cluster: Cluster, ledger: Ledger, place: Path) -> None:
    """Every acknowledged file can be had from every server, the journal tells of each once and has no gap, and `fsck` finds nothing."""
    assert not ledger.wrong, "\n".join(ledger.wrong[:5])
    hosted = [_offered(cluster, number) for number in range(len(cluster.servers))]
    assert all(one == hosted[0] for one in hosted), "servers differ"
    assert ledger.acknowledged.items() <= hosted[0].items()
    entries = cluster.journal()
    assert [entry[0] for entry in entries] == list(range(1, len(entries) + 1))
    added = [filename for _, _, action, _, filename in entries if action == "add-file"]
    assert sorted(added) == sorted(hosted[0])
    assert cluster.fsck(ledger.write(place / "ledger")) == ""


def _offered(cluster: Cluster, number: int) -> dict[str, str]:
    """What the server offers, as it comes when it is downloaded."""
    server = cluster.servers[number]
    offered = {}
    with httpx2.Client(trust_env=False, timeout=60, follow_redirects=True) as client:
        listed = client.get(server.simple_url, headers={"Accept": SIMPLE_JSON}).raise_for_status().json()["projects"]
        for file in (file for project in listed for file in server.entries(project["name"])):
            content = client.get(file["url"]).raise_for_status().content
            assert hashlib.sha256(content).hexdigest() == file["hashes"]["sha256"], f"{file['filename']} from server {number}"
            offered[file["filename"]] = file["hashes"]["sha256"]
    return offered
