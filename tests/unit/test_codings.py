"""Content codings."""

import gzip
import sys

import pytest

from purveyor.formats.codings import OFFERED, encode

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

DECODERS = {"gzip": gzip.decompress, "zstd": zstd.decompress}
PIECES = [b"", b"a" * 100_000, b"", bytes(range(256)) * 100, b"end"]


@pytest.mark.parametrize("coding", OFFERED)
@pytest.mark.parametrize("pieces", [PIECES, [b"".join(PIECES)], [b""], []])
def test_what_is_encoded_decodes_again(coding: str, pieces: list[bytes]) -> None:
    assert DECODERS[coding](b"".join(encode(pieces, coding))) == b"".join(pieces)


@pytest.mark.parametrize("coding", OFFERED)
def test_equal_content_gives_equal_bytes(coding: str) -> None:
    assert b"".join(encode(PIECES, coding)) == b"".join(encode(PIECES, coding))


def test_the_gzip_form_names_no_moment() -> None:
    assert b"".join(encode(PIECES, "gzip"))[4:8] == bytes(4)
