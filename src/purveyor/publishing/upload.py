"""One upload as it arrives: the form as it was sent, the file staged and hashed on the way."""

import hashlib
from collections.abc import Callable, Mapping
from typing import Protocol

from msgspec import Struct

from purveyor.interfaces import Staging


class Digest(Protocol):
    def update(self, data: bytes, /) -> None: ...
    def hexdigest(self) -> str: ...


# The form field of each digest that clients send (PyPI's legacy upload API), and what computes it.
DIGEST_FIELDS: dict[str, Callable[[], Digest]] = {
    "sha256_digest": lambda: hashlib.sha256(usedforsecurity=False),
    "blake2_256_digest": lambda: hashlib.blake2b(digest_size=32, usedforsecurity=False),
    "md5_digest": lambda: hashlib.md5(usedforsecurity=False),
}


class Upload(Struct, frozen=True):
    """`declared` holds every value of every form field; nothing in it is believed. `digests` are of the bytes that came, in hex."""

    filename: str
    declared: Mapping[str, tuple[str, ...]]
    staging: Staging
    digests: Mapping[str, str]

    @property
    def sha256(self) -> str:
        return self.digests["sha256_digest"]
