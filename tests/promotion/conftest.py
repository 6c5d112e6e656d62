"""A server with two indexes, dev and prod, and its owner."""

import pytest

from tests.live_server import LiveServer
from tests.promotion.people import Person


@pytest.fixture
def owner(server: LiveServer) -> Person:
    owner = Person(server, server.token)
    for name in ("dev", "prod"):
        owner.index(name)
    return owner
