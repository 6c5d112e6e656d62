"""What dies on its way into an object store: no row without its blob, and after cleaning nothing else."""

import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import botocore.session
import httpx2
import pytest
from botocore.config import Config

from purveyor import assembly
from purveyor.adapters.abandoned_parts import AbandonedParts
from purveyor.publishing.cleaning import Cleaner
from purveyor.settings import Settings
from tests.distributions import wheel
from tests.live_server import LiveServer, new_client
from tests.object_server import Bucket
from tests.objects.stored import digest

AT_ONCE = timedelta(0)


@contextmanager
def s3(bucket: Bucket) -> Iterator[Any]:
    style = Config(s3={"addressing_style": "path"})
    client = botocore.session.get_session().create_client("s3", "us-east-1", endpoint_url=bucket.server.url, config=style)
    yield client
    client.close()


def begun_and_left(bucket: Bucket, path: str, *parts: bytes) -> None:
    name = bucket.url.split("/")[2]
    with s3(bucket) as client:
        upload = client.create_multipart_upload(Bucket=name, Key=path)
        for number, part in enumerate(parts, 1):
            client.upload_part(Bucket=name, Key=path, UploadId=upload["UploadId"], PartNumber=number, Body=part)


def unfinished(bucket: Bucket) -> list[str]:
    with s3(bucket) as client:
        return sorted(upload["Key"] for upload in client.list_multipart_uploads(Bucket=bucket.url.split("/")[2]).get("Uploads", ()))


def test_parts_of_uploads_that_died_are_found_with_their_size_and_removed(object_store: Bucket) -> None:
    begun_and_left(object_store, "our-index/blobs/ab/cd", bytes(5 << 20), b"the rest")
    begun_and_left(object_store, "our-index/blobs/ab/ef", b"small")
    begun_and_left(object_store, "another-index/blobs/ab/cd", b"not ours")
    parts = AbandonedParts(object_store.url, "blobs", age=AT_ONCE)

    assert sorted(parts.sizes()) == [5, (5 << 20) + 8]
    assert parts.sweep() == 2
    assert unfinished(object_store) == ["another-index/blobs/ab/cd"]


def test_parts_that_may_belong_to_a_living_upload_are_left_alone(object_store: Bucket) -> None:
    begun_and_left(object_store, "our-index/blobs/ab/cd", b"a part")
    young = AbandonedParts(object_store.url, "blobs")

    assert (young.sizes(), young.sweep()) == ([], 0)
    assert unfinished(object_store) == ["our-index/blobs/ab/cd"]


def test_a_store_that_does_not_tell_of_them_keeps_nothing_from_being_cleaned(
    object_store: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assembly.application(Settings(data=tmp_path, blobs=object_store.url)).catalog.close()
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")

    with assembly.cleaner(Settings(data=tmp_path, blobs=object_store.url)) as cleaner:
        assert (cleaner.stagings().count, cleaner.remove_stagings().count) == (0, 0)

    assert "cannot be listed or removed" in caplog.text


@pytest.mark.parametrize(("kills", "size"), [(2, 6 << 20), pytest.param(12, 20 << 20, marks=pytest.mark.slow)])
def test_a_server_that_is_killed_in_its_uploads_leaves_no_row_without_its_blob_and_nothing_that_cleaning_does_not_find(
    kills: int, size: int, object_store: Bucket, tmp_path: Path
) -> None:
    chance = random.Random(kills)
    acknowledged: dict[str, str] = {}
    with LiveServer(tmp_path / "data", blobs=object_store.url) as server:
        token = server.token
        for number in range(kills):
            acknowledged |= dict(uploads_until_killed(server, token, chance, f"1.{number}", size))
            server.start()
        offered = server.hashes("acme")
        assert acknowledged.items() <= {name: offered.get(name) for name in acknowledged}.items()
        assert {name: digest(content) for name, content in server.files("acme").items()} == offered
    cleaned(server.data, object_store.url)

    stored = {path.removeprefix("our-index/blobs/").replace("/", "") for path in object_store.objects()}
    assert set(offered.values()) <= stored <= named_by(server.data)  # metadata may still wait in the database
    assert unfinished(object_store) == []
    assert list((server.data / "staging").iterdir()) == []


def uploads_until_killed(server: LiveServer, token: str, chance: random.Random, version: str, size: int) -> Iterator[tuple[str, str]]:
    """Filename and digest of each that was acknowledged; the kill comes at any moment of the first upload or a later one."""
    end = time.monotonic() + chance.uniform(0.1, 1.5)
    with new_client() as client, killed_at(server, end):
        for count in range(100):
            filename, content = wheel("acme", f"{version}.{count}", {"data.bin": chance.randbytes(size)})
            try:
                answer = server.upload(filename, content, token=token, client=client)
            except httpx2.TransportError:
                return
            assert answer.status_code == 200, answer.text
            yield filename, digest(content)


@contextmanager
def killed_at(server: LiveServer, moment: float) -> Iterator[None]:
    with ThreadPoolExecutor(1) as killer:
        killed = killer.submit(kill_at, server, moment)
        yield
        killed.result()


def kill_at(server: LiveServer, moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))
    server.kill()


def cleaned(data: Path, blobs: str) -> None:
    """As if all that is left were old enough."""
    with assembly.cleaner(Settings(data=data, blobs=blobs)) as cleaner:
        Cleaner(cleaner._catalog, cleaner._blobs, time.time, blob_age=-1.0).remove_orphans()
        cleaner._blobs.sweep(-1.0)
    AbandonedParts(blobs, "blobs", age=AT_ONCE).sweep()


def named_by(data: Path) -> set[str]:
    with assembly.cleaner(Settings(data=data)) as cleaner:
        return set(cleaner._catalog.named_blobs())
