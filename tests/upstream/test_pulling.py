"""What an upstream has is offered as if it were here: pages, files and core metadata."""

from hashlib import sha256

from purveyor.testing.fake_index import Answer, FakeIndex
from tests.distributions import sdist, wheel
from tests.live_server import LiveServer


def test_a_project_of_the_upstream_is_offered_with_all_that_is_said_of_it(upstream: FakeIndex, server: LiveServer) -> None:
    file = upstream.add(*wheel("acme", "1.0", metadata=["Requires-Python: >=3.9"]))
    yanked = upstream.add(*wheel("acme", "1.1"))
    yanked.yanked = "broken"
    upstream.status["acme"] = "archived"

    page = server.project("acme")

    assert page["project-status"] == {"status": "archived"}
    assert page["versions"] == ["1.0", "1.1"]
    assert [entry["yanked"] for entry in page["files"]] == [False, "broken"]
    first = page["files"][0]
    assert first["upload-time"] == "2026-01-02T03:04:05.678901Z"
    assert (first["requires-python"], first["size"]) == (">=3.9", len(file.data))
    assert first["core-metadata"] == {"sha256": file.metadata_sha256}
    assert first["url"].startswith("../../packages/")


def test_files_and_their_metadata_are_handed_on_and_kept(upstream: FakeIndex, server: LiveServer) -> None:
    added = [upstream.add(*wheel("acme", "1.0")), upstream.add(*sdist("acme", "1.0"))]

    for _ in range(2):
        assert server.files("acme") == {file.filename: file.data for file in added}
        url = server.entries("acme")[0]["url"]
        assert sha256(server.http.get(f"{url}.metadata").content).hexdigest() == added[0].metadata_sha256

    asked = [request.path for request in upstream.requests]
    assert sorted(asked) == sorted(["/simple/acme/", added[0].path, f"{added[0].path}.metadata", added[1].path])


def test_a_name_that_is_nowhere_is_not_found(server: LiveServer) -> None:
    assert server.http.get(f"{server.simple_url}nothing/").status_code == 404


def test_the_packing_of_an_sdist_is_not_taken_for_a_content_coding(upstream: FakeIndex, server: LiveServer) -> None:
    file = upstream.add(*sdist("acme", "1.0"))
    upstream.answer(file.path, Answer(body=file.data, headers={"Content-Encoding": "x-gzip"}))
    assert server.files("acme") == {file.filename: file.data}


def test_pages_in_html_are_enough_and_what_cannot_be_checked_is_left_out(upstream: FakeIndex, server: LiveServer) -> None:
    upstream.json_served = False
    file = upstream.add(*wheel("acme", "1.0", metadata=["Requires-Python: >=3.9"]))
    upstream.add(*sdist("acme", "2.0")).sha256 = None
    upstream.add("acme-3.0.zip", b"an old sdist")
    for strange in ("acme-1.0-py3.9.egg", "acme-1.0.exe", "acme-2004d.tar.gz", "other-1.0.tar.gz"):
        upstream.add(strange, b"").project = "acme"

    page = server.project("acme")

    assert [(entry["filename"], entry.get("size")) for entry in page["files"]] == [(file.filename, None), ("acme-3.0.zip", None)]
    assert page["files"][0]["requires-python"] == ">=3.9"
    assert server.files("acme") == {file.filename: file.data, "acme-3.0.zip": b"an old sdist"}
    assert server.http.head(server.entries("acme")[0]["url"]).headers["Content-Length"] == str(len(file.data))
