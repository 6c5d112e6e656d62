"""`start`, `stop`, `restart` and `logs`, as a person uses them."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

import pytest
from msgspec.structs import replace

from purveyor.process import background
from purveyor.process.ending import Ending, end
from purveyor.process.identity import identify
from purveyor.process.runfile import Record, found_in
from purveyor.settings import Settings
from tests.distributions import wheel
from tests.live_server import LiveServer
from tests.process.corner import Corner, children, is_running, kill, until
from tests.workbench.command import environment, purveyor


def answers(record: Record) -> bool:
    with build_opener(ProxyHandler({})).open(f"{record.url}simple/", timeout=10) as answer:
        return bool(answer.status == 200)


def test_start_returns_when_the_server_answers_and_stop_when_it_has_ended(corner: Corner) -> None:
    record = corner.start()
    assert answers(record)
    ran = corner.purveyor("stop")
    assert ran.code == 0
    assert ran.out == f"The server at {record.url} has ended (process {record.identity.pid}, data in {record.data}).\n"
    assert not record.identity.is_alive
    assert list(corner.runs.iterdir()) == []


def test_the_first_start_says_where_the_token_is_and_shows_it_nowhere(corner: Corner) -> None:
    ran = corner.purveyor("start", "--port", "0")
    token = (corner.data / "upload-token").read_text().strip()
    assert "  token     made, and kept in " in ran.out
    assert token not in ran.out + ran.err
    assert token not in (corner.data / "server.log").read_text()
    assert (corner.data / "server.log").stat().st_mode & 0o777 == 0o600
    corner.purveyor("stop")
    assert token not in corner.purveyor("start", "--port", "0").out


def test_starting_what_runs_is_no_error(corner: Corner) -> None:
    record = corner.start()
    again = corner.purveyor("start")
    assert again.code == 0
    assert again.out.startswith(f"It already runs: {record.url}, process {record.identity.pid}, ")
    assert again.err == ""


def test_starting_what_runs_with_other_options_says_what_differs_and_how_to_change_it(corner: Corner) -> None:
    record = corner.start()
    again = corner.purveyor("start", "--port", "1", "--workers", "2")
    assert again.code == 0
    assert again.err == (
        f"It does not run with port 1 and workers 2: for that, `purveyor stop --port {record.port}`, then this command again.\n"
    )


def test_two_starts_at_once_make_one_server(corner: Corner) -> None:
    with ThreadPoolExecutor(2) as pool:
        ran = list(pool.map(lambda _: corner.purveyor("start", "--port", "0", "--json"), range(2)))
    assert [one.code for one in ran] == [0, 0]
    assert len({one.document["url"] for one in ran}) == 1
    assert sorted(one.document["started"] for one in ran) == [False, True]


def test_a_start_on_a_taken_port_names_the_command_that_was_used(corner: Corner, server: LiveServer) -> None:
    port = server.url.rstrip("/").rpartition(":")[2]
    ran = corner.purveyor("start", "--port", port)
    assert ran.code == 5
    assert f"is taken by another Purveyor, process {server.pid} " in ran.err
    assert "Use another port with `purveyor start --port " in ran.err
    assert f"or end that process with `purveyor stop --port {port}`." in ran.err
    assert not corner.data.exists()


def test_a_start_that_fails_says_what_the_server_said_and_leaves_nothing(corner: Corner) -> None:
    corner.data.mkdir(parents=True)
    (corner.data / "purveyor.sqlite").write_bytes(b"this is no database at all, whatever its name says" * 100)
    ran = corner.purveyor("start", "--port", "0")
    assert ran.code == 2
    assert ran.err.startswith("Error: ")
    assert "purveyor.sqlite" in ran.err
    assert ran.err.endswith("The server did not start; it ended with exit code 2.\n")
    assert "Traceback" not in ran.err
    assert not corner.runs.exists() or list(corner.runs.iterdir()) == []
    assert corner.status()["servers"] == []


def test_a_setting_that_cannot_be_used_fails_the_start(corner: Corner) -> None:
    ran = corner.purveyor("start", PURVEYOR_WORKERS="many")
    assert ran.code == 2
    assert "PURVEYOR_WORKERS" in ran.err
    assert not corner.data.exists()


def test_a_start_works_from_any_directory_with_relative_paths(corner: Corner) -> None:
    corner.path.mkdir()
    ran = purveyor("start", "--port", "0", "--json", "--data", "below/here", cwd=corner.path, PURVEYOR_RUN_DIR=str(corner.runs))
    assert ran.code == 0, ran
    assert ran.document["data"] == str((corner.path / "below" / "here").resolve())
    assert Path(f"/proc/{ran.document['pid']}/cwd").readlink() == Path("/")


def test_stop_without_a_server_is_exit_code_3(corner: Corner) -> None:
    ran = corner.purveyor("stop")
    assert (ran.code, ran.out) == (3, "")
    assert ran.err == "Error: No server of yours is running.\n`purveyor start` starts one.\n"


def test_with_several_servers_stop_wants_to_know_which(corner: Corner) -> None:
    records = [corner.start("--data", corner.path / name) for name in ("a", "b", "c")]
    ran = corner.purveyor("stop")
    assert ran.code == 2
    assert all(f"{record.url} (pid {record.identity.pid})" in ran.err for record in records)
    assert corner.purveyor("stop", "--port", str(records[0].port)).code == 0
    assert corner.purveyor("stop", "--data", corner.path / "b").code == 0
    assert [record.identity.is_alive for record in records] == [False, False, True]
    assert corner.purveyor("stop").code == 0


def test_stop_all_ends_every_server(corner: Corner) -> None:
    records = [corner.start("--data", corner.path / name) for name in ("a", "b")]
    ran = corner.purveyor("stop", "--all")
    assert ran.code == 0
    assert [record.identity.is_alive for record in records] == [False, False]


def test_a_server_in_the_foreground_is_stopped_too(corner: Corner) -> None:
    server = corner.serve()
    assert corner.purveyor("stop").code == 0
    assert server.wait() == 0


def test_a_server_whose_run_file_is_lost_is_stopped_too(corner: Corner) -> None:
    record = corner.start()
    for found in found_in(corner.runs):
        found.remove()
    assert corner.purveyor("stop").code == 0
    assert not record.identity.is_alive


def test_a_stopped_process_is_ended(corner: Corner) -> None:
    record = corner.start()
    os.kill(record.identity.pid, signal.SIGSTOP)
    assert corner.purveyor("stop").code == 0
    assert not record.identity.is_alive


def test_a_server_that_does_not_end_is_killed_with_its_workers_and_nobody_else(corner: Corner, tmp_path: Path) -> None:
    record = corner.start("--workers", "2")
    workers = children(record.identity.pid)
    os.kill(record.identity.pid, signal.SIGTERM)
    bystander = corner.bystander()
    program = tmp_path / "wedged.py"
    program.write_text("import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint(flush=True)\ntime.sleep(600)\n")
    with subprocess.Popen([sys.executable, program], stdout=subprocess.PIPE) as wedged:
        assert wedged.stdout is not None
        wedged.stdout.readline()
        identity = identify(wedged.pid)
        assert identity is not None
        said: list[str] = []
        assert end(replace(record, identity=identity, drain=0), None, said.append, margin=1.5) is Ending.KILLED
        assert wedged.wait() == -signal.SIGKILL
    assert "it is killed" in said[-1]
    assert bystander.poll() is None
    until(lambda: not any(is_running(worker) for worker in workers))


def test_restart_keeps_address_data_and_workers(corner: Corner) -> None:
    before = corner.start("--workers", "2", "--verbose")
    ran = corner.purveyor("restart", "--json")
    assert ran.code == 0, ran
    after = corner.record(ran.document["pid"])
    assert (after.url, after.data, after.workers) == (before.url, before.data, 2)
    assert "--verbose" in after.command
    assert after.identity != before.identity
    assert answers(after)


def test_restart_puts_a_server_of_the_foreground_into_the_background(corner: Corner) -> None:
    server = corner.serve()
    ran = corner.purveyor("restart", "--json")
    assert ran.code == 0, ran
    assert server.wait() == 0
    assert ran.document["log"] == str(corner.data.resolve() / "server.log")


def test_the_log_is_shown_and_kept_across_starts(corner: Corner) -> None:
    first = corner.start()
    corner.purveyor("stop")
    second = corner.start()
    shown = corner.purveyor("logs").out
    assert shown.index(first.url) < shown.rindex(second.url)
    assert corner.purveyor("logs", "-n", "1").out == shown.splitlines(keepends=True)[-1]
    corner.purveyor("stop")
    assert corner.purveyor("logs", "--data", corner.data).out == shown


def test_a_long_log_is_moved_aside_at_a_start(corner: Corner) -> None:
    corner.data.mkdir(parents=True)
    (corner.data / "server.log").write_bytes(b"old\n" * 300_000)
    corner.start()
    assert (corner.data / "server.log.1").stat().st_size == 1_200_000
    assert (corner.data / "server.log").stat().st_size < 10_000


def test_a_log_is_followed(corner: Corner) -> None:
    corner.start()
    log = corner.data / "server.log"
    with subprocess.Popen(
        [sys.executable, "-m", "purveyor", "logs", "-f", "-n", "9"],
        env=environment(PURVEYOR_RUN_DIR=str(corner.runs)),
        stdout=subprocess.PIPE,
    ) as following:
        assert following.stdout is not None
        time.sleep(0.5)  # a line that it finds at once, or one that comes later: either is right
        with log.open("a") as file:
            file.write("a new line\n")
        line = following.stdout.readline()
        while line != b"a new line\n":
            line = following.stdout.readline()
        log.rename(log.with_name("server.log.1"))
        log.write_text("in a new log\n")
        assert following.stdout.readline() == b"in a new log\n"
        following.send_signal(signal.SIGINT)
        assert following.wait() == 130


def test_there_is_no_log_where_no_server_ran(corner: Corner) -> None:
    assert corner.purveyor("logs").code == 3
    corner.serve()
    ran = corner.purveyor("logs")
    assert ran.code == 3
    assert "runs in the foreground" in ran.err


def test_publish_finds_the_token_of_the_server_at_the_url(corner: Corner, tmp_path: Path) -> None:
    record = corner.start("--data", corner.path / "elsewhere")
    filename, content = wheel("acme-app", "1.0")
    (tmp_path / filename).write_bytes(content)
    ran = corner.purveyor("publish", tmp_path / filename, "--index-url", f"http://localhost:{record.port}/simple/")
    assert ran.code == 0, ran
    assert [(one["projects"], one["files"]) for one in corner.status()["servers"]] == [(1, 1)]


def test_publish_gives_no_token_to_the_address_of_a_server_that_is_gone(corner: Corner, tmp_path: Path, server: LiveServer) -> None:
    record = corner.start("--data", corner.path / "elsewhere")
    kill(record)
    filename, content = wheel("acme-app", "1.0")
    (tmp_path / filename).write_bytes(content)
    (found,) = found_in(corner.runs)
    found.path.write_text(found.path.read_text().replace(str(record.port), server.url.rstrip("/").rpartition(":")[2]))
    ran = corner.purveyor("publish", tmp_path / filename, "--index-url", server.simple_url)
    assert ran.code == 4, ran


def test_the_command_line_names_everything_absolutely(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    command = background.command_of(Settings(data=Path("data"), folder=Path("wheels"), workers=3))
    assert command[1:] == [
        *("-m", "purveyor", "serve", "--host", "127.0.0.1", "--port", "8080"),
        *("--data", str(tmp_path / "data"), "--workers", "3", str(tmp_path / "wheels")),
    ]


def test_a_folder_is_served_in_the_background_and_its_status_says_which(corner: Corner, tmp_path: Path) -> None:
    folder = tmp_path / "some wheels"
    folder.mkdir()
    filename, content = wheel("acme-app", "1.0")
    (folder / filename).write_bytes(content)
    record = corner.start(folder)
    assert record.folder == folder.resolve()
    (server,) = corner.status()["servers"]
    assert server["folder"] == str(folder.resolve())
    until(lambda: [(it["projects"], it["files"]) for it in corner.status()["servers"]] == [(1, 1)])  # once it has looked at the folder
    again = corner.purveyor("restart", "--json")
    assert again.document["folder"] == str(folder.resolve())
