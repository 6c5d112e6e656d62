"""Advisories: loaded from a dump, then warned of or blocked by; each version compared as a release, not as a text."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from purveyor.errors import Refused
from purveyor.formats.osv import read_advisory, read_dump, write_advisory
from purveyor.testing.fake_index import Answer, FakeIndex
from tests.distributions import wheel
from tests.live_server import LiveServer
from tests.policies.conftest import offered
from tests.policies.seen import names_seen, refusal
from tests.promotion.people import Person
from tests.workbench.command import purveyor


def document(identifier: str = "X-1", name: str = "Sample", ecosystem: str = "PyPI", **affected: Any) -> dict[str, Any]:
    return {
        "id": identifier,
        "summary": "runs\nwhat it is sent",
        "affected": [{"package": {"ecosystem": ecosystem, "name": name}, **affected}],
    }


def events(*pairs: tuple[str, str]) -> dict[str, Any]:
    return {"ranges": [{"type": "ECOSYSTEM", "events": [{kind: version} for kind, version in pairs]}]}


def dump(*documents: Any) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for number, content in enumerate(documents):
            archive.writestr(f"X-{number}.json", content if isinstance(content, bytes) else json.dumps(content))
    return packed.getvalue()


AFFECTED: dict[str, tuple[dict[str, Any], list[str], list[str]]] = {
    "listed": ({"versions": ["1.0.0", "1.1"]}, ["1.0", "1", "1.1.0", "1.0+local"], ["1.2", "1!1.0", "1.0.1"]),
    "fixed": (events(("introduced", "1.0"), ("fixed", "2.0")), ["1.0", "1.9", "2.0rc1"], ["0.9", "2.0", "2.0+local", "1!1.5"]),
    "last": (events(("introduced", "0"), ("last_affected", "1.0")), ["0.1.dev1", "1.0.0", "1.0+local"], ["1.0.1", "1.0.post1"]),
    "unordered": (events(("fixed", "2"), ("introduced", "3"), ("introduced", "1")), ["1.5", "3", "9"], ["0.5", "2", "2.5"]),
    "git only": ({"ranges": [{"type": "GIT", "events": [{"introduced": "0"}]}]}, [], ["1.0"]),
    "odd": (events(("introduced", "0"), ("fixed", "not a version")), ["1.0"], []),
}


@pytest.mark.parametrize("case", AFFECTED)
def test_an_advisory_is_on_the_versions_that_its_format_says(case: str) -> None:
    about, affected, others = AFFECTED[case]
    (advisory,) = read_dump(io.BytesIO(json.dumps(document(**about)).encode())).advisories
    assert [version for version in (*affected, *others) if advisory.affects(version)] == affected
    assert read_advisory(write_advisory(advisory)) == advisory


def test_one_project_several_times_in_a_document_is_one_advisory_on_all_its_versions() -> None:
    twice = {**document(), "affected": [*document(versions=["1.0"])["affected"], *document(name="sample", versions=["3"])["affected"]]}
    (advisory,) = read_dump(io.BytesIO(json.dumps(twice).encode())).advisories
    assert [version for version in ("1.0", "2.0", "3.0") if advisory.affects(version)] == ["1.0", "3.0"]


def test_what_cannot_be_read_is_left_out_and_counted() -> None:
    withdrawn = {**document(), "withdrawn": "2026-01-01T00:00:00Z"}
    reading = read_dump(io.BytesIO(dump(document(versions=["1"]), b"{", [], {"id": "X"}, document(ecosystem="npm"), withdrawn, {})))
    assert [advisory.identifier for advisory in reading.advisories] == ["X-1"]
    assert reading.left_out == 3


@pytest.mark.parametrize("content", [b"", b"<html>", b"PK\x05\x06" + b"\xff" * 18, b"[" * 100_000])
def test_what_is_neither_zip_nor_json_is_refused(content: bytes) -> None:
    with pytest.raises(Refused, match="neither a zip nor JSON"):
        list(read_dump(io.BytesIO(content)).advisories)


def load(server: LiveServer, source: Path | str) -> dict[str, Any]:
    done = purveyor("advisories", "load", source, "--data", server.data, "--json")
    assert done.code == 0, done.out + done.err
    return done.document


def test_a_running_server_goes_by_what_was_loaded_at_once(upstream: FakeIndex, server: LiveServer, owner: Person, tmp_path: Path) -> None:
    offered(upstream, "3.0", days=300)
    sha256 = str(upstream.files[1].sha256)
    owner.upload("default", wheel("ours", "1.0"), wheel("ours", "1.1"))
    owner.index("default", policy={"advisories": "block"})
    assert len(names_seen(server, "sample")) == 3
    source = tmp_path / "all.zip"
    source.write_bytes(dump(document(**events(("introduced", "1.5"), ("fixed", "3.0"))), document("X-2", "ours", versions=["1.0"]), b"?"))

    assert load(server, source) == {"source": str(source), "data": str(server.data), "advisories": 2, "left_out": 1}

    assert [len(names_seen(server, name)) for name in ("sample", "ours")] == [2, 1]
    code, said = refusal(server, "sample-2.0-py3-none-any.whl", sha256)
    assert (code, said.startswith("sample-2.0-py3-none-any.whl is blocked: X-1 (runs what it is sent).")) == (403, True)
    refused = server.upload("ours-1.0.0-py3-none-any.whl", wheel("ours", "1.0.0")[1])
    assert "is blocked: X-2" in refused.text
    newest = owner.call("GET", "api/journal?limit=1&everywhere=true")["entries"][0]
    assert [newest[key] for key in ("action", "actor", "note")] == ["load-advisories", "advisories", "2"]


def test_a_warning_is_a_header_of_the_page_and_stands_in_why(server: LiveServer, owner: Person, upstream: FakeIndex) -> None:
    page = f"{server.simple_url}sample/"
    plain = server.http.get(page)
    upstream.answer("/all.zip", Answer(content_type="application/zip", body=dump(document(versions=["2"]))))
    owner.index("default", policy={"advisories": "warn"})
    load(server, f"{upstream.root_url}/all.zip")

    for headers in ({}, {"If-None-Match": plain.headers["ETag"]}, {"Accept-Encoding": "gzip"}):
        warned = server.http.get(page, headers=headers)
        assert warned.headers["X-Purveyor-Advisories"] == "2.0: X-1 (runs what it is sent)"
    assert "X-Purveyor-Advisories" not in plain.headers
    assert server.http.get(page).content == plain.content
    (reason,) = owner.call("GET", "api/projects/sample/why")["reasons"]
    assert (reason["version"], reason["rule"], reason["sentence"]) == (
        "2.0",
        "advisory",
        "An advisory is about it: X-1 (runs what it is sent). It is offered all the same.",
    )
    owner.index("default", policy={"advisories": "ignore"})
    assert "X-Purveyor-Advisories" not in server.http.get(page).headers


def test_a_source_that_is_no_dump_leaves_everything_as_it_was(server: LiveServer, upstream: FakeIndex, tmp_path: Path) -> None:
    rubbish = tmp_path / "rubbish"
    rubbish.write_text("<html>")
    serial = server.http.get(f"{server.url}health").json()["serial"]
    codes = [
        purveyor("advisories", "load", source, "--data", server.data).code
        for source in (rubbish, tmp_path / "absent", f"{upstream.root_url}/absent", "ftp://host/all.zip")
    ]
    assert codes == [1, 2, 3, 2]
    assert server.http.get(f"{server.url}health").json()["serial"] == serial
