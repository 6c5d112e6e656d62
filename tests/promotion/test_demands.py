"""What an index demands before it takes a release: time, checks, and the word of others; every unmet demand is told at once."""

from tests.distributions import sdist, wheel
from tests.promotion.people import Person, hashes

RELEASE = (wheel("acme", "1.0"), sdist("acme", "1.0"))


def complaints(person: Person) -> list[str]:
    answer = person.promote("acme", "1.0")
    assert (answer.status_code, answer.json()["code"]) == (400, "promotion-refused")
    errors: list[str] = answer.json()["errors"]
    return errors[1:]


def record(person: Person, check: str, *, passed: bool = True, index: str = "dev") -> None:
    document = {"version": "1.0", "check": check, "passed": passed, "note": "run 7", "url": "https://ci.example/7"}
    person.call("POST", f"{index}/api/projects/acme/checks", document)


def approve(person: Person, target: str = "prod") -> None:
    person.call("POST", f"{target}/api/projects/acme/approve", {"version": "1.0", "note": "looks right"})


def test_every_unmet_demand_is_told_at_once_and_nothing_is_promoted(owner: Person) -> None:
    owner.index("prod", demands={"days": 7, "checks": ["tests", "audit"], "approvals": 2})
    owner.upload("dev", *RELEASE)
    record(owner, "audit", passed=False)

    age, tests, audit, approvals = complaints(owner)

    assert age.startswith("prod takes a release after 7 days in dev, and acme 1.0 has been there since ")
    assert "nothing is recorded of it for these files" in tests
    assert "`purveyor check record acme==1.0 tests --passed --index dev`" in tests
    assert audit.startswith("The check audit failed, as owner recorded on ")
    assert approvals.startswith("prod demands 2 approvals by others than those who uploaded the files and who promotes them (none so far)")
    assert "`purveyor approve acme==1.0 --from dev --to prod`" in approvals
    assert hashes(owner.server, "prod", "acme") == {}


def test_it_is_promoted_once_all_demands_are_met_and_carries_the_evidence(owner: Person) -> None:
    owner.index("prod", demands={"checks": ["tests"], "approvals": 1})
    ci, ada = owner.other("ci", "upload", "check"), owner.other("ada", "approve")
    ci.upload("dev", *RELEASE)
    record(ci, "tests")
    approve(ada)

    done = owner.promote("acme", "1.0").json()

    (check,), (approval,) = done["checks"], done["approvals"]
    assert (check["check"], check["passed"], check["by"], check["index"]) == ("tests", True, "ci", "dev")
    assert (check["note"], check["url"]) == ("run 7", "https://ci.example/7")
    assert (approval["to"], approval["by"], approval["note"]) == ("prod", "ada", "looks right")
    assert owner.call("GET", "prod/api/projects/acme/promotions")["promotions"][0]["checks"] == [check]


def test_the_last_word_on_a_check_counts(owner: Person) -> None:
    owner.index("prod", demands={"checks": ["tests"]})
    owner.upload("dev", *RELEASE)
    record(owner, "tests")
    record(owner, "tests", passed=False)
    assert len(complaints(owner)) == 1

    record(owner, "tests")

    assert owner.promote("acme", "1.0").is_success


def test_what_was_recorded_is_about_the_files_that_were_there(owner: Person) -> None:
    owner.index("prod", demands={"checks": ["tests"], "approvals": 1})
    ada = owner.other("ada", "approve")
    owner.upload("dev", RELEASE[0])
    record(owner, "tests")
    approve(ada)
    owner.upload("dev", RELEASE[1])

    assert len(complaints(owner)) == 2


def test_replaced_bytes_are_not_those_that_were_checked(owner: Person) -> None:
    owner.index("dev", volatile=True)
    owner.index("prod", demands={"checks": ["tests"]})
    owner.upload("dev", RELEASE[0])
    record(owner, "tests")
    owner.upload("dev", wheel("acme", "1.0", {"acme.py": "other = 1\n"}))

    assert len(complaints(owner)) == 1


def test_a_check_goes_with_the_files_from_index_to_index(owner: Person) -> None:
    owner.index("stage")
    owner.index("prod", demands={"checks": ["tests"]})
    owner.upload("dev", *RELEASE)
    record(owner, "tests")
    owner.promote("acme", "1.0", target="stage").raise_for_status()

    assert owner.promote("acme", "1.0", source="stage").is_success


def test_the_time_is_counted_from_the_day_it_came_to_the_source(owner: Person) -> None:
    owner.index("stage")
    owner.index("prod", demands={"days": 0.00001})  # less than a second
    owner.index("later", demands={"days": 1})
    owner.upload("dev", *RELEASE)
    owner.promote("acme", "1.0", target="stage").raise_for_status()

    answers = {}
    while not (answers := {target: owner.promote("acme", "1.0", "stage", target) for target in ("prod", "later")})["prod"].is_success:
        pass

    assert answers["later"].status_code == 400


def test_who_uploaded_a_release_or_promotes_it_cannot_be_the_one_who_approves(owner: Person) -> None:
    owner.index("prod", demands={"approvals": 1})
    ci, ada = owner.other("ci", "upload", "approve"), owner.other("ada", "approve", "promote")
    ci.upload("dev", *RELEASE)

    own = ci.ask("POST", "prod/api/projects/acme/approve", {"version": "1.0"})
    assert (own.status_code, "ci uploaded acme 1.0" in own.json()["detail"]) == (403, True)
    approve(ada)
    assert len(complaints(ada)) == 1
    assert owner.promote("acme", "1.0").is_success


def test_the_same_person_counts_once_and_for_the_index_that_was_meant(owner: Person) -> None:
    owner.index("stage")
    owner.index("prod", demands={"approvals": 2})
    ada, bob = owner.other("ada", "approve"), owner.other("bob", "approve")
    owner.upload("dev", *RELEASE)
    approve(ada)
    approve(ada)
    approve(bob, target="stage")

    (complaint,) = complaints(owner)

    assert "(so far from ada)" in complaint


def test_an_approval_must_say_which_files_are_meant_where_indexes_differ(owner: Person) -> None:
    owner.index("test")
    ada = owner.other("ada", "approve")
    owner.upload("dev", *RELEASE)
    owner.upload("test", RELEASE[0])

    answer = ada.ask("POST", "prod/api/projects/acme/approve", {"version": "1.0"})

    assert (answer.status_code, "Several indexes host different files of acme 1.0" in answer.json()["detail"]) == (400, True)
    assert ada.ask("POST", "prod/api/projects/acme/approve", {"version": "1.0", "from": "test"}).is_success
    assert ada.ask("POST", "prod/api/projects/acme/approve", {"version": "1.0", "from": "prod"}).status_code == 400
    assert ada.ask("POST", "prod/api/projects/acme/approve", {"version": "9"}).status_code == 404


def test_each_word_needs_its_permission_and_stands_in_the_journal(owner: Person) -> None:
    ci, ada = owner.other("ci", "check"), owner.other("ada", "approve")
    owner.upload("dev", *RELEASE)

    record(ci, "tests")
    approve(ada)

    assert ada.ask("POST", "dev/api/projects/acme/checks", {"version": "1.0", "check": "x", "passed": True}).status_code == 403
    assert ci.ask("POST", "prod/api/projects/acme/approve", {"version": "1.0"}).status_code == 403
    (recorded, *_), (approved, *_) = owner.journal("dev"), owner.journal("prod")
    assert (recorded["action"], recorded["actor"], recorded["note"]) == ("record-check", "ci", "tests passed: run 7")
    assert (approved["action"], approved["actor"], approved["note"]) == ("approve", "ada", "from dev: looks right")


def test_demands_that_cannot_be_are_refused_all_at_once(owner: Person) -> None:
    wrong = {"days": -1, "checks": [""], "approvals": 1.5, "signatures": 2}

    answer = owner.ask("PUT", "prod/api/index", {"demands": wrong})

    assert (answer.status_code, len(answer.json()["errors"])) == (400, 4)
    owner.index("prod", demands={"days": 2.5, "checks": ["tests"]})
    owner.index("prod", demands={"approvals": 1})
    assert owner.call("GET", "prod/api/index")["demands"] == {"days": 2.5, "checks": ["tests"], "approvals": 1}
    owner.index("prod", demands={"days": 0, "checks": [], "approvals": 0})
    assert owner.call("GET", "prod/api/index")["demands"] == {}
