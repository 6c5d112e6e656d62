"""A server that cannot have its port says who has it, and what to do."""

import getpass
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from purveyor.errors import Misconfigured, PortTaken
from purveyor.process.command_lines import folder_of_http_server, served_by
from purveyor.process.holders import hidden_owner
from purveyor.process.sockets import bind, url_of


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _free_port() -> int:
    with closing(bind("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


def _started(port: int, directory: Path, *command: str) -> subprocess.Popen[bytes]:
    holder = subprocess.Popen([sys.executable, *command], cwd=directory, stderr=subprocess.DEVNULL)
    while not _listens(port):
        assert holder.poll() is None
        time.sleep(0.02)
    return holder


@pytest.fixture
def held(tmp_path: Path) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """A port and the web server of the standard library that listens on it."""
    port = _free_port()
    holder = _started(port, tmp_path, "-m", "http.server", "--bind", "127.0.0.1", str(port))
    yield port, holder
    holder.kill()
    holder.wait()


def test_a_free_port_is_listened_on() -> None:
    with closing(bind("127.0.0.1", 0)) as listening, socket.create_connection(listening.getsockname()):
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", url_of(listening))


def test_a_name_for_this_machine_is_listened_on_over_ipv4() -> None:
    with closing(bind("localhost", 0)) as listening:
        assert listening.getsockname()[0] == "127.0.0.1"


def test_the_url_of_a_server_open_to_every_network_is_one_that_can_be_opened_here() -> None:
    with closing(bind("0.0.0.0", 0)) as listening:
        assert url_of(listening).startswith("http://127.0.0.1:")


def test_a_taken_port_names_its_holder(held: tuple[int, subprocess.Popen[bytes]], tmp_path: Path) -> None:
    port, holder = held
    with pytest.raises(PortTaken) as caught:
        bind("127.0.0.1", port)
    said = caught.value.detail
    assert said.startswith(f"Port {port} on 127.0.0.1 is taken by process {holder.pid} (`")
    assert f"-m http.server --bind 127.0.0.1 {port}" in said
    assert f"started by {getpass.getuser()} on " in said
    assert said.endswith(f"which serves the directory {tmp_path.resolve()}.")


def test_the_command_line_of_whoever_holds_a_port_does_not_steer_the_terminal(tmp_path: Path) -> None:
    port = _free_port()
    listens = f"import socket, time; listening = socket.create_server(('127.0.0.1', {port})); time.sleep(600)"
    holder = _started(port, tmp_path, "-c", listens, "\x1b]0;title\x07\nError: not ours")
    try:
        with pytest.raises(PortTaken) as raised:
            bind("127.0.0.1", port)
        assert f"process {holder.pid}" in raised.value.detail
        assert raised.value.detail.isprintable()
    finally:
        holder.kill()
        holder.wait()


def test_a_taken_port_comes_with_the_next_free_one(held: tuple[int, subprocess.Popen[bytes]]) -> None:
    port, holder = held
    with pytest.raises(PortTaken) as caught:
        bind("127.0.0.1", port)
    offered = re.search(r"`purveyor serve --port (\d+)`", caught.value.remedy)
    assert offered
    assert int(offered[1]) > port
    assert f"`kill {holder.pid}`" in caught.value.remedy


def test_a_port_held_on_one_address_is_in_the_way_of_all_addresses(held: tuple[int, subprocess.Popen[bytes]]) -> None:
    port, holder = held
    with pytest.raises(PortTaken, match=f"process {holder.pid} "):
        bind("0.0.0.0", port)


def test_a_purveyor_that_holds_the_port_is_recognised_with_its_data_directory(tmp_path: Path) -> None:
    port = _free_port()
    program = tmp_path / "purveyor"
    program.write_text(f"import socket, time\ns = socket.create_server(('127.0.0.1', {port}))\nprint(flush=True)\ntime.sleep(600)\n")
    holder = _started(port, tmp_path, str(program), "serve", "--data", "a folder")
    try:
        with pytest.raises(PortTaken) as caught:
            bind("127.0.0.1", port)
    finally:
        holder.kill()
        holder.wait()
    assert f"is taken by another Purveyor, process {holder.pid} " in caught.value.detail
    assert caught.value.detail.endswith(f"with its data in {tmp_path.resolve() / 'a folder'}.")


def test_a_port_this_process_holds_itself_is_taken_too() -> None:
    with closing(bind("127.0.0.1", 0)) as listening, pytest.raises(PortTaken, match=f"process {os.getpid()} "):
        bind("127.0.0.1", listening.getsockname()[1])


@pytest.mark.parametrize("port", [-1, 65536, 100_000])
def test_a_number_that_is_no_port_is_refused(port: int) -> None:
    with pytest.raises(Misconfigured, match=f"^{port} is not a port"):
        bind("127.0.0.1", port)


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(Misconfigured, match=r"^192\.0\.2\.1 is not an address of this machine"):
        bind("192.0.2.1", 0)


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a" * 70])
def test_an_unknown_host_is_refused(host: str) -> None:
    with pytest.raises(Misconfigured, match="is not known here"):
        bind(host, 0)


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "::1", "::"])
def test_where_the_system_hides_a_process_it_still_tells_whose_it_is(host: str) -> None:
    with closing(bind(host, 0)) as listening:
        assert hidden_owner(host, listening.getsockname()[1]) == getpass.getuser()


def test_nobody_listens_on_a_free_port() -> None:
    assert hidden_owner("127.0.0.1", _free_port()) is None


@pytest.mark.parametrize(
    ("line", "folder"),
    [
        ("python -m http.server", "/srv/here"),
        ("python3.13 -m http.server 8000 -d ../there", "/srv/there"),
        ("python3 -u -m http.server --directory=/else --bind 127.0.0.1", "/else"),
        ("python3 server.py http.server", None),
        ("python3 -m http", None),
    ],
)
def test_the_directory_that_an_http_server_serves_is_read_from_its_command_line(line: str, folder: str | None) -> None:
    assert folder_of_http_server(line.split(), "/srv/here") == (Path(folder) if folder else None)


@pytest.mark.parametrize(
    ("line", "is_server"),
    [
        ("python -m purveyor serve", True),
        ("/venv/bin/python3 /venv/bin/purveyor serve --port 1 --data=x wheels", True),
        ("uv run purveyor serve", False),
        ("python -m purveyor start", False),
        ("grep purveyor serve", False),
        ("", False),
    ],
)
def test_only_a_process_that_serves_is_a_server(line: str, *, is_server: bool) -> None:
    assert (served_by(line.split()) is not None) is is_server
