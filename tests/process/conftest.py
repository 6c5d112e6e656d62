"""What the tests of processes may ask for."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.process.corner import Corner


@pytest.fixture
def corner(tmp_path: Path) -> Iterator[Corner]:
    made = Corner(tmp_path / "a corner")
    yield made
    made.leave()
