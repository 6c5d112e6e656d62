"""A pid stands for a process only together with the moment it began."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from purveyor.process.family import unit_in, unit_of
from purveyor.process.identity import Identity, hold, identify, owner, start_mark, this_process, uptime
from tests.process.corner import Corner, until


def test_a_process_is_recognised_as_long_as_it_lives(corner: Corner) -> None:
    process = corner.bystander()
    identity = identify(process.pid)
    assert identity is not None
    assert identity.is_ours
    process.kill()
    process.wait()
    assert not identity.is_alive
    assert identify(process.pid) is None


def test_a_name_with_spaces_and_parentheses_hides_no_start(tmp_path: Path) -> None:
    program = tmp_path / ") S (a) 1"
    shutil.copy("/bin/sleep", program)
    with subprocess.Popen([program, "600"]) as process:
        try:
            until(lambda: Path(f"/proc/{process.pid}/comm").read_text() == ") S (a) 1\n")
            assert start_mark(process.pid) == start_mark(process.pid)
            assert Identity(process.pid, start_mark(process.pid) or "").is_ours
        finally:
            process.kill()


def test_a_process_that_ended_and_was_not_waited_for_has_ended(corner: Corner) -> None:
    process = corner.bystander()
    identity = identify(process.pid)
    assert identity is not None
    os.kill(process.pid, signal.SIGKILL)
    until(lambda: not identity.is_alive)
    assert Path(f"/proc/{process.pid}").exists()


def test_nobody_gets_a_grip_on_the_process_that_took_over_a_pid(corner: Corner) -> None:
    process = corner.bystander()
    with hold(Identity(process.pid, "another boot:1")) as held:
        assert held is None
    assert process.poll() is None


def test_a_signal_to_a_process_that_ended_meanwhile_reaches_nobody(corner: Corner) -> None:
    process = corner.bystander()
    identity = identify(process.pid)
    assert identity is not None
    with hold(identity) as held:
        assert held is not None
        assert not held.ended_within(0)
        process.kill()
        process.wait()
        assert held.ended_within(0)
        held.send(signal.SIGTERM)


def test_there_is_no_process_with_a_pid_that_is_none() -> None:
    assert [start_mark(pid) for pid in (0, -1, 1 << 30)] == [None] * 3


def test_the_uptime_is_never_negative_and_asks_no_clock_that_can_be_set() -> None:
    seconds = uptime(this_process())
    assert seconds is not None
    assert seconds >= 0
    assert owner(os.getpid()) == os.getuid()


def test_the_uptime_of_what_has_ended_is_not_told() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        pass
    assert uptime(Identity(process.pid, "a:1")) is None


@pytest.mark.parametrize(("parent", "unit"), [(1, "purveyor.service"), (4711, None)])
def test_only_what_the_first_process_has_started_is_a_service(tmp_path: Path, parent: int, unit: str | None) -> None:
    (tmp_path / "17").mkdir()
    (tmp_path / "17" / "stat").write_text(f"17 (purveyor serve) S {parent} 17 17 0 -1")
    (tmp_path / "17" / "cgroup").write_text("0::/system.slice/purveyor.service\n")
    assert unit_of(17, proc=tmp_path) == unit


def test_the_unit_of_a_service_is_read_from_its_control_group() -> None:
    assert unit_in("0::/system.slice/purveyor.service\n") == "purveyor.service"
    assert unit_in("9:name=systemd:/system.slice/purveyor@a.service\n8:pids:/\n") == "purveyor@a.service"
    assert unit_in("0::/user.slice/user-0.slice/session-3.scope\n") is None
    assert unit_in("0::/\n") is None
