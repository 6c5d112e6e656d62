"""An override opens one version, for a time, and says so; `why` and the journal know of it."""

import time
from datetime import datetime

import pytest

from purveyor.testing.fake_index import FakeIndex
from tests.distributions import wheel
from tests.live_server import LiveServer
from tests.policies.conftest import offered
from tests.policies.seen import names_seen, path_of
from tests.promotion.people import Person
from tests.workbench.command import purveyor

A_DAY = 86400
FILES = [f"sample-{version}-py3-none-any.whl" for version in ("1.0", "2.0", "2.0.1")]


def in_cooldown(upstream: FakeIndex, owner: Person) -> str:
    """The sha256 of sample 2.0, of which as of 2.0.1 nothing is offered yet."""
    offered(upstream, "2.0.1", minutes=1)
    owner.index("default", policy={"cooldown_days": 7})
    assert names_seen(owner.server, "sample") == [FILES[0]]
    return str(upstream.files[1].sha256)


def test_an_override_opens_exactly_that_version_until_it_ends(upstream: FakeIndex, server: LiveServer, owner: Person) -> None:
    sha256 = in_cooldown(upstream, owner)
    file = f"{server.url}{path_of(FILES[1], sha256)}"
    assert server.http.get(file).status_code == 403

    until = owner.call("POST", "api/projects/sample/override", {"version": "2.0.0", "days": 3 / A_DAY, "reason": "urgent"})["until"]
    ends = datetime.fromisoformat(until).timestamp()
    during = []
    while time.time() < ends - 0.5:  # several times, so that answers are held in every place that holds any
        during.append((names_seen(server, "sample"), server.http.get(file).status_code))
    # Whole answers are looked through once a second, and the server's clock is this one.
    time.sleep(max(0.0, ends + 1.2 - time.time()))

    assert during == [(FILES[:2], 200)] * len(during) != []
    assert names_seen(server, "sample") == [FILES[0]]
    assert server.http.get(file).status_code == 403
    assert all("override" not in reason["sentence"] for reason in owner.call("GET", "api/projects/sample/why")["reasons"])


def test_an_override_can_be_ended_and_is_in_the_journal(upstream: FakeIndex, server: LiveServer, owner: Person) -> None:
    in_cooldown(upstream, owner)
    options = ("--index-url", server.simple_url, "--data", server.data)

    opened = purveyor("override", "Sample==2.0.0", "--days", "2", "--reason", "the fix", *options)
    assert (opened.code, opened.out.startswith("Offered until 20"), opened.out.endswith("UTC: sample 2.0.0\n")) == (0, True, True)
    assert names_seen(server, "sample") == FILES[:2]
    why = purveyor("why", "sample==2.0", *options)
    assert "2.0.0: An override by owner (the fix) lets default offer it until " in why.out
    ended = purveyor("override", "sample==2.0", "--end", *options)

    assert (ended.code, names_seen(server, "sample")) == (0, [FILES[0]])
    entries = [(entry["action"], entry["actor"], entry["version"]) for entry in owner.journal("default")[:2]]
    assert entries == [("end-override", "owner", "2.0.0"), ("override", "owner", "2.0.0")]
    again = purveyor("override", "sample==2.0", "--end", *options)
    assert (again.code, again.err) == (1, "Error: There is no override for sample 2.0 on default.\n")


@pytest.mark.parametrize("days", [0, -1, 367, 1e300, -1e300])
def test_an_override_lasts_for_some_time_and_not_for_ever(owner: Person, days: float) -> None:
    answer = owner.ask("POST", "api/projects/sample/override", {"version": "2.0", "days": days})
    assert (answer.status_code, answer.json()["detail"].split(".")[0]) == (
        400,
        "An override lasts for more than no time and at most 366 days",
    )


def test_there_is_no_override_for_an_index_that_is_not_there(owner: Person) -> None:
    assert owner.ask("POST", "nowhere/api/projects/sample/override", {"version": "2.0", "days": 1}).status_code == 404


def test_the_end_of_a_cooldown_opens_a_release_without_anybody_doing_anything(
    upstream: FakeIndex, server: LiveServer, owner: Person
) -> None:
    file = offered(upstream, "1.0", name="ripe", seconds=0)
    uploaded = datetime.fromisoformat(str(file.upload_time)).timestamp()
    owner.index("default", policy={"cooldown_days": 4 / A_DAY})
    before = names_seen(server, "ripe"), time.time()
    time.sleep(max(0.0, uploaded + 4 + 1.2 - time.time()))

    assert before[0] == [] or before[1] >= uploaded + 4
    assert names_seen(server, "ripe") == ["ripe-1.0-py3-none-any.whl"]


def test_a_removed_index_takes_its_overrides_with_it(server: LiveServer, owner: Person) -> None:
    owner.index("team", policy={"deny": ["sample"]})
    owner.call("POST", "team/api/projects/sample/override", {"version": "1.0", "days": 1})
    owner.call("DELETE", "team/api/index")
    owner.index("team", upstreams=["pypi"], policy={"deny": ["sample"]})
    assert names_seen(server, "sample", "team/") == []


def test_the_journal_has_no_credentials_of_an_upstream(owner: Person) -> None:
    owner.index("far", upstreams=["https://user:hidden@index.example/simple/"])
    answers = [owner.ask("GET", path).text for path in ("far/api/journal", "far/api/index", "api/indexes", "api/journal?everywhere=true")]
    assert [("index.example" in text, "hidden" in text) for text in answers] == [(True, False)] * 4


def test_our_own_releases_wait_for_nobody(server: LiveServer, owner: Person) -> None:
    owner.index("default", policy={"cooldown_days": 7})
    owner.upload("default", wheel("ours", "1.0"))
    assert names_seen(server, "ours") == ["ours-1.0-py3-none-any.whl"]
