"""The server is killed at random moments while releases are promoted and rolled back: each is done, or it is not; nothing is half."""

import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from itertools import cycle
from pathlib import Path
from threading import Event

import httpx2
import pytest

from tests.crash.test_kill import check_databases
from tests.distributions import sdist, wheel
from tests.live_server import LiveServer, new_client
from tests.promotion.people import Person, hashes
from tests.promotion.test_promoting import blob_files, settled_blob_files

VERSIONS = ("1.0", "2.0", "3.0")
TAGS = tuple(f"cp3{minor}-cp3{minor}-linux_x86_64" for minor in range(8))
"""So many files that a promotion takes a while."""


def release(version: str) -> list[tuple[str, bytes]]:
    """Ten files, all different."""
    wheels = [wheel("acme", version, {"acme.py": f"tag = {tag!r}\n"}, tag=tag) for tag in TAGS]
    return [*wheels, wheel("acme", version), sdist("acme", version)]


def promote_and_roll_back(person: Person, versions: Iterator[str], done: Event) -> None:
    """Promote one release after another, and take it back, until the server is gone."""
    with new_client() as client, suppress(httpx2.TransportError):
        person = replace(person, client=client)
        while True:
            for answer in (person.promote("acme", next(versions)), person.roll_back("acme")):
                assert answer.status_code == 200, answer.text
                done.set()


def kill_and_check(server: LiveServer, kills: int, copies: Path) -> None:
    chance = random.Random(kills)
    owner = Person(server, server.token)
    for name in ("dev", "prod"):
        owner.index(name)
    files = {version: release(version) for version in VERSIONS}
    for version in VERSIONS:
        owner.upload("dev", *files[version])
    blobs = settled_blob_files(server, len(VERSIONS) * len(files["1.0"]) + len(VERSIONS))
    sources = hashes(server, "dev", "acme")
    seen = set()
    with ThreadPoolExecutor(1) as pool:
        for kill in range(kills):
            done = Event()
            work = pool.submit(promote_and_roll_back, owner, cycle(VERSIONS), done)
            assert done.wait(60)
            time.sleep(chance.uniform(0, 0.05))
            server.kill()
            work.result()
            check_databases(server.data, copies / str(kill))
            server.start()
            seen.add(check_whole(server, owner, files, sources))
            if hashes(server, "prod", "acme"):
                owner.roll_back("acme").raise_for_status()
    assert blob_files(server) == blobs
    assert seen >= {0, 1}, "No kill met a promotion that was done, or none that was not."


def check_whole(server: LiveServer, owner: Person, files: dict[str, list[tuple[str, bytes]]], sources: dict[str, str]) -> int:
    """All files of a release are there, or none; and a promotion is on record that says so. How many releases there are."""
    there = hashes(server, "prod", "acme")
    assert there.items() <= sources.items()
    whole = [version for version, release in files.items() if {filename for filename, _ in release} <= there.keys()]
    assert len(there) == sum(len(files[version]) for version in whole)
    promotions = owner.call("GET", "prod/api/projects/acme/promotions")["promotions"]
    assert [one["version"] for one in promotions if one["undone"] is None] == whole
    serials = [entry["serial"] for entry in owner.call("GET", "api/journal?everywhere=true&limit=1000")["entries"]]
    assert serials == list(range(serials[0], serials[0] - len(serials), -1))
    return len(whole)


def test_a_promotion_that_is_killed_is_done_or_it_is_not(server: LiveServer, tmp_path: Path) -> None:
    kill_and_check(server, 10, tmp_path / "copies")


@pytest.mark.slow
def test_a_hundred_kills_leave_no_half_promotion(server: LiveServer, tmp_path: Path) -> None:
    kill_and_check(server, 100, tmp_path / "copies")
