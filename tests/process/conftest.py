"""What the tests of processes may ask for."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.process.corner import Corner


@pytest.fixture(autouse=True)
def by_command(started_by_command: None) -> None:
    """These look at processes as the system shows them."""


@pytest.fixture
def corner(tmp_path: Path) -> Iterator[Corner]:
    made = Corner(tmp_path / "a corner")
    yield made
    made.leave()
