"""`purveyor migrate`: an index moves to other stores while servers and installers are at work, and back again."""

import hashlib
import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from itertools import count
from pathlib import Path

import pytest

from tests.clients.tools import NEWEST_PIP
from tests.distributions import wheel
from tests.live_server import LiveServer, new_client
from tests.object_server import Bucket
from tests.safekeeping.here import here
from tests.safekeeping.seen import pages
from tests.workbench.command import Ran, environment, purveyor

LARGE = wheel("acme-app", "1.0", {"data.bin": os.urandom(1 << 20)})
SECRET = "s3cret-word"
# What it says when it begins with the contents, the rows, the comparison, and the pause.
MOMENTS = ("Copying ", "Copying the rows", "Comparing", "Pausing")


def migrate(data: Path, postgres_url: str, bucket: Bucket, *flags: str) -> Ran:
    return purveyor("migrate", "--data", data, "--to", postgres_url, "--blobs", bucket.url, "--json", *flags)


def killed_at(moment: str, data: Path, postgres_url: str, bucket: Bucket) -> None:
    """SIGKILL to the command once it has said that this begins."""
    command = ["migrate", "--data", str(data), "--to", postgres_url, "--blobs", bucket.url]
    with subprocess.Popen(
        [sys.executable, "-m", "purveyor", *command], env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        said = ""
        for line in process.stderr:
            said += line
            if line.startswith(moment):
                break
        process.kill()
        assert moment in said, said


class Clients:
    """A publisher and a pip, each in a loop, at the server that is the right one at the moment."""

    def __init__(self, server: LiveServer, scratch: Path, environ: dict[str, str]) -> None:
        self.server = server
        self.token = server.token
        self.acknowledged: dict[str, bytes] = {}
        self.refused: list[str] = []
        self.installed = 0
        self.failed: list[str] = []
        self._scratch = scratch
        self._environ = environ
        self._ended = threading.Event()

    @contextmanager
    def at_work(self) -> Iterator[None]:
        threads = [threading.Thread(target=self._publish), threading.Thread(target=self._install)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._ended.set()
            for thread in threads:
                thread.join()

    def go_on(self) -> None:
        """Until there are some more uploads, and installations that began after this did."""
        installed, published = self.installed, len(self.acknowledged)
        while self.installed < installed + 2 or len(self.acknowledged) < published + 10:
            time.sleep(0.05)

    def _publish(self) -> None:
        with new_client() as client:
            for number in count():
                filename, content = wheel(f"project-{number % 7}", f"1.{number}", {"x.bin": os.urandom(1000)})
                while not self._ended.is_set():
                    answer = self.server.upload(filename, content, token=self.token, client=client)
                    if answer.status_code == 200:
                        self.acknowledged[filename] = content
                        break
                    assert (answer.status_code, int(answer.headers["retry-after"]) > 0) == (503, True), answer.text
                    self.refused.append(answer.text)
                    time.sleep(0.1)
                if self._ended.wait(0.1):
                    return

    def _install(self) -> None:
        for number in count():
            if self._ended.is_set():
                return
            target = self._scratch / str(number)
            done = subprocess.run(
                [
                    *(NEWEST_PIP.python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-cache-dir", "--retries", "0"),
                    *("--target", target, "--index-url", self.server.simple_url, "acme-app"),
                ],
                env=self._environ,
                capture_output=True,
                text=True,
                check=False,
            )
            self.installed += 1
            if done.returncode:
                self.failed.append(done.stderr)

    def ledger(self, path: Path) -> Path:
        path.write_text("".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in self.acknowledged.items()))
        return path


@pytest.mark.slow
def test_an_index_moves_while_pip_installs_and_comes_back(
    tmp_path: Path, postgres_url: str, object_store: Bucket, client_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    far = {"database": postgres_url, "blobs": object_store.url}
    with LiveServer(tmp_path / "old") as old, ExitStack() as stack:
        old.host(LARGE, *(wheel(f"library-{number}", "1.0") for number in range(20)))
        clients = Clients(old, tmp_path / "installed", client_environment)
        with clients.at_work():
            for moment in MOMENTS:
                killed_at(moment, old.data, postgres_url, object_store)
            moved = migrate(old.data, postgres_url, object_store)
            assert moved.code == 0, moved
            before = pages(old)
            new = stack.enter_context(LiveServer(tmp_path / "new", **far))
            assert pages(new) == before
            clients.server = new
            clients.go_on()  # an installation that began at the old server ends there
            old.stop()
            clients.go_on()
        assert clients.failed == []
        assert any("is moving to" in text for text in clients.refused)
        there = pages(new)
        assert new.files("acme-app") == dict([LARGE])
    print(f"{clients.installed} installations, {len(clients.acknowledged)} uploads, paused {moved.document['paused']:.2f} s")

    for name, value in far.items():
        monkeypatch.setenv(f"PURVEYOR_{name.upper()}", value)
    seen = here("fsck", "--data", tmp_path / "new", "--ledger", clients.ledger(tmp_path / "ledger"), "--json")
    assert seen.document["findings"] == []
    flags = ("--to", "sqlite", "--to-data", tmp_path / "back", "--blobs", "local", "--json")
    assert here("migrate", "--data", tmp_path / "new", *flags).code == 0
    monkeypatch.undo()
    with LiveServer(tmp_path / "back") as back:
        assert pages(back) == there
    assert here("fsck", "--data", tmp_path / "back", "--ledger", tmp_path / "ledger", "--json").document["findings"] == []


def test_what_is_left_behind_is_read_and_says_where_it_went_until_the_move_is_given_up(
    tmp_path: Path, postgres_url: str, object_store: Bucket
) -> None:
    with LiveServer(tmp_path / "data") as server:
        server.host(LARGE)
        assert migrate(server.data, postgres_url, object_store).code == 0

        refused = server.upload(*wheel("bolt", "1.0"))
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
        assert f"This index has moved to {postgres_url} and {object_store.url}" in refused.text
        assert server.files("acme-app") == dict([LARGE])
        server.restart()
        assert "This index has moved to" in server.log
        assert migrate(server.data, postgres_url, object_store).code == 0  # done already, and said so again

        given_up = purveyor("migrate", "--data", server.data, "--abandon", "--json")
        assert (given_up.code, given_up.document["had_moved"]) == (0, True)
        server.host(wheel("bolt", "1.0"))


def test_a_pause_ends_by_itself_when_whoever_paused_has_died(tmp_path: Path, postgres_url: str, object_store: Bucket) -> None:
    with LiveServer(tmp_path / "data") as server:
        server.host(LARGE)
        killed_at("Pausing", server.data, postgres_url, object_store)
        with closing(sqlite3.connect(server.data / "purveyor.sqlite", isolation_level=None)) as database:
            # As if half a minute had gone by.
            database.execute("UPDATE moving SET phase = 'paused', until = ?", (int(time.time() * 1e6) - 1,))
        server.host(wheel("bolt", "1.0"))
        assert migrate(server.data, postgres_url, object_store).code == 0
        with LiveServer(tmp_path / "new", database=postgres_url, blobs=object_store.url) as new:
            assert set(new.hashes("bolt")) == {wheel("bolt", "1.0")[0]}


def test_nothing_goes_to_where_something_is_and_no_server_starts_on_half_an_index(
    tmp_path: Path, postgres_url: str, object_store: Bucket
) -> None:
    with LiveServer(tmp_path / "data") as server:
        server.host(LARGE)
        killed_at("Pausing", server.data, postgres_url, object_store)
    refused = purveyor("serve", "--port", "0", "--data", tmp_path / "new", PURVEYOR_DATABASE=postgres_url, PURVEYOR_BLOBS=object_store.url)
    assert (refused.code, "This index is still being filled from" in refused.err) == (2, True)
    elsewhere = purveyor("migrate", "--data", tmp_path / "data", "--to", "sqlite", "--to-data", tmp_path / "other", "--json")
    assert (elsewhere.code, "is on its way to" in elsewhere.document["detail"]) == (2, True)
    assert migrate(tmp_path / "data", postgres_url, object_store).code == 0

    with LiveServer(tmp_path / "second") as second:
        second.host(LARGE)
        refused = migrate(second.data, postgres_url, object_store)
        assert (refused.code, "There is an index in" in refused.document["detail"]) == (2, True)
        second.host(wheel("bolt", "1.0"))


def test_a_password_is_neither_taken_from_the_command_line_nor_shown(tmp_path: Path, postgres_url: str, object_store: Bucket) -> None:
    secret = postgres_url.replace("postgres@", f"postgres:{SECRET}@")
    with LiveServer(tmp_path / "data") as server:
        server.host(LARGE)
        assert migrate(server.data, secret, object_store).code == 2
        flags = ("migrate", "--data", server.data, "--blobs", object_store.url, "--json")
        moved = purveyor(*flags, PURVEYOR_MIGRATE_TO=secret)
        refused = server.upload(*wheel("bolt", "1.0"))

    assert moved.code == 0
    assert refused.status_code == 503
    assert SECRET not in moved.out + moved.err + refused.text + str(refused.headers)


def test_damage_stops_a_move_before_anything_is_paused(tmp_path: Path, postgres_url: str, object_store: Bucket) -> None:
    with LiveServer(tmp_path / "data") as server:
        server.host(LARGE)
        digest = hashlib.sha256(LARGE[1]).hexdigest()
        (server.data / "blobs" / digest[:2] / digest[2:]).write_bytes(b"x")

        refused = migrate(server.data, postgres_url, object_store)

        assert (refused.code, digest in refused.document["detail"]) == (6, True)
        server.host(wheel("bolt", "1.0"))


@pytest.mark.parametrize("flags", [(), ("--to", "sqlite"), ("--to", "mysql://x/y"), ("--abandon",)])
def test_a_command_that_cannot_be_meant_is_a_sentence(flags: tuple[str, ...], tmp_path: Path) -> None:
    with LiveServer(tmp_path / "data"):
        pass

    refused = here("migrate", "--data", tmp_path / "data", *flags)

    assert (refused.code, refused.err.count("\n")) == (2, 2)
