"""The journal as readers see it has no gap and goes in the order of commits, whoever writes and whoever is killed in the middle."""

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

WRITERS = 4
FILES = 60


@contextmanager
def writers(url: str, folder: Path) -> Iterator[list[subprocess.Popen[str]]]:
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.postgres.writer", url, str(folder / f"changes{number}"), f"writer{number}", str(FILES)],
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(WRITERS)
    ]
    try:
        yield running
    finally:
        for one in running:
            one.kill()
            one.wait()


def follow(url: str, running: Sequence[subprocess.Popen[str]], kill_at: int | None = None) -> list[int]:
    """Every serial in the order in which a reader sees it who asks again and again for those after the last one."""
    seen: list[int] = []
    with psycopg.connect(url, autocommit=True) as connection:
        over = False
        while not over:
            over = all(one.poll() is not None for one in running)
            rows = connection.execute("SELECT serial FROM journal WHERE serial > %s ORDER BY serial", (seen[-1] if seen else 0,))
            seen += [serial for (serial,) in rows]
            if kill_at is not None and len(seen) >= kill_at:
                for one in running[::2]:
                    one.kill()
            time.sleep(0.001)
    return seen


@pytest.mark.parametrize("kill_at", [None, 40])
def test_a_follower_sees_every_serial_once_and_in_order(postgres_url: str, tmp_path: Path, kill_at: int | None) -> None:
    with writers(postgres_url, tmp_path) as running:
        seen = follow(postgres_url, running, kill_at)
        said = [one.communicate()[0] for one in running]
    assert seen == list(range(1, len(seen) + 1))
    acknowledged = {filename for output in said for filename in output.split()}
    with psycopg.connect(postgres_url) as connection:
        journal = connection.execute("SELECT filename FROM journal WHERE action = 'add-file' ORDER BY serial").fetchall()
        projects = connection.execute(
            "SELECT name, serial, (SELECT max(serial) FROM journal j WHERE j.project = p.name) FROM projects p"
        ).fetchall()
    added = [filename for (filename,) in journal]
    assert len(added) == len(set(added))
    assert acknowledged <= set(added)
    assert [serial for _, serial, _ in projects] == [newest for _, _, newest in projects]
    if kill_at is None:
        assert acknowledged == set(added)
        assert len(added) == WRITERS * (FILES - FILES // 5) + FILES // 5
