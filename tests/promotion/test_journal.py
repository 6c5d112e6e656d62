"""Who did what: the journal, as people and programs read it."""

from tests.distributions import wheel
from tests.live_server import LiveServer
from tests.promotion.people import Person
from tests.workbench.command import purveyor


def test_it_is_of_one_index_and_of_all_of_them_if_asked(owner: Person) -> None:
    owner.upload("dev", wheel("acme", "1.0"))
    owner.promote("acme", "1.0")

    assert {entry["index"] for entry in owner.journal("dev")} == {"dev"}
    everywhere = owner.call("GET", "api/journal?everywhere=true")["entries"]
    assert {entry["index"] for entry in everywhere} == {"dev", "prod"}
    serials = [entry["serial"] for entry in everywhere]
    assert serials == list(range(max(serials), 0, -1))


def test_it_is_read_backwards_in_pieces_and_for_one_project(owner: Person) -> None:
    owner.upload("dev", wheel("acme", "1.0"), wheel("bolt", "1.0"), wheel("acme", "2.0"))
    whole = [entry for entry in owner.journal("dev") if entry["project"] == "acme"]

    first = owner.call("GET", "dev/api/journal?project=acme&limit=2")["entries"]
    rest = owner.call("GET", f"dev/api/journal?project=acme&before={first[-1]['serial']}")["entries"]

    assert first + rest == whole
    assert [entry["action"] for entry in whole] == ["add-file", "add-file", "create-project"]


def test_it_is_for_those_who_manage_and_numbers_are_numbers(owner: Person) -> None:
    assert owner.other("ci", "upload").ask("GET", "api/journal").status_code == 403
    for query in ("before=x", "limit=-1", "before=" + "9" * 30):
        assert owner.ask("GET", f"api/journal?{query}").status_code == 400


def test_the_command_shows_it(owner: Person, server: LiveServer) -> None:
    owner.upload("dev", wheel("acme", "1.0"))
    owner.promote("acme", "1.0")
    there = ("--index-url", server.simple_url, "--data", str(server.data), "--index", "prod")

    shown = purveyor("journal", "acme", *there)
    document = purveyor("journal", "--json", "--limit", "1", *there).document

    assert shown.code == 0
    assert "  prod  owner  promote  acme-1.0-py3-none-any.whl (from dev)" in shown.out.splitlines()[0]
    assert [entry["action"] for entry in document["entries"]] == ["promote"]
