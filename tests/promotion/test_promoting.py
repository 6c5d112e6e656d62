"""A release goes from one index to another: the same bytes, all files or none, with what is known of it."""

import time
from pathlib import Path

from tests.distributions import sdist, wheel
from tests.live_server import SIMPLE_JSON, LiveServer
from tests.promotion.people import Person, hashes, pages, upload

RELEASE = (wheel("acme", "1.0"), sdist("acme", "1.0"))
SETTLED_LIMIT = 30.0
"""Seconds after which small uploads must have become files; a bound, not a measurement."""


def blob_files(server: LiveServer) -> set[Path]:
    return {path for path in (server.data / "blobs").rglob("*") if path.is_file()}


def settled_blob_files(server: LiveServer, count: int) -> set[Path]:
    deadline = time.monotonic() + SETTLED_LIMIT
    while len(found := blob_files(server)) < count and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


def test_a_promoted_release_is_the_same_files_in_the_other_index(owner: Person) -> None:
    owner.upload("dev", *RELEASE)
    assert hashes(owner.server, "prod", "acme") == {}

    answer = owner.promote("acme", "1.0").json()

    assert answer["changed"] is True
    assert hashes(owner.server, "prod", "acme") == hashes(owner.server, "dev", "acme") != {}
    assert pages(owner.server, "prod", "acme") == pages(owner.server, "dev", "acme")


def test_promotion_makes_no_new_blob_files(owner: Person) -> None:
    owner.upload("dev", *RELEASE)
    before = settled_blob_files(owner.server, 3)  # both files, and their core metadata, which is the same
    assert len(before) == 3

    owner.promote("acme", "1.0").raise_for_status()
    time.sleep(2.5)  # longer than the server waits before it settles what it has not settled yet

    assert blob_files(owner.server) == before


def test_other_releases_stay_where_they_are(owner: Person) -> None:
    owner.upload("dev", *RELEASE, wheel("acme", "1.1"), wheel("bolt", "1.0"))

    owner.promote("acme", "1.0.0").raise_for_status()

    assert set(hashes(owner.server, "prod", "acme")) == {filename for filename, _ in RELEASE}
    assert hashes(owner.server, "prod", "bolt") == {}


def test_it_keeps_who_uploaded_it_and_when_and_the_journal_says_who_promoted_it_and_from_where(owner: Person) -> None:
    ci = owner.other("ci", "upload")
    ci.upload("dev", *RELEASE)

    done = owner.promote("acme", "1.0").json()

    there, here = (owner.call("GET", f"{index}/api/projects/acme")["files"] for index in ("dev", "prod"))
    assert here == there
    assert {file["uploaded_by"] for file in here} == {"ci"}
    promoted = [entry for entry in owner.journal("prod") if entry["action"] == "promote"]
    assert {(entry["actor"], entry["note"], entry["filename"]) for entry in promoted} == {
        ("owner", "from dev", filename) for filename, _ in RELEASE
    }
    assert (done["index"], done["to"], done["promoted_by"]) == ("dev", "prod", "owner")
    assert owner.call("GET", "prod/api/projects/acme/promotions")["promotions"] == [
        {key: value for key, value in done.items() if key != "changed"}
    ]


def test_promoting_again_changes_nothing(owner: Person) -> None:
    owner.upload("dev", *RELEASE)
    owner.promote("acme", "1.0").raise_for_status()
    before = owner.journal("prod")

    answer = owner.promote("acme", "1.0")

    assert (answer.status_code, answer.json()["changed"]) == (200, False)
    assert owner.journal("prod") == before


def test_what_came_to_the_release_later_can_be_promoted_as_well(owner: Person) -> None:
    owner.upload("dev", RELEASE[0])
    owner.promote("acme", "1.0").raise_for_status()
    owner.upload("dev", RELEASE[1])

    owner.promote("acme", "1.0").raise_for_status()

    assert hashes(owner.server, "prod", "acme") == hashes(owner.server, "dev", "acme")


def test_other_bytes_under_one_of_the_names_refuse_the_whole_release(owner: Person) -> None:
    owner.upload("dev", *RELEASE)
    other = wheel("acme", "1.0", {"acme.py": "other = 1\n"})
    owner.upload("prod", other)
    before = pages(owner.server, "prod", "acme")

    answer = owner.promote("acme", "1.0")

    assert answer.status_code == 409
    assert f"File already exists: {other[0]}" in answer.json()["detail"]
    assert pages(owner.server, "prod", "acme") == before
    assert owner.call("GET", "prod/api/projects/acme/promotions")["promotions"] == []


def test_a_deleted_file_of_other_bytes_refuses_it_too(owner: Person) -> None:
    owner.upload("dev", *RELEASE)
    owner.upload("prod", wheel("acme", "1.0", {"acme.py": "other = 1\n"}))
    owner.call("POST", "prod/api/projects/acme/delete", {"version": "1.0"})

    answer = owner.promote("acme", "1.0")

    assert answer.status_code == 409
    assert "was deleted here" in answer.json()["detail"]
    assert hashes(owner.server, "prod", "acme") == {}


def test_a_project_that_is_archived_there_takes_no_release(owner: Person) -> None:
    owner.upload("dev", *RELEASE, wheel("acme", "1.1"))
    owner.promote("acme", "1.1").raise_for_status()
    owner.call("PUT", "prod/api/projects/acme/status", {"status": "archived", "reason": "superseded"})

    answer = owner.promote("acme", "1.0")

    assert (answer.status_code, "archived (superseded)" in answer.json()["detail"]) == (403, True)


def test_what_is_yanked_or_quarantined_is_not_promoted(owner: Person) -> None:
    owner.upload("dev", *RELEASE)
    owner.call("POST", "dev/api/projects/acme/yank", {"version": "1.0", "reason": "broken"})
    owner.call("PUT", "dev/api/projects/acme/status", {"status": "quarantined", "reason": "malware"})

    answer = owner.promote("acme", "1.0")

    assert answer.status_code == 400
    assert "acme is quarantined in dev (malware)" in answer.text
    assert f"{RELEASE[0][0]} is yanked in dev (broken)" in answer.text


def test_what_cannot_be_meant_is_said_so(owner: Person) -> None:
    owner.upload("dev", *RELEASE)

    asked = {
        owner.promote("acme", "2.0"): (404, "The index dev hosts no release 2.0 of acme."),
        owner.promote("bolt", "1.0"): (404, "The index dev hosts no release 1.0 of bolt."),
        owner.promote("acme", "1.0", target="dev"): (400, "A release cannot be promoted to the index that it is in."),
        owner.promote("acme", "1.0", source="test"): (404, "This server has no index test."),
        owner.promote("acme", "1.0", target="test"): (404, "This server has no index test."),
        owner.promote("acme", "one"): (400, "'one' is not a valid version"),
        owner.promote("acme", ""): (400, "The field version is missing."),
        owner.promote("acme", "1.0", source=""): (400, "It is not said which index the release comes from."),
    }

    for answer, (status, said) in asked.items():
        assert (answer.status_code, answer.json()["detail"][: len(said)]) == (status, said)


def test_indexes_of_two_parts_and_the_default_one_take_part(owner: Person) -> None:
    owner.index("team/dev")
    owner.index("team/stable", upstreams=["default"])
    owner.upload("team/dev", *RELEASE)

    owner.promote("acme", "1.0", "team/dev", "team/stable").raise_for_status()
    owner.promote("acme", "1.0", "team/stable", "default").raise_for_status()

    assert owner.server.hashes("acme") == hashes(owner.server, "team/dev", "acme") != {}
    owner.roll_back("acme", "team/stable").raise_for_status()
    assert owner.server.hashes("acme") == hashes(owner.server, "team/stable", "acme")


def test_a_local_version_is_promoted_as_any_other(owner: Person) -> None:
    owner.upload("dev", wheel("acme", "1.0+ours.1"))

    owner.promote("acme", "1.0+ours.1").raise_for_status()

    assert owner.call("GET", "prod/api/projects/acme/releases/1.0%2Bours.1")["version"] == "1.0+ours.1"


def test_a_token_that_may_only_upload_may_not_promote(owner: Person) -> None:
    owner.upload("dev", *RELEASE)

    assert owner.other("ci", "upload").promote("acme", "1.0").status_code == 403
    assert owner.other("release", "promote").promote("acme", "1.0").status_code == 200


def test_the_page_and_the_list_of_the_target_show_the_release_at_once(owner: Person) -> None:
    server = owner.server
    for number in range(5):
        owner.upload("dev", wheel(f"acme{number}", "1.0"))
        assert hashes(server, "prod", f"acme{number}") == {}
        owner.promote(f"acme{number}", "1.0").raise_for_status()
        assert len(hashes(server, "prod", f"acme{number}")) == 1
        listed = server.http.get(f"{server.url}prod/simple/", headers={"Accept": SIMPLE_JSON}).json()["projects"]
        assert len(listed) == number + 1


def test_an_index_with_demands_takes_no_uploads(owner: Person) -> None:
    owner.index("prod", demands={"approvals": 1})

    answer = upload(owner.server, "prod", *RELEASE[0], owner.token)

    assert (answer.status_code, "takes releases by promotion only" in answer.text) == (403, True)
