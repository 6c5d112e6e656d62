"""A served folder for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.folder.served import ServedFolder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "with a space" / "folder"
    made.mkdir(parents=True)
    return made


@pytest.fixture
def served(folder: Path) -> Iterator[ServedFolder]:
    """An empty folder, served."""
    with ServedFolder(folder) as running:
        yield running
