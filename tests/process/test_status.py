"""`status` says of every server of this user where it is and how it is, whatever has happened to it."""

import os
import re
import shutil
import signal
from pathlib import Path

from msgspec.structs import replace

from purveyor import __version__
from purveyor.process import runfile
from purveyor.process.code import Code, code_in
from purveyor.process.runfile import found_in
from tests.distributions import wheel
from tests.process.corner import Corner, kill


def test_without_a_server_the_exit_code_is_3(corner: Corner) -> None:
    ran = corner.purveyor("status")
    assert (ran.code, ran.out, ran.err) == (3, "No server of yours is running.\n", "")
    ran = corner.purveyor("status", "--json")
    assert (ran.code, ran.document) == (3, {"servers": [], "stale": [], "not_run_files": []})


def test_a_running_server_is_described(corner: Corner, tmp_path: Path) -> None:
    record = corner.start()
    filename, content = wheel("acme-app", "1.0")
    (tmp_path / filename).write_bytes(content)
    assert corner.purveyor("publish", tmp_path / filename, "--index-url", record.url).code == 0

    ran = corner.purveyor("status")
    assert ran.code == 0
    assert re.fullmatch(
        rf"""{record.url}  running
  pid       {record.identity.pid}, up 0:00:\d\d
  data      {re.escape(str(record.data))}
  holds     1 project, 1 file
  memory    \d+\.\d MB in 1 process
  version   {__version__}
""",
        ran.out,
    )


def test_programs_read_the_same(corner: Corner) -> None:
    record = corner.start()
    (server,) = corner.status()["servers"]
    assert server.pop("memory") > 10_000_000
    assert 0 <= server.pop("uptime") < 60
    assert server == {
        "url": record.url,
        "state": "running",
        "pid": record.identity.pid,
        "host": "127.0.0.1",
        "port": record.port,
        "data": str(record.data),
        "data_is_gone": False,
        "folder": None,
        "projects": 0,
        "files": 0,
        "processes": 1,
        "version": __version__,
        "outdated": False,
        "log": str(record.log),
    }


def test_every_server_is_listed_and_one_can_be_asked_for(corner: Corner) -> None:
    records = [corner.start("--data", corner.path / name) for name in ("a", "b")]
    assert {server["url"] for server in corner.status()["servers"]} == {record.url for record in records}
    assert [server["url"] for server in corner.status("--data", corner.path / "b")["servers"]] == [records[1].url]
    assert [server["url"] for server in corner.status("--port", str(records[0].port))["servers"]] == [records[0].url]
    assert corner.purveyor("status", "--port", "1").out == "No server of yours is running on port 1.\n"


def test_a_server_that_hangs_does_not_answer(corner: Corner) -> None:
    record = corner.start()
    os.kill(record.identity.pid, signal.SIGSTOP)
    ran = corner.purveyor("status")
    assert ran.code == 3
    assert ran.out.startswith(f"{record.url}  does not answer\n")
    assert f"`purveyor restart --port {record.port}`" in ran.out
    assert "  holds     unknown\n" in ran.out
    os.kill(record.identity.pid, signal.SIGCONT)


def test_a_killed_server_is_stale_once(corner: Corner) -> None:
    record = corner.start()
    kill(record)
    ran = corner.purveyor("status")
    assert ran.code == 3
    assert ran.err == (
        f"Stale: process {record.identity.pid} is gone; it served {record.url} with its data in {record.data}. Its run file is removed.\n"
    )
    assert corner.purveyor("status").err == ""
    assert list(corner.runs.iterdir()) == []


def test_what_is_stale_for_a_program_is_removed_too(corner: Corner) -> None:
    record = corner.start()
    kill(record)
    stale = {"pid": record.identity.pid, "url": record.url, "data": str(record.data)}
    assert corner.status()["stale"] == [stale]
    assert corner.status()["stale"] == []


def test_a_server_is_found_without_its_run_file(corner: Corner) -> None:
    record = corner.start()
    for found in found_in(corner.runs):
        found.remove()
    (server,) = corner.status()["servers"]
    assert (server["url"], server["pid"], server["version"]) == (record.url, record.identity.pid, __version__)


def test_a_server_whose_data_directory_is_gone_says_so_and_can_be_stopped(corner: Corner) -> None:
    record = corner.start()
    shutil.rmtree(record.data)
    ran = corner.purveyor("status")
    assert f"  data      {record.data}   (gone: " in ran.out
    assert corner.status()["servers"][0]["data_is_gone"]
    assert corner.purveyor("stop").code == 0
    assert not record.identity.is_alive


def test_a_server_without_run_file_and_data_directory_is_found_by_its_process_alone(corner: Corner) -> None:
    record = corner.start("--data", corner.data)
    shutil.rmtree(record.data)
    shutil.rmtree(corner.runs)
    (server,) = corner.status()["servers"]
    assert (server["url"], server["data"], server["data_is_gone"]) == (record.url, str(record.data), True)
    assert corner.purveyor("stop").code == 0
    assert not record.identity.is_alive


def test_a_server_that_runs_older_code_is_told_with_the_remedy(corner: Corner, tmp_path: Path) -> None:
    record = corner.start()
    installed = tmp_path / "installed"
    installed.mkdir()
    (installed / "module.py").write_text("old = True\n")
    runfile.write(corner.runs, replace(record, code=code_in(installed)))
    assert not corner.status()["servers"][0]["outdated"]
    (installed / "module.py").write_text("new = True   # and longer\n")
    assert corner.status()["servers"][0]["outdated"]
    assert f"`purveyor restart --port {record.port}`" in corner.purveyor("status").out
    runfile.write(corner.runs, replace(record, code=Code(tmp_path / "removed", record.code.fingerprint)))
    assert corner.status()["servers"][0]["outdated"]


def test_workers_are_part_of_their_server(corner: Corner) -> None:
    record = corner.start("--workers", "2")
    (server,) = corner.status()["servers"]
    assert server["pid"] == record.identity.pid
    assert server["processes"] >= 3
    assert server["state"] == "running"


def test_servers_of_another_run_directory_are_another_matter(corner: Corner) -> None:
    corner.start()
    assert corner.purveyor("status", PURVEYOR_RUN_DIR=str(corner.path / "other")).code == 3


def test_status_works_for_a_user_without_a_home(corner: Corner) -> None:
    ran = corner.purveyor("status", HOME="", XDG_STATE_HOME="", PURVEYOR_RUN_DIR="/nowhere/at/all")
    assert ran.code == 3
