"""`purveyor clean`: what it lists, what it removes, and what it leaves alone."""

import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from purveyor.interfaces import BlobStore
from tests.distributions import wheel
from tests.exporting.index import Index
from tests.live_server import LiveServer
from tests.workbench.command import Ran, purveyor

LARGE = wheel("acme-app", "1.0", {"data.bin": os.urandom(1 << 20)})
SMALL = wheel("bolt", "1.0")

Clean = Callable[..., Ran]


@pytest.fixture
def clean(tmp_path: Path) -> Clean:
    home = tmp_path / "home"
    home.mkdir()
    places = {"HOME": str(home), "XDG_DATA_HOME": str(home / "data"), "XDG_STATE_HOME": str(home / "state")}
    return lambda *flags: purveyor("clean", *flags, cwd=tmp_path, **places)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    with Index(tmp_path / "data", LARGE, SMALL) as filled:
        yield filled


def blobs_of(index: Index) -> dict[str, Path]:
    return {path.parent.name + path.name: path for path in (index.data / "blobs").rglob("*") if path.is_file()}


def sha256(distribution: tuple[str, bytes]) -> str:
    return hashlib.sha256(distribution[1]).hexdigest()


def age(*paths: Path) -> None:
    for path in paths:
        os.utime(path, (time.time() - 7200,) * 2)


def amounts(ran: Ran) -> dict[str, tuple[int, int]]:
    """Of what is stale at all: how many and how large, by kind."""
    assert ran.code == 0, ran
    return {kind["kind"]: (kind["count"], kind["bytes"]) for kind in ran.document["kinds"] if kind["count"]}


def stage(blobs: BlobStore, content: bytes) -> None:
    """As a process does that dies in the middle of an upload."""
    with blobs.stage() as staging:
        staging.write(content)
        followed = staging.follow()
        assert followed is not None
        with followed:
            shutil.copy(followed.name, Path(followed.name).with_name("upload-left"))


def test_an_index_in_order_has_nothing_stale(clean: Clean, index: Index) -> None:
    seen = clean("--data", index.data)

    assert seen.out == "Nothing is stale.\n"


def test_blobs_that_no_file_names_are_listed_with_their_size_and_removed_on_request(clean: Clean, index: Index) -> None:
    index.remove(LARGE[0])
    kept, size = blobs_of(index), sum(path.stat().st_size for path in blobs_of(index).values())
    age(*kept.values())

    listed = clean("--data", index.data, "--json")
    assert blobs_of(index) == kept
    removed = clean("--data", index.data, "--json", "--yes")

    left = blobs_of(index)
    freed = size - sum(path.stat().st_size for path in left.values())
    assert amounts(listed) == amounts(removed) == {"orphan-blobs": (2, freed)}
    assert sha256(SMALL) in left
    assert sha256(LARGE) not in left
    assert len(left) == 2
    assert clean("--data", index.data).out == "Nothing is stale.\n"


def test_what_is_listed_can_be_read_and_says_how_it_is_removed(clean: Clean, index: Index) -> None:
    index.remove(LARGE[0])
    age(*blobs_of(index).values())

    seen = clean("--data", index.data)

    assert "2     1.0 MB  contents that no file of the index has" in seen.out
    assert "`purveyor clean --yes` removes it." in seen.out


def test_an_orphan_of_the_last_hour_is_left_alone(clean: Clean, index: Index) -> None:
    index.remove(LARGE[0])

    assert amounts(clean("--data", index.data, "--yes", "--json")) == {}
    assert sha256(LARGE) in blobs_of(index)


def test_what_waits_to_be_settled_is_no_orphan(clean: Clean, index: Index) -> None:
    index.remove(SMALL[0])
    age(*blobs_of(index).values())
    index.host([SMALL], settled=False)

    assert amounts(clean("--data", index.data, "--yes", "--json")) == {}
    assert sha256(SMALL) in blobs_of(index)


def test_an_upload_of_a_dead_process_is_removed_and_one_under_way_is_not(clean: Clean, index: Index) -> None:
    stage(index.app.blobs, bytes(1 << 20))
    with index.app.blobs.stage() as staging:
        staging.write(bytes(2 << 20))
        age(*(index.data / "staging").iterdir())

        removed = clean("--data", index.data, "--yes", "--json")

        assert amounts(removed) == {"staged-uploads": (1, 1 << 20)}
        with index.app.blobs.keep([(staging, hashlib.sha256(bytes(2 << 20)).hexdigest())]):
            assert index.app.blobs.exists(hashlib.sha256(bytes(2 << 20)).hexdigest())
    assert list((index.data / "staging").iterdir()) == []


def test_logs_of_earlier_servers_go_and_that_of_the_present_one_stays(clean: Clean, index: Index) -> None:
    for name in ("server.log", "server.log.1"):
        (index.data / name).write_text("a line\n")

    assert amounts(clean("--data", index.data, "--yes", "--json")) == {"old-logs": (1, 7)}
    assert (index.data / "server.log").exists()


def test_run_files_of_servers_that_were_killed_are_removed_and_that_of_a_running_one_is_not(clean: Clean, tmp_path: Path) -> None:
    run_dir = tmp_path / "home" / "state" / "purveyor" / "run"
    with LiveServer(tmp_path / "killed", run_dir=run_dir) as killed, LiveServer(tmp_path / "alive", run_dir=run_dir):
        killed.kill()
        assert len(list(run_dir.iterdir())) == 2

        removed = clean("--yes", "--json")

        assert [(kind, count) for kind, (count, _) in amounts(removed).items()] == [("run-files", 1)]
        assert len(list(run_dir.iterdir())) == 1


def test_what_was_kept_for_a_served_folder_goes_once_the_folder_is_gone(clean: Clean, tmp_path: Path) -> None:
    home = {"XDG_DATA_HOME": str(tmp_path / "home" / "data"), "XDG_STATE_HOME": str(tmp_path / "home" / "state")}
    for name in ("gone", "there"):
        (tmp_path / name).mkdir()
        _serve_once(tmp_path / name, home)
    kept = tmp_path / "home" / "data" / "purveyor" / "folders"
    assert len(list(kept.iterdir())) == 2

    assert amounts(clean("--json")) == {}
    (tmp_path / "gone").rmdir()
    removed = clean("--yes", "--json")

    assert [(kind, count) for kind, (count, _) in amounts(removed).items()] == [("folders", 1)]
    assert [path.name.rpartition("-")[0] for path in kept.iterdir()] == ["there"]


def _serve_once(folder: Path, places: dict[str, str]) -> None:
    started = purveyor("start", folder, "--port", "0", "--json", cwd=folder.parent, **places)
    assert started.code == 0, started
    stopped = purveyor("stop", "--data", started.document["data"], cwd=folder.parent, **places)
    assert stopped.code == 0, stopped


def test_a_path_without_an_index_is_a_sentence_and_stays_as_it_is(clean: Clean, tmp_path: Path) -> None:
    refused = clean("--data", tmp_path / "mistyped", "--yes")

    assert refused.code == 2
    assert "There is no index in" in refused.err
    assert not (tmp_path / "mistyped").exists()


def test_cleaning_before_anything_was_ever_served_finds_nothing(clean: Clean) -> None:
    assert clean().out == "Nothing is stale.\n"


def test_a_server_answers_on_while_its_data_is_cleaned(clean: Clean, index: Index) -> None:
    index.remove(LARGE[0])
    age(*blobs_of(index).values())
    with LiveServer(index.data) as server:
        assert set(amounts(clean("--data", index.data, "--yes", "--json"))) == {"orphan-blobs"}
        server.host(LARGE)

        assert server.files("acme-app") == dict([LARGE])
        assert server.files("bolt") == dict([SMALL])
