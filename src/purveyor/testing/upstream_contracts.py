"""What every adapter of the ports for upstreams must do; see `testing/contracts.py` for how a suite is used."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from msgspec.structs import replace

from purveyor.errors import UpstreamFailed
from purveyor.interfaces import FetchedPage, FilePart, PulledBlob, PulledBlobs, Snapshot, Snapshots, Unchanged, Upstream, Validators
from purveyor.model.files import Yanked
from purveyor.model.names import normalize
from purveyor.model.projects import ProjectDetail, ProjectStatus, Status
from purveyor.testing.contracts import new_file
from purveyor.testing.fake_index import JSON_TYPE, Answer, FakeIndex

_NOON = datetime(2026, 8, 1, 12, 0, tzinfo=UTC)
_ACME = normalize("acme")
_PAGE = "/simple/acme/"
_SOMEWHERE = "http://index.example/simple/"


class UpstreamContract:
    """`open_upstream()` gives a client that waits for silence no longer than some seconds."""

    def test_a_page_comes_with_its_type_url_and_validators(self, open_upstream: Callable[[], Upstream]) -> None:
        with FakeIndex() as index:
            headers = {"ETag": '"one"', "Last-Modified": "Sat, 01 Aug 2026 12:00:00 GMT", "Cache-Control": "public, max-age=60"}
            index.answer(_PAGE, Answer(content_type=JSON_TYPE, body=b"{}", headers=headers))
            page = open_upstream().page(index.url, _ACME, Validators())
            validators = Validators('"one"', "Sat, 01 Aug 2026 12:00:00 GMT")
            assert page == FetchedPage(b"{}", JSON_TYPE, f"{index.url}acme/", validators, 60)

    def test_a_page_that_is_known_is_asked_for_by_its_validators(self, open_upstream: Callable[[], Upstream]) -> None:
        with FakeIndex() as index:
            index.answer(_PAGE, Answer(status=304, headers={"Cache-Control": "max-age=5"}))
            assert open_upstream().page(index.url, _ACME, Validators('"one"')) == Unchanged(5)
            asked = {name.lower(): value for name, value in index.requests[0].headers.items()}
            assert asked["if-none-match"] == '"one"'

    def test_no_such_project_is_none_and_every_other_failure_is_said(self, open_upstream: Callable[[], Upstream]) -> None:
        with FakeIndex() as index:
            upstream = open_upstream()
            assert upstream.page(index.url, _ACME, Validators()) is None
            for status in (304, 400, 401, 403, 500, 503):
                index.answer(_PAGE, Answer(status=status))
                assert _failure(lambda: upstream.page(index.url, _ACME, Validators())) is not None
            url = index.url
        failure = _failure(lambda: open_upstream().page(url, _ACME, Validators()))
        assert failure is not None
        assert failure.wait > 0

    def test_a_redirect_is_followed_and_one_without_end_is_not(self, open_upstream: Callable[[], Upstream]) -> None:
        with FakeIndex() as index:
            index.answer(_PAGE, Answer(status=301, headers={"Location": "/moved/"}))
            index.answer("/moved/", Answer(body=b"here"))
            page = open_upstream().page(index.url, _ACME, Validators())
            assert isinstance(page, FetchedPage)
            assert (page.body, page.url) == (b"here", f"{index.root_url}/moved/")
            index.answer("/moved/", Answer(status=301, headers={"Location": _PAGE}))
            assert _failure(lambda: open_upstream().page(index.url, _ACME, Validators())) is not None

    def test_a_file_comes_in_pieces_and_breaks_off_where_the_upstream_does(self, open_upstream: Callable[[], Upstream]) -> None:
        with FakeIndex() as index:
            file = index.add("acme-1.0.tar.gz", bytes(1 << 20))
            upstream = open_upstream()
            url = f"{index.root_url}{file.path}"
            with upstream.file(index.url, url) as remote:
                assert (remote.size, b"".join(remote.pieces)) == (1 << 20, file.data)
            index.answer(file.path, Answer(body=file.data, cut_after=1000))
            assert _failure(lambda: _read(upstream, index.url, url)) is not None
            index.answer(file.path, Answer(status=404))
            assert _failure(lambda: _read(upstream, index.url, url)) is not None

    def test_parts_of_a_file_come_where_the_upstream_gives_them(self, open_upstream: Callable[[], Upstream]) -> None:
        with FakeIndex() as index:
            file = index.add("acme-1.0.tar.gz", bytes(range(256)))
            upstream, url = open_upstream(), f"{index.root_url}{file.path}"
            assert upstream.part(index.url, url, -1, 10) is None
            index.parts = True
            assert upstream.part(index.url, url, -1, 10) == FilePart(246, file.data[-10:], 256)
            assert upstream.part(index.url, url, -1, 1000) == FilePart(0, file.data, 256)
            assert upstream.part(index.url, url, 16, 4) == FilePart(16, file.data[16:20], 256)
            index.answer(file.path, Answer(status=206, body=b"abc", headers={"Content-Range": "bytes 0-9/256"}))
            assert upstream.part(index.url, url, 0, 10) is None


class SnapshotsContract:
    """`open_snapshots()` opens the same snapshots once more; there are none at first."""

    def test_a_snapshot_comes_back_as_it_was_put(self, open_snapshots: Callable[[], Snapshots]) -> None:
        snapshot = _snapshot()
        assert open_snapshots().get(_SOMEWHERE, _ACME) is None
        open_snapshots().write({(_SOMEWHERE, _ACME): snapshot})
        assert open_snapshots().get(_SOMEWHERE, _ACME) == snapshot
        assert open_snapshots().get("http://other.example/simple/", _ACME) is None
        newer = replace(snapshot, detail=replace(snapshot.detail, serial=8, status=ProjectStatus(Status.QUARANTINED, "bad")))
        open_snapshots().write({(_SOMEWHERE, _ACME): newer})
        assert open_snapshots().get(_SOMEWHERE, _ACME) == newer

    def test_a_snapshot_stays_fresh_for_longer_and_is_forgotten(self, open_snapshots: Callable[[], Snapshots]) -> None:
        snapshots, snapshot, later = open_snapshots(), _snapshot(), _NOON + timedelta(hours=1)
        snapshots.write({(_SOMEWHERE, _ACME): snapshot})
        snapshots.write({(_SOMEWHERE, _ACME): later})
        assert open_snapshots().get(_SOMEWHERE, _ACME) == replace(snapshot, fresh_until=later)
        snapshots.write({(_SOMEWHERE, _ACME): None})
        assert open_snapshots().get(_SOMEWHERE, _ACME) is None

    def test_metadata_that_was_found_in_wheels_is_known_by_project(self, open_snapshots: Callable[[], Snapshots]) -> None:
        snapshots = open_snapshots()
        snapshots.write({}, {(_ACME, "a" * 64): "b" * 64})
        snapshots.write({}, {(_ACME, "a" * 64): "b" * 64})
        assert open_snapshots().extracted(_ACME) == {"a" * 64: "b" * 64}
        assert open_snapshots().extracted(normalize("other")) == {}


class PulledBlobsContract:
    """`open_pulled()` opens the same list once more; it is empty at first."""

    def test_those_unused_for_longest_come_first(self, open_pulled: Callable[[], PulledBlobs]) -> None:
        pulled = open_pulled()
        blobs = [PulledBlob(sha256(bytes([number])).hexdigest(), 10 + number) for number in range(4)]
        for number, blob in enumerate(blobs):
            pulled.add(blob, _NOON + timedelta(minutes=number))
        pulled.used([blobs[0].sha256, "0" * 64], _NOON + timedelta(hours=1))
        assert open_pulled().least_recently_used(2) == blobs[1:3]
        assert open_pulled().least_recently_used(9) == [*blobs[1:], blobs[0]]
        assert open_pulled().size() == sum(blob.size for blob in blobs)
        assert open_pulled().hosted([blob.sha256 for blob in blobs]) == frozenset()
        pulled.forget([blobs[1].sha256])
        assert open_pulled().size() == sum(blob.size for blob in blobs) - blobs[1].size

    def test_a_copy_is_there_until_it_is_forgotten(self, open_pulled: Callable[[], PulledBlobs]) -> None:
        pulled = open_pulled()
        pulled.add(PulledBlob("a" * 64, 10), _NOON)
        assert [open_pulled().has(digit * 64) for digit in "ab"] == [True, False]
        pulled.forget(["a" * 64])
        assert not open_pulled().has("a" * 64)


def _snapshot() -> Snapshot:
    file = new_file("acme-1.0-py3-none-any.whl").file
    pulled = replace(
        file, uploaded_by=None, origin=f"{_SOMEWHERE}acme.whl", yanked=Yanked("old"), provenance_url="https://index.example/provenance"
    )
    detail = ProjectDetail(_ACME, "Acme", ProjectStatus(Status.DEPRECATED, "use bolt"), (pulled,), 7)
    return Snapshot(detail, Validators('"one"', None), _NOON)


def _failure(work: Callable[[], object]) -> UpstreamFailed | None:
    try:
        work()
    except UpstreamFailed as error:
        return error
    return None


def _read(upstream: Upstream, index_url: str, url: str) -> bytes:
    with upstream.file(index_url, url) as remote:
        return b"".join(remote.pieces)
