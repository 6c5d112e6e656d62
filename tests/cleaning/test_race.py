"""Uploads of a content that is an orphan at the moment, while orphans are being removed: never is a row without its blob."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from purveyor import assembly
from purveyor.publishing.cleaning import Cleaner
from purveyor.settings import Settings

ROUNDS = 60
CONTENTS = 3

# One process each: adds and removes, over and over, files of its own with contents that all of them share; what it has added must be there.
_UPLOADER = """
import hashlib, sys
from pathlib import Path
from purveyor import assembly
from purveyor.settings import Settings
from purveyor.testing.contracts import new_file

data, name, rounds, contents = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
app = assembly.application(Settings(data=data))
for number in range(rounds):
    content = bytes([number % contents]) * (600 << 10)
    new = new_file(f"{name}-{number}.tar.gz", content)
    with app.blobs.stage() as staging:
        staging.write(content)
        with app.blobs.keep([(staging, new.file.sha256)]) as unsettled:
            app.catalog.add_file(new, unsettled)
    for _ in range(20):
        with app.blobs.open(new.file.sha256) as blob:  # None is no context manager: then this ends with an error
            assert hashlib.file_digest(blob, "sha256").hexdigest() == new.file.sha256
    app.catalog.remove_file(new.file.filename, "owner", new.at)
"""


@pytest.mark.parametrize("uploaders", [1, 3])
def test_what_was_acknowledged_is_there_however_often_its_blob_was_removed_before(uploaders: int, tmp_path: Path) -> None:
    data = tmp_path / "data"
    assembly.application(Settings(data=data)).catalog.close()
    commands = [[sys.executable, "-c", _UPLOADER, str(data), f"project{number}", str(ROUNDS), str(CONTENTS)] for number in range(uploaders)]
    processes = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for command in commands]
    try:
        removed = _clean_until_done(data, processes)
    finally:
        said = [process.communicate(timeout=60)[1] for process in processes]

    assert [process.returncode for process in processes] == [0] * uploaders, said
    assert removed > 0  # or it was no race


def _clean_until_done(data: Path, processes: "list[subprocess.Popen[str]]") -> int:
    removed = 0
    with assembly.cleaner(Settings(data=data)) as cleaner:
        # Without the hour for which an orphan is left in peace: it is not what makes this safe.
        eager = Cleaner(cleaner._catalog, cleaner._blobs, time.time, blob_age=-1.0)
        while any(process.poll() is None for process in processes):
            removed += eager.remove_orphans().count
            os.sched_yield()
    return removed


def test_stored_blobs_come_in_order(tmp_path: Path) -> None:
    """So they are merged with the names, which do too, and a million never stand in memory."""
    data = tmp_path / "data"
    app = assembly.application(Settings(data=data))
    try:
        for number in range(500):
            name = f"{number * 7919 % 256:02x}/{number:062d}"
            (data / "blobs" / name).write_bytes(b"")
        stored = [blob.sha256 for blob in app.blobs.stored()]
    finally:
        app.catalog.close()

    assert stored == sorted(stored)
    assert len(stored) == 500
