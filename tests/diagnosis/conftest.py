"""The person's machine, and an index for it to look at."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from purveyor.testing.fake_index import FakeIndex
from tests.diagnosis.patient import Patient


@pytest.fixture(autouse=True)
def by_command(started_by_command: None) -> None:
    """What is diagnosed are processes as the system shows them."""


@pytest.fixture
def patient(tmp_path: Path) -> Patient:
    return Patient(tmp_path / "machine")


@pytest.fixture
def index(patient: Patient) -> Iterator[FakeIndex]:
    """An index in order, which is the one the patient asks about."""
    with FakeIndex() as fake:
        patient.index_url = fake.url
        yield fake
