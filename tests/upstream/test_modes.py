"""How what an upstream has is offered, by patterns of names."""

from purveyor.testing.fake_index import FakeIndex
from tests.distributions import wheel
from tests.live_server import LiveServer
from tests.promotion.people import Person


def test_files_may_be_kept_redirected_to_or_not_offered(upstream: FakeIndex, server: LiveServer) -> None:
    added = {name: upstream.add(*wheel(name, "1.0")) for name in ("small", "torch", "never")}
    Person(server, server.token).index("default", modes=["torch*=redirect", "never=none"])

    for name in ("small", "torch"):
        file = added[name]
        url = server.entries(name)[0]["url"]
        answer = server.http.get(url)
        if name == "torch":
            assert (answer.status_code, answer.headers["location"]) == (302, f"{upstream.root_url}{file.path}")
            answer = server.http.get(url, follow_redirects=True)
        assert answer.content == file.data
        assert server.http.get(f"{url}.metadata").content == file.metadata
    assert server.http.get(f"{server.simple_url}never/").status_code == 404
    assert not any("never" in request.path for request in upstream.requests)


def test_a_mode_that_is_none_of_them_is_refused(server: LiveServer) -> None:
    answer = Person(server, server.token).ask("PUT", "api/index", {"modes": ["torch*=sometimes"]})
    assert answer.status_code == 400
    assert "sync, redirect, none" in answer.text
