"""A promotion is undone: the former page is there again, byte for byte."""

from tests.distributions import sdist, wheel
from tests.promotion.people import Person, hashes, pages, upload

FIRST = (wheel("acme", "1.0"), sdist("acme", "1.0"))
SECOND = (wheel("acme", "2.0"), sdist("acme", "2.0"))


def promoted(owner: Person, *versions: str) -> None:
    owner.upload("dev", *FIRST, *SECOND)
    for version in versions:
        owner.promote("acme", version).raise_for_status()


def test_the_former_page_is_there_again_byte_for_byte(owner: Person) -> None:
    promoted(owner, "1.0")
    owner.call("POST", "prod/api/projects/acme/yank", {"filenames": [FIRST[1][0]], "reason": "wheel only"})
    owner.call("PUT", "prod/api/projects/acme/status", {"status": "deprecated", "reason": "use bolt"})
    before = pages(owner.server, "prod", "acme")
    owner.promote("acme", "2.0").raise_for_status()
    assert pages(owner.server, "prod", "acme") != before

    answer = owner.roll_back("acme").json()

    assert pages(owner.server, "prod", "acme") == before
    assert answer["undone"] == [{"version": "2.0", "from": "dev", "promoted_by": "owner"}]


def test_before_the_first_promotion_there_was_no_such_project(owner: Person) -> None:
    server = owner.server
    listed = server.http.get(f"{server.url}prod/simple/").content
    promoted(owner, "1.0")

    owner.roll_back("acme").raise_for_status()

    assert server.http.get(f"{server.url}prod/simple/acme/").status_code == 404
    assert server.http.get(f"{server.url}prod/simple/").content == listed
    assert hashes(server, "dev", "acme").keys() == {filename for filename, _ in FIRST + SECOND}


def test_promotions_are_undone_one_after_the_other_and_then_there_is_none_left(owner: Person) -> None:
    promoted(owner, "1.0", "2.0")

    undone = [owner.roll_back("acme").json()["undone"][0]["version"] for _ in range(2)]

    assert undone == ["2.0", "1.0"]
    answer = owner.roll_back("acme")
    assert (answer.status_code, "no promotion of acme to prod" in answer.json()["detail"]) == (404, True)


def test_what_was_rolled_back_can_be_promoted_again(owner: Person) -> None:
    promoted(owner, "1.0", "2.0")
    after = pages(owner.server, "prod", "acme")

    for _ in range(2):
        owner.roll_back("acme").raise_for_status()
        owner.promote("acme", "2.0").raise_for_status()

    assert pages(owner.server, "prod", "acme") == after


def test_the_names_of_files_that_went_stay_taken_by_their_bytes(owner: Person) -> None:
    promoted(owner, "1.0", "2.0")
    owner.roll_back("acme").raise_for_status()

    other = wheel("acme", "2.0", {"acme.py": "other = 1\n"})
    answer = upload(owner.server, "prod", *other, owner.token)

    assert (answer.status_code, "was deleted here" in answer.text) == (409, True)


def test_it_is_a_change_of_its_own_in_the_journal(owner: Person) -> None:
    promoted(owner, "1.0", "2.0")
    before = owner.journal("prod")

    done = owner.roll_back("acme").json()

    newest = owner.journal("prod")[0]
    assert (newest["serial"], newest["action"], newest["actor"]) == (done["serial"], "roll-back", "owner")
    assert newest["note"] == f"to serial {done['restored']}, undoing 2.0"
    assert owner.journal("prod")[-len(before) :] == before
    (second, first) = owner.call("GET", "prod/api/projects/acme/promotions")["promotions"]
    assert (second["version"], second["undone"], first["undone"]) == ("2.0", done["serial"], None)


def test_what_happened_to_the_promoted_files_themselves_goes_with_them(owner: Person) -> None:
    promoted(owner, "1.0")
    before = pages(owner.server, "prod", "acme")
    owner.promote("acme", "2.0").raise_for_status()
    owner.call("POST", "prod/api/projects/acme/yank", {"version": "2.0", "reason": "broken"})
    owner.call("POST", "prod/api/projects/acme/delete", {"filenames": [SECOND[1][0]]})

    owner.roll_back("acme").raise_for_status()

    assert pages(owner.server, "prod", "acme") == before


def test_with_other_changes_since_it_says_which_and_changes_nothing(owner: Person) -> None:
    promoted(owner, "1.0", "2.0")
    owner.call("POST", "prod/api/projects/acme/yank", {"filenames": [FIRST[0][0]]})
    before = pages(owner.server, "prod", "acme")

    answer = owner.roll_back("acme")

    assert answer.status_code == 409
    assert f"acme has changed on prod since 2.0 was promoted: yank of {FIRST[0][0]} by owner" in answer.json()["detail"]
    assert pages(owner.server, "prod", "acme") == before


def test_to_a_serial_everything_since_is_undone(owner: Person) -> None:
    promoted(owner, "1.0")
    before, serial = pages(owner.server, "prod", "acme"), owner.journal("prod")[0]["serial"]
    owner.promote("acme", "2.0").raise_for_status()
    owner.upload("prod", wheel("acme", "3.0"))
    owner.call("POST", "prod/api/projects/acme/delete", {"version": "1.0"})
    owner.call("PUT", "prod/api/projects/acme/status", {"status": "archived"})

    done = owner.roll_back("acme", to_serial=serial).json()

    assert pages(owner.server, "prod", "acme") == before
    assert (done["restored"], [one["version"] for one in done["undone"]]) == (serial, ["2.0"])


def test_several_promotions_are_undone_at_once(owner: Person) -> None:
    owner.upload("prod", wheel("acme", "0.9"))
    before, serial = pages(owner.server, "prod", "acme"), owner.journal("prod")[0]["serial"]
    promoted(owner, "1.0", "2.0")

    done = owner.roll_back("acme", to_serial=serial).json()

    assert [one["version"] for one in done["undone"]] == ["2.0", "1.0"]
    assert pages(owner.server, "prod", "acme") == before


def test_a_page_that_was_not_kept_is_refused_and_those_that_were_are_named(owner: Person) -> None:
    promoted(owner, "1.0")
    kept = owner.roll_back("acme").json()["restored"]
    owner.promote("acme", "1.0").raise_for_status()
    owner.call("POST", "prod/api/projects/acme/yank", {"version": "1.0"})
    owner.call("POST", "prod/api/projects/acme/unyank", {"version": "1.0"})
    unyanked = owner.journal("prod")[0]["serial"]

    answer = owner.roll_back("acme", to_serial=unyanked - 1)

    assert (answer.status_code, f"at the serial {unyanked - 1} is not known" in answer.json()["detail"]) == (409, True)
    assert str(kept) in answer.json()["detail"]


def test_bytes_that_were_replaced_are_not_promised_back(owner: Person) -> None:
    promoted(owner, "1.0")
    serial = owner.journal("prod")[0]["serial"]
    owner.promote("acme", "2.0").raise_for_status()
    owner.index("prod", volatile=True)
    owner.upload("prod", wheel("acme", "1.0", {"acme.py": "other = 1\n"}))
    before = pages(owner.server, "prod", "acme")

    answer = owner.roll_back("acme", to_serial=serial)

    assert (answer.status_code, "its former bytes are not kept" in answer.json()["detail"]) == (409, True)
    assert pages(owner.server, "prod", "acme") == before
