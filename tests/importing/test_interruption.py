"""An import that is ended in the midst of it, and what a terminal shows of one."""

import contextlib
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

from purveyor.testing.fake_index import Answer, FakeIndex
from tests.distributions import wheel
from tests.importing.folders import filled
from tests.importing.here import Here, imported
from tests.workbench.command import environment

FIRST, SECOND = wheel("acme-app", "1.0"), wheel("slow", "1.0")


def command(here: Here, source: str | Path) -> list[str]:
    return [sys.executable, "-m", "purveyor", "import", str(source), "--data", str(here.data)]


def test_ctrl_c_keeps_what_is_done_and_a_second_run_goes_on(here: Here) -> None:
    with FakeIndex() as index:
        index.add(*FIRST)
        slow = index.add(*SECOND)
        index.answer(slow.path, Answer(body=slow.data, delay=3))
        running = subprocess.Popen(command(here, index.url), env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        while slow.path not in [request.path for request in index.requests] or not here.files("acme-app"):
            assert running.poll() is None
            time.sleep(0.02)
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "Imported 1 file" in out
    assert err.splitlines()[-1] == "Interrupted."

    with FakeIndex() as index:
        index.add(*FIRST)
        index.add(*SECOND)
        again = here.bring(index.url)

    assert (imported(again), again.document["counts"]["already_here"]) == ([SECOND[0]], 1)


def test_a_terminal_shows_a_bar_and_then_the_result(here: Here, tmp_path: Path) -> None:
    source = filled(tmp_path / "packages", FIRST, SECOND)
    master, slave = pty.openpty()
    done = subprocess.Popen(command(here, source), env=environment(), stdout=slave, stderr=slave)
    os.close(slave)
    shown = b""
    with contextlib.suppress(OSError), os.fdopen(master, "rb", buffering=0) as screen:
        while piece := screen.read(1 << 16):
            shown += piece
    assert done.wait(timeout=60) == 0
    assert b"Importing" in shown
    assert b"100%" in shown
    assert b"Imported 2 files" in shown
