"""An object store that fails now and then, in every way it can: what was tried again goes well, and no wrong byte gets through."""

import random
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from purveyor.adapters.file_gate import FileGate
from purveyor.adapters.object_store_blobs import ObjectStoreBlobs
from purveyor.errors import StoreFailed
from tests.object_server import Bucket
from tests.objects.faulty import Fault, FaultyStore, answers, breaks_off, hangs_up, loses_its_answer

CONTENT = random.Random(5).randbytes(3 << 20)
DIGEST = sha256(CONTENT).hexdigest()
BUSY = {"500": answers(500), "503": answers(503), "no answer": hangs_up}


@pytest.fixture
def store(object_store: Bucket, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyStore]:
    with FaultyStore(object_store.server.url) as faulty:
        monkeypatch.setenv("AWS_ENDPOINT_URL", faulty.url)
        yield faulty


@pytest.fixture
def blobs(store: FaultyStore, object_store: Bucket, tmp_path: Path) -> ObjectStoreBlobs:
    return ObjectStoreBlobs(object_store.url, tmp_path, FileGate(tmp_path / "gate"), 1 << 30)


def keep(blobs: ObjectStoreBlobs) -> None:
    with blobs.stage() as staging:
        staging.write(CONTENT)
        with blobs.keep([(staging, DIGEST)]):
            pass


def content(blobs: ObjectStoreBlobs) -> bytes:
    with blobs.open(DIGEST) or pytest.fail("it is not there") as blob:
        return blob.read()


@pytest.mark.parametrize("fault", BUSY.values(), ids=BUSY)
def test_a_download_is_tried_again(fault: Fault, store: FaultyStore, blobs: ObjectStoreBlobs) -> None:
    keep(blobs)
    store.faults = [fault, fault]

    assert content(blobs) == CONTENT
    assert store.requests.count("GET") == 3


@pytest.mark.parametrize("fault", [*BUSY.values(), loses_its_answer], ids=[*BUSY, "the answer is lost"])
def test_an_upload_is_tried_again_and_is_in_the_store_once(
    fault: Fault, store: FaultyStore, blobs: ObjectStoreBlobs, object_store: Bucket
) -> None:
    store.method, store.faults = "PUT", [fault]
    keep(blobs)

    assert object_store.objects() == {f"our-index/blobs/{DIGEST[:2]}/{DIGEST[2:]}": len(CONTENT)}
    assert content(blobs) == CONTENT


def test_of_a_download_that_breaks_off_the_rest_is_asked_for(store: FaultyStore, blobs: ObjectStoreBlobs) -> None:
    keep(blobs)
    store.faults = [breaks_off(1 << 20)]

    assert content(blobs) == CONTENT
    assert store.requests.count("GET") == 2


def test_a_store_that_never_does_it_is_given_up_with_a_sentence(store: FaultyStore, blobs: ObjectStoreBlobs) -> None:
    keep(blobs)
    store.faults = [answers(503)] * 1000
    with pytest.raises(StoreFailed) as raised:
        content(blobs)

    assert str(raised.value) == "The object store cannot be read. Try again in a moment."
    assert 3 <= store.requests.count("GET") <= 20  # with growing pauses


def test_refused_credentials_are_called_that_at_once(store: FaultyStore, blobs: ObjectStoreBlobs) -> None:
    keep(blobs)
    store.faults = [answers(403)]
    with pytest.raises(StoreFailed) as raised:
        content(blobs)

    assert raised.value.detail == "The object store cannot be read: it refuses the server's credentials."


def test_what_goes_wrong_is_logged_without_what_was_signed(
    store: FaultyStore, blobs: ObjectStoreBlobs, caplog: pytest.LogCaptureFixture
) -> None:
    keep(blobs)
    store.faults = [answers(403)]
    with pytest.raises(StoreFailed):
        content(blobs)

    assert "cannot be read: PermissionDeniedError" in caplog.text
    assert not {"X-Amz-Signature", "Authorization", "known-to-the-tests-only", "Credential"} & set(caplog.text.split())
