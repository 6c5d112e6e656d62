"""A data directory belongs to one server, for as long as that lives and no longer."""

import fcntl
import json
import os
import shutil
import signal

import psutil

from tests.process.corner import Corner, children, is_running, kill, until


def test_a_second_server_is_refused_and_told_who_has_it(corner: Corner) -> None:
    record = corner.start()
    ran = corner.purveyor("serve", "--port", "0")
    assert ran.code == 5
    assert f"is in use by the server with pid {record.identity.pid} at {record.url}." in ran.err
    assert f"`purveyor stop --data '{record.data}'`" in ran.err
    assert json.loads(corner.purveyor("serve", "--port", "0", "--json").out)["error"] == "data-in-use"


def test_a_killed_server_has_nothing_any_more(corner: Corner) -> None:
    kill(corner.start())
    assert corner.start().identity.is_alive


def test_a_server_whose_note_is_unreadable_still_has_its_directory(corner: Corner) -> None:
    corner.start()
    (corner.data / "in-use").write_text("scribble")
    ran = corner.purveyor("serve", "--port", "0")
    assert ran.code == 5
    assert "is in use by another server" in ran.err


def test_workers_do_not_keep_the_directory_of_a_server_that_was_killed(corner: Corner) -> None:
    record = corner.start("--workers", "2")
    workers = [worker for worker in children(record.identity.pid) if "spawn_main" in " ".join(worker.cmdline())]
    assert len(workers) == 2
    for worker in workers:
        worker.send_signal(signal.SIGSTOP)
    os.kill(record.identity.pid, signal.SIGKILL)
    until(lambda: not record.identity.is_alive)
    with (corner.data / "in-use").open("r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    for worker in workers:
        worker.send_signal(signal.SIGCONT)
    until(lambda: not any(is_running(worker) for worker in workers))


def test_workers_end_with_their_server(corner: Corner) -> None:
    record = corner.start("--workers", "3")
    workers = children(record.identity.pid)
    assert len(workers) >= 3
    kill(record)
    assert not any(is_running(worker) for worker in workers)


def test_a_worker_that_died_is_replaced(corner: Corner) -> None:
    record = corner.start("--workers", "2")

    def workers() -> list[psutil.Process]:
        return [worker for worker in children(record.identity.pid) if is_running(worker) and "spawn_main" in " ".join(worker.cmdline())]

    victim = workers()[0]
    victim.kill()
    until(lambda: len(workers()) == 2 and victim.pid not in [worker.pid for worker in workers()])
    assert corner.purveyor("stop").code == 0


def test_a_copy_of_the_directory_of_a_running_server_is_not_taken_for_that_server(corner: Corner) -> None:
    original = corner.start()
    shutil.copytree(corner.data, corner.path / "copy")
    copy = corner.start("--data", corner.path / "copy")
    assert copy.identity != original.identity
    assert copy.data == (corner.path / "copy").resolve()
