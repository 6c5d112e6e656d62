"""Indexes are made, shown, changed and removed: what cannot be one is refused, with the reason, and nothing leads in a circle."""

from typing import Any

import pytest

from tests.distributions import wheel
from tests.live_server import LiveServer
from tests.promotion.people import Person, hashes
from tests.workbench.command import Ran, purveyor

SETTINGS = {
    "upstreams": ["team/stable", "https://ada@index.example/simple/"],
    "reserved": ["acme-*"],
    "mixed": ["sample"],
    "modes": ["big-*=redirect", "*=sync"],
    "volatile": True,
    "policy": {
        "cooldown_days": 7,
        "allow": ["acme-*", "requests<3"],
        "deny": ["evil"],
        "kinds": ["bdist_wheel"],
        "max_size": 1000,
        "blocked_hashes": ["0" * 64],
        "advisories": "warn",
        "for_names": {"acme-*": {"cooldown_days": 0}},
    },
    "demands": {"checks": ["tests"]},
}


@pytest.fixture
def owner(server: LiveServer) -> Person:
    return Person(server, server.token)


def test_the_settings_of_an_index_are_shown_as_they_were_given_but_for_credentials(owner: Person) -> None:
    owner.index("team/stable")
    made = owner.call("PUT", "team/dev/api/index", SETTINGS)
    assert made == {"name": "team/dev", **SETTINGS, "upstreams": ["team/stable", "https://index.example/simple/"]}
    assert owner.call("GET", "team/dev/api/index") == made
    assert [index["name"] for index in owner.call("GET", "api/indexes")["indexes"]] == ["default", "team/dev", "team/stable"]

    changed = owner.call("PUT", "team/dev/api/index", {"policy": {"deny": None, "max_size": 5}, "mixed": []})
    assert changed["mixed"] == []
    assert changed["policy"] == {**{rule: value for rule, value in made["policy"].items() if rule != "deny"}, "max_size": 5}
    entry = owner.journal("team/dev")[0]
    assert (entry["action"], entry["actor"], "index.example" in entry["note"], "ada@" in entry["note"]) == (
        "set-index",
        "owner",
        True,
        False,
    )


@pytest.mark.parametrize(
    "name",
    [
        "simple",
        "legacy",
        "packages",
        "api",
        "health",
        "pypi",
        "team/simple",
        "team/api",
        "metrics",
        "static",
        "a/b/c",
        "Team",
        "-a",
        "a..",
        "x" * 101,
    ],
)
def test_no_index_hides_a_path_of_the_server_or_of_another_index(server: LiveServer, owner: Person, name: str) -> None:
    answer = owner.ask("PUT", f"{name}/api/index", {})
    assert answer.status_code in (400, 404, 405), answer.text
    assert [index["name"] for index in owner.call("GET", "api/indexes")["indexes"]] == ["default"]
    assert server.http.get(f"{server.url}simple/").status_code == 200


@pytest.mark.parametrize(
    "upstream",
    [
        "",
        "nowhere",
        "ftp://host/simple/",
        "https://",
        "https:///simple/",
        "http://[::1",
        "http://host:99999/",
        "file:///etc/",
        "a b",
        "Simple",
    ],
)
def test_an_upstream_is_an_index_that_is_there_or_a_url(owner: Person, upstream: str) -> None:
    answer = owner.ask("PUT", "team/api/index", {"upstreams": [upstream]})
    assert (answer.status_code, answer.json()["code"]) == (400, "upload-refused")


def test_indexes_never_ask_each_other_in_a_circle(owner: Person) -> None:
    owner.index("a")
    for name, upstream in (("b", "a"), ("c", "b")):
        owner.index(name, upstreams=[upstream])
    answers = [owner.ask("PUT", f"{name}/api/index", {"upstreams": [upstream]}) for name, upstream in (("a", "a"), ("a", "b"), ("a", "c"))]
    assert [answer.status_code for answer in answers] == [400] * 3
    assert answers[2].json()["detail"] == "The indexes would ask each other in a circle: a over c over b over a."
    assert owner.call("GET", "a/api/index")["upstreams"] == []


def test_a_name_is_found_in_the_first_index_that_has_it_and_listed_once(server: LiveServer, owner: Person) -> None:
    owner.index("a")
    owner.index("b")
    owner.index("c", upstreams=["a", "b"])
    owner.upload("a", wheel("acme", "1.0"))
    owner.upload("b", wheel("acme", "2.0"), wheel("only-b", "1.0"))
    assert list(hashes(server, "c", "acme")) == ["acme-1.0-py3-none-any.whl"]
    assert list(hashes(server, "c", "only-b")) == ["only_b-1.0-py3-none-any.whl"]
    assert server.http.get(f"{server.url}c/simple/").text.count("<a ") == 2
    owner.index("c", mixed=["acme"])
    assert len(hashes(server, "c", "acme")) == 2
    owner.upload("c", wheel("acme", "3.0"))
    assert len(hashes(server, "c", "acme")) == 3


def test_an_index_that_hosts_something_or_is_looked_into_stays(owner: Person) -> None:
    owner.index("a")
    owner.index("b", upstreams=["a"])
    owner.upload("b", wheel("acme", "1.0"))
    codes = [owner.ask("DELETE", f"{name}/api/index").status_code for name in ("a", "b", "default", "nowhere")]
    assert codes == [400, 409, 409, 404]


def test_an_immutable_index_keeps_its_files_and_a_volatile_one_takes_others(server: LiveServer, owner: Person) -> None:
    first, second = wheel("acme", "1.0"), wheel("acme", "1.0", {"acme.py": "second = True\n"})
    owner.upload("default", first)
    assert server.upload(*second).status_code == 409
    owner.index("default", volatile=True)
    assert server.upload(*second).status_code == 200
    assert server.files("acme") == {second[0]: second[1]}


def test_the_description_of_the_api_is_whole_and_every_operation_of_it_is_there(server: LiveServer) -> None:
    described: dict[str, Any] = server.http.get(f"{server.url}api/openapi.json").json()
    assert (described["openapi"], set(described)) == ("3.1.0", {"openapi", "info", "paths", "components"})
    operations = {(path, method): one for path, methods in described["paths"].items() for method, one in methods.items()}
    assert len({one["operationId"] for one in operations.values()}) == len(operations) > 20
    for (path, method), one in operations.items():
        asked = {parameter["name"] for parameter in one["parameters"] if parameter["in"] == "path"}
        assert asked == {part[1:-1] for part in path.split("/") if part.startswith("{")}
        assert all(parameter["required"] for parameter in one["parameters"] if parameter["in"] == "path")
        assert {"200", "default"} <= set(one["responses"])
        assert all(set(need) <= set(described["components"]["securitySchemes"]) for need in one.get("security", ()))
        # Whoever brings no token is told to: so the operation is there, and protected as described.
        url = f"{server.url}{path[1:].replace('{name}', 'acme').replace('{version}', '1.0').replace('{id}', '000000000000')}"
        code = server.http.request(method.upper(), url, json={} if method != "get" else None).status_code
        assert (code == 401) == ("security" in one), (path, method, code)


def test_what_is_no_document_of_an_operation_is_refused(server: LiveServer, owner: Person) -> None:
    headers = {"Authorization": f"Bearer {owner.token}", "Accept": "application/json"}
    url = f"{server.url}api/projects/acme/override"
    for body in (b"[]", b"{", b'{"days": NaN}', b'{"days": "7"}', b'{"days": true}', b'{"surprise": 1}', b"[" * 100_000):
        answer = server.http.post(url, content=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "bad-request"), body[:20]


def run(server: LiveServer, *arguments: str) -> Ran:
    return purveyor(*arguments, "--index-url", server.simple_url, "--data", server.data)


def test_the_commands_of_indexes(server: LiveServer) -> None:
    made = run(server, "index", "create", "team/stable", "--cooldown", "7", "--deny", "evil", "--json")
    assert made.document["policy"] == {"cooldown_days": 7, "deny": ["evil"]}
    created = run(server, "index", "create", "team/dev", "--upstream", "team/stable", "--upstream", "pypi", "--reserve", "acme-*")
    assert created.out.splitlines()[0] == f"Created the index team/dev: {server.url}team/dev/simple/"
    emptied = run(server, "index", "set", "team/stable", "--deny", "", "--json")
    assert emptied.document["policy"] == {"cooldown_days": 7}
    assert run(server, "index", "show", "team/dev", "--json").document["reserved"] == ["acme-*"]
    listed = run(server, "index", "list")
    assert listed.out.splitlines() == ["default over pypi", "team/dev over team/stable, pypi", "team/stable"]
    assert len(run(server, "index", "list", "--json").document["indexes"]) == 3
    refused = run(server, "index", "delete", "team/stable")
    assert (refused.code, refused.err.splitlines()[0]) == (1, "Error: The index team/stable is an upstream of team/dev.")
    assert run(server, "index", "delete", "team/dev", "--json").document == {"removed": "team/dev"}
    missing = run(server, "index", "set", "team/dev", "--volatile")
    assert (missing.code, missing.err.startswith("Error: This server has no index team/dev.")) == (1, True)
