"""Run files are read with suspicion: what they say counts only if the system agrees."""

import json
import os
import signal
from pathlib import Path

import pytest
from msgspec.structs import replace

from purveyor.process import runfile
from purveyor.process.identity import Identity
from tests.process.corner import Corner, kill

RUBBISH = {
    "1-abc.json": b"",
    "2-abc.json": b"not JSON at all",
    "3-abc.json": bytes(range(256)),
    "4-abc.json": b"[]",
    "5-abc.json": b"[" * 60_000,
    "6-abc.json": b"{}",
    "7-abc.json": b'{"identity": {"pid": 1e999, "mark": 3}, "port": "x"}',
    "8-abc.json": b" " * 100_000,
}


def test_a_server_is_written_down_while_it_runs_and_no_longer(corner: Corner) -> None:
    server = corner.serve()
    record = corner.record(server.pid)
    assert (record.data, record.workers, record.log) == (corner.data.resolve(), 1, None)
    assert record.url == f"http://127.0.0.1:{record.port}/"
    assert corner.runs.stat().st_mode & 0o777 == 0o700
    server.terminate()
    assert server.wait() == 0
    assert list(corner.runs.iterdir()) == []


def test_a_record_is_read_as_it_was_written(corner: Corner) -> None:
    record = corner.start()
    assert runfile.Record.from_json(record.to_json()) == record
    assert runfile.read(corner.data / "in-use") == record


def test_rubbish_is_reported_and_harms_nothing(corner: Corner) -> None:
    corner.runs.mkdir(parents=True)
    for name, content in RUBBISH.items():
        (corner.runs / name).write_bytes(content)
    (corner.runs / "20-abc.json").mkdir()
    os.mkfifo(corner.runs / "21-abc.json")
    (corner.runs / "22-abc.json").symlink_to("nothing")
    (corner.runs / "999999999-abc.new").write_bytes(b"{")
    (corner.runs / "package.json").write_bytes(b"{}")  # somebody's, who named a directory that has other things in it
    record = corner.start()

    ran = corner.purveyor("status")
    assert ran.code == 0
    assert ran.out.startswith(f"{record.url}  running\n")
    assert ran.err.count("Not a run file: ") == len(RUBBISH) + 4
    reported = {Path(one["path"]).name for one in corner.status()["not_run_files"]}
    assert reported == {*RUBBISH, "20-abc.json", "21-abc.json", "22-abc.json", "999999999-abc.new"}
    assert corner.purveyor("stop").code == 0
    assert (corner.runs / "2-abc.json").exists()


@pytest.mark.parametrize(
    "change", [{"port": 0}, {"url": "nonsense"}, {"data": ""}, {"workers": True, "port": "1"}, {"started_at": "yesterday"}]
)
def test_a_record_with_an_impossible_field_is_rubbish(corner: Corner, change: dict[str, object]) -> None:
    document = json.loads(corner.start().to_json()) | change
    with pytest.raises(ValueError):
        runfile.Record.from_json(json.dumps(document))


@pytest.mark.parametrize("command", ["stop", "restart", "status"])
def test_a_process_that_took_over_the_pid_of_a_dead_server_is_never_signalled(corner: Corner, command: str) -> None:
    record = corner.start()
    kill(record)
    bystander = corner.bystander()
    for found in runfile.found_in(corner.runs):
        found.remove()
    runfile.write(corner.runs, replace(record, identity=Identity(bystander.pid, record.identity.mark)))

    ran = corner.purveyor(command)
    assert ran.code == 3
    assert f"Stale: process {bystander.pid} is gone" in ran.err
    assert list(corner.runs.iterdir()) == []
    assert bystander.poll() is None
    bystander.send_signal(signal.SIGTERM)
    assert bystander.wait() == -signal.SIGTERM


def test_a_forged_record_in_the_data_directory_keeps_nobody_out(corner: Corner) -> None:
    record = corner.start()
    kill(record)
    bystander = corner.bystander()
    (corner.data / "in-use").write_text(replace(record, identity=Identity(bystander.pid, "another:1")).to_json())
    assert corner.start().identity.pid != bystander.pid


def test_a_run_directory_that_cannot_be_written_costs_a_warning_and_not_the_start(corner: Corner) -> None:
    corner.path.mkdir()
    (corner.path / "file").write_text("in the way")
    unwritable = {"PURVEYOR_RUN_DIR": str(corner.path / "file" / "run")}
    ran = corner.purveyor("start", "--port", "0", "--json", **unwritable)
    assert ran.code == 0, ran
    assert "This server is not written down, because " in (corner.data / "server.log").read_text()
    seen = corner.purveyor("status", "--json", **unwritable)
    assert [server["url"] for server in seen.document["servers"]] == [ran.document["url"]]
    assert corner.purveyor("stop", **unwritable).code == 0


@pytest.mark.parametrize("name", ["a\u00a0wide\u3000space", "two\nlines", "no\udcffutf-8"])
def test_a_data_directory_may_have_any_name(corner: Corner, name: str) -> None:
    record = corner.start("--data", corner.path / name)
    assert record.data == (corner.path / name).resolve()
    assert [found.record for found in runfile.found_in(corner.runs)] == [record]
