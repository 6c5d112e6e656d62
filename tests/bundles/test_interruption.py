"""An import that is killed: all of the bundle is there, or nothing; and the next one completes it."""

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from purveyor.testing.fake_index import FakeIndex
from tests.bundles.conftest import FAMILY, bring, create, uv_lock
from tests.importing.here import Here
from tests.workbench.command import environment


@pytest.mark.slow
def test_a_killed_import_is_done_or_it_is_not(index: FakeIndex, tmp_path: Path) -> None:
    bundle, chance = tmp_path / "acme.tar", random.Random(4)
    create(uv_lock(index, tmp_path), output=bundle)
    began = time.monotonic()
    assert bring(bundle, Here(tmp_path / "whole" / "data")).code == 0
    usual = time.monotonic() - began

    for attempt in range(8):
        there = Here(tmp_path / str(attempt) / "data")
        command = [sys.executable, "-m", "purveyor", "bundle", "import", str(bundle), "--data", str(there.data)]
        with subprocess.Popen(command, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
            time.sleep(chance.uniform(usual / 3, usual))
            running.kill()
        assert there.counts().files in {0, len(FAMILY)}
        assert bring(bundle, there).code == 0
        assert there.counts().files == len(FAMILY)
