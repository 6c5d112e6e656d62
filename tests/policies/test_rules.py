"""Each rule withholds the same from the page in HTML, from the page in JSON and from who has the link, of hosted and of pulled releases."""

import hashlib
from typing import Any

import pytest

from purveyor.testing.fake_index import FakeIndex
from tests.distributions import sdist, wheel
from tests.live_server import LiveServer
from tests.policies.conftest import offered
from tests.policies.seen import names_seen, path_of, refusal
from tests.promotion.people import Person

OLD, NEW = wheel("sample", "1.0"), wheel("sample", "2.0")
SDIST = sdist("sample", "2.0")
DIGEST = {filename: hashlib.sha256(content).hexdigest() for filename, content in (OLD, NEW, SDIST)}

# The policy, which of the three files it leaves, and what it says of another.
RULES: dict[str, tuple[dict[str, Any], list[str], str]] = {
    "allow": ({"allow": ["sample<2"]}, [OLD[0]], f"{NEW[0]} is not among what is allowed here."),
    "deny": ({"deny": ["sam*>=2"]}, [OLD[0]], f"{NEW[0]} is denied by the rule sam*>=2."),
    "kinds": ({"kinds": ["sdist"]}, [SDIST[0]], f"{NEW[0]} is of the kind bdist_wheel, and only sdist is offered here."),
    "max_size": ({"max_size": 1}, [], f"{NEW[0]} is too large: it has {len(NEW[1])} bytes, and at most 1 are offered here."),
    "blocked": (
        {"blocked_hashes": [DIGEST[NEW[0]].upper()]},
        [OLD[0], SDIST[0]],
        f"{NEW[0]} is blocked: its sha256 is on the list of blocked hashes.",
    ),
    "pattern": ({"deny": ["*"], "for_names": {"s*": {"deny": ["sample>=2"]}}}, [OLD[0]], f"{NEW[0]} is denied by the rule sample>=2."),
}


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("pulled", [False, True], ids=["hosted", "pulled"])
def test_what_a_rule_withholds_is_on_no_page_and_its_file_says_why(
    upstream: FakeIndex, server: LiveServer, owner: Person, rule: str, *, pulled: bool
) -> None:
    policy, left, sentence = RULES[rule]
    if pulled:
        upstream.add(*SDIST)
    else:
        owner.upload("default", OLD, NEW, SDIST)
    assert set(names_seen(server, "sample")) == set(DIGEST)
    assert server.http.get(f"{server.url}{path_of(NEW[0], DIGEST[NEW[0]])}").content == NEW[1]

    owner.index("default", policy=policy)

    assert set(names_seen(server, "sample")) == set(left)
    for filename, sha256 in DIGEST.items():
        code, said = refusal(server, filename, sha256) if filename not in left else (200, "")
        assert (code == 200) == (filename in left)
        if filename == NEW[0]:
            assert (code, said.startswith(sentence)) == (403, True), said
    (reason,) = [why for why in owner.call("GET", "api/projects/sample/why?version=2.0.0")["reasons"] if NEW[0] in why["sentence"]]
    assert reason["sentence"].startswith(f"{sentence} The policy of default says so, set by owner on ")

    owner.index("default", policy=dict.fromkeys(policy))
    assert set(names_seen(server, "sample")) == set(DIGEST)


def test_a_cooldown_is_for_the_releases_of_others_and_of_unknown_age_too(upstream: FakeIndex, server: LiveServer, owner: Person) -> None:
    offered(upstream, "3.0").upload_time = None
    owner.upload("default", wheel("ours", "1.0"))
    owner.index("default", policy={"cooldown_days": 7})

    assert names_seen(server, "sample") == [OLD[0]]
    assert names_seen(server, "ours") == ["ours-1.0-py3-none-any.whl"]
    code, said = refusal(server, NEW[0], DIGEST[NEW[0]])
    assert (code, said.startswith(f"{NEW[0]} is held until ")) == (403, True)
    reasons = {reason["version"]: reason for reason in owner.call("GET", "api/projects/sample/why")["reasons"]}
    assert reasons["2.0"]["sentence"].split(" The policy of ")[0] in said
    assert reasons["3.0"]["sentence"].startswith(
        "sample-3.0-py3-none-any.whl is held: a release is offered 7 days after its upload, and nothing says when this was."
    )


def test_every_policy_on_the_way_counts(upstream: FakeIndex, server: LiveServer, owner: Person) -> None:
    offered(upstream, "1.5", days=100)
    owner.index("team/stable", upstreams=["pypi"], policy={"cooldown_days": 30})
    owner.index("team/dev", upstreams=["team/stable"], policy={"deny": ["sample<1.2"]})

    assert names_seen(server, "sample", "team/stable/") == [OLD[0], "sample-1.5-py3-none-any.whl"]
    assert names_seen(server, "sample", "team/dev/") == ["sample-1.5-py3-none-any.whl"]
    held = {reason["version"]: reason["remedy"] for reason in owner.call("GET", "team/dev/api/projects/sample/why")["reasons"]}
    assert "--index team/stable " in held["2.0"]
    assert "--index team/dev " in held["1.0"]
    for version, index in (("2.0", "team/stable"), ("1.0", "team/dev")):
        owner.call("POST", f"{index}/api/projects/sample/override", {"version": version, "days": 1})
    assert len(names_seen(server, "sample", "team/dev/")) == 3


def test_a_hosted_project_of_which_all_is_withheld_is_still_asked_for_nowhere_else(
    upstream: FakeIndex, server: LiveServer, owner: Person
) -> None:
    owner.upload("default", OLD)
    owner.index("default", policy={"deny": ["*"]})

    answer = server.http.get(f"{server.simple_url}sample/")
    assert (answer.status_code, names_seen(server, "sample")) == (200, [])
    assert refusal(server, NEW[0], DIGEST[NEW[0]])[0] == 404
    assert upstream.requests == []


def test_of_a_mixed_name_our_own_file_is_offered_although_the_same_name_is_held_further_up(server: LiveServer, owner: Person) -> None:
    owner.index("team/stable", upstreams=["pypi"], policy={"cooldown_days": 7})
    owner.index("team/dev", upstreams=["team/stable"], mixed=["sample"], policy={"max_size": 1 << 20})
    owner.upload("team/dev", NEW)

    assert set(names_seen(server, "sample", "team/dev/")) == {OLD[0], NEW[0]}
    assert server.http.get(f"{server.url}{path_of(NEW[0], DIGEST[NEW[0]], 'team/dev/')}").content == NEW[1]


def test_an_upload_is_judged_by_the_policy_with_every_reason_at_once(server: LiveServer, owner: Person) -> None:
    owner.index("default", policy={"deny": ["sample"], "kinds": ["sdist"], "max_size": 10, "cooldown_days": 7})
    answer = server.http.post(server.upload_url, **_form(NEW), auth=("__token__", server.token), headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json()["errors"]) == (
        400,
        [
            f"{NEW[0]} is denied by the rule sample.",
            f"{NEW[0]} is of the kind bdist_wheel, and only sdist is offered here.",
            f"{NEW[0]} is too large: it has {len(NEW[1])} bytes, and at most 10 are offered here.",
        ],
    )
    owner.call("POST", "api/projects/sample/override", {"version": "2.0", "days": 1})
    owner.upload("default", NEW)
    assert names_seen(server, "sample") == [NEW[0]]


def _form(distribution: tuple[str, bytes]) -> dict[str, Any]:
    filename, content = distribution
    fields = {
        ":action": "file_upload",
        "protocol_version": "1",
        "metadata_version": "2.4",
        "filetype": "bdist_wheel",
        "pyversion": "py3",
        "name": "sample",
        "version": "2.0",
        "sha256_digest": hashlib.sha256(content).hexdigest(),
    }
    return {"data": fields, "files": {"content": (filename, content)}}


@pytest.mark.parametrize(
    "policy",
    [
        {"allow": "sample"},
        {"allow": [5]},
        {"for_names": {"a": 5}},
        {"for_names": []},
        {"max_size": -1},
        {"cooldown_days": 1e12},
        {"cooldown_days": True},
        {"deny": [f"a=={'9' * 5000}"]},
        {"deny": ["sample~2"]},
        {"blocked_hashes": ["00"]},
        {"advisories": "maybe"},
        {"surprise": 1},
    ],
    ids=str,
)
def test_a_policy_that_cannot_be_meant_is_refused_and_changes_nothing(server: LiveServer, owner: Person, policy: dict[str, Any]) -> None:
    before = owner.call("GET", "api/index")
    answer = owner.ask("PUT", "api/index", {"policy": policy})
    assert (answer.status_code, answer.json()["code"]) == (400, "upload-refused")
    assert owner.call("GET", "api/index") == before
