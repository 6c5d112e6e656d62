"""The legacy upload as a client meets it: what is accepted, what is refused and with which words, and that a refusal changes nothing."""

import hashlib
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.api import form
from tests.api.wire import Answer, Wire, ask
from tests.distributions import sdist, wheel
from tests.live_server import LiveServer

WHEEL, CONTENT = wheel("acme", "1.0")
OTHER = wheel("acme", "1.0", modules={"acme.py": "other = True\n"})[1]
JSON = "Accept: application/json"


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """An index with one file. A test here may be refused whatever it likes: the next one finds everything as it was."""
    with LiveServer(tmp_path_factory.mktemp("index") / "data", "--verbose") as server:
        server.host((WHEEL, CONTENT))
        yield server


def snapshot(server: LiveServer) -> list[Answer]:
    pages = [("/simple/", "text/html"), ("/simple/acme/", "text/html"), ("/simple/acme/", "application/vnd.pypi.simple.v1+json")]
    return [ask(server.url, target, "GET", f"Accept: {accept}").undated for target, accept in pages]


def staged(server: LiveServer) -> list[Path]:
    return list((server.data / "staging").glob("upload-*"))


@pytest.fixture
def unchanged(index: LiveServer) -> Iterator[LiveServer]:
    """The index, which must be after the test what it was before: its pages byte for byte, and nothing half-written on its disk."""
    before = snapshot(index)
    yield index
    assert snapshot(index) == before
    assert staged(index) == []
    assert "Traceback" not in index.log


REFUSALS: dict[str, tuple[str, dict[str, str | None], str]] = {
    "another name": (WHEEL, {"name": "bolt"}, "The form's name is 'bolt', but the filename says 'acme'."),
    "another version": (WHEEL, {"version": "2.0"}, "The form's version is '2.0', but the filename says '1.0'."),
    "no name": (WHEEL, {"name": None}, "The form lacks the field name."),
    "another kind": (WHEEL, {"filetype": "sdist"}, "The form's filetype is 'sdist', but"),
    "an unknown kind": (WHEEL, {"filetype": "bdist_egg"}, "it must be 'sdist' or 'bdist_wheel'."),
    "no action": (WHEEL, {":action": None}, "this index knows 'file_upload' only."),
    "another action": (WHEEL, {":action": "submit"}, "The form's :action is 'submit'"),
    "no metadata version": (WHEEL, {"metadata_version": None}, "The form lacks the field metadata_version."),
    "no digest": (WHEEL, {"sha256_digest": None}, "The form gives no digest of the file"),
    "a wrong sha256": (WHEEL, {"sha256_digest": "0" * 64}, "The sha256_digest of the form is '000"),
    "a wrong md5": (WHEEL, {"md5_digest": "0" * 32}, "The md5_digest of the form is '000"),
    "a wrong blake2": (WHEEL, {"blake2_256_digest": "0" * 64}, "The blake2_256_digest of the form is '000"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_a_refusal_says_why_in_all_three_places_where_clients_look(unchanged: LiveServer, case: str) -> None:
    filename, changes, sentence = REFUSALS[case]
    sent = form.body(filename, OTHER, changes)
    plain = form.post(unchanged, sent)
    assert (plain.status, plain["content-type"]) == (400, "text/plain; charset=utf-8")
    assert sentence in plain.text
    assert sentence in plain.reason
    problem = form.post(unchanged, sent, JSON)
    assert problem["content-type"] == "application/problem+json"
    told = json.loads(problem.body)
    assert told["status"] == 400
    assert told["code"] == "upload-refused"
    assert sentence in told["detail"]
    assert any(sentence in complaint for complaint in told["errors"])


def test_every_complaint_is_made_at_once(unchanged: LiveServer) -> None:
    wrong = {"name": "bolt", "version": "9", "filetype": "sdist", ":action": "submit", "sha256_digest": "0" * 64, "md5_digest": "1" * 32}
    told = json.loads(form.post(unchanged, form.body(WHEEL, b"this is no wheel", wrong), JSON).body)
    assert len(told["errors"]) >= 7
    for part in ("'bolt'", "'9'", "'sdist'", "'submit'", "sha256_digest", "md5_digest", "zip"):
        assert any(part.lower() in complaint.lower() for complaint in told["errors"]), part


@pytest.mark.parametrize(
    "name", ["../acme-1.0.tar.gz", "acme-1.0.exe", "acme 1.0.tar.gz", "acme-1.0.tar.gz.metadata", "é-1.0.tar.gz", "index.html", "a" * 250]
)
def test_a_filename_that_is_none_is_refused(unchanged: LiveServer, name: str) -> None:
    sent = form.body(WHEEL, CONTENT).replace(f'filename="{WHEEL}"'.encode(), f'filename="{name}"'.encode())
    answer = form.post(unchanged, sent)
    assert answer.status == 400
    assert answer.reason.isascii()


@pytest.mark.parametrize("digest", ["sha256_digest", "blake2_256_digest", "md5_digest"])
def test_one_right_digest_of_any_kind_is_enough_in_either_case(unchanged: LiveServer, digest: str) -> None:
    right: dict[str, Callable[[bytes], Any]] = {
        "sha256_digest": hashlib.sha256,
        "blake2_256_digest": lambda data: hashlib.blake2b(data, digest_size=32),
        "md5_digest": hashlib.md5,
    }
    value = right[digest](CONTENT).hexdigest()
    for spelled in (value, value.upper()):
        assert form.post(unchanged, form.body(WHEEL, CONTENT, {"sha256_digest": None, digest: spelled})).status == 200


def test_the_same_file_again_is_accepted_and_changes_nothing(unchanged: LiveServer) -> None:
    again = form.post(unchanged, form.body(WHEEL, CONTENT))
    assert again.status == 200
    assert "already here, with the same bytes" in again.text


def test_other_bytes_under_the_name_of_a_file_are_a_conflict_that_tells_both_hashes_who_and_when(unchanged: LiveServer) -> None:
    uploaded = unchanged.project("acme")["files"][0]["upload-time"][:19].replace("T", " ")
    answer = form.post(unchanged, form.body(WHEEL, OTHER))
    assert answer.status == 409
    for part in (WHEEL, hashlib.sha256(CONTENT).hexdigest(), hashlib.sha256(OTHER).hexdigest(), "uploaded by owner", f"{uploaded} UTC"):
        assert part in answer.text
        assert part in answer.reason
    assert "already exist" in answer.reason  # the words by which clients know a duplicate


def test_another_spelling_of_a_file_is_a_conflict_too(unchanged: LiveServer) -> None:
    answer = form.post(unchanged, form.body("ACME-1.0-py3-none-any.whl", CONTENT))
    assert answer.status in (400, 409)


# ---------------------------------------------------------------------- who may
@pytest.mark.parametrize("content", [form.body(WHEEL, OTHER), b"", b"no form at all", form.body(WHEEL, OTHER)[:-10]])
@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "Authorization: Basic bm9ib2R5Om5vdGhpbmc=",
        "Authorization: Basic !!!",
        "Authorization: Basic X190b2tlbl9fOg==",
        "Authorization: Bearer pvy_nonsense",
        "Authorization: Digest x",
        "Authorization: Bearer " + "a" * 5000,
        "Authorization: Bearer \xff",
    ],
)
def test_who_has_no_token_is_told_so_before_anything_else(unchanged: LiveServer, authorization: str | None, content: bytes) -> None:
    assert form.post(unchanged, form.body(WHEEL, CONTENT)).status == 200  # earlier wrong guesses are forgiven, so this one is not slow
    answer = form.post(unchanged, content, authorization=authorization)
    assert answer.status == 401
    assert answer["www-authenticate"].startswith("Basic ")
    assert answer.reason == " ".join(answer.text.split())


@pytest.mark.parametrize("scheme", ["Bearer", "token", "bearer"])
def test_a_token_may_also_come_as_a_bearer(unchanged: LiveServer, scheme: str) -> None:
    assert form.post(unchanged, form.body(WHEEL, CONTENT), authorization=f"Authorization: {scheme} {unchanged.token}").status == 200


def test_a_right_token_is_never_kept_waiting_by_wrong_ones_from_the_same_address(unchanged: LiveServer) -> None:
    wrong = unchanged.token[:-1] + ("0" if unchanged.token[-1] != "0" else "1")
    with ThreadPoolExecutor(12) as guessers:
        guesses = [guessers.submit(form.post, unchanged, b"", authorization=form.basic(wrong)) for _ in range(12)]
        for _ in range(5):
            assert form.post(unchanged, form.body(WHEEL, CONTENT)).status == 200
        assert {guess.result().status for guess in guesses} == {401}
    assert form.post(unchanged, form.body(WHEEL, CONTENT)).status == 200


def test_no_part_of_a_token_is_ever_logged(unchanged: LiveServer) -> None:
    near = unchanged.token[:-8] + "00000000"
    for authorization in (
        form.basic(unchanged.token),
        form.basic(near),
        f"Authorization: Bearer {near}",
        form.basic("x", unchanged.token),
        f"Authorization: {unchanged.token}",
    ):
        form.post(unchanged, form.body(WHEEL, OTHER), authorization=authorization)
    ask(unchanged.url, f"/simple/{unchanged.token}/")
    assert "refused" in unchanged.log
    assert unchanged.token[4:24] not in unchanged.log


# ---------------------------------------------------------------------- how it travels
@pytest.mark.parametrize("missing", [1, 3, len(form.BOUNDARY), 400])
def test_an_upload_that_ends_too_early_is_refused(unchanged: LiveServer, missing: int) -> None:
    answer = form.post(unchanged, form.body(WHEEL, OTHER)[:-missing] if missing > 3 else form.body(WHEEL, OTHER)[: -missing - 2])
    assert answer.status == 400
    assert "closing boundary" in answer.text or "multipart" in answer.text


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_client_that_goes_away_leaves_nothing(unchanged: LiveServer, share: float) -> None:
    sent = form.body(WHEEL, OTHER)
    with Wire(unchanged.url) as wire:
        wire.send(form.head(unchanged, f"Content-Length: {len(sent)}") + sent[: int(len(sent) * share)])
    assert form.post(unchanged, form.body(WHEEL, CONTENT)).status == 200


@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_a_body_in_chunks_is_as_good_as_one_with_a_length(unchanged: LiveServer, size: int) -> None:
    sent = form.body(WHEEL, CONTENT)
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(sent[at : at + size]), sent[at : at + size]) for at in range(0, len(sent), size))
    with Wire(unchanged.url) as wire:
        wire.send(form.head(unchanged, "Transfer-Encoding: chunked") + chunks + b"0\r\n\r\n")
        assert wire.answer().status == 200


def test_who_asks_before_sending_is_told_to_go_on(unchanged: LiveServer) -> None:
    sent = form.body(WHEEL, CONTENT)
    with Wire(unchanged.url) as wire:
        wire.send(form.head(unchanged, f"Content-Length: {len(sent)}", "Expect: 100-continue"))
        assert wire.interim() == "HTTP/1.1 100 Continue"
        wire.send(sent)
        assert wire.answer().status == 200


def test_who_asks_before_sending_is_refused_before_sending(unchanged: LiveServer) -> None:
    with Wire(unchanged.url) as wire:
        wire.send(form.head(unchanged, "Content-Length: 99999", "Expect: 100-continue", authorization=None))
        answer = wire.answer()
        assert (answer.status, answer["connection"]) == (401, "close")
        assert wire.is_closed()


@pytest.mark.parametrize("connection", ["keep-alive", "close"])
def test_a_refusal_in_the_middle_of_a_large_body_is_read_by_whoever_still_sends(unchanged: LiveServer, connection: str) -> None:
    with Wire(unchanged.url) as wire:
        wire.send(form.head(unchanged, "Content-Length: 8000000", f"Connection: {connection}", authorization=None))
        for _ in range(8):
            wire.send(b"x" * 1_000_000)
        assert wire.answer().status == 401
        if connection == "keep-alive":
            wire.send(form.head(unchanged, "Content-Length: 0", authorization=None))
            assert wire.answer().status == 401
        else:
            assert wire.is_closed()


@pytest.mark.parametrize(
    ("content_type", "content"),
    [
        ("application/json", b"{}"),
        ("text/plain", b"x"),
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=", b"x"),
        (f"multipart/form-data; boundary={'b' * 71}", b"x"),
        ("multipart/form-data; boundary=b", b"--b\r\n\r\n\r\n--b--\r\n"),
        ("multipart/form-data; boundary=b", b"--b\r\nContent-Disposition: form-data\r\n\r\n\r\n--b--\r\n"),
        ("multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; name="\xff\xfe"\r\n\r\n\xff\r\n--b--\r\n'),
        ("multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; name="content"\r\n\r\nx\r\n--b--\r\n'),
        ("multipart/form-data; boundary=b", b"--b--\r\n"),
        ("multipart/form-data; boundary=b", b"\r" * 100_000),
        ("multipart/form-data; boundary=b", b"--b\r\nX: " + b"y" * 50_000 + b"\r\n\r\n\r\n--b--\r\n"),
        ("multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n' * 2000 + b"--b--\r\n"),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n' + b"v" * (2 << 20) + b"\r\n--b--\r\n",
        ),
    ],
)
def test_what_is_no_form_is_refused_with_a_sentence(unchanged: LiveServer, content_type: str, content: bytes) -> None:
    sent = form.head(unchanged, f"Content-Length: {len(content)}").replace(
        f"multipart/form-data; boundary={form.BOUNDARY}".encode(), content_type.encode()
    )
    with Wire(unchanged.url) as wire:
        wire.send(sent + content)
        answer = wire.answer()
    assert answer.status in (400, 413)
    assert len(answer.text) > 20


def test_two_files_in_one_form_are_refused(unchanged: LiveServer) -> None:
    one = form.body(WHEEL, CONTENT)
    answer = form.post(unchanged, one[: -len(form.BOUNDARY) - 6] + one)
    assert answer.status == 400
    assert "more than one part" in answer.text


def test_a_file_over_the_limit_is_refused_whether_or_not_its_length_is_told(tmp_path: Path) -> None:
    with LiveServer(tmp_path / "data", max_upload_size=2_000_000) as server:
        sent = form.body(WHEEL, bytes(3_000_000))
        assert form.post(server, sent).status == 413
        told = form.post(server, b"", "Content-Length: 99999999999")
        assert told.status in (400, 413)
        with Wire(server.url) as wire:
            wire.send(form.head(server, "Transfer-Encoding: chunked") + b"%x\r\n" % len(sent))
            wire.send(sent + b"\r\n0\r\n\r\n")
            answer = wire.answer()
        assert answer.status == 413
        assert "larger than the 2000000 bytes" in answer.reason
        assert server.http.get(server.simple_url).text.count("<a ") == 0
        assert staged(server) == []
        server.host((WHEEL, CONTENT))


def test_the_upload_url_also_answers_without_its_slash_and_at_the_root(unchanged: LiveServer) -> None:
    sent = form.body(WHEEL, CONTENT)
    for path in (b"/legacy", b"/"):
        with Wire(unchanged.url) as wire:
            wire.send(form.head(unchanged, f"Content-Length: {len(sent)}").replace(b"/legacy/", path, 1) + sent)
            assert wire.answer().status == 200


# ---------------------------------------------------------------------- several at once
def test_of_eight_different_files_under_one_name_exactly_one_is_accepted(tmp_path: Path) -> None:
    with LiveServer(tmp_path / "data") as server, ThreadPoolExecutor(8) as clients:
        for version in ("1.0", "2.0", "3.0"):
            rivals = [wheel("acme", version, modules={"acme.py": f"rival = {number}\n"}) for number in range(8)]
            answers = list(clients.map(lambda rival: form.post(server, form.body(*rival)), rivals))
            assert sorted(answer.status for answer in answers) == [200, *[409] * 7]
            winner = next(content for (_, content), answer in zip(rivals, answers, strict=True) if answer.status == 200)
            assert server.files("acme")[rivals[0][0]] == winner
        assert staged(server) == []


def test_the_same_file_from_eight_clients_is_accepted_from_all(tmp_path: Path) -> None:
    with LiveServer(tmp_path / "data") as server, ThreadPoolExecutor(8) as clients:
        for filename, content in (wheel("acme", "1.0"), sdist("acme", "1.0", modules={"noise": hashlib.shake_128(b"").digest(1 << 20)})):
            answers = list(clients.map(lambda _, f=filename, c=content: form.post(server, form.body(f, c)), range(8)))
            assert {answer.status for answer in answers} == {200}
            assert sum("stored" in answer.text for answer in answers) == 1
            assert server.files("acme")[filename] == content
        assert staged(server) == []
