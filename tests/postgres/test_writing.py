"""Writes that go wrong between a server and PostgreSQL: what the client is told is true, and trying again is safe."""

from pathlib import Path

import psycopg

from tests.distributions import wheel
from tests.live_server import LiveServer
from tests.postgres.conftest import Serve
from tests.postgres.lossy import LossyLink
from tests.postgres_server import PostgresServer
from tests.promotion.people import Person, hashes, pages


def test_a_commit_whose_word_is_lost_is_said_to_be_unknown_and_found_when_it_is_tried_again(
    postgres_server: PostgresServer, postgres_url: str, tmp_path: Path
) -> None:
    with LossyLink(postgres_server.port) as link:
        through = postgres_url.replace(f":{postgres_server.port}/", f":{link.port}/")
        with LiveServer(tmp_path / "data", database=through) as server:
            link.loses_commits = True
            lost = server.upload(*wheel("acme", "1.0"))
            link.loses_commits = False
            again = server.upload(*wheel("acme", "1.0"))

            assert (lost.status_code, lost.headers["retry-after"]) == (503, "5")
            assert "Whether this change was made is not known. Try again: nothing is done twice." in lost.text
            assert (again.status_code, link.lost > 0) == (200, True)
            assert "was already here, with the same bytes" in again.text
            assert list(server.hashes("acme")) == [wheel("acme", "1.0")[0]]
    with psycopg.connect(postgres_url) as connection:
        assert connection.execute("SELECT count(*) FROM journal WHERE action = 'add-file'").fetchone() == (1,)


def test_a_writer_that_waits_for_too_long_is_told_to_try_again(serve: Serve, postgres_url: str) -> None:
    server = serve()
    with psycopg.connect(postgres_url) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", (0x70757276_00000001,))
        refused = server.upload(*wheel("acme", "1.0"))
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
    assert "Another server has kept the database" in refused.text
    assert server.upload(*wheel("acme", "1.0")).status_code == 200


def test_text_that_postgresql_cannot_keep_is_refused_and_nothing_else_with_it(serve: Serve) -> None:
    server = serve()
    server.host(wheel("acme", "1.0"))
    owner = Person(server, server.token)
    refused = owner.ask("POST", "default/api/projects/acme/yank", {"version": "1.0", "reason": "a\0b"})
    assert refused.status_code == 400
    assert owner.ask("POST", "default/api/projects/acme/yank", {"version": "1.0", "reason": "ab"}).status_code == 200


def test_a_release_is_promoted_yanked_and_rolled_back_at_any_server(serve: Serve) -> None:
    one, other = serve(), serve()
    here, there = Person(one, one.token), Person(other, one.token)
    for name in ("dev", "prod"):
        here.index(name)
    there.upload("dev", wheel("acme", "1.0"), wheel("acme", "1.1"))

    assert here.promote("acme", "1.0").json()["changed"] is True
    assert set(hashes(other, "prod", "acme")) == {wheel("acme", "1.0")[0]}
    there.call("POST", "prod/api/projects/acme/yank", {"version": "1.0", "reason": "broken"})
    assert b"broken" in pages(one, "prod", "acme").json
    assert pages(one, "prod", "acme") == pages(other, "prod", "acme")
    here.call("POST", "prod/api/projects/acme/unyank", {"version": "1.0"})
    assert there.roll_back("acme").is_success
    assert hashes(one, "prod", "acme") == {}
    assert [entry["serial"] for entry in here.journal("prod")] == [entry["serial"] for entry in there.journal("prod")]
