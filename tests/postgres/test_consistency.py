"""What readers are promised who go from server to server."""

from tests.distributions import wheel
from tests.postgres.conftest import Serve


def test_what_one_server_takes_in_every_server_offers_at_the_next_request(serve: Serve) -> None:
    one, other = serve(), serve()
    hosted = dict(wheel("acme", f"1.{number}") for number in range(10))
    for number, distribution in enumerate(hosted.items()):
        assert one.upload(*distribution).status_code == 200
        assert set(other.hashes("acme")) == set(list(hosted)[: number + 1])
    assert other.files("acme") == one.files("acme") == hosted
