"""`purveyor demo`: the whole path, and nothing left behind however it ends."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

from tests.workbench.command import environment, purveyor


def test_the_whole_path_works_although_this_machine_is_set_up_for_other_indexes(tmp_path: Path) -> None:
    ran = purveyor(
        "demo",
        "--json",
        TMPDIR=str(tmp_path),
        PIP_EXTRA_INDEX_URL="http://127.0.0.1:9/simple/",
        PIP_FIND_LINKS=str(tmp_path / "links"),
        UV_FIND_LINKS=str(tmp_path / "links"),
        UV_DEFAULT_INDEX="http://127.0.0.1:9/simple/",
    )
    assert ran.code == 0, ran.out
    outcomes = {step["title"]: step["outcome"] for step in ran.document["steps"]}
    assert set(outcomes.values()) <= {"done", "left out"}
    assert outcomes["Install it with pip, from this index alone"] == "done"
    assert outcomes["Verify what users meet"] == "done"
    assert list(tmp_path.iterdir()) == []


def test_a_step_that_fails_ends_the_demo_with_what_it_said(tmp_path: Path) -> None:
    ran = purveyor("demo", TMPDIR=str(tmp_path), PURVEYOR_MAX_UPLOAD_SIZE="10")
    assert ran.code == 1
    assert ran.out == "Failed: Publish it.\n"
    assert "Publish it (failed, " in ran.err
    assert "    Error: " in ran.err
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_stops_the_server_and_removes_the_directory(tmp_path: Path) -> None:
    assert _interrupted(signal.SIGINT, tmp_path) == 130


def test_being_told_to_end_stops_the_server_and_removes_the_directory(tmp_path: Path) -> None:
    assert _interrupted(signal.SIGTERM, tmp_path) == 143


def _interrupted(number: signal.Signals, folder: Path) -> int:
    """The exit code of a demo that got this signal while its server ran; nothing of it may be left."""
    demo = subprocess.Popen(
        [sys.executable, "-m", "purveyor", "demo"],
        env=environment(TMPDIR=str(folder)),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert demo.stderr is not None
    said = next(line for line in demo.stderr if '"pid"' in line)
    server: int = json.loads(said)["pid"]
    os.kill(demo.pid, number)
    demo.communicate()
    deadline = time.monotonic() + 20
    while psutil.pid_exists(server) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not psutil.pid_exists(server)
    assert list(folder.iterdir()) == []
    return demo.returncode
