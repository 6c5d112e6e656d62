"""Yank, unyank, delete, restore and status, over HTTP and on the command line: who may, what changes, and what the journal has of it."""

from pathlib import Path
from typing import Any

import pytest

from tests.distributions import sdist, wheel
from tests.live_server import LiveServer
from tests.promotion.people import Person, hashes
from tests.workbench.command import Ran, purveyor

RELEASE = (wheel("acme", "1.0"), sdist("acme", "1.0"))
NEXT = wheel("acme", "2.0")

CHANGES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "yank": ("POST", "projects/acme/yank", {"version": "1.0"}),
    "unyank": ("POST", "projects/acme/unyank", {"version": "1.0"}),
    "delete": ("POST", "projects/acme/delete", {"version": "1.0"}),
    "restore": ("POST", "projects/acme/restore", {"version": "1.0"}),
    "status": ("PUT", "projects/acme/status", {"status": "archived"}),
    "override": ("POST", "projects/acme/override", {"version": "1.0", "days": 1}),
    "end-override": ("DELETE", "projects/acme/override", {"version": "1.0"}),
    "set-index": ("PUT", "index", {"volatile": True}),
    "remove-index": ("DELETE", "index", {}),
}


@pytest.fixture
def owner(server: LiveServer) -> Person:
    owner = Person(server, server.token)
    owner.index("team/dev")
    for index in ("default", "team/dev"):
        owner.upload(index, *RELEASE, NEXT)
    return owner


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("index", ["", "team/dev/"])
def test_only_who_may_manage_changes_anything(server: LiveServer, owner: Person, change: str, index: str) -> None:
    method, path, body = CHANGES[change]
    before = server.http.get(f"{server.url}health").json()["serial"]
    nobody = server.http.request(method, f"{server.url}{index}api/{path}", json=body)
    wrong = Person(server, "pvy_wrong").ask(method, f"{index}api/{path}", body)
    after = server.http.get(f"{server.url}health").json()["serial"]
    uploader = owner.other("ada", "upload").ask(method, f"{index}api/{path}", body)

    assert [(answer.status_code, "WWW-Authenticate" in answer.headers) for answer in (nobody, wrong)] == [(401, True)] * 2
    assert (uploader.status_code, uploader.json()["code"]) == (403, "not-allowed")
    assert after == before


@pytest.mark.parametrize("index", ["default", "team/dev"])
def test_each_change_is_seen_at_once_and_is_one_entry_a_file(server: LiveServer, owner: Person, index: str) -> None:
    def files() -> dict[str, Any]:
        page = server.http.get(f"{server.url}{index}/simple/acme/", headers={"Accept": "application/vnd.pypi.simple.v1+json"}).json()
        return {file["filename"]: file["yanked"] for file in page["files"]}

    names = [filename for filename, _ in RELEASE]
    api = f"{index}/api/projects/acme"
    owner.call("POST", f"{api}/yank", {"version": "1.0.0", "reason": "broken"})
    assert files() == dict.fromkeys(names, "broken") | {NEXT[0]: False}
    owner.call("POST", f"{api}/unyank", {"filenames": [names[0]]})
    assert files() == {names[0]: False, names[1]: "broken", NEXT[0]: False}
    owner.call("POST", f"{api}/delete", {"filenames": [names[1]]})
    assert set(files()) == {names[0], NEXT[0]}
    owner.call("POST", f"{api}/restore", {"version": "1"})
    assert files() == {names[0]: False, names[1]: "broken", NEXT[0]: False}

    told = [(entry["action"], entry["filename"], entry["note"]) for entry in owner.journal(index)[:5]]
    assert told == [
        ("restore", names[1], ""),
        ("delete", names[1], ""),
        ("unyank", names[0], ""),
        ("yank", names[1], "broken"),
        ("yank", names[0], "broken"),
    ]
    assert {entry["actor"] for entry in owner.journal(index)} == {"owner"}


def test_all_files_that_are_meant_change_or_none(server: LiveServer, owner: Person) -> None:
    before = hashes(server, "default", "acme")
    answer = owner.ask("POST", "api/projects/acme/delete", {"filenames": [NEXT[0], "acme-3.0.tar.gz"]})
    assert (answer.status_code, answer.json()["detail"]) == (404, "default has no file acme-3.0.tar.gz of acme for this.")
    assert hashes(server, "default", "acme") == before


def test_the_name_of_a_deleted_file_is_never_used_for_other_bytes(server: LiveServer, owner: Person) -> None:
    owner.call("POST", "api/projects/acme/delete", {"version": "2.0"})
    other = server.upload(*wheel("acme", "2.0", {"acme.py": "other = True\n"}))
    assert (other.status_code, "was deleted here" in other.text) == (409, True)
    assert server.upload(*NEXT).status_code == 200
    assert NEXT[0] in hashes(server, "default", "acme")


def test_a_quarantined_project_offers_nothing_to_whoever_is_below(server: LiveServer, owner: Person) -> None:
    owner.index("below", upstreams=["team/dev"])
    (url,) = [file["url"] for file in server.entries("acme") if file["filename"] == NEXT[0]]
    path = url.removeprefix(server.url)
    codes = [server.http.get(f"{server.url}{index}{path}").status_code for index in ("team/dev/", "below/")]
    owner.call("PUT", "team/dev/api/projects/acme/status", {"status": "quarantined", "reason": "malware"})

    assert codes == [200, 200]
    for index in ("team/dev/", "below/"):
        page = server.http.get(f"{server.url}{index}simple/acme/", headers={"Accept": "application/vnd.pypi.simple.v1+json"}).json()
        assert (page["files"], page["project-status"]) == ([], {"status": "quarantined", "reason": "malware"})
        assert server.http.get(f"{server.url}{index}{path}").status_code == 404
        assert (
            "acme is quarantined (malware): none of its files is offered." in owner.call("GET", f"{index}api/projects/acme/why")["routing"]
        )
        assert "acme" not in server.http.get(f"{server.url}{index}simple/").text
    assert server.http.get(url).status_code == 200


@pytest.mark.parametrize("status", ["gone", "", "ACTIVE"])
def test_there_are_four_statuses(owner: Person, status: str) -> None:
    answer = owner.ask("PUT", "api/projects/acme/status", {"status": status})
    assert (answer.status_code, "There are active, archived, quarantined, deprecated" in answer.json()["detail"]) == (400, True)


def run(server: LiveServer, *arguments: str) -> Ran:
    return purveyor(*arguments, "--index-url", server.simple_url, "--data", server.data)


def test_the_commands_do_the_same_and_print_it_as_json(server: LiveServer, owner: Person) -> None:
    del owner
    names = [filename for filename, _ in RELEASE]
    for command, options, changed in (
        ("yank", ("acme==1.0", "--reason", "broken"), names),
        ("unyank", (names[1],), names[1:]),
        ("delete", ("acme==1.0",), names),
        ("restore", (names[0],), names[:1]),
    ):
        done = run(server, command, *options, "--json")
        assert (done.code, sorted(file["filename"] for file in done.document["files"])) == (0, sorted(changed))
    status = run(server, "status", "Acme", "deprecated", "--reason", "use other", "--json")
    assert status.document == {"project": "acme", "status": "deprecated", "reason": "use other"}
    assert run(server, "status", "acme").out == "acme is deprecated (use other).\n"
    assert run(server, "status", "acme", "--index", "team/dev").out == "acme is active.\n"
    refused = run(server, "status", "nothing", "archived", "--json")
    assert (refused.code, refused.document["error"]) == (1, "not-found")
    assert run(server, "status", "acme", "gone").code == 2
    assert run(server, "why", "acme==1.0", "--json").document["source"] == "default"
    assert run(server, "override", "acme==1.0", "--days", "1", "--json").document["version"] == "1.0"
    assert run(server, "override", "acme==1.0", "--end", "--json").document == {"project": "acme", "version": "1.0"}


def test_the_files_of_a_served_folder_are_taken_away_in_the_folder_alone(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / NEXT[0]).write_bytes(NEXT[1])
    with LiveServer(tmp_path / "data", str(folder)) as server:
        owner = Person(server, server.token)
        assert owner.call("POST", "api/projects/acme/yank", {"version": "2.0"})["files"][0]["yanked"]
        answers = [owner.ask("POST", f"api/projects/acme/{change}", {"version": "2.0"}) for change in ("delete", "restore")]
        owner.index("team")
        owner.upload("team", NEXT)
        assert owner.call("POST", "team/api/projects/acme/delete", {"version": "2.0"})["files"]

        assert [answer.status_code for answer in answers] == [403, 403]
        assert answers[0].json()["detail"] == (
            f"The index default serves a folder, and offers what is in it. Remove {NEXT[0]} from the folder, or yank the release."
        )
        assert list(hashes(server, "default", "acme")) == [NEXT[0]]
