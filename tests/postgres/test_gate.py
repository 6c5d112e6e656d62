"""The gate before blobs are removed, between servers, and what happens to whoever is in the way."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from purveyor.adapters.postgres_gate import PostgresGate
from purveyor.errors import StoreFailed

_HOLD = """
import sys, time
from purveyor.adapters.postgres_gate import PostgresGate
with getattr(PostgresGate(sys.argv[1]), sys.argv[2])():
    print("in", flush=True)
    time.sleep(60)
"""


@contextmanager
def another_process(url: str, side: str) -> Iterator[subprocess.Popen[str]]:
    """One that is inside the gate."""
    with subprocess.Popen([sys.executable, "-c", _HOLD, url, side], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "in\n"
        try:
            yield process
        finally:
            process.kill()


def test_uploads_pass_together_and_whoever_removes_has_it_alone(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("purveyor.adapters.postgres_gate._PATIENCE", 0.1)
    gate = PostgresGate(postgres_url)
    with another_process(postgres_url, "together"):
        with gate.together(), gate.together():
            pass
        with pytest.raises(StoreFailed, match="Large uploads follow each other"), gate.alone():
            pass


def test_an_upload_waits_for_whoever_removes(postgres_url: str) -> None:
    gate, passed = PostgresGate(postgres_url), threading.Event()

    def upload() -> None:
        with PostgresGate(postgres_url).together():
            passed.set()

    with gate.alone():
        uploading = threading.Thread(target=upload)
        uploading.start()
        assert not passed.wait(0.3)
    uploading.join()
    assert passed.is_set()


@pytest.mark.parametrize("side", ["together", "alone"])
def test_it_lets_go_of_whoever_is_killed(postgres_url: str, side: str) -> None:
    with another_process(postgres_url, side) as process:
        process.kill()
        process.wait()
        with PostgresGate(postgres_url).alone():
            pass
