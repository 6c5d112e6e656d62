"""Where an upstream may lead us: nowhere further inside than it is itself."""

import pytest
from packaging.utils import canonicalize_name

from purveyor.adapters.connecting import Connecting, origin
from purveyor.adapters.http_upstream import HttpUpstream
from purveyor.adapters.reach import Addresses, OutOfReach, Reach, reach_of
from purveyor.adapters.transfers import TransferFailed
from purveyor.errors import UpstreamFailed
from purveyor.interfaces import Validators
from purveyor.testing.fake_index import Answer, FakeIndex


@pytest.mark.parametrize(
    ("address", "reach"),
    [
        ("8.8.8.8", Reach.PUBLIC),
        ("2001:4860:4860::8888", Reach.PUBLIC),
        ("10.1.2.3", Reach.PRIVATE),
        ("172.16.0.1", Reach.PRIVATE),
        ("192.168.1.1", Reach.PRIVATE),
        ("100.64.0.1", Reach.PRIVATE),
        ("127.0.0.1", Reach.PRIVATE),
        ("::1", Reach.PRIVATE),
        ("fd00:ec2::254", Reach.PRIVATE),
        ("::ffff:10.0.0.1", Reach.PRIVATE),
        ("64:ff9b::a00:1", Reach.PRIVATE),
        ("2002:a00:1::", Reach.PRIVATE),
        ("169.254.169.254", Reach.LINK),
        ("::ffff:169.254.169.254", Reach.LINK),
        ("fe80::1%eth0", Reach.LINK),
        ("0.0.0.0", Reach.LINK),
        ("224.0.0.1", Reach.LINK),
    ],
)
def test_addresses_are_as_far_inside_as_they_are(address: str, reach: Reach) -> None:
    assert reach_of(address) is reach


def test_a_name_that_stands_for_an_inner_address_is_not_connected_to() -> None:
    with pytest.raises(OutOfReach):
        Addresses().within("localhost", Reach.PUBLIC)


def test_an_upstream_on_this_machine_may_not_lead_to_the_metadata_of_a_cloud() -> None:
    with FakeIndex() as upstream:
        upstream.answer("/simple/acme/", Answer(status=302, headers={"Location": "http://169.254.169.254/latest/meta-data/"}))
        client = HttpUpstream(1, "tests")
        with pytest.raises(UpstreamFailed, match=r"169\.254\.169\.254 is an address of a network that this upstream may not lead to"):
            client.page(upstream.url, canonicalize_name("acme"), Validators())
        client.close()


def test_a_public_upstream_may_lead_to_no_private_host_unless_that_is_trusted() -> None:
    public, inside = "http://8.8.8.8/simple/", "http://127.0.0.1:9/acme-1.0.tar.gz"
    connecting = Connecting(1)
    with pytest.raises(OutOfReach):
        connecting.get(public, inside, [])
    trusting = Connecting(1, ("127.0.0.1",))
    with pytest.raises(TransferFailed):
        trusting.get(public, inside, []).begun()
    for each in (connecting, trusting):
        each.close()


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://index.example/simple/", "https://INDEX.example:443/files/a.whl", True),
        ("https://index.example/simple/", "http://index.example/files/a.whl", False),
        ("https://index.example/simple/", "https://index.example:8443/files/a.whl", False),
        ("https://index.example/simple/", "https://index.example@evil.example/a.whl", False),
        ("https://user:word@index.example/simple/", "https://index.example/a.whl", True),
    ],
)
def test_credentials_are_for_one_scheme_host_and_port(one: str, other: str, same: bool) -> None:
    assert (origin(one) == origin(other)) is same
