"""An export that is killed, and clients that read while it is at work."""

import json
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Self
from urllib.parse import unquote

import pytest

from tests.distributions import wheel
from tests.exporting.index import Index, contents, wheels
from tests.workbench.command import environment, purveyor

NAMES = tuple(f"project-{number:03d}" for number in range(120))
ROUNDS = 12


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    with Index(tmp_path / "data", *wheels(*NAMES)) as filled:
        yield filled


@contextmanager
def exporting(index: Index, tree: Path, *flags: str) -> Iterator["subprocess.Popen[bytes]"]:
    command = [sys.executable, "-m", "purveyor", "export", str(tree), "--data", str(index.data), *flags]
    with subprocess.Popen(command, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()


def fresh(index: Index, tmp_path: Path) -> dict[str, bytes]:
    target = tmp_path / "fresh"
    assert purveyor("export", target, "--data", index.data).code == 0
    found = contents(target)
    shutil.rmtree(target)
    return found


def kill_once_at_work(process: "subprocess.Popen[bytes]", tree: Path, chance: random.Random) -> bool:
    """SIGKILL at a random moment after the export has begun to write; False if it was done before."""
    while process.poll() is None and b"true" not in _state(tree):
        time.sleep(0.001)
    time.sleep(chance.uniform(0, 0.06))
    process.send_signal(signal.SIGKILL)
    return process.wait() == -signal.SIGKILL


def _state(tree: Path) -> bytes:
    try:
        return (tree / ".purveyor-export").read_bytes()
    except FileNotFoundError:
        return b""


def test_whenever_an_export_is_killed_the_next_one_completes_it(index: Index, tmp_path: Path) -> None:
    tree, chance, killed = tmp_path / "tree", random.Random(7), 0
    with exporting(index, tree) as first:
        killed += kill_once_at_work(first, tree, chance)
    for number in range(ROUNDS):
        index.host(wheel(name, f"2.{number}") for name in chance.sample(NAMES, 15))
        index.remove(*_some_files(index, chance))
        with exporting(index, tree) as process:
            killed += kill_once_at_work(process, tree, chance)

    assert purveyor("export", tree, "--data", index.data).code == 0

    assert killed > 0
    assert contents(tree) == fresh(index, tmp_path)
    assert {path.name for path in tree.iterdir()} == {".purveyor-export", "simple", "packages"}


def _some_files(index: Index, chance: random.Random) -> Iterator[str]:
    """One file of some projects, among them the only one, with which its project goes."""
    names = [name for name, _ in index.app.catalog.project_names()]
    for name in chance.sample(names, 12):
        detail = index.app.catalog.project_detail(name)
        assert detail is not None
        yield chance.choice(detail.files).filename


def test_a_file_that_lost_its_content_in_a_crash_is_written_again(index: Index, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    assert purveyor("export", tree, "--data", index.data).code == 0
    before = contents(tree)
    note = json.loads(_state(tree))
    (tree / ".purveyor-export").write_text(json.dumps({**note, "serial": 0, "entry": "", "under_way": True}))
    for path in list(before)[::3]:
        (tree / path).unlink()
        (tree / path).write_bytes(b"")
    (tree / ".purveyor-partial").mkdir()
    (tree / ".purveyor-partial" / "file").write_bytes(b"half")

    assert purveyor("export", tree, "--data", index.data).code == 0

    assert contents(tree) == before


class Reader:
    """A client that reads the list, its projects' pages and their links over and over, and notes what leads nowhere."""

    def __init__(self, tree: Path) -> None:
        self.tree = tree
        self.looked_at = 0
        self.broken: list[str] = []
        self._stop = Event()
        self._thread = Thread(target=self._read)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _read(self) -> None:
        chance = random.Random(3)
        while not self._stop.is_set():
            names = self._listed()
            for name in chance.sample(names, min(5, len(names))):
                self._check(name)

    def _check(self, name: str) -> None:
        for form in ("json", "html"):
            if not (self.tree / "simple" / name / f"index.{form}").exists() and name in self._listed():
                self.broken.append(f"{name} is listed and has no index.{form}")
        for url in self._linked(name):
            # What was removed after its page was read is gone with right; what the page still names is not.
            if not (self.tree / "simple" / name / unquote(url)).exists() and url in self._linked(name):
                self.broken.append(f"{name} names {url}, which is not there")
            self.looked_at += 1

    def _listed(self) -> list[str]:
        return [project["name"] for project in self._page("simple/index.json").get("projects", [])]

    def _linked(self, name: str) -> list[str]:
        files = self._page(f"simple/{name}/index.json").get("files", [])
        return [url for file in files for url in (file["url"], f"{file['url']}.metadata")]

    def _page(self, path: str) -> dict[str, list[dict[str, str]]]:
        try:
            page: dict[str, list[dict[str, str]]] = json.loads((self.tree / path).read_bytes())
        except FileNotFoundError:
            return {}
        return page


def test_a_reader_never_finds_a_page_whose_file_is_missing_while_exports_are_at_work(index: Index, tmp_path: Path) -> None:
    tree, chance = tmp_path / "tree", random.Random(11)
    with Reader(tree) as reader, exporting(index, tree, "--watch") as process:
        for number in range(ROUNDS * 4):
            index.host([wheel(chance.choice(NAMES), f"3.{number}"), *wheels(f"fresh-{number}")], settled=bool(number % 2))
            index.remove(*list(_some_files(index, chance))[:2])
            time.sleep(0.05)
        _wait_until(lambda: _is_at(tree, index.app.catalog.serial()), process)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 0

    assert reader.broken == []
    assert reader.looked_at > 100
    index.app.settler.settle()
    assert contents(tree) == fresh(index, tmp_path)


def test_watching_exports_what_another_process_uploads_and_says_so(index: Index, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    command = [sys.executable, "-m", "purveyor", "export", str(tree), "--data", str(index.data), "--watch", "--json"]
    with subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            first = json.loads(process.stdout.readline())
            index.host(wheels("newcomer"))
            second = json.loads(process.stdout.readline())
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=30) == 0
        finally:
            process.kill()

    assert first["projects"] == len(NAMES)
    assert second["projects"] == 1
    assert b"newcomer" in (tree / "simple/index.html").read_bytes()
    assert not (tree / ".purveyor-partial").exists()


def _is_at(tree: Path, serial: int) -> bool:
    note = json.loads(_state(tree) or b"{}")
    return bool(note.get("serial") == serial and not note["under_way"])


def _wait_until(reached: Callable[[], bool], process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 60
    while not reached():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
