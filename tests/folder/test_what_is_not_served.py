"""A folder may hold anything: what cannot be served is reported, what is none of our business is left alone, and nothing hangs."""

import hashlib
import os
import socket
from pathlib import Path

import pytest

from tests.distributions import sdist, wheel
from tests.folder.served import ServedFolder, digests, eventually, put, states

_GOOD = wheel("good", "1.0")


@pytest.fixture
def good(folder: Path) -> Path:
    """The folder with one file in it that must be served whatever else is there."""
    put(folder, _GOOD)
    return folder


def serves_the_good_one(server: ServedFolder) -> None:
    assert server.files("good") == dict((_GOOD,))


def test_a_broken_file_is_reported_and_not_served(good: Path) -> None:
    truncated = wheel("acme", "1.0")
    put(good, (truncated[0], truncated[1][:-30]))
    put(good, ("empty-1.0.tar.gz", b""))
    put(good, ("other-2.0-py3-none-any.whl", wheel("acme", "1.0")[1]))
    with ServedFolder(good) as server:
        for name in ("acme-1.0-py3-none-any.whl", "empty-1.0.tar.gz", "other-2.0-py3-none-any.whl"):
            server.says(f"WARNING {name} is not served: ")
            assert states(server.data)[name][0] == "broken"
            assert server.hashes(name.partition("-")[0]) == {}
        page = server.http.get(server.simple_url).text
        assert [name in page for name in ("acme", "empty", "other", "good")] == [False, False, False, True]
        serves_the_good_one(server)


def test_a_broken_file_is_served_once_it_is_mended(good: Path) -> None:
    name, content = wheel("acme", "1.0")
    put(good, (name, content[:-30]))
    with ServedFolder(good) as server:
        server.says(f"{name} is not served")
        put(good, (name, content))
        server.waits_for("acme", [name])


def test_a_file_that_grows_is_served_when_it_is_whole_and_never_reported(good: Path) -> None:
    name, content = wheel("acme", "1.0", {"acme.bin": os.urandom(200_000)})
    with ServedFolder(good) as server, (good / name).open("wb") as file:
        for start in range(0, len(content), 50_000):
            file.write(content[start : start + 50_000])
            file.flush()
            eventually(lambda: name in states(server.data), True)
            if start + 50_000 < len(content):
                assert server.hashes("acme") == {}
        server.waits_for("acme", {name: hashlib.sha256(content).hexdigest()})
        assert "not served" not in server.log


def test_a_file_that_stays_half_is_reported_once_it_is_still(good: Path) -> None:
    name, content = sdist("acme", "1.0")
    with ServedFolder(good) as server:
        (good / name).write_bytes(content[:-20])
        server.says(f"{name} is not served")
        assert server.log.count("is not served") == 1


def test_a_time_in_the_future_is_no_obstacle(good: Path) -> None:
    whole, half = put(good, wheel("acme", "1.0")), put(good, ("half-1.0.tar.gz", b"half"))
    for path in (whole, half):
        os.utime(path, (4_000_000_000, 4_000_000_000))
    with ServedFolder(good) as server:
        assert len(server.hashes("acme")) == 1
        server.says("half-1.0.tar.gz is not served")


def test_of_two_that_are_the_same_file_the_first_by_path_is_served(good: Path) -> None:
    one, other = wheel("acme", "1.0"), wheel("acme", "1.0", {"acme.py": "other = True\n"})
    put(good / "b", other)
    with ServedFolder(good) as server:
        assert server.files("acme") == dict((other,))
        put(good / "c", one)
        server.says("c/acme-1.0-py3-none-any.whl is not served: It is the same file as b/acme-1.0-py3-none-any.whl")
        assert server.files("acme") == dict((other,))
        first = put(good / "a", one)
        server.waits_for("acme", digests(one))
        assert server.files("acme") == dict((one,))
        server.says("b/acme-1.0-py3-none-any.whl is not served: It is the same file as a/acme-1.0-py3-none-any.whl")
        first.unlink()
        server.waits_for("acme", digests(other))
        assert server.files("acme") == dict((other,))


def test_two_spellings_of_one_file_are_one(good: Path) -> None:
    name, content = sdist("acme-two", "1.0")
    put(good, (name, content))
    put(good, ("Acme_Two-1.0.0.tar.gz", content))
    with ServedFolder(good) as server:
        eventually(lambda: [state for state, _ in states(server.data).values()].count("waiting"), 0)
        assert len(server.hashes("acme-two")) == 1
        server.says("is not served")


def test_equal_bytes_in_two_places_are_served_from_the_other_when_one_goes(good: Path) -> None:
    content = wheel("acme", "1.0", {"acme.bin": os.urandom(100_000)})
    first, second = put(good / "a", content), put(good / "b", content)
    with ServedFolder(good) as server:
        assert server.files("acme") == dict((content,))
        first.unlink()
        eventually(lambda: states(server.data).get("b/" + content[0]), ("served", None))
        assert server.files("acme") == dict((content,))
        second.unlink()
        server.waits_for("acme", [])


def test_special_files_are_not_opened(good: Path) -> None:
    os.mkfifo(good / "pipe-1.0-py3-none-any.whl")
    (good / "null-1.0.tar.gz").symlink_to("/dev/null")
    (good / "zero-1.0.tar.gz").symlink_to("/dev/zero")
    (good / "directory-1.0.tar.gz").mkdir()
    directory = os.open(good, os.O_RDONLY)
    with socket.socket(socket.AF_UNIX) as listener, ServedFolder(good) as server:
        listener.bind(f"/proc/self/fd/{directory}/socket-1.0.tar.gz")  # such a name has at most 107 bytes
        os.close(directory)
        serves_the_good_one(server)
        put(good, wheel("acme", "1.0"))
        server.waits_for("acme", ["acme-1.0-py3-none-any.whl"])
        assert set(states(server.data)) == {_GOOD[0], "acme-1.0-py3-none-any.whl"}


def test_a_served_file_that_becomes_a_pipe_is_not_found(good: Path) -> None:
    with ServedFolder(good) as server:
        name, content = wheel("acme", "1.0", {"acme.bin": os.urandom(100_000)})
        path = put(good, (name, content))
        server.waits_for("acme", [name])
        url = server.entries("acme")[0]["url"]
        path.unlink()
        os.mkfifo(path)
        assert server.http.get(url).status_code == 404
        server.waits_for("acme", [])


def test_links_to_files_are_followed_and_loops_are_not(good: Path, tmp_path: Path) -> None:
    name, content = wheel("acme", "1.0")
    elsewhere = put(tmp_path / "elsewhere", (name, content))
    (good / name).symlink_to(elsewhere)
    (good / "loop-1.0.tar.gz").symlink_to("loop-1.0.tar.gz")
    (good / "dangling-1.0.tar.gz").symlink_to("nothing")
    (good / "again").symlink_to(good, target_is_directory=True)
    with ServedFolder(good) as server:
        assert server.files("acme") == {name: content}
        serves_the_good_one(server)
        assert set(states(server.data)) == {_GOOD[0], name}


def test_hidden_files_and_other_kinds_are_left_alone(good: Path) -> None:
    put(good / ".hidden", wheel("acme", "1.0"))
    (good / f".{wheel('acme', '2.0')[0]}").write_bytes(wheel("acme", "2.0")[1])
    for name in ("acme-3.0.zip", "acme-3.0.egg", "README.md", "acme-3.0-py3-none-any.whl.asc"):
        (good / name).write_bytes(b"something")
    with ServedFolder(good) as server:
        serves_the_good_one(server)
        assert server.hashes("acme") == {}
        assert set(states(server.data)) == {_GOOD[0]}


def test_what_has_no_distribution_name_is_told_only_to_who_wants_to_know(good: Path) -> None:
    put(good, ("backup.tar.gz", b"of something"))
    put(good, ("wrong.whl", b"of something"))
    with ServedFolder(good, "--verbose") as server:
        server.says("INFO backup.tar.gz is not served")
        server.says("INFO wrong.whl is not served")
        assert "WARNING" not in server.log
        serves_the_good_one(server)


def test_names_that_are_no_text_do_no_harm(good: Path) -> None:
    directory = Path(os.fsdecode(os.fsencode(good) + b"/caf\xe9"))
    put(directory, wheel("acme", "1.0"))
    put(directory, (os.fsdecode(b"\xff-1.0.tar.gz"), b"something"))
    with ServedFolder(good, "--verbose") as server:
        assert server.files("acme") == dict((wheel("acme", "1.0"),))
        server.says("-1.0.tar.gz' is not served")


def test_many_files_that_vanish_while_they_are_looked_at_do_no_harm(good: Path) -> None:
    with ServedFolder(good) as server:
        for number in range(200):
            put(good, wheel("acme", f"1.{number}")).unlink()
        server.waits_for("acme", [])
        serves_the_good_one(server)
        assert "ERROR" not in server.log
        assert "WARNING" not in server.log


def test_a_path_neither_begins_another_line_of_the_log_nor_steers_the_terminal(good: Path) -> None:
    put(good / "two\nlines \x1b[2J", ("empty-1.0.tar.gz", b""))
    with ServedFolder(good) as server:
        server.says("WARNING 'two\\nlines \\x1b[2J/empty-1.0.tar.gz' is not served: ")
