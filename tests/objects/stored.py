"""Distributions of known size, and what a bucket must hold when they are in it."""

import hashlib
import random
import time
from collections.abc import Callable

import httpx2

from tests.distributions import wheel
from tests.live_server import LiveServer
from tests.object_server import Bucket

SMALL = wheel("acme", "1.0", {"acme.py": "answer = 42\n"})
LARGE = wheel("acme", "2.0", {"acme.py": "answer = 43\n", "data.bin": random.Random(0).randbytes(3 << 20)})
BOTH = dict([SMALL, LARGE])
PATIENCE = 30.0


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def key(content: bytes) -> str:
    """Where a content is in the bucket."""
    sha256 = digest(content)
    return f"our-index/blobs/{sha256[:2]}/{sha256[2:]}"


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "It never came to that."
        time.sleep(0.05)


def settled(server: LiveServer, bucket: Bucket, *contents: bytes) -> None:
    """Return once these are in the bucket, and nowhere else."""
    until(lambda: {key(content) for content in contents} <= bucket.objects().keys())
    server.stop()
    server.start()


def url_of(server: LiveServer, filename: str, project: str = "acme") -> str:
    return next(str(file["url"]) for file in server.entries(project) if file["filename"] == filename)


def followed(server: LiveServer, url: str, **headers: str) -> httpx2.Response:
    return server.http.get(url, follow_redirects=True, headers=headers)
