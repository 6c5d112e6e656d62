"""Dependency confusion: a name that is ours is never looked for upstream, whatever higher version lies in wait there."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from purveyor.testing.fake_index import FakeIndex
from tests.clients.installers import with_pip, with_uv
from tests.clients.tools import NEWEST_PIP, UV, prepared
from tests.distributions import wheel
from tests.live_server import LiveServer, ServerBeside
from tests.promotion.people import Person
from tests.upstream.conftest import over

SPELLINGS = ["acme-tool", "acme_tool", "acme.tool", "Acme-Tool", "ACME__TOOL", "acme-_.tool"]
OURS, THEIRS = "1.0", "99.0"


def mine() -> tuple[str, bytes]:
    return wheel("acme-tool", OURS)


def simple_url(server: LiveServer, index: str) -> str:
    return f"{server.url}{index}/simple/" if index else server.simple_url


def under_default(owner: Person) -> str:
    """The default index, over the ready-made upstream."""
    owner.upload("default", mine())
    return ""


def under_stable(owner: Person) -> str:
    """team/dev over team/stable over the upstream; stable hosts it."""
    owner.index("team/stable", upstreams=["pypi"])
    owner.index("team/dev", upstreams=["team/stable"])
    owner.upload("team/stable", mine())
    return "team/dev"


def beside_stable(owner: Person) -> str:
    """team/dev looks into team/stable, which hosts it, and then upstream itself."""
    owner.index("team/stable")
    owner.index("team/dev", upstreams=["team/stable", "pypi"])
    owner.upload("team/stable", mine())
    return "team/dev"


def in_dev(owner: Person) -> str:
    """team/dev hosts it; below are an index without it, and the upstream."""
    owner.index("team/stable", upstreams=["pypi"])
    owner.index("team/dev", upstreams=["team/stable"])
    owner.upload("team/dev", mine())
    return "team/dev"


def through_another_server(owner: Person) -> str:
    """An index whose only upstream is the default index of this server, as a remote one."""
    owner.upload("default", mine())
    owner.index("far", upstreams=[owner.server.simple_url])
    return "far"


def with_another_name_mixed(owner: Person) -> str:
    """Mixing is for the names that it was asked for."""
    owner.index("default", mixed=["other-*"])
    owner.upload("default", mine())
    return ""


TOPOLOGIES = [under_default, under_stable, beside_stable, in_dev, through_another_server, with_another_name_mixed]


@pytest.fixture
def attacked(upstream: FakeIndex, tmp_path: Path) -> Iterator[Person]:
    upstream.add(*wheel("acme-tool", THEIRS))
    with over(upstream.url, tmp_path / "data", upstream_hosts="127.0.0.1") as server:
        yield Person(server, server.token)


@pytest.mark.parametrize("topology", TOPOLOGIES, ids=lambda topology: topology.__name__)
def test_whatever_it_is_called_only_ours_is_offered(upstream: FakeIndex, attacked: Person, topology: Any) -> None:
    asked = simple_url(attacked.server, topology(attacked))
    for spelling in SPELLINGS:
        for accept in ("text/html", "application/vnd.pypi.simple.v1+json"):
            answer = attacked.server.http.get(f"{asked}{spelling}/", headers={"Accept": accept}, follow_redirects=True)
            assert (answer.status_code, OURS in answer.text, THEIRS in answer.text) == (200, True, False)
    theirs = upstream.files[0]
    path = f"packages/{theirs.sha256[:2]}/{theirs.sha256[2:4]}/{theirs.sha256[4:]}/{theirs.filename}" if theirs.sha256 else ""
    assert attacked.server.http.get(asked.replace("simple/", path)).status_code == 404
    assert upstream.requests == []


@pytest.mark.parametrize("topology", TOPOLOGIES, ids=lambda topology: topology.__name__)
def test_pip_and_uv_install_ours(
    upstream: FakeIndex, attacked: Person, topology: Any, tmp_path: Path, client_environment: dict[str, str]
) -> None:
    asked = simple_url(attacked.server, topology(attacked))
    for tool, install in ((NEWEST_PIP, with_pip), (UV, with_uv)):
        directory = tmp_path / tool.name
        directory.mkdir()
        for spelling in SPELLINGS[:3]:
            done = install(prepared(tool), asked, f"{spelling} --upgrade", directory, client_environment)
            assert done.done.returncode == 0, done.done.stderr
            assert done.says("m.__version__", "acme_tool") == OURS
    assert upstream.requests == []


@pytest.mark.parametrize("index", ["", "team/dev"])
def test_a_reserved_name_is_looked_for_nowhere_even_if_nobody_hosts_it(upstream: FakeIndex, attacked: Person, index: str) -> None:
    attacked.index("team/stable", upstreams=["pypi"], reserved=["acme-*"])
    attacked.index("team/dev", upstreams=["team/stable", "pypi"])
    attacked.index("default", reserved=["acme-*"])
    for spelling in SPELLINGS:
        url = f"{simple_url(attacked.server, index)}{spelling}/"
        assert attacked.server.http.get(url, follow_redirects=True).status_code == 404
    assert upstream.requests == []


def test_an_upload_takes_the_name_at_once(upstream: FakeIndex, attacked: Person) -> None:
    assert attacked.server.project("acme-tool")["versions"] == [THEIRS]
    attacked.upload("default", mine())
    assert attacked.server.project("acme-tool")["versions"] == [OURS]


def test_a_name_that_may_be_mixed_is_offered_from_both_and_the_exception_is_in_the_journal(attacked: Person) -> None:
    attacked.index("default", mixed=["acme-*"])
    attacked.upload("default", mine())
    assert attacked.server.project("acme-tool")["versions"] == [OURS, THEIRS]
    assert any("acme-*" in str(entry) for entry in attacked.call("GET", "api/journal")["entries"])


def test_the_first_upstream_that_has_a_name_has_it_alone_and_one_that_fails_is_not_passed_over(
    upstream: FakeIndex, attacked: Person
) -> None:
    with FakeIndex() as first:
        first.add(*wheel("acme-tool", "2.0"))
        attacked.index("both", upstreams=[first.url, upstream.url])
        page = f"{simple_url(attacked.server, 'both')}acme-tool/"
        answer = attacked.server.http.get(page)
        assert ("2.0" in answer.text, THEIRS in answer.text) == (True, False)
        other = page.replace("acme-tool", "bolt")
        upstream.add(*wheel("bolt", "1.0"))
        assert attacked.server.http.get(other).status_code == 200
    attacked.index("late", upstreams=[first_url_of_nobody(), upstream.url])
    assert attacked.server.http.get(f"{simple_url(attacked.server, 'late')}acme-tool/").status_code == 502


def first_url_of_nobody() -> str:
    return "http://127.0.0.1:9/simple/"


def test_a_name_that_another_process_hosts_from_now_on_is_looked_for_nowhere_else(upstream: FakeIndex, attacked: Person) -> None:
    """Although this one knew that nobody hosted it, and has what the upstream said."""
    server = attacked.server
    assert list(server.hashes("acme-tool")) == [wheel("acme-tool", THEIRS)[0]]
    (theirs,) = server.entries("acme-tool")
    asked = len(upstream.requests)
    with ServerBeside(server.data, pull_through="true", pypi_url=upstream.url) as beside:
        assert beside.upload(*mine(), token=server.token).status_code == 200
        assert list(server.hashes("acme-tool")) == [mine()[0]]
        assert server.http.get(theirs["url"]).status_code == 404
    assert len(upstream.requests) == asked


def test_a_file_in_the_served_folder_is_found_after_its_name_was_looked_for_upstream(upstream: FakeIndex, tmp_path: Path) -> None:
    upstream.add(*wheel("acme-tool", THEIRS))
    folder = tmp_path / "folder"
    folder.mkdir()
    with LiveServer(tmp_path / "data", str(folder), pull_through="true", pypi_url=upstream.url) as server:
        assert list(server.hashes("acme-tool")) == [wheel("acme-tool", THEIRS)[0]]
        filename, content = mine()
        (folder / filename).write_bytes(content)
        deadline = time.monotonic() + 20
        while (found := list(server.hashes("acme-tool"))) != [filename] and time.monotonic() < deadline:
            time.sleep(0.05)
        assert found == [filename]
