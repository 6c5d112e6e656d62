"""The whole path on the command line: check, approve, promote, roll back; and each refusal as a person sees it."""

from pathlib import Path

from tests.distributions import sdist, wheel
from tests.live_server import LiveServer
from tests.promotion.people import Person, hashes
from tests.workbench.command import Ran, purveyor

RELEASE = (wheel("acme", "1.0"), sdist("acme", "1.0"))


def run(server: LiveServer, *arguments: str | Path, **variables: str) -> Ran:
    return purveyor(*arguments, "--index-url", server.simple_url, "--data", server.data, cwd=None, **variables)


def test_from_a_demanding_index_back_to_nothing(owner: Person, server: LiveServer) -> None:
    ada = owner.other("ada", "approve")
    owner.upload("dev", *RELEASE)
    run(server, "index", "set", "prod", "--demand-check", "tests", "--demand-approvals", "1")
    run(server, "index", "set", "prod", "--demand-days", "0")
    assert '{"checks": ["tests"], "approvals": 1}' in run(server, "index", "show", "prod").out

    refused = run(server, "promote", "acme==1.0", "--from", "dev", "--to", "prod")
    assert refused.code == 1
    first, check, approval = refused.err.splitlines()
    assert first == "Error: acme 1.0 is not promoted from dev to prod."
    assert check.startswith("- prod demands the check tests, and nothing is recorded of it for these files: when it has passed, run `")
    assert approval.startswith("- prod demands an approval by others than those who uploaded the files and who promotes them (none so far)")
    told = run(server, "promote", "acme==1.0", "--from", "dev", "--to", "prod", "--json").document
    assert told == {"error": "promotion-refused", "detail": f"{first[7:]} {check[2:]} {approval[2:]}", "remedy": ""}

    recorded = run(server, "check", "record", "acme==1.0", "tests", "--passed", "--note", "run 7", "--index", "dev")
    approved = run(server, "approve", "acme==1.0", "--to", "prod", PURVEYOR_TOKEN=ada.token)
    listed = run(server, "check", "list", "acme==1.0", "--index", "dev")
    promoted = run(server, "promote", "Acme==1.0.0", "--from", "dev", "--to", "prod")
    again = run(server, "promote", "acme==1.0", "--from", "dev", "--to", "prod", "--json")

    assert [ran.code for ran in (recorded, approved, listed, promoted, again)] == [0] * 5
    assert "  passed   tests, by owner at " in listed.out
    assert "  approved for prod by ada at " in listed.out
    assert promoted.out.splitlines() == ["Promoted from dev to prod: acme 1.0", *(f"  {filename}" for filename, _ in RELEASE)]
    assert again.document["changed"] is False
    assert hashes(server, "prod", "acme") == hashes(server, "dev", "acme")

    back = run(server, "rollback", "acme", "--index", "prod")
    assert (back.code, back.out.splitlines()[1]) == (0, "  undone     1.0 from dev")
    assert hashes(server, "prod", "acme") == {}


def test_without_a_check_recorded_the_list_says_so(owner: Person, server: LiveServer) -> None:
    owner.upload("dev", *RELEASE)

    assert run(server, "check", "list", "acme==1.0", "--index", "dev").out.endswith("  nothing is recorded\n")


def test_every_command_says_what_it_needs(server: LiveServer) -> None:
    for arguments in (
        ("promote", "acme", "--from", "dev", "--to", "prod"),
        ("promote", "acme-1.0.tar.gz", "--from", "dev", "--to", "prod"),
        ("promote", "acme==1.0", "--to", "prod"),
        ("approve", "acme==1.0"),
        ("check", "record", "acme==1.0", "tests"),
        ("rollback", "acme", "--to-serial", "x"),
    ):
        assert run(server, *arguments).code == 2, arguments


def test_a_refusal_is_one_object_with_json(owner: Person, server: LiveServer) -> None:
    refused = run(server, "promote", "acme==1.0", "--from", "dev", "--to", "prod", "--json")

    assert refused.code == 1
    assert "The index dev hosts no release 1.0 of acme." in refused.out + refused.err
