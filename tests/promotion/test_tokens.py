"""Tokens for more than one person: shown once, worth what they were given for, and revoked."""

from datetime import UTC, datetime, timedelta

from tests.distributions import wheel
from tests.live_server import LiveServer
from tests.promotion.people import Person, upload
from tests.workbench.command import purveyor


def test_a_token_is_worth_its_permissions_and_no_other(owner: Person) -> None:
    ci, ada = owner.other("ci", "upload"), owner.other("ada", "manage")
    server = owner.server

    assert upload(server, "dev", *wheel("acme", "1.0"), ci.token).status_code == 200
    assert upload(server, "dev", *wheel("acme", "2.0"), ada.token).status_code == 403
    assert ci.ask("POST", "dev/api/projects/acme/yank", {"version": "1.0"}).status_code == 403
    assert ci.ask("GET", "api/tokens").status_code == 403
    assert ada.ask("POST", "dev/api/projects/acme/yank", {"version": "1.0"}).is_success
    assert ada.promote("acme", "1.0").status_code == 400  # it may, but yanked as it is, it does not go


def test_a_token_is_shown_once_and_stands_nowhere(server: LiveServer) -> None:
    owner = Person(server, server.token)
    ci = owner.other("ci", "upload")

    listed = owner.ask("GET", "api/tokens")

    assert [token["subject"] for token in listed.json()["tokens"]] == ["owner", "ci"]
    assert ci.token not in listed.text
    server.stop()
    kept = [path for path in server.data.rglob("*") if path.is_file() and ci.token.encode() in path.read_bytes()]
    assert kept == []
    assert ci.token not in server.log


def test_a_revoked_token_is_worth_nothing_from_then_on(owner: Person) -> None:
    ci = owner.other("ci", "upload")
    identifier = next(token["id"] for token in owner.call("GET", "api/tokens")["tokens"] if token["subject"] == "ci")

    owner.call("DELETE", f"api/tokens/{identifier}")

    assert upload(owner.server, "dev", *wheel("acme", "1.0"), ci.token).status_code == 401
    assert owner.ask("DELETE", f"api/tokens/{identifier}").status_code == 404


def test_the_last_token_that_may_manage_is_not_revoked(owner: Person) -> None:
    owner.other("ci", "upload")
    (first, *_) = owner.call("GET", "api/tokens")["tokens"]

    assert owner.ask("DELETE", f"api/tokens/{first['id']}").status_code == 409
    ada = owner.other("ada", "manage")
    assert ada.ask("DELETE", f"api/tokens/{first['id']}").is_success
    assert owner.ask("GET", "api/tokens").status_code == 401


def test_a_token_for_some_days_says_until_when(owner: Person) -> None:
    made = owner.call("POST", "api/tokens", {"subject": "ci", "days": 2})

    left = datetime.fromisoformat(made["expires_at"]) - datetime.now(UTC)
    assert timedelta(days=1.9) < left <= timedelta(days=2)
    assert made["permissions"] == ["upload"]


def test_an_expired_token_may_do_nothing(owner: Person) -> None:
    soon = Person(owner.server, owner.call("POST", "api/tokens", {"subject": "ci", "permissions": ["manage"], "days": 0.000001})["token"])

    while (answer := soon.ask("GET", "api/tokens")).status_code == 200:
        pass

    assert answer.status_code == 403


def test_what_makes_no_token_is_refused(owner: Person) -> None:
    for document in ({}, {"subject": " "}, {"subject": "a\nb"}, {"subject": "x" * 101}, {"subject": "ci", "permissions": ["root"]}):
        assert owner.ask("POST", "api/tokens", document).status_code == 400
    for days in (0, -1, 1e9):
        assert owner.ask("POST", "api/tokens", {"subject": "ci", "days": days}).status_code == 400


def test_giving_out_and_revoking_stand_in_the_journal(owner: Person) -> None:
    owner.other("ci", "upload", "check")
    identifier = owner.call("GET", "api/tokens")["tokens"][1]["id"]
    owner.call("DELETE", f"api/tokens/{identifier}")

    revoked, created = owner.call("GET", "api/journal?limit=2")["entries"]

    assert (created["action"], created["actor"], created["note"]) == ("create-token", "owner", f"{identifier} for ci: check upload")
    assert (revoked["action"], revoked["actor"], revoked["note"]) == ("revoke-token", "owner", f"{identifier} of ci")


def test_the_commands_do_the_same(server: LiveServer) -> None:
    there = ("--index-url", server.simple_url, "--data", str(server.data))

    made = purveyor("token", "create", "ci", "--permission", "upload", "--permission", "check", "--days", "30", *there)
    token, about = made.out.splitlines()
    identifier = about.split()[0]
    listed = purveyor("token", "list", "--json", *there).document["tokens"]
    revoked = purveyor("token", "revoke", identifier, *there)

    assert (made.code, made.err, token[:4]) == (0, "", "pvy_")
    assert [(one["id"], one["permissions"]) for one in listed if one["subject"] == "ci"] == [(identifier, ["check", "upload"])]
    assert (revoked.code, revoked.out) == (0, f"Revoked {identifier}.\n")
    assert purveyor("token", "list", *there, PURVEYOR_TOKEN=token).code == 4
